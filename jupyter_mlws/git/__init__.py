"""git and its remotes: the adapter, and the prompts for credentials."""
