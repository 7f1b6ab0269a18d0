"""The small part of this package that runs components in environments of a project."""
