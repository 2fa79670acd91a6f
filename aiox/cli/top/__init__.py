"""`aiox top`: what the hub does, live, in a terminal. Made of what its services say on /readyz and /metrics."""
