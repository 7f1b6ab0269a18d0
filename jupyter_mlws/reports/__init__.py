"""Reports of a review: what changed between two versions, for a pull request."""
