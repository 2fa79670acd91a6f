"""Foreign code and foreign files are handled here: one process without network, host files, or time to spare."""
