"""Where the Hub's service is, as the Hub tells a lab. Imported by what starts early: it imports
nothing itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import urljoin

SERVICE = "services/mlws/"


def service_address(environment: Mapping[str, str] = os.environ) -> str | None:
    """The address of the service; None without a Hub.

    The Hub sets ``MLWS_SERVICE_URL``, the address at which containers reach the service.
    """
    address = environment.get("MLWS_SERVICE_URL")
    if not address:
        return None
    return urljoin(address, f"{environment.get('JUPYTERHUB_BASE_URL', '/')}{SERVICE}")
