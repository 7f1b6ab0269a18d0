"""Values for JupyterHub's Helm chart (z2jh), from the same settings as `make hub`:

    python -m hub_config.kubernetes > values.yaml
    helm upgrade --install hub jupyterhub/jupyterhub --values values.yaml

Kubernetes queues and places by itself, so there is no service `mlws`. Profiles, limits, images,
confinement, storage and idle culling are the same; live resize, the queue's page and the trash of
volumes are Docker's alone.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from hub_config.settings import Settings
from jupyter_mlws.containers.models import Amount, Resources

GPU = "nvidia.com/gpu"
USER = 1000
"""The image's own."""
DEFAULT_STORAGE = "10Gi"


def values(settings: Settings) -> dict[str, Any]:
    """The chart's values."""
    image = settings.images[settings.default_image]
    name, tag = _split(image)
    most = Resources.model_validate(dict(settings.max_resources)).amount
    default = Resources.model_validate(dict(settings.default_resources)).amount
    return {
        "hub": {
            "allowNamedServers": True,
            "namedServerLimitPerUser": 5,
            "config": {
                "JupyterHub": {"admin_access": False},
                "Authenticator": {"admin_users": [settings.administrator]},
            },
        },
        "singleuser": {
            "image": {"name": name, "tag": tag},
            "cmd": "start-lab",
            "uid": USER,
            "fsGid": USER,
            "allowPrivilegeEscalation": False,
            "cloudMetadata": {"blockWithIptables": True},
            "storage": {
                "capacity": settings.home_quota or DEFAULT_STORAGE,
                "homeMountPath": "/home/mlws",
            },
            **_limits(default),
            "extraEnv": {"JUPYTERHUB_ACTIVITY_INTERVAL": "60"},
            "profileList": _profiles(settings, most),
        },
        "cull": {
            "enabled": bool(settings.idle_limit),
            "timeout": settings.idle_limit or 3600,
        },
    }


def _profiles(settings: Settings, most: Amount) -> list[dict[str, Any]]:
    found = []
    for name, given in settings.profiles.items():
        amount = Resources.model_validate(dict(given)).amount
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
        found.append(
            {
                "slug": name,
                "display_name": name.capitalize(),
                "description": f"{given['cpu']} CPU, {given['memory']} memory",
                "kubespawner_override": override,
                "profile_options": _images(settings.images),
            }
        )
    return found


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


if __name__ == "__main__":
    # JSON is YAML, and needs nothing but the standard library.
    json.dump(values(Settings.read()), sys.stdout, indent=2)
    sys.stdout.write("\n")
