"""The HTTP door: translates requests into commands, and their results into JSON and problem documents."""
