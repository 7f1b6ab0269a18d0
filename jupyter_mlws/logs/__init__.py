"""One log of the server, kernels, executions, workflow nodes and the container."""
