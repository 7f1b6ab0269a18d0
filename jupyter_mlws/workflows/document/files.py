"""Finds, reads, validates and writes the `dvc.yaml` files of a project."""

from __future__ import annotations

import os
import posixpath
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_mlws.core.errors import (
    InvalidConnectionError,
    InvalidRunParameterError,
    WorkflowCycleError,
    WorkflowItemNotFoundError,
    WorkflowProblemsError,
)
from jupyter_mlws.workflows.document import graph
from jupyter_mlws.workflows.document.graph import Finding, WorkflowGraph
from mlws.core.atomic import atomic_write
from mlws.core.errors import (
    Fault,
    MLWSError,
    WorkflowUnreadableError,
)
from mlws.core.i18n import Message
from mlws.core.project import Project
from mlws.document.parse import FILE, Document, Stage, is_url, parse
from mlws.document.templates import resolve_stages
from mlws.document.terms import Severity
from mlws.engine.graph import StageGraph

if TYPE_CHECKING:
    from jupyter_mlws.components.models import Component
    from jupyter_mlws.components.registry import Registry
    from jupyter_mlws.components.source_columns import SourceReader
    from jupyter_mlws.workflows.document.columns import Columns

SKIPPED_DIRECTORIES = frozenset({"node_modules", "__pycache__", "mlruns", "site-packages"})

WALK_INTERVAL = 5.0
"""Seconds for which the list of workflows is cached: every edit needs it."""


