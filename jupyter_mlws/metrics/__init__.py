"""The lab's numbers for Prometheus."""
