"""Where files lie: an object store behind one port, a folder or S3-compatible."""
