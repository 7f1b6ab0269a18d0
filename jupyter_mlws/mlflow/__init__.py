"""MLflow, in a process of its own: experiment tracking and the model registry."""
