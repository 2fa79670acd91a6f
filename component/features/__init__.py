"""What the agents speak beside plain messages: one file per family of XEPs."""
