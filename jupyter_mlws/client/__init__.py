"""Clients of the API: of a running server, of the Hub, and of a project in this process."""
