"""Snapshots on their way to a remote: the outbox, its hook, and recovery after a crash."""
