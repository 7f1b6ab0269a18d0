"""The state of each container, from request to removal."""
