"""One store for all that is logged: server, kernels, executions and workflow nodes."""
