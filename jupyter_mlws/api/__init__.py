"""Base of all handlers: registry of endpoints, envelope, pagination, streams and OpenAPI."""
