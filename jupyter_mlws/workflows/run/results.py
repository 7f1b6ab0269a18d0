"""Logs, output files and previews of the nodes of a run."""

from __future__ import annotations

import codecs
import hashlib
import json
import os
from collections.abc import Iterator
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_mlws.core.errors import PreviewError, WorkflowItemNotFoundError
from jupyter_mlws.workflows.journal.store import run_folder
from jupyter_mlws.workflows.models import (
    ColumnRequest,
    ColumnStatistics,
    Log,
    Output,
    Preview,
    TablePage,
    TableRequest,
)
from jupyter_mlws.workflows.previews import plot, preview, type_of
from jupyter_mlws.workflows.run.runs import Runs, check_targets
from mlws.core.i18n import Message
from mlws.core.project import Project
from mlws.document.parse import Stage
from mlws.dvc import plots
from mlws.dvc.native.objects import md5_of, object_path
from mlws.engine.node_logs import log_path

if TYPE_CHECKING:
    from jupyter_mlws.workflows.tables import TableReader

MAX_LOG_BYTES = 1_000_000
"""Bytes of a log in one answer."""
MAX_HASHES = 10_000
"""Hashes of files that are kept in memory."""
NOT_MADE = Message("the run did not create it")
REPLACED = Message("its file has other content now, and the cache does not have that of this run")


