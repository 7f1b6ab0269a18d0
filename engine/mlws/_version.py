"""The version, which is that of jupyter-mlws; for code that may not import the whole package."""

__version__ = "0.1.0"
