"""The library of components. Heavy libraries are imported in functions."""

ORDER = ("load", "prepare", "clean", "split", "train", "training", "evaluate", "plot")
"""The files in the order of the palette."""
