"""Static analysis of the data flow between the cells of a Python notebook."""
