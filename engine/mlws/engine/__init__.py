"""Runs the stages of a pipeline: scheduler, executors and warm workers."""
