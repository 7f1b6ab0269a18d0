"""The environments that nodes and cells run in: interpreter, packages and their sources."""
