"""The version, for code that may not import the whole package; jupyter-mlws checks that it is its own."""

__version__ = "0.1.0"
