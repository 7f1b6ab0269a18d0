"""Foundation of the engine's other packages, which core does not import."""
