"""`doctor`: checks of a project and of this machine, each with cause and repair."""
