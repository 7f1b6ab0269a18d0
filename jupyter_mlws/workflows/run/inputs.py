"""Data with `.dvc` files that a run reads, and that this machine may not have yet."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from jupyter_mlws.versioning.worktree.data_status import NOT_PULLED, WorktreeStatus
from mlws.core.project import Project
from mlws.document.parse import Stage
from mlws.dvc.data import open_data
from mlws.dvc.pointers import DataPointer, read_pointers
from mlws.dvc.stages import data_sources
from mlws.engine.graph import StageGraph


def unpulled_inputs(
    project: Project,
    graph: StageGraph[Stage],
    targets: Sequence[str] = (),
    skip: Collection[str] = (),
) -> list[DataPointer]:
    """Return the inputs that are neither in the working tree nor in the cache."""
    root = project.root
    if skip:
        graph = StageGraph([stage for stage in graph.stages if stage.id not in skip])
    paths = graph.external_inputs(targets)
    files = [f"{path}.dvc" for path in data_sources(root, paths)]
    items = read_pointers({file: (root / file).read_bytes() for file in files})
    # Without a hash, an import was not downloaded yet: the run does that.
    absent = [item for item in items if item.md5 and not (root / item.path).exists()]
    status = WorktreeStatus(root, project.state / "hashes.json")
    return [item for item in absent if status.state(item) == NOT_PULLED]


def pull(project: Project, items: Sequence[DataPointer]) -> None:
    """Fetch data from the remote into the cache.

    Raises RemoteUnreachableError or DataMissingError.
    """
    if items:
        with open_data(project.root) as data:
            data.remote.fetch(items)
