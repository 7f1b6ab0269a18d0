"""Capsules: archives of a snapshot with history, data and runs, to reproduce and to publish."""
