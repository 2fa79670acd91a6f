"""The hub: takes admitted messages, sequences the steps of a turn, concludes it in one commit."""
