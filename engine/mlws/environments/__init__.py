"""What environment a command runs in, read from its words and from files; nothing is run."""
