"""git and its remotes: the adapter, and what asks a person for credentials."""
