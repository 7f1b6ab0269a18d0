"""Versions of data: which data a version names, datasets and their remotes."""
