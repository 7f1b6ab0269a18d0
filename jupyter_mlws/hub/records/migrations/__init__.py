"""The tables of the Hub's service, by version; run at its start."""
