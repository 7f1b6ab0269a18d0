"""What MLflow asks when a run begins: with ``MLWS_TRACK=auto`` the run gets a true commit.

MLflow loads this by an entry point into every process that begins runs, so it imports nothing.
"""

from __future__ import annotations

import os
import warnings
from pathlib import Path

VARIABLE = "MLWS_TRACK"
AUTO = "auto"


class TrueCommit:
    """A provider of tags (``mlflow.run_context_provider``)."""

    def in_context(self) -> bool:
        """Whether the person has asked for it."""
        return os.environ.get(VARIABLE) == AUTO

    def tags(self) -> dict[str, str]:
        """Keep what the working tree is, and name it; a run without that begins all the same."""
        from jupyter_mlws.client import RemoteError
        from jupyter_mlws.errors import MLWSError
        from jupyter_mlws.words.session import Origin, open_session

        try:
            session = open_session(Path.cwd(), "en", Origin.MAGIC)
            try:
                return dict(session.run_state()["tags"])
            finally:
                session.close()
        except (MLWSError, RemoteError) as error:
            warnings.warn(f"this run names no true commit: {error}", stacklevel=2)
            return {}
