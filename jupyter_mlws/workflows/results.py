"""What the nodes of a run leave: logs, output files, and what these look like."""

from __future__ import annotations

import codecs
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from jupyter_mlws.components.registry import Registry
from jupyter_mlws.core.errors import WorkflowItemNotFoundError
from jupyter_mlws.core.project import Project
from jupyter_mlws.versioning.dvc import plots
from jupyter_mlws.workflows.document import Stage
from jupyter_mlws.workflows.engine import log_path
from jupyter_mlws.workflows.journal import run_folder
from jupyter_mlws.workflows.models import Log, Output, Preview
from jupyter_mlws.workflows.previews import plot, preview, type_of

LOG_PART = 1_000_000
"""Bytes of a log in one answer."""

Record = Mapping[str, Any]


class Results:
    """The results of nodes, by what the journal has of them. Thread-safe."""

    def __init__(self, project: Project, registry: Registry) -> None:
        self._project = project
        self._registry = registry

    def log(self, run: str, node: str, record: Record, offset: int) -> Log:
        """Part of a node's log, from byte ``offset`` on."""
        file = log_path(run_folder(self._project, run), node)
        ended = record["status"].ended
        if not file.exists():
            return Log(text="", offset=offset, size=offset, complete=ended)
        with file.open("rb") as stream:
            total = os.fstat(stream.fileno()).st_size
            if offset > total:
                # It was cut since: go on with its end.
                offset = max(0, total - LOG_PART)
            stream.seek(offset)
            data = stream.read(LOG_PART)
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        at_end = offset + len(data) >= total
        # A character may be written in parts: what is incomplete comes with the next answer.
        text = decoder.decode(data, final=ended and at_end)
        size = offset + len(data) - len(decoder.getstate()[0])
        return Log(text=text, offset=offset, size=size, complete=ended and at_end)

    def outputs(self, stage: Stage, record: Record) -> list[Output]:
        """The files that a node made in a run."""
        return [self._output(*port, record) for port in self._ports(stage)]

    def preview(self, stage: Stage, record: Record, port: str) -> Preview:
        """What an output of a run looks like, also after a later run made another."""
        for name, kind, file in self._ports(stage):
            if name == port:
                stored = self._stored(file, record.get("outputs", {}).get(file))
                suffix = Path(file).suffix.lower()
                said = stage.plots.get(file)
                drawn = None
                if said is not None and suffix in plots.SUFFIXES:
                    templates = self._project.root / ".dvc" / "plots"
                    drawn = plot(stored, suffix, said, templates)
                return drawn or preview(kind, stored, suffix)
        raise WorkflowItemNotFoundError(kind="output", name=port)

    def _output(self, port: str, kind: str, file: str, record: Record) -> Output:
        md5 = record.get("outputs", {}).get(file)
        stored = self._stored(file, md5)
        return Output(
            port=port,
            type=kind,
            path=file,
            size=stored.stat().st_size if stored.is_file() else None,
            md5=md5,
            exists=stored.exists(),
        )

    def _stored(self, path: str, md5: str | None) -> Path:
        """Where the bytes of an output are: in DVC's cache by its hash, else in its place."""
        if md5 and not md5.endswith(".dir"):
            cached = self._project.root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
            if cached.is_file():
                return cached
        return self._project.resolve(path)

    def _ports(self, stage: Stage) -> Iterator[tuple[str, str, str]]:
        """Name, type and path of each output; what is bound to no port goes by its path."""
        component = self._registry.all().get(stage.component or "")
        names = {file: name for name, files in stage.ports.items() for file in files}
        for file in stage.outs:
            name = names.get(file, file)
            port = component.output(name) if component else None
            kind = port.type if port else type_of(file)
            if file in stage.metrics and Path(file).suffix == ".json":
                kind = "Metrics"
            yield name, kind, file
