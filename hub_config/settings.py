"""Settings of an installation: what they mean, their defaults, and how they are read.

Each has a variable (``HUB_…``) and a key in the file of settings_file.py.
"""

# ruff: noqa: RUF009  `setting` returns a field

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
import re
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any

from hub_config import setting_kinds as kinds
from hub_config.setting_kinds import Kind, SettingError, to_text

ROOT = Path(__file__).resolve().parents[1]
CHINESE = Path(__file__).with_suffix(".zh_CN.json")
PROFILES = {
    "small": {"cpu": "500m", "memory": "1Gi"},
    "medium": {"cpu": "1", "memory": "2Gi"},
    "large": {"cpu": "2", "memory": "4Gi"},
    "gpu": {"cpu": "4", "memory": "8Gi", "gpu": "1"},
}
"""Available sizes; those above the limits are not offered."""
BRIDGE_LIMIT = 15
"""Maximum characters of a network interface's name in the kernel."""
MASK = "…"
"""Shown in place of a secret."""
PASSWORD = re.compile(r"(?<=://)([^/@\s]*):[^/@\s]*@")
"""The user and password of a URL."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def setting(
    default: Any,
    kind: Kind,
    about: str,
    *,
    variable: str = "",
    secret: bool = False,
) -> Any:
    """Return a field of :class:`Settings`; its variable is by default ``HUB_…``.

    A function as ``default`` is called with the values of the fields before it. ``about`` says what
    the setting means; its Chinese is in ``settings.zh_CN.json``.
    """
    return field(
        metadata={
            "default": default,
            "kind": kind,
            "about": about,
            "variable": variable,
            "secret": secret,
        }
    )


@cache
def chinese_texts() -> dict[str, str]:
    """Return what the settings mean in Chinese, by name; the first line of the file has no name."""
    texts: dict[str, str] = json.loads(CHINESE.read_text(encoding="utf-8"))
    return texts


def variable_of(one: Field[Any]) -> str:
    """Return the variable of a setting."""
    return str(one.metadata["variable"]) or f"HUB_{one.name.upper()}"


@dataclass(frozen=True)
class Settings:
    """One installation on this machine."""

    data: Path = setting(
        ROOT / "hub-data",
        kinds.FOLDER,
        "Folder of the database, secrets, logs and this file.",
    )
    name: str = setting(
        "mlws",
        kinds.NAME,
        "Prefix and label of everything in Docker.",
    )
    ip: str = setting(
        "127.0.0.1",
        kinds.ADDRESS,
        "Address at which users reach the Hub; put TLS in front of it on a network.",
    )
    port: int = setting(
        8000,
        kinds.PORT,
        "Port at which users reach the Hub.",
    )
    subdomain: str = setting(
        "",
        kinds.ORIGIN,
        "The Hub's own URL; each lab gets a subdomain of it. Empty: one origin for all.",
    )
    proxy_api_port: int = setting(
        8001,
        kinds.PORT,
        "Port of the proxy's API, on loopback.",
    )
    subnet: str = setting(
        "198.18.0.0/20",
        kinds.SUBNET,
        "Subnet of the containers; its first address is the host's.",
    )
    own_address: str = setting(
        "",
        kinds.ADDRESS,
        "Address at which Hub and service listen for labs. Empty: the host's among containers.",
        variable="HUB_ADDRESS",
    )
    api_port: int = setting(
        8081,
        kinds.PORT,
        "Port of the Hub on that address.",
    )
    service_port: int = setting(
        8082,
        kinds.PORT,
        "Port of the service on that address.",
    )
    host_ports: tuple[int, ...] = setting(
        (),
        kinds.PORTS,
        "Ports of this machine that labs can reach besides Hub and service.",
    )
    administrator: str = setting(
        "admin",
        kinds.TEXT,
        "The first administrator.",
        variable="HUB_ADMIN",
    )
    trusted_proxies: tuple[str, ...] = setting(
        (),
        kinds.NETWORKS,
        "Addresses or networks of your own proxies, which forward the addresses of users.",
    )
    database: str = setting(
        lambda values: f"sqlite:///{values['data'] / 'hub.sqlite'}",
        kinds.TEXT,
        "SQLAlchemy URL of the database of accounts.",
        variable="HUB_DB",
    )
    records: str = setting(
        lambda values: f"sqlite:///{values['data'] / 'mlws.sqlite'}",
        kinds.TEXT,
        "SQLAlchemy URL of the database of the service's records.",
        variable="MLWS_DB_URL",
    )
    image: str = setting(
        lambda values: f"{values['name']}-lab",
        kinds.TEXT,
        "Image that users get; by default the one that `make hub` builds.",
    )
    images: Mapping[str, str] = setting(
        lambda values: {"Lab": values["image"]},
        kinds.IMAGES,
        "Images that users choose from, by name.",
    )
    default_image: str = setting(
        lambda values: next(iter(values["images"])),
        kinds.TEXT,
        "Name of the image that is chosen first.",
    )
    default_resources: Mapping[str, str] = setting(
        {"cpu": "1", "memory": "2Gi"},
        kinds.RESOURCES,
        "Resources of containers that request none.",
    )
    max_resources: Mapping[str, str] = setting(
        {"cpu": "4", "memory": "8Gi", "gpu": "0"},
        kinds.RESOURCES,
        "Limit of one container.",
    )
    profiles: Mapping[str, Mapping[str, str]] = setting(
        PROFILES,
        kinds.PROFILES,
        "Sizes that users choose from; those above the limit are not offered.",
    )
    capacity: Mapping[str, Any] | None = setting(
        None,
        kinds.RESOURCES,
        "Limit of all containers together; by default what the machine has.",
    )
    cpu_overcommit: float = setting(
        1.0,
        kinds.FACTOR,
        "Cores promised to containers for each real core, unless capacity is set.",
    )
    user_limit: Mapping[str, Any] | None = setting(
        None,
        kinds.RESOURCES,
        "Limit of all containers of one user together, unless the user or a group has limits.",
    )
    budget_grace: float = setting(
        900.0,
        kinds.SECONDS,
        "Seconds to save work after a hard budget is used up, before containers are stopped.",
    )
    idle_limit: int = setting(
        0,
        kinds.COUNT,
        "Seconds after which an idle lab is stopped; 0: never.",
    )
    home_quota: str = setting(
        "",
        kinds.OPTIONAL_SIZE,
        "Quota of a user's files, such as 20Gi; above it, labs do not start. Empty: none.",
    )
    home_quota_grace: int = setting(
        900,
        kinds.COUNT,
        "Seconds over the quota after which running labs restart in rescue mode.",
    )
    disk_reserve: str = setting(
        "5Gi",
        kinds.OPTIONAL_SIZE,
        "Free disk space kept for the machine; below it, no lab starts. Empty: none.",
    )
    environments: int = setting(
        3,
        kinds.COUNT,
        "Number of environments that a user can save; 0: none.",
    )
    environment_size: str = setting(
        "5Gi",
        kinds.SIZE,
        "Total size of a user's environments, without their base images.",
    )
    shared_projects: int = setting(
        20,
        kinds.COUNT,
        "Number of shared projects that a user can own.",
    )
    shared_project_size: str = setting(
        "50Gi",
        kinds.SIZE,
        "Limit of the code and data of one shared project.",
    )
    tracking_url: str = setting(
        "",
        kinds.OPTIONAL_TEXT,
        "An MLflow server for all labs. Empty: none.",
    )
    team_folder: str = setting(
        lambda values: str(values["data"] / "team"),
        kinds.TEXT,
        "Folder of the code and data of shared projects.",
    )
    git_image: str = setting(
        "",
        kinds.OPTIONAL_TEXT,
        "Image with git for shared projects. Empty: the default image.",
    )
    team_url: str = setting(
        "",
        kinds.OPTIONAL_TEXT,
        "Base URL of the shared projects' workspaces in that MLflow.",
    )
    metrics_token: str = setting(
        "",
        kinds.OPTIONAL_TEXT,
        "Token with which Prometheus reads the metrics. Empty: none.",
        secret=True,
    )
    log_format: str = setting(
        "",
        kinds.LOG_FORMAT,
        '"ecs": logs are JSON lines with the field names of the Elastic Common Schema.',
    )
    queue_wait: float = setting(
        600.0,
        kinds.SECONDS,
        "Seconds that the spawn page waits in the queue.",
    )
    service: str = setting(
        "ask",
        kinds.ANSWER,
        '"yes": systemd starts the Hub at boot and after a crash; "ask": `make hub` asks.',
    )
    live_restore: str = setting(
        "ask",
        kinds.ANSWER,
        '"yes": labs outlive a restart of Docker, by a setting of Docker; "ask": `make hub` asks.',
    )
    swarm: bool = setting(
        False,
        kinds.FLAG,
        "Labs are services of Docker Swarm.",
    )
    publish_labs: bool = setting(
        False,
        kinds.FLAG,
        "On Swarm, labs are reached at a port of their node.",
    )
    extra_config: str = setting(
        "",
        kinds.OPTIONAL_TEXT,
        "Path of a file of JupyterHub configuration that is read last. Empty: none.",
        variable="HUB_CONFIG",
    )
    docker_host: str = setting(
        "",
        kinds.OPTIONAL_TEXT,
        "The Docker engine. Empty: the default socket.",
        variable="DOCKER_HOST",
    )
    docker_tls_verify: str = setting(
        "",
        kinds.OPTIONAL_TEXT,
        '"1": the certificate of the Docker engine is verified.',
        variable="DOCKER_TLS_VERIFY",
    )
    docker_cert_path: str = setting(
        "",
        kinds.OPTIONAL_TEXT,
        "Folder of the certificates for the Docker engine.",
        variable="DOCKER_CERT_PATH",
    )

    @classmethod
    def read(
        cls, environment: Mapping[str, str] = os.environ, file: Mapping[str, Any] | None = None
    ) -> Settings:
        """Return the settings: those of variables, then those of ``file``, then the defaults.

        Raises SettingError, which names the variable or the key.
        """
        values: dict[str, Any] = {}
        for one in fields(cls):
            variable, kind = variable_of(one), one.metadata["kind"]
            default = one.metadata["default"]
            text = environment.get(variable)
            if text:
                values[one.name] = check(kind, variable, text, parse=True)
            elif file and one.name in file:
                values[one.name] = check(kind, one.name, file[one.name])
            else:
                values[one.name] = default(values) if callable(default) else default
        if values["default_image"] not in values["images"]:
            raise SettingError(
                f"Invalid HUB_DEFAULT_IMAGE {values['default_image']!r}: set it to one of"
                f" {', '.join(values['images'])}."
            )
        return cls(**values)

    def variables(self) -> dict[str, str]:
        """Return the variables from which :meth:`read` returns these settings."""
        texts = {variable_of(one): to_text(getattr(self, one.name)) for one in fields(self)}
        return {variable: text for variable, text in texts.items() if text}

    @property
    def docker_variables(self) -> dict[str, str]:
        """The variables that tell Docker's programs which engine to use."""
        return {name: text for name, text in self.variables().items() if name.startswith("DOCKER_")}

    @property
    def gateway(self) -> str:
        """The host's address in the containers' network."""
        return str(ipaddress.ip_network(self.subnet)[1])

    @property
    def address(self) -> str:
        """Address at which Hub and service listen for labs."""
        return self.own_address or self.gateway

    @property
    def node_network(self) -> str:
        """On Swarm: name of each node's configuration of the containers' network."""
        return f"{self.name}-node"

    @property
    def bridge(self) -> str:
        """The interface of that network on the host."""
        name = f"br-{self.name}"
        if len(name) <= BRIDGE_LIMIT:
            return name
        return f"br-{hashlib.sha256(self.name.encode()).hexdigest()[:12]}"

    @property
    def url(self) -> str:
        """URL of the Hub on this machine."""
        host = "127.0.0.1" if self.ip in ("0.0.0.0", "") else self.ip
        return f"http://{host}:{self.port}"

    @property
    def public_url(self) -> str:
        """URL of the Hub for users."""
        return self.subdomain or self.url

    @property
    def shares_origin(self) -> bool:
        """True if labs and Hub share an origin that is reachable from other machines."""
        return not self.subdomain and self.ip not in LOOPBACK

    @property
    def cookies_for_host_alone(self) -> bool:
        """True if cookies have the prefix ``__Host-``, so that labs cannot set the Hub's."""
        return self.subdomain.startswith("https://")

    @property
    def service_url(self) -> str:
        """URL of the service for Hub and containers."""
        return f"http://{self.address}:{self.service_port}"

    @property
    def built_image(self) -> str:
        """Name of the image that `make hub` builds, unless other images are set."""
        return f"{self.name}-lab"

    @property
    def git_container(self) -> str:
        """Name of the container with git for shared projects."""
        return f"{self.name}-git"

    @property
    def builds_image(self) -> bool:
        """True if ``built_image`` is one of the images."""
        return self.built_image in self.images.values()

    def for_service(self) -> dict[str, Any]:
        """Return ``MLWS_SETTINGS``, the settings of the service."""
        return {
            "hub_name": self.name,
            "images": dict(self.images),
            "default_image": self.default_image,
            "default_resources": dict(self.default_resources),
            "max_resources": dict(self.max_resources),
            "profiles": {name: dict(size) for name, size in self.profiles.items()},
            "capacity": self.capacity,
            "cpu_overcommit": self.cpu_overcommit,
            "user_limit": self.user_limit,
            "budget_grace": self.budget_grace,
            "home_quota": self.home_quota,
            "home_quota_grace": self.home_quota_grace,
            "disk_reserve": self.disk_reserve,
            "team_folder": self.team_folder,
            "team_tracking": self.team_url,
            "environments": self.environments,
            "environment_size": self.environment_size,
            "shared_projects": self.shared_projects,
            "shared_project_size": self.shared_project_size,
            "swarm": self.swarm,
            "shares_origin": self.shares_origin,
            "cookies_for_host_alone": self.cookies_for_host_alone,
            "installation": self.describe(),
        }

    def describe(self) -> list[dict[str, Any]]:
        """Return all settings for readers, without secrets; the data folder decides the defaults.

        Each has ``name``, ``variable``, ``value`` as text, ``changed`` (whether it is not the
        default), and ``about`` by language.
        """
        default = Settings.read({"HUB_DATA": str(self.data)})
        return [
            {
                "name": one.name,
                "variable": variable_of(one),
                "value": to_display(one, getattr(self, one.name)),
                "changed": getattr(self, one.name) != getattr(default, one.name),
                "about": {"en": one.metadata["about"], "zh-CN": chinese_texts()[one.name]},
            }
            for one in fields(self)
            if one.name != "data"
        ]


def to_display(one: Field[Any], value: Any) -> str:
    """Return a value as text, without secrets."""
    text = to_text(value)
    if one.metadata["secret"]:
        return MASK if text else ""
    return PASSWORD.sub(rf"\1:{MASK}@", text)


def check(kind: Kind, name: str, value: Any, parse: bool = False) -> Any:
    """Return the value of a setting, parsed from a text on request; ``name`` is for the error.

    Raises SettingError.
    """
    try:
        return kind.check(kind.parse(value) if parse else value)
    except (ValueError, TypeError, AttributeError) as error:
        raise SettingError(f"Invalid {name} {value!r}: set it to {kind.valid}.") from error
