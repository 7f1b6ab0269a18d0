"""Projects: the git repositories that a person works in."""
