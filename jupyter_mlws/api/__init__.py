"""What every handler shares: the base handler, envelope, paging, streams and openapi."""
