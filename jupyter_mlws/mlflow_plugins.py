"""What MLflow asks when a run begins: with ``MLWS_TRACK=auto`` the run gets a true commit.

MLflow loads this by an entry point into every process that begins runs, so it imports nothing.
"""

from __future__ import annotations

import os
import sys
import warnings
from pathlib import Path

VARIABLE = "MLWS_TRACK"
AUTO = "auto"


EXECUTION = "mlws.execution"
"""The tag that leads from a run to the execution in a notebook that began it."""


class Execution:
    """A provider of tags: which execution of a notebook a run was begun in."""

    def in_context(self) -> bool:
        """Whether this is a kernel that executes something."""
        return self._request() is not None

    def tags(self) -> dict[str, str]:
        """The id of the request that the kernel carries out."""
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
    """A provider of tags (``mlflow.run_context_provider``)."""

    def in_context(self) -> bool:
        """Whether the person has asked for it."""
        return os.environ.get(VARIABLE) == AUTO

    def tags(self) -> dict[str, str]:
        """Keep what the working tree is, and name it; a run without that begins all the same."""
        from jupyter_mlws.client.http import RemoteError
        from jupyter_mlws.client.project import Origin, open_project
        from jupyter_mlws.core.errors import MLWSError

        try:
            client = open_project(Path.cwd(), "en", Origin.MAGIC)
            try:
                return dict(client.post("runs/state")["tags"])
            finally:
                client.close()
        except (MLWSError, RemoteError) as error:
            warnings.warn(f"This run is not linked to a commit: {error}", stacklevel=2)
            return {}
