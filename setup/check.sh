#!/bin/sh
# The quality gates of `make check`. All of them run, one line each with its time; the exit status is 1 if any failed.
# A gate's output is shown only when it failed, apart from the figures of the size gate.
# With names (sh setup/check.sh imports sizes) only those gates run.
set -u
cd "$(dirname "$0")/.." || exit 1
bin=.venv/bin
code="aiox policy registry component gateway orchestrator ai_worker setup tests bench"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 1' INT TERM
wanted=" ${*:-lint format types imports sizes protobuf documents actions api reference dashboards} "
failed=0

gate() {
  name=$1; shift
  case $wanted in *" $name "*) ;; *) return ;; esac
  from=$(date +%s%N)
  if "$@" >"$scratch/out" 2>&1; then verdict=ok; else verdict=FAILED; failed=1; fi
  printf '%-10s %-7s %5d ms\n' "$name" $verdict $((($(date +%s%N) - from) / 1000000))
  [ $verdict = ok ] && [ "$name" != sizes ] || sed 's/^/    /' "$scratch/out"
}

generated_code_is_current() {
  mkdir -p "$scratch/proto" && sh setup/protobuf.sh "$scratch/proto" || return 1
  for made in "$scratch"/proto/aiox/wire/v1/*; do
    cmp "$made" "aiox/wire/v1/$(basename "$made")" || stale=yes
  done
  [ "${stale:-no}" = no ] || { echo "mend: sh setup/protobuf.sh"; return 1; }
}

# shellcheck disable=SC2086
{
  gate lint $bin/ruff check $code
  gate format $bin/ruff format --check $code
  gate types $bin/mypy $code
  gate imports $bin/lint-imports --no-logo
  gate sizes $bin/python -m setup.sizes
  gate protobuf generated_code_is_current
  gate documents $bin/python -m setup.settings_document --check
  gate actions $bin/python -m setup.actions_document --check
  gate api $bin/python -m setup.api_document --check
  gate reference $bin/python -m setup.api_reference --check
  gate dashboards $bin/python -m setup.dashboards --check
}
exit $failed
