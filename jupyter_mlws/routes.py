"""Every endpoint of the server: pattern below the prefix, and its handler; the first that fits."""

from __future__ import annotations

from jupyter_mlws import handlers
from jupyter_mlws.api.base import NotFoundHandler
from jupyter_mlws.containers import handlers as containers
from jupyter_mlws.logs import handlers as logs
from jupyter_mlws.metrics import handlers as metrics
from jupyter_mlws.notebooks import handlers as notebooks
from jupyter_mlws.projects import handlers as projects
from jupyter_mlws.team import handlers as team
from jupyter_mlws.versioning import handlers as versioning
from jupyter_mlws.workflows import handlers as workflows

ROUTES = [
    *handlers.HANDLERS,
    *projects.HANDLERS,
    *containers.HANDLERS,
    *team.HANDLERS,
    *logs.HANDLERS,
    *metrics.HANDLERS,
    *notebooks.HANDLERS,
    *versioning.HANDLERS,
    *workflows.HANDLERS,
    (r".*", NotFoundHandler),
]
