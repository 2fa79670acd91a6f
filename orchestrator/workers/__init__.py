"""The workers as the orchestrator sees them: who is there, who is free, and the gRPC link to each."""