class Results:
    """Logs, outputs and previews of the nodes of runs. Thread-safe."""

    def __init__(self, project: Project, runs: Runs) -> None:
        self._project = project
        self._runs = runs

    @cached_property
    def _tables(self) -> TableReader:
        # It imports pyarrow, which a list of results does not need.
        from jupyter_mlws.workflows.tables import TableReader

        return TableReader()

    def log_file(self, path: str, run: str, node: str) -> Path:
        """Return the file that a node's output goes to; it may not exist yet."""
        identifier, _ = self._runs.node(path, run, node)
        return log_path(run_folder(self._project, identifier), node)

    def log(self, path: str, run: str, node: str, offset: int = 0) -> Log:
        """Return part of a node's log, from byte ``offset`` on."""
        _, record = self._runs.node(path, run, node)
        file = self.log_file(path, run, node)
        has_ended = record["status"].ended
        if not file.exists():
            return Log(text="", offset=offset, size=offset, complete=has_ended)
        with file.open("rb") as stream:
            total = os.fstat(stream.fileno()).st_size
            if offset > total:
                # It was cut since: go on with its end.
                offset = max(0, total - MAX_LOG_BYTES)
            stream.seek(offset)
            data = stream.read(MAX_LOG_BYTES)
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        at_end = offset + len(data) >= total
        # A character may be written in parts: what is incomplete comes with the next answer.
        text = decoder.decode(data, final=has_ended and at_end)
        size = offset + len(data) - len(decoder.getstate()[0])
        return Log(text=text, offset=offset, size=size, complete=has_ended and at_end)

    def outputs(self, path: str, run: str, node: str) -> list[Output]:
        """Return the files that a node produced in a run."""
        identifier, record = self._runs.node(path, run, node)
        outputs = []
        for port, kind, file in self.ports(self._stage(path, identifier, node)):
            md5 = record.get("outputs", {}).get(file)
            content_path = self.find_content(file, md5)
            is_file = content_path is not None and content_path.is_file()
            outputs.append(
                Output(
                    port=port,
                    type=kind,
                    path=file,
                    size=content_path.stat().st_size if content_path and is_file else None,
                    md5=md5,
                    exists=content_path is not None,
                )
            )
        return outputs

    def preview(self, path: str, run: str, node: str, port: str) -> Preview:
        """Return a preview of a run's output, even if a later run has replaced the file."""
        stage, kind, file, content_path = self._output(path, run, node, port)
        suffix = Path(file).suffix.lower()
        properties = stage.plots.get(file)
        chart = None
        if properties is not None and suffix in plots.SUFFIXES:
            templates = self._project.root / ".dvc" / "plots"
            chart = plot(content_path, suffix, properties, templates)
        return chart or preview(kind, content_path, suffix)

    def table(self, path: str, run: str, node: str, port: str, request: TableRequest) -> TablePage:
        """Return rows of a table that a node produced in a run, filtered and sorted."""
        _, _, file, content_path = self._output(path, run, node, port)
        return self._tables.page(content_path, Path(file).suffix.lower(), request)

    def statistics(
        self, path: str, run: str, node: str, port: str, request: ColumnRequest
    ) -> ColumnStatistics:
        """Return the distribution of a column of a table that a node produced in a run."""
        _, _, file, content_path = self._output(path, run, node, port)
        return self._tables.statistics(content_path, Path(file).suffix.lower(), request)

    def _output(self, path: str, run: str, node: str, port: str) -> tuple[Stage, str, str, Path]:
        """Return an output's stage, type, path in the project, and the path of its content."""
        identifier, record = self._runs.node(path, run, node)
        stage = self._stage(path, identifier, node)
        for name, kind, file in self.ports(stage):
            if name == port:
                md5 = record.get("outputs", {}).get(file)
                content_path = self.find_content(file, md5)
                if content_path is None:
                    raise PreviewError(kind="output", reason=REPLACED if md5 else NOT_MADE)
                return stage, kind, file, content_path
        raise WorkflowItemNotFoundError(kind="output", name=port)

    def _stage(self, path: str, run: str, node: str) -> Stage:
        """Return a node as the run had it: it may have been changed or removed since."""
        workflow = self._runs.graph(path, run)
        check_targets(workflow, [node])
        return workflow.by_id[node]

    def find_content(self, path: str, md5: str | None) -> Path | None:
        """Return the path of the content that an output had in a run.

        None if the run has not made it (``md5`` is None), or if neither DVC's cache nor the
        output's own path has that content.
        """
        if md5 is None:
            return None
        cache_path, own_path = object_path(self._project.root, md5), self._project.resolve(path)
        if not md5.endswith(".dir"):
            if cache_path.is_file():
                return cache_path
            return own_path if own_path.is_file() and _md5_of(own_path) == md5 else None
        if cache_path.is_file():
            # Files that DVC ignores may be there as well.
            names = [entry["relpath"] for entry in json.loads(cache_path.read_bytes())]
        else:
            files = (file for file in own_path.rglob("*") if file.is_file())
            names = sorted(file.relative_to(own_path).as_posix() for file in files)
        if not all((own_path / name).is_file() for name in names):
            return None
        # The hash of a folder is that of its listing, as DVC writes it.
        listing = [{"md5": _md5_of(own_path / name), "relpath": name} for name in names]
        digest = hashlib.md5(json.dumps(listing, sort_keys=True).encode(), usedforsecurity=False)
        return own_path if f"{digest.hexdigest()}.dir" == md5 else None

    def content_path(self, path: str, md5: str | None) -> Path:
        """Return the path of an output's content: in DVC's cache by its hash, else its own path."""
        if md5 and not md5.endswith(".dir"):
            cache_path = object_path(self._project.root, md5)
            if cache_path.is_file():
                return cache_path
        return self._project.resolve(path)

    def ports(self, stage: Stage) -> Iterator[tuple[str, str, str]]:
        """Yield name, type and path of each output; one without a port is named by its path."""
        component = self._runs.registry.all().get(stage.component or "")
        names = {file: name for name, files in stage.ports.items() for file in files}
        for file in stage.outs:
            name = names.get(file, file)
            port = component.output(name) if component else None
            kind = port.type if port else type_of(file)
            if file in stage.metrics and Path(file).suffix == ".json":
                kind = "Metrics"
            yield name, kind, file


def _md5_of(file: Path) -> str:
    facts = file.stat()
    return _hash_file(file, facts.st_mtime_ns, facts.st_size, facts.st_ino)


@lru_cache(MAX_HASHES)
def _hash_file(file: Path, mtime_ns: int, size: int, inode: int) -> str:
    """Return the hash of a file; the other arguments change when the file does."""
    return md5_of(file)
