"""The base of every other package: core imports none of them."""
