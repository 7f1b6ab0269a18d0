"""Projects that several people of a Hub share: code, data and experiments, with roles."""