class Documents:
    """The workflow files of one project, by their paths. Thread-safe."""

    def __init__(self, project: Project, registry: Registry) -> None:
        self._project = project
        self._root = project.root
        self._registry = registry
        self._notebooks: dict[tuple[str, int, int], Component] = {}
        self._outputs: dict[str, tuple[str, StageGraph[Stage]]] = {}
        self._paths_cache: tuple[float, list[str]] = (-WALK_INTERVAL, [])

    def components(self, stages: Sequence[Stage]) -> dict[str, Component]:
        """Return all components by name, and those of the notebooks that stages run."""
        components = self._registry.all() if any(stage.component for stage in stages) else {}
        paths = {stage.described_by: stage.notebook for stage in stages if stage.notebook}
        notebooks = {key: self._read_notebook(path) for key, path in paths.items()}
        # A missing notebook is reported as a missing dependency.
        return {**components, **{key: one for key, one in notebooks.items() if one is not None}}

    def notebook(self, path: str) -> Component:
        """Return the settings of a notebook, as a component.

        Raises WorkflowItemNotFoundError if it does not exist.
        """
        component = self._read_notebook(path) if path.endswith(".ipynb") else None
        if component is None:
            raise WorkflowItemNotFoundError(kind="notebook", name=path)
        return component

    def _read_notebook(self, path: str) -> Component | None:
        """Return a notebook as a component; a file is read again only after a change."""
        from jupyter_mlws.components.models import Component
        from jupyter_mlws.workflows.notebook.parameters import NotebookError, read, schema

        try:
            file = self._project.resolve(path)
            status = file.stat()
        except (MLWSError, OSError):
            return None
        key = (path, status.st_mtime_ns, status.st_size)
        if key not in self._notebooks:
            settings, fault = {}, None
            try:
                settings = schema(read(file.read_bytes()))
            except (NotebookError, OSError) as error:
                fault = str(error)
            self._notebooks[key] = Component(
                name=path,
                title=path,
                category="Notebook",
                description="",
                inputs=[],
                outputs=[],
                settings=settings,
                source="project",
                path=path,
                error=fault,
            )
        return self._notebooks[key]

    def paths(self) -> list[str]:
        """Return the paths of all workflows, sorted."""
        paths = []
        for folder, folders, files in os.walk(self._root):
            here = Path(folder)
            folders[:] = [
                name
                for name in folders
                if not name.startswith(".")
                and name not in SKIPPED_DIRECTORIES
                and not (here / name / ".git").exists()
                and not (here / name / "pyvenv.cfg").exists()
            ]
            if FILE in files:
                paths.append((here / FILE).relative_to(self._root).as_posix())
        return sorted(paths)

    def checked(self, path: str) -> str:
        """Return the path if it can be a workflow of the project.

        Raises WorkflowItemNotFoundError otherwise.
        """
        target = self._project.resolve(path)
        is_normal = posixpath.basename(path) == FILE and posixpath.normpath(path) == path
        if not is_normal or target.name != FILE:
            raise WorkflowItemNotFoundError(kind="workflow", name=path)
        return path

    def read(self, path: str, text: str | None = None) -> Document:
        """Return the document at a path, or of a ``text`` that is to replace the file's.

        WorkflowItemNotFoundError if it is missing, WorkflowUnreadableError if it is no workflow.
        """
        return parse(self.checked(path), self.text(path) if text is None else text)

    def text(self, path: str) -> str:
        """Return the text at a path without parsing it."""
        try:
            data = (self._root / self.checked(path)).read_bytes()
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise WorkflowItemNotFoundError(kind="workflow", name=path) from error
        try:
            # Read as bytes: an edit must keep the line ends.
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise WorkflowUnreadableError(
                path=path, reason=Message("it is not UTF-8"), line=None
            ) from error

    def resolve(self, document: Document) -> WorkflowGraph:
        """Return the graph of a document with every template filled in, as DVC runs it."""
        data = resolve_stages(self._root, document)
        return WorkflowGraph(document, document.stages(data), self.components)

    def graph(self, document: Document) -> WorkflowGraph:
        """Return the graph of a document, with templates filled in beside the stages' settings.

        If these are not valid, that is a finding of the graph.
        """
        findings = []
        try:
            if document.needs_resolving():
                return self.resolve(document)
        except WorkflowUnreadableError as error:
            # The error's own text is not repeated before its reason.
            findings.append(
                Finding(error.code, error.facts["reason"], line=error.facts.get("line"))
            )
        return WorkflowGraph(document, document.stages(), self.components, findings)

    def collisions(self, workflow: WorkflowGraph) -> list[Finding]:
        """Return the outputs that other workflows of the project also make."""
        findings: list[Finding] = []
        if time.monotonic() - self._paths_cache[0] >= WALK_INTERVAL:
            self._paths_cache = time.monotonic(), self.paths()
        for path in self._paths_cache[1]:
            if path == workflow.document.path:
                continue
            try:
                text = self.text(path)
                entry = self._outputs.get(path)
                if entry is None or entry[0] != text:
                    entry = text, self.graph(parse(path, text))
                    self._outputs[path] = entry
            except MLWSError:
                # Reported with that workflow itself.
                continue
            findings += graph.duplicate_outputs(workflow, entry[1], path)
        return findings

    def changed_origins(self, workflow: WorkflowGraph) -> Iterator[Finding]:
        """Yield the copies of other workflows' stages that have other ports there now."""

        @cache
        def read(path: str) -> Mapping[str, Stage]:
            try:
                return {one.id.partition("@")[0]: one for one in self.read(path).stages()}
            except MLWSError:
                # Reported with that workflow itself, if it exists.
                return {}

        return graph.changed_origins(workflow, read)

    def validate(
        self, workflow: WorkflowGraph, planned_paths: Collection[str] = ()
    ) -> list[Finding]:
        """Return all problems of a workflow.

        ``planned_paths`` are files that are to be written together with it.
        """
        from mlws.dvc.stages import tracked_data

        def exists(path: str) -> bool:
            return path in planned_paths or self.exists(path)

        findings = graph.validate(workflow, exists)
        outs = (out for stage in workflow.stages for out in stage.outs)
        findings += graph.tracked_outputs(workflow, list(tracked_data(self._root, outs)))
        lost_settings = list(graph.lost_settings(workflow))
        if lost_settings:
            import configparser

            # No finding if DVC passes false settings as options (`--no-name`).
            config = configparser.ConfigParser(interpolation=None, strict=False)
            try:
                config.read([self._root / ".dvc" / name for name in ("config", "config.local")])
                if config.get("parsing", "bool", fallback="") != "boolean_optional":
                    findings += lost_settings
            except configparser.Error:
                # DVC reports an invalid file at the first plan or run.
                pass
        return findings

    def columns(self, workflow: WorkflowGraph) -> Columns:
        """Return the columns of the tables that the nodes read, as far as they are known."""
        # It needs pydantic, which a run does not import.
        from jupyter_mlws.workflows.document.columns import Columns

        return Columns(workflow, self._sources)

    @cached_property
    def _sources(self) -> SourceReader:
        from jupyter_mlws.components.source_columns import SourceReader

        return SourceReader(self._root)

    def check_runnable(
        self,
        document: Document,
        targets: Sequence[str] = (),
        skip: Collection[str] = (),
        *,
        keep_going: bool = False,
    ) -> WorkflowGraph:
        """Return the graph; raise one error with all faults that keep them from running.

        A fault of a single node (a missing input or setting) keeps only that node from running: it
        counts for the ``targets`` and what they need, and not for a run that continues after
        failures.
        """
        workflow = self.graph(document)
        roots = [target for target in targets if target in workflow.by_id]
        required_ids = workflow.required(roots) - set(skip)
        errors = [
            finding
            for finding in self.validate(workflow)
            if finding.severity is Severity.ERROR
            and not (finding.draft and (keep_going or finding.node not in required_ids))
        ]
        if errors:
            raise findings_error(document.path, errors)
        return workflow

    def exists(self, path: str) -> bool:
        """Return whether a path exists or DVC can restore it (a `.dvc` file for it or above it).

        URLs and the names of datasets are left to DVC.
        """
        target = self._root / path
        if is_url(path) or target.exists():
            return True
        return any(
            path.with_name(f"{path.name}.dvc").is_file()
            for path in (target, *target.parents)
            if self._root in path.parents
        )

    def with_params(self, document: Document, params: Mapping[str, Any]) -> Document:
        """Return the document with changed settings.

        Raises InvalidRunParameterError, which lists every invalid parameter.
        """
        from jupyter_mlws.workflows.document.authoring import with_settings

        workflow = self.graph(document)
        stages, components = workflow.by_id, workflow.components
        faults = []
        for name in params:
            node, _, key = name.partition(".")
            component = components.get(stages[node].described_by) if node in stages else None
            properties = component.settings.get("properties", {}) if component else {}
            free = component is not None and component.settings.get("additionalProperties") is True
            if not key or (key.split(".")[0] not in properties and not free):
                words = Message("Setting {name!r} not found.", name=name)
                faults.append(Fault(f"params.{name}", words))
        if faults:
            raise InvalidRunParameterError(faults=faults)
        return parse(document.path, with_settings(document, stages, params))

    def write(self, path: str, text: str) -> None:
        """Replace a file's text atomically: readers see either the old text or the new one."""
        target = self._project.resolve(path)
        if not target.exists():
            self._paths_cache = (-WALK_INTERVAL, [])
        target.parent.mkdir(parents=True, exist_ok=True)
        atomic_write(target, text, durable=True)


def findings_error(
    path: str, errors: Sequence[Finding], places: Mapping[str, int] | None = None
) -> MLWSError:
    """Return the error that lists all ``errors``.

    ``places`` maps node IDs to their indexes in the definition that the request contains.
    """
    faults = []
    for finding in errors:
        node = finding.node
        if node is not None and node in (places or {}):
            node = f"nodes.{(places or {})[node]}"
        faults.append(Fault(".".join(p for p in (node, finding.field) if p), finding.message))
    codes = {finding.code for finding in errors}
    first = errors[0]
    if WorkflowUnreadableError.code in codes:
        first = next(f for f in errors if f.code == WorkflowUnreadableError.code)
        return WorkflowUnreadableError(
            faults=faults, path=path, reason=first.message, line=first.line
        )
    if codes == {WorkflowCycleError.code}:
        cycle = first.message.en.partition(": ")[2].rstrip(".")
        return WorkflowCycleError(faults=faults, workflow=path, cycle=cycle)
    if codes == {InvalidConnectionError.code} and places is not None:
        return InvalidConnectionError(faults=faults, workflow=path)
    return WorkflowProblemsError(faults=faults, workflow=path, count=len(errors))
