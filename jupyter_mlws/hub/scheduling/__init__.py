"""The queue of containers, and what each may use."""
