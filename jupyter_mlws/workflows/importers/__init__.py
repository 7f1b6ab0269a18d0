"""Makes workflows of what other tools wrote: Elyra's pipelines, notebooks, definitions as JSON."""
