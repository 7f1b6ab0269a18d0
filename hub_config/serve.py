"""The Hub in a container of compose.yaml: its secrets, its network, the first account, the Hub.

    python -m hub_config.serve

Passwords and tokens come as files, whose names are in variables that end in ``_FILE``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

from hub_config import requirements
from hub_config.settings import Settings

CONFIG = Path(__file__).with_name("jupyterhub_config.py")


def secret(name: str) -> str:
    """The content of the file that a variable names."""
    return Path(os.environ[f"{name}_FILE"]).read_text().strip()


def environment() -> dict[str, str]:
    """What the Hub is started with."""
    host, port = os.environ["HUB_POSTGRES_HOST"], os.environ["HUB_POSTGRES_PORT"]
    password = quote(secret("HUB_POSTGRES_PASSWORD"), safe="")
    database = f"postgresql+psycopg2://mlws:{password}@{host}:{port}/mlws"
    return {
        **os.environ,
        "HUB_DB": database,
        "MLWS_DB_URL": database,
        "HUB_METRICS_TOKEN": secret("HUB_METRICS_TOKEN"),
        "HUB_PROXY": json.dumps(requirements.proxy()),
    }


def network(settings: Settings) -> None:
    """The containers' network, in which the host has the address where Hub and service listen."""
    import docker

    from jupyter_mlws.hub.docker import container_config

    client = docker.APIClient(version="auto", **docker.utils.kwargs_from_env())
    # Docker's own search also finds names that only hold this one.
    if settings.name not in {row["Name"] for row in client.networks()}:
        client.create_network(
            **container_config.network(settings.name, settings.bridge, settings.subnet)
        )
    client.close()


def main() -> None:
    variables = environment()
    settings = Settings.read(variables)
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    network(settings)
    # A container's processes end with it, but the volume has the proxy's number still. The Hub ends
    # whoever has that number now, which may be itself.
    (settings.data / "proxy.pid").unlink(missing_ok=True)
    if requirements.administrator(settings, secret("MLWS_ADMIN_PASSWORD")):
        print(f"Created the administrator {settings.administrator!r}.", flush=True)
    os.chdir(settings.data)
    arguments = [sys.executable, "-m", "jupyterhub", "-f", str(CONFIG)]
    os.execve(sys.executable, arguments, variables)


if __name__ == "__main__":
    try:
        main()
    except (KeyError, OSError, subprocess.CalledProcessError) as error:
        detail = getattr(error, "stderr", None) or error
        sys.exit(f"Cannot start the Hub: {detail}")
