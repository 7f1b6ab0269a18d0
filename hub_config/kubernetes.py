"""Values for JupyterHub's Helm chart (z2jh), from the same settings as `make hub`:

    HUB_AUTHENTICATOR=github python -m hub_config.kubernetes > values.yaml
    helm upgrade --install hub jupyterhub/jupyterhub --values values.yaml

Kubernetes queues and places pods, so there is no service `mlws`. Profiles, limits, images,
confinement, storage and idle culling are the same; live resize, the queue's page and the trash of
volumes exist on Docker only.

``HUB_AUTHENTICATOR`` names the authenticator, as JupyterHub's ``authenticator_class`` does; its own
settings (client id and secret) belong into a second values file. Without one nothing is printed:
with the chart's default, any visitor can sign in under any name, also the administrator's.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from typing import Any

from hub_config.firewall import METADATA
from hub_config.setting_kinds import SettingError
from hub_config.settings import Settings
from jupyter_mlws.containers.models import Amount, Resources
from jupyter_mlws.hub.settings import SHARED_ORIGIN

GPU = "nvidia.com/gpu"
NEVER = 10 * 365 * 24 * 3600
"""Seconds between two looks at the proxy's traffic."""
TOLERATIONS = [
    {"key": "hub.jupyter.org/dedicated", "operator": "Equal", "value": "user"},
    {"key": "hub.jupyter.org_dedicated", "operator": "Equal", "value": "user"},
    {"key": GPU, "operator": "Exists"},
]
"""Of labs with GPUs: those that the chart gives to all labs, and that of nodes with GPUs."""
USER = 1000
"""The image's own."""
DEFAULT_STORAGE = "10Gi"
BLOCKED = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", *METADATA)
"""Addresses that labs do not reach: the cluster's and the cloud's."""
INSECURE_AUTHENTICATORS = ("dummy", "null", "tmp", "shared-password", "sharedpassword")
"""Authenticators that check no password, or one password that all users share."""


class AuthenticatorError(ValueError):
    """Error for a missing authenticator, or one without passwords."""

    def __init__(self, name: str) -> None:
        reason = f"{name!r} lets anyone sign in as any user" if name else "no authenticator is set"
        super().__init__(
            f"Cannot print the values: {reason}. Set HUB_AUTHENTICATOR, for example to github,"
            " generic-oauth, ldap or native."
        )


def is_insecure(authenticator: str) -> bool:
    """Return whether an ``authenticator_class``, by its short or full name, is none at all."""
    name = authenticator.rpartition(".")[2].lower()
    return name.removesuffix("authenticator") in INSECURE_AUTHENTICATORS or not name


def values(settings: Settings, authenticator: str) -> dict[str, Any]:
    """Return the chart's values; raise :class:`AuthenticatorError` without a real authenticator."""
    if is_insecure(authenticator):
        raise AuthenticatorError(authenticator)
    image = settings.images[settings.default_image]
    name, tag = _split(image)
    most = Resources.model_validate(dict(settings.max_resources)).amount
    default = Resources.model_validate(dict(settings.default_resources)).amount
    return {
        "hub": {
            "allowNamedServers": True,
            "namedServerLimitPerUser": 5,
            "config": {
                "JupyterHub": {
                    "authenticator_class": authenticator,
                    "subdomain_host": settings.subdomain,
                    "cookie_host_prefix_enabled": settings.cookies_for_host_alone,
                    # Labs report their activity; traffic of an open page is none.
                    "last_activity_interval": NEVER,
                },
                "Authenticator": {"admin_users": [settings.administrator]},
            },
        },
        # The chart starts the proxy itself, without the Hub's settings for it.
        "proxy": {"chp": {"extraCommandLineFlags": ["--host-routing"] * bool(settings.subdomain)}},
        "singleuser": {
            "image": {"name": name, "tag": tag},
            "cmd": "start-lab",
            "uid": USER,
            "fsGid": USER,
            "allowPrivilegeEscalation": False,
            "cloudMetadata": {"blockWithIptables": True},
            # The chart's rule for the internet includes only one address of metadata services.
            "networkPolicy": {
                "egressAllowRules": {"nonPrivateIPs": False},
                "egress": [{"to": [{"ipBlock": {"cidr": "0.0.0.0/0", "except": [*BLOCKED]}}]}],
            },
            "storage": {
                "capacity": settings.home_quota or DEFAULT_STORAGE,
                "homeMountPath": "/home/mlws",
            },
            **_limits(default),
            "extraEnv": {"JUPYTERHUB_ACTIVITY_INTERVAL": "60"},
            "profileList": _profiles(settings, most),
        },
        "prePuller": {
            # The default image is pulled anyway.
            "extraImages": {
                f"image-{number}": dict(zip(("name", "tag"), _split(other), strict=True))
                for number, other in enumerate(settings.images.values())
                if other != image
            }
        },
        "cull": {
            "enabled": bool(settings.idle_limit),
            "timeout": settings.idle_limit or 3600,
        },
    }


def _profiles(settings: Settings, most: Amount) -> list[dict[str, Any]]:
    rows = []
    for name, size in settings.profiles.items():
        amount = Resources.model_validate(dict(size)).amount
        if not amount.fits(most):
            continue
        override: dict[str, Any] = {
            "cpu_limit": amount.cpu,
            "cpu_guarantee": amount.cpu,
            "mem_limit": amount.memory,
            "mem_guarantee": amount.memory,
        }
        if amount.gpu:
            override["extra_resource_limits"] = {GPU: str(amount.gpu)}
            override["tolerations"] = [one | {"effect": "NoSchedule"} for one in TOLERATIONS]
        rows.append(
            {
                "slug": name,
                "display_name": name.capitalize(),
                "description": f"{size['cpu']} CPU, {size['memory']} memory",
                "kubespawner_override": override,
                "profile_options": _images(settings.images),
            }
        )
    return rows


def _images(images: Mapping[str, str]) -> dict[str, Any]:
    choices = {
        f"image-{number}": {"display_name": label, "kubespawner_override": {"image": image}}
        for number, (label, image) in enumerate(images.items())
    }
    return {"image": {"display_name": "Image", "choices": choices}}


def _limits(amount: Amount) -> dict[str, Any]:
    return {
        "cpu": {"limit": amount.cpu, "guarantee": amount.cpu},
        "memory": {"limit": amount.memory, "guarantee": amount.memory},
    }


def _split(image: str) -> tuple[str, str]:
    name, separator, tag = image.rpartition(":")
    return (name, tag) if separator and "/" not in tag else (image, "latest")


def main() -> int:
    try:
        settings = Settings.read()
        text = values(settings, os.environ.get("HUB_AUTHENTICATOR", "").strip())
    except (AuthenticatorError, SettingError) as error:
        print(error, file=sys.stderr)
        return 2
    if not settings.subdomain:
        print(SHARED_ORIGIN, file=sys.stderr)
    # JSON is YAML, and needs nothing but the standard library.
    print(json.dumps(text, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
