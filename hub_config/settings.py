"""Settings of an installation, from the environment. README.md has the table."""

# ruff: noqa: RUF009  `setting` returns a field

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[1]
PROFILES = {
    "small": {"cpu": "500m", "memory": "1Gi"},
    "medium": {"cpu": "1", "memory": "2Gi"},
    "large": {"cpu": "2", "memory": "4Gi"},
    "gpu": {"cpu": "4", "memory": "8Gi", "gpu": "1"},
}
"""Available sizes; those above the limits are not offered."""
BRIDGE_LIMIT = 15
"""Maximum characters of a network interface's name in the kernel."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


class SettingError(ValueError):
    """Error for an invalid variable; the message names it and a valid value."""


def setting(default: Any, read: Callable[[str], Any] = str, variable: str = "") -> Any:
    """Return a field that :meth:`Settings.read` reads from a variable, by default ``HUB_…``.

    A function as ``default`` is called with the values of the fields before it.
    """
    return field(metadata={"default": default, "read": read, "variable": variable})


@dataclass(frozen=True)
class Settings:
    """One installation on this machine."""

    data: Path = setting(ROOT / "hub-data", lambda text: Path(text).absolute())
    name: str = setting("mlws")
    ip: str = setting("127.0.0.1")
    port: int = setting(8000, int)
    subdomain: str = setting("", lambda text: _origin(text))
    proxy_api_port: int = setting(8001, int)
    subnet: str = setting("198.18.0.0/20")
    own_address: str = setting("", variable="HUB_ADDRESS")
    api_port: int = setting(8081, int)
    service_port: int = setting(8082, int)
    host_ports: tuple[int, ...] = setting(
        (), lambda text: tuple(int(port) for port in text.split(",") if port)
    )
    trusted_proxies: tuple[str, ...] = setting(
        (), lambda text: tuple(part.strip() for part in text.split(",") if part.strip())
    )
    administrator: str = setting("admin", variable="HUB_ADMIN")
    database: str = setting(
        lambda values: f"sqlite:///{values['data'] / 'hub.sqlite'}", variable="HUB_DB"
    )
    records: str = setting(
        lambda values: f"sqlite:///{values['data'] / 'mlws.sqlite'}", variable="MLWS_DB_URL"
    )
    image: str = setting(lambda values: f"{values['name']}-lab")
    images: Mapping[str, str] = setting(lambda values: {"Lab": values["image"]}, json.loads)
    default_image: str = setting(lambda values: next(iter(values["images"])))
    default_resources: Mapping[str, str] = setting({"cpu": "1", "memory": "2Gi"}, json.loads)
    max_resources: Mapping[str, str] = setting(
        {"cpu": "4", "memory": "8Gi", "gpu": "0"}, json.loads
    )
    profiles: Mapping[str, Mapping[str, str]] = setting(PROFILES, json.loads)
    capacity: Mapping[str, Any] | None = setting(None, json.loads)
    user_limit: Mapping[str, Any] | None = setting(None, json.loads)
    idle_limit: int = setting(0, int)
    home_quota: str = setting("")
    environments: int = setting(3, int)
    environment_size: str = setting("5Gi")
    shared_projects: int = setting(20, int)
    shared_project_size: str = setting("50Gi")
    tracking_url: str = setting("")
    team_folder: str = setting(lambda values: str(values["data"] / "team"))
    git_image: str = setting("")
    team_url: str = setting("")
    metrics_token: str = setting("")
    log_format: str = setting("")
    queue_wait: float = setting(600.0, float)
    swarm: bool = setting(False, lambda text: text == "1")
    publish_labs: bool = setting(False, lambda text: text == "1")
    extra_config: str = setting("", variable="HUB_CONFIG")

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings from variables, with defaults for missing ones."""
        values: dict[str, Any] = {}
        for one in fields(cls):
            text = environment.get(one.metadata["variable"] or f"HUB_{one.name.upper()}")
            default = one.metadata["default"]
            if text:
                values[one.name] = one.metadata["read"](text)
            else:
                values[one.name] = default(values) if callable(default) else default
        return cls(**values)

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
            "user_limit": self.user_limit,
            "home_quota": self.home_quota,
            "team_folder": self.team_folder,
            "team_tracking": self.team_url,
            "environments": self.environments,
            "environment_size": self.environment_size,
            "shared_projects": self.shared_projects,
            "shared_project_size": self.shared_project_size,
            "swarm": self.swarm,
            "shares_origin": self.shares_origin,
            "cookies_for_host_alone": self.cookies_for_host_alone,
        }


def _origin(address: str) -> str:
    """Return the origin (scheme, name, port) of ``HUB_SUBDOMAIN``; https if it has no scheme."""
    if not address:
        return ""
    parts = urlsplit(address if "://" in address else f"https://{address}")
    name = parts.hostname or ""
    try:
        ipaddress.ip_address(name)
        is_name = False
    except ValueError:
        is_name = bool(name)
    rest = (parts.path.strip("/"), parts.query, parts.fragment, parts.username or "")
    if parts.scheme not in ("http", "https") or not is_name or any(rest):
        raise SettingError(
            f"Invalid HUB_SUBDOMAIN {address!r}: set it to the Hub's own address, for example"
            " https://hub.example.org. Its subdomains must point to the same machine."
        )
    return f"{parts.scheme}://{parts.netloc.lower()}"
