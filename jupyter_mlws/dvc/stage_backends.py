"""Opens a pipeline in the fast lane where that can be, else in DVC's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jupyter_mlws.core.errors import DVCNotInitializedError
from jupyter_mlws.dvc.native.pipeline import NativeBackend
from jupyter_mlws.dvc.native.unsupported import UnsupportedStageError
from jupyter_mlws.dvc.stages import DvcBackend, open_pipeline


@contextmanager
def open_lane(
    root: Path, path: str, stages: Mapping[str, Any], state: Path
) -> Iterator[NativeBackend | DvcBackend]:
    """The pipeline of the file at ``path`` with its resolved ``stages``; ``state`` is a folder of
    ours. Errors: 30204 where DVC is not set up, 40205 where it refuses the file."""
    if not (root / ".dvc").is_dir():
        raise DVCNotInitializedError()
    try:
        fast = NativeBackend(root, path, stages, state)
    except UnsupportedStageError as error:
        with open_pipeline(root, path) as pipeline:
            pipeline.unusual = dict.fromkeys(pipeline.names, error.reason)
            yield pipeline
        return
    try:
        yield fast
    finally:
        fast.close()
