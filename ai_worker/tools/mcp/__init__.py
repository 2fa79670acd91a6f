"""Tools of MCP servers: strangers' programs in the sandbox, or strangers' services by the one way out."""
