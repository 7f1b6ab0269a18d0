"""Settings of the Hub's service, from the environment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_mlws.containers.models import Amount, Resources
from jupyter_mlws.containers.quantities import parse_memory
from jupyter_mlws.hub.scheduling.policy import Policy

DATABASE = "mlws.sqlite"
TEAM = "team"
SHARED_ORIGIN = (
    "HUB_SUBDOMAIN is not set: the Hub and all labs share one origin, so a script in a user's lab"
    " can read the XSRF token of any user who opens that lab, and act as that user. Set it if users"
    " do not trust each other; see 'Subdomains' in hub_config/README.md."
)


@dataclass(frozen=True)
class Settings:
    """Settings of the Hub's service, from its environment.

    ``capacity`` None means all resources of the machine, ``user_limit`` None no limit.

    ``MLWS_SETTINGS`` is JSON: hub_name, images, default_image, default_resources, max_resources,
    capacity, user_limit, home_quota, disk_reserve, environment_size, shared_project_size (all in
    the notation that users write), cpu_overcommit, budget_grace, home_quota_grace,
    storage_interval, environments, shared_projects, swarm, shared_homes, shares_origin,
    cookies_for_host_alone, installation, team_folder (by default in ``HUB_DATA`` or the working
    directory) and team_tracking. ``MLWS_DB_URL`` is the database URL, by default of a SQLite file
    in that same directory.
    """

    hub_name: str
    policy: Policy
    capacity: Amount | None
    user_limit: Amount | None
    home_quota: int | None
    disk_reserve: int
    """Bytes of free disk below which no container starts."""
    database: str
    admission_token: str
    team_folder: Path
    service_address: str
    """URL of the service for labs."""
    tracking_address: str
    """URL of MLflow for shared projects; empty if unused."""
    public_address: str = "/services/mlws/"
    """URL of the service for browsers; a path where JupyterHub does not know its own."""
    cpu_overcommit: float = 1.0
    """Cores that are promised for each real core, unless ``capacity`` is set."""
    budget_grace: float = 900.0
    """Seconds from the notice that a hard budget is used up to the stop."""
    home_quota_grace: float = 900.0
    """Seconds over the quota after which labs restart in rescue mode."""
    storage_interval: float = 60.0
    """Seconds between two checks of the disk and of the homes of running labs."""
    data_folder: Path = Path()
    """Folder that the Hub and its service share."""
    environments: int = 3
    """Maximum number of saved environments per user."""
    environment_size: int | None = None
    """Maximum bytes of a user's environments beyond their base images."""
    shared_projects: int = 20
    """How many a user may own."""
    shared_project_size: int = 50 * 1024**3
    """Maximum bytes of the code and data of a shared project."""
    swarm: bool = False
    """Whether containers are services of Docker Swarm."""
    shared_homes: bool = False
    """True if all nodes of the Swarm share the users' files, by a volume driver."""
    shares_origin: bool = False
    """True if labs and Hub share an origin that is reachable from other machines."""
    cookies_for_host_alone: bool = False
    """True if cookies have the prefix ``__Host-``."""
    installation: Sequence[Mapping[str, Any]] = ()
    """Settings of the installation as administrators see them, without secrets."""

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings; a KeyError or ValueError names what is missing or invalid."""
        config = json.loads(environment["MLWS_SETTINGS"])
        folder = Path(environment.get("HUB_DATA", ".")).resolve()
        return cls(
            hub_name=config.get("hub_name") or environment.get("MLWS_HUB_NAME", "mlws"),
            policy=Policy.from_settings(config),
            capacity=_amount(config.get("capacity")),
            user_limit=_amount(config.get("user_limit")),
            home_quota=parse_memory(config["home_quota"]) if config.get("home_quota") else None,
            disk_reserve=parse_memory(config.get("disk_reserve") or "0"),
            home_quota_grace=float(config.get("home_quota_grace", 900)),
            storage_interval=float(config.get("storage_interval", 60)),
            data_folder=folder,
            database=environment.get("MLWS_DB_URL") or f"sqlite:///{folder / DATABASE}",
            admission_token=environment.get("MLWS_ADMISSION_TOKEN", ""),
            team_folder=Path(config.get("team_folder") or folder / TEAM),
            service_address=environment.get("MLWS_SERVICE_URL", "")
            + environment.get("JUPYTERHUB_SERVICE_PREFIX", "/services/mlws/"),
            public_address=environment.get("JUPYTERHUB_PUBLIC_URL")
            or environment.get("JUPYTERHUB_SERVICE_PREFIX", "/services/mlws/"),
            tracking_address=config.get("team_tracking") or "",
            cpu_overcommit=float(config.get("cpu_overcommit", 1.0)),
            budget_grace=float(config.get("budget_grace", 900.0)),
            environments=int(config.get("environments", 3)),
            environment_size=parse_memory(config["environment_size"])
            if config.get("environment_size")
            else None,
            shared_projects=int(config.get("shared_projects", 20)),
            shared_project_size=parse_memory(config.get("shared_project_size", "50Gi")),
            swarm=bool(config.get("swarm")),
            shared_homes=bool(config.get("shared_homes")),
            shares_origin=bool(config.get("shares_origin")),
            cookies_for_host_alone=bool(config.get("cookies_for_host_alone")),
            installation=config.get("installation", ()),
        )


def _amount(resources: Mapping[str, object] | None) -> Amount | None:
    return None if resources is None else Resources.model_validate(dict(resources)).amount
