"""Additional configuration of the tests' Hubs, read by JupyterHub after hub_config's own.

They learn what happens from Docker's events alone, not by polling. They hash passwords with little
work. The service is started again one second after its end, with settings that a test has changed.
"""

import json
import os
from pathlib import Path

from argon2 import PasswordHasher
from jupyterhub.services import service
from traitlets import Integer

from jupyter_mlws.hub.accounts import passwords

CHANGED_SETTINGS = "changed-settings.json"
"""File in ``HUB_DATA``: what replaces entries of the service's ``MLWS_SETTINGS``."""

c = get_config()  # noqa: F821  JupyterHub defines it
c.Spawner.poll_interval = 3600

passwords.hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def pre_spawn_hook(spawner):
    """Let no start of this user's wait in the queue."""
    if spawner.user.name == "hasty":
        spawner.queue_wait = 0.0


c.Spawner.pre_spawn_hook = pre_spawn_hook


class ServiceSpawner(service._ServiceSpawner):
    """Spawner of managed services, with a short interval and changed settings."""

    poll_interval = Integer(1)

    def start(self):
        changed = Path(os.environ["HUB_DATA"]) / CHANGED_SETTINGS
        if self._service_name == "mlws" and changed.is_file():
            settings = json.loads(self.environment["MLWS_SETTINGS"])
            settings |= json.loads(changed.read_text())
            self.environment["MLWS_SETTINGS"] = json.dumps(settings)
        return super().start()


service._ServiceSpawner = ServiceSpawner
