"""Files to Markdown: what a document says, with its headings. Runs in a process of its own that can be killed."""
