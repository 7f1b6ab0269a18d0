"""What the service serves: endpoints, and git and data of shared projects over HTTP."""
