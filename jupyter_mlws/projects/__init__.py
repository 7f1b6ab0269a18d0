"""Projects: git repositories below the server's root."""
