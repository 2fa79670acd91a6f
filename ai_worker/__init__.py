"""The pool that thinks: service, turn, model, memory. Takes turns over gRPC; owner and agent come from the token."""
