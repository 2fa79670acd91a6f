"""Agents to begin with, one file each, and the command that lists them."""
