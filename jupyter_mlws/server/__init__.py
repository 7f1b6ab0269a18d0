"""The Jupyter server: what it serves, above all features."""
