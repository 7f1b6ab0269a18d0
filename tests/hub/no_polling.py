"""Settings of the tests' Hubs: they know what Docker's events say, and nothing by polling."""

c = get_config()  # noqa: F821  JupyterHub defines it
c.Spawner.poll_interval = 3600
