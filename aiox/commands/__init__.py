"""The use cases, one file each: canonical action, fields, gate, effect."""
