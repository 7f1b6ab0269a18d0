"""The library of components, one file a category. Heavy libraries are imported in functions."""

ORDER = ("load", "clean", "split", "train", "evaluate", "plot")
"""The categories in the order of the palette."""
