"""Settings of an installation, from the environment. README.md has the table."""

from __future__ import annotations

import hashlib
import ipaddress
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
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


@dataclass(frozen=True)
class Settings:
    """One installation on this machine."""

    data: Path
    name: str
    ip: str
    port: int
    subdomain: str
    proxy_api_port: int
    subnet: str
    own_address: str
    api_port: int
    service_port: int
    host_ports: tuple[int, ...]
    administrator: str
    database: str
    records: str
    images: Mapping[str, str]
    default_image: str
    default_resources: Mapping[str, str]
    max_resources: Mapping[str, str]
    profiles: Mapping[str, Mapping[str, str]]
    capacity: Mapping[str, Any] | None
    user_limit: Mapping[str, Any] | None
    idle_limit: int
    home_quota: str
    environments: int
    environment_size: str
    shared_projects: int
    shared_project_size: str
    tracking_url: str
    team_folder: str
    git_image: str
    team_url: str
    metrics_token: str
    log_format: str
    queue_wait: float
    swarm: bool
    publish_labs: bool
    extra_config: str

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read the settings from variables, with defaults for missing ones."""

        def text(name: str, default: str) -> str:
            return environment.get(f"HUB_{name}") or default

        def value(name: str, default: Any) -> Any:
            raw = environment.get(f"HUB_{name}")
            return json.loads(raw) if raw else default

        data = Path(text("DATA", str(ROOT / "hub-data"))).absolute()
        name = text("NAME", "mlws")
        images = value("IMAGES", {"Lab": text("IMAGE", f"{name}-lab")})
        return cls(
            data=data,
            name=name,
            ip=text("IP", "127.0.0.1"),
            port=int(text("PORT", "8000")),
            subdomain=_origin(text("SUBDOMAIN", "")),
            proxy_api_port=int(text("PROXY_API_PORT", "8001")),
            subnet=text("SUBNET", "198.18.0.0/20"),
            own_address=text("ADDRESS", ""),
            api_port=int(text("API_PORT", "8081")),
            service_port=int(text("SERVICE_PORT", "8082")),
            host_ports=tuple(int(port) for port in text("HOST_PORTS", "").split(",") if port),
            administrator=text("ADMIN", "admin"),
            database=text("DB", f"sqlite:///{data / 'hub.sqlite'}"),
            records=environment.get("MLWS_DB_URL") or f"sqlite:///{data / 'mlws.sqlite'}",
            images=images,
            default_image=text("DEFAULT_IMAGE", next(iter(images))),
            default_resources=value("DEFAULT_RESOURCES", {"cpu": "1", "memory": "2Gi"}),
            max_resources=value("MAX_RESOURCES", {"cpu": "4", "memory": "8Gi", "gpu": "0"}),
            profiles=value("PROFILES", PROFILES),
            capacity=value("CAPACITY", None),
            user_limit=value("USER_LIMIT", None),
            idle_limit=int(text("IDLE_LIMIT", "0")),
            home_quota=text("HOME_QUOTA", ""),
            environments=int(text("ENVIRONMENTS", "3")),
            environment_size=text("ENVIRONMENT_SIZE", "5Gi"),
            shared_projects=int(text("SHARED_PROJECTS", "20")),
            shared_project_size=text("SHARED_PROJECT_SIZE", "50Gi"),
            tracking_url=text("TRACKING_URL", ""),
            team_folder=text("TEAM_FOLDER", str(data / "team")),
            git_image=text("GIT_IMAGE", ""),
            team_url=text("TEAM_URL", ""),
            metrics_token=text("METRICS_TOKEN", ""),
            log_format=text("LOG_FORMAT", ""),
            queue_wait=float(text("QUEUE_WAIT", "600")),
            swarm=text("SWARM", "") == "1",
            publish_labs=text("PUBLISH_LABS", "") == "1",
            extra_config=text("CONFIG", ""),
        )

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
