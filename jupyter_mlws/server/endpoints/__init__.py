"""Endpoints by their area: what a request does, in the terms of the features."""
