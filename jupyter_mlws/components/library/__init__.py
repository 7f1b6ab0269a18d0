"""The library of components. Heavy libraries are imported in functions."""

ORDER = (
    "load",
    "text",
    "image",
    "prepare",
    "preparation",
    "clean",
    "check",
    "transform",
    "series",
    "features",
    "split",
    "train",
    "training",
    "network",
    "tune",
    "evaluate",
    "plot",
    "curves",
    "export",
    "register",
)
"""The files in the order of the palette."""
