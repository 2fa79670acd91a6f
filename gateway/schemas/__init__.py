"""What the API answers, as JSON, one file per subject. What it takes are the fields of the commands themselves."""
