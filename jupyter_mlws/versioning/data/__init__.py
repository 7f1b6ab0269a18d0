"""Versions of data: the data that a version names, datasets and their remotes."""
