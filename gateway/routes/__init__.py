"""The HTTP routes: one per canonical action."""
