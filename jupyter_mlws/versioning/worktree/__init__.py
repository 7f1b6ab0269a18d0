"""The working tree: its status, and the switch from one version to another."""
