#!/bin/sh
# Regenerates aiox/wire/v1 from proto/. `make check` fails when the result differs from what is committed.
set -eu
out=${1:-.}
PATH="$PWD/.venv/bin:$PATH" # where protoc finds its mypy plugins
export PATH
.venv/bin/python -m grpc_tools.protoc -I proto --python_out="$out" --mypy_out="$out" --grpc_python_out="$out" \
  --mypy_grpc_out="$out" proto/aiox/wire/v1/*.proto
