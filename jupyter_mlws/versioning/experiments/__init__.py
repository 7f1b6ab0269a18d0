"""Runs and what they tell MLflow, which lives in a process of its own."""
