"""Groups of commands, one file each: `aiox <group> <command>`. Each file has an `app`, added in aiox/cli/main.py."""
