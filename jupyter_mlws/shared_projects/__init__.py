"""Projects that users of a Hub share: code, data and experiments, with roles."""
