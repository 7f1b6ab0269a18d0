"""One script a version; scripts that were released never change."""
