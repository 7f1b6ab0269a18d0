"""Endpoints of the service, and its HTTP handlers for git and data of shared projects."""
