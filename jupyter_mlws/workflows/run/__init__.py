"""Runs of workflows: planned, started, journaled and recovered."""
