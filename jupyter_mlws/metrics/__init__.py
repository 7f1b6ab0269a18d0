"""The lab's metrics for Prometheus."""
