"""What a thing came of, and what came of it."""
