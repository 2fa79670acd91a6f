"""protobuf to words and back; `v1/` is generated from `proto/aiox/wire/v1`."""
