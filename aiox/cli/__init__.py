"""The roof and only composition root: `aiox ...`."""
