"""Starts and stops a JupyterHub on this machine; needs nothing but Python's standard library."""
