"""Long-term memory: cut, embed, store, recall. Every query filters by owner, agent and subject."""
