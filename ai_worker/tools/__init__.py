"""The code of the hub's tools, one file each, and how a call is checked, asked for and run."""
