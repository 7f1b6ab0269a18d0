"""Start the Hub in a container of compose.yaml: secrets, network, first account, JupyterHub.

    python -m hub_config.serve

Passwords and tokens are read from files, whose paths are in variables with the suffix ``_FILE``.
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
    """Return the environment of the Hub."""
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
    """Create the containers' network, with the address at which Hub and service listen."""
    import docker

    from jupyter_mlws.hub.docker import container_config

    client = docker.APIClient(version="auto", **docker.utils.kwargs_from_env())
    # Docker's filter also matches names that contain this one.
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
    # The volume still has the process id of the last container's proxy. The Hub would kill the
    # process with that id, possibly itself.
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
