"""What the cells of a Python notebook hand to each other, read from their code."""
