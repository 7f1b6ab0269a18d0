"""Projects that users share: repositories, data and MLflow."""
