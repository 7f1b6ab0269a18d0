"""Run context providers of MLflow: tags of a run's commit and of its notebook execution.

MLflow loads this by an entry point into every process that starts runs, so it imports nothing.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

VARIABLE = "MLWS_TRACK"
AUTO = "auto"
EXECUTION = "mlws.execution"
"""Tag of a run with the notebook execution that started it."""


class Execution:
    """Tag provider for the notebook execution in which a run was started."""

    def in_context(self) -> bool:
        """Return True in a kernel that is executing a request."""
        return self._request() is not None

    def tags(self) -> dict[str, str]:
        """Return the id of the request that the kernel executes."""
        request = self._request()
        return {} if request is None else {EXECUTION: request}

    def _request(self) -> str | None:
        shells = sys.modules.get("IPython.core.getipython")
        shell = shells.get_ipython() if shells is not None else None
        kernel = getattr(shell, "kernel", None)
        if kernel is None:
            return None
        parent = kernel.get_parent()
        return (parent.get("header") or {}).get("msg_id")


class TrueCommit:
    """Tag provider for the commit of a run (``mlflow.run_context_provider``)."""

    def in_context(self) -> bool:
        """Return True if the user has requested it by ``MLWS_TRACK=auto``."""
        return os.environ.get(VARIABLE) == AUTO

    def tags(self) -> dict[str, str]:
        """Commit the working tree's state and return its tags; no tags if that fails."""
        from jupyter_mlws.api.client import RemoteError
        from jupyter_mlws.client.project import Origin, open_project
        from mlws.core.errors import MLWSError

        try:
            client = open_project(Path.cwd(), "en", Origin.MAGIC)
            try:
                return dict(client.post("runs/state")["tags"])
            finally:
                client.close()
        except (MLWSError, RemoteError) as error:
            warnings.warn(f"This run is not linked to a commit: {error}", stacklevel=2)
            return {}
