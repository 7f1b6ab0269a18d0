"""Foundation of the other packages, which core does not import."""
