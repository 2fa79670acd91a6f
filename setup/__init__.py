"""Set-up and quality gates: what runs before and beside the hub, never inside it."""
