"""A notebook as a node: its settings, its run, and an output that equal runs make equal."""
