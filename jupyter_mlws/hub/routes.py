"""Every endpoint of the service's API: pattern below the prefix, and its handler."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.hub.handlers import HANDLERS
from jupyter_mlws.hub.team_handlers import TEAM_HANDLERS

ROUTES: list[tuple[str, Any]] = [*HANDLERS, *TEAM_HANDLERS]
