"""Creates, changes and removes workflow files; a request with a fault writes nothing."""

from __future__ import annotations

import itertools
import posixpath
import shutil
import time
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlws.components.registry import Registry
from jupyter_mlws.core.errors import AlreadyExistsError, WorkflowChangedError
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.workflows.document import authoring, settings
from jupyter_mlws.workflows.document.connections import Connector
from jupyter_mlws.workflows.document.definition import (
    EdgeDefinition,
    NodeDefinition,
    Removed,
    WorkflowChange,
    WorkflowDefinition,
)
from jupyter_mlws.workflows.document.drafts import Draft, ExistingNode, Faults, Reader
from jupyter_mlws.workflows.document.files import SKIPPED_DIRECTORIES, Documents, findings_error
from jupyter_mlws.workflows.document.graph import Finding, WorkflowGraph
from mlws.core.errors import (
    DVCConfigError,
    DVCNotInitializedError,
    Fault,
    InvalidRequestError,
    MLWSError,
    WorkflowUnreadableError,
)
from mlws.core.i18n import Message
from mlws.core.paths import escape
from mlws.core.project import Project
from mlws.document.parse import FILE, Document, etag_of, parse
from mlws.document.rewriting import RewriteError, rewrite
from mlws.document.terms import Severity

WORKFLOWS_DIRECTORY = "workflows"
"""Parent folder of new workflows."""
LOCK_FILE = "dvc.lock"
MAX_DIRECTORY_NAME_LENGTH = 60
"""Characters."""


class Editor:
    """Writes the workflow files of one project, under its lock. Thread-safe."""

    def __init__(self, project: Project, documents: Documents, registry: Registry) -> None:
        self._project = project
        self._documents = documents
        self._registry = registry

    def create(
        self,
        definition: WorkflowDefinition,
        files: Mapping[str, str] | None = None,
        title: Mapping[str, Any] | None = None,
        *,
        save: bool = True,
    ) -> Document:
        """Create a workflow; all faults are in one error.

        ``files`` are written beside it and replace no other file; ``title`` is stored with its
        name. Without ``save`` nothing is written. Raises WorkflowProblemsError for nodes,
        InvalidConnectionError for edges, WorkflowCycleError for a cycle, AlreadyExistsError if a
        path is taken, InvalidRequestError and OutsideWorkspaceError for a name or path that no
        workflow can have.
        """
        _check_name(definition.name)
        with self._project.lock(f"create the workflow {definition.name}"):
            path = self.place(definition.name, definition.path)
            empty = parse(path, "")
            drafts = self._drafts(self._documents.graph(empty), definition.nodes, definition.edges)
            data = authoring.new_data(definition.name, posixpath.dirname(path), drafts, title)
            document = parse(path, rewrite(empty, data))
            self._raise_new_findings(document, [], drafts)
            for file in files or {}:
                if self._project.resolve(file).exists():
                    raise AlreadyExistsError(name=file)
            if not save:
                return document
            # The workflow's own file last; if one fails, the others are removed.
            written_files = []
            try:
                for file, text in {**(files or {}), path: document.text}.items():
                    self._documents.write(file, text)
                    written_files.append(file)
            except OSError:
                for file in written_files:
                    (self._project.root / file).unlink(missing_ok=True)
                raise
            return document

    def change(
        self, path: str, change: WorkflowChange, expected_etags: Sequence[str] | None
    ) -> Document:
        """Replace the nodes and edges of a workflow, or its text.

        ``expected_etags``: the current text must have one of them (None: any); otherwise
        WorkflowChangedError.
        """
        if (change.text is None) == (change.nodes is None):
            words = Message("Specify either `text` or `nodes`.")
            raise InvalidRequestError(faults=[Fault("nodes", words)])
        if change.path not in (None, path):
            words = Message("The path of a workflow can't be changed here.")
            raise InvalidRequestError(faults=[Fault("path", words)])
        if change.name is not None:
            _check_name(change.name)
        with self._project.lock(f"change {path}"):
            before = self._documents.text(path)
            if expected_etags is not None and etag_of(before) not in expected_etags:
                raise WorkflowChangedError(path=path, etag=etag_of(before))
            if change.text is None:
                document = self._change_nodes(parse(path, before), change)
            else:
                document = parse(path, change.text)
                try:
                    previous = self._blocking_findings(parse(path, before))
                except MLWSError:
                    # An unreadable file can only be replaced by a better one.
                    previous = []
                self._raise_new_findings(document, previous, [])
            if document.text != before:
                self._documents.write(path, document.text)
            return document

    def remove(self, path: str) -> Removed:
        """Remove a workflow's file and its lock file; its results stay.

        The removed files are kept in the project's state folder, as git may not have them yet.
        """
        with self._project.lock(f"remove {path}"):
            text = self._documents.text(path)
            folder = posixpath.dirname(path)
            trash = self._create_trash_directory(path, text)
            removed_files = []
            for file in (path, posixpath.join(folder, LOCK_FILE)):
                source = self._project.root / file
                if source.is_file():
                    shutil.move(source, trash / source.name)
                    removed_files.append(file)
            here = self._project.root / folder
            if folder and not any(here.iterdir()):
                here.rmdir()
            try:
                stages = self._documents.graph(parse(path, text)).stages
            except MLWSError:
                # The outputs of an unreadable file are not known.
                stages = []
            outs = (out for stage in stages for out in stage.outs)
            return Removed(
                id=escape(path),
                path=path,
                removed=removed_files,
                kept_in=f"mlws/trash/{trash.name}",
                results=[out for out in outs if (self._project.root / out).exists()],
            )

    def keep(self, document: Document) -> str:
        """Copy a text that is about to be replaced; return the copy's path from the git folder."""
        place = self._create_trash_directory(document.path, document.text)
        (place / FILE).write_bytes(document.text.encode())
        return f"mlws/trash/{place.name}"

    def _create_trash_directory(self, path: str, text: str) -> Path:
        """Create a folder for removed files, in the project's state folder."""
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        folder = posixpath.basename(posixpath.dirname(path)) or "root"
        trash = self._project.state / "trash" / f"{stamp}-{folder}-{etag_of(text)[:6]}"
        trash.mkdir(parents=True, exist_ok=True)
        return trash

    def place(self, name: str, requested_path: str | None = None) -> str:
        """Return the path of a new workflow's file: the requested one, or one from its name."""
        if requested_path is None:
            slug = slug_of(name)
            numbers = itertools.count(2)
            directory = slug
            while (self._project.root / WORKFLOWS_DIRECTORY / directory).exists():
                directory = f"{slug}-{next(numbers)}"
            return posixpath.join(WORKFLOWS_DIRECTORY, directory, FILE)
        path = posixpath.normpath(requested_path.lstrip("/") or ".")
        if posixpath.basename(path) != FILE:
            path = posixpath.normpath(posixpath.join(path, FILE))
        self._project.resolve(path)
        folders = [name for name in posixpath.dirname(path).split("/") if name]
        parents = [self._project.root.joinpath(*folders[: n + 1]) for n in range(len(folders))]
        if (
            any(name.startswith(".") or name in SKIPPED_DIRECTORIES for name in folders)
            or settings.unfit_text(path)
            # No folder may be a file or belong to another project.
            or any((p.exists() and not p.is_dir()) or (p / ".git").exists() for p in parents)
        ):
            words = Message("A workflow can't be created at this path.")
            raise InvalidRequestError(faults=[Fault("path", words)])
        if (self._project.root / path).exists():
            raise AlreadyExistsError(name=path)
        return path

    def _drafts(
        self,
        workflow: WorkflowGraph,
        nodes: Sequence[NodeDefinition],
        edges: Sequence[EdgeDefinition],
    ) -> list[Draft]:
        """Return the drafts of all nodes, with their edges; every fault is in one error."""
        faults = Faults()
        components = self._registry.all()
        folder, path = workflow.document.folder, workflow.document.path
        present = {}
        for stage in workflow.stages:
            edge_files = workflow.edge_files.get(stage.id, set())
            component = components.get(stage.component or "")
            if component is not None and component.error is not None:
                component = None
            present[stage.id] = ExistingNode(stage, component, folder, edge_files)
        reader = Reader(components, folder, faults, self._project.resolve, self.held)
        drafts = reader.read(nodes, present)
        connector = Connector(drafts, faults, workflow.edges)
        cycle = connector.connect(edges, [node.id for node in nodes])
        faults.raise_any(path, cycle)
        return drafts

    def held(self, path: str) -> Message | None:
        """Return why no node may write a path (git or DVC tracks it), or None."""
        if Git(self._project.root).tracked(path):
            return Message(
                "{path!r} is tracked by git; a node's output would overwrite it.", path=path
            )
        target = self._project.root / path
        if target.with_name(f"{target.name}.dvc").exists():
            return Message(
                "{path!r} is tracked data; a node's output would overwrite it.", path=path
            )
        return None

    def _change_nodes(self, document: Document, change: WorkflowChange) -> Document:
        workflow = self._documents.graph(document)
        drafts = self._drafts(workflow, change.nodes or [], change.edges)
        faults = Faults()
        data = authoring.changed_data(document, change.name, drafts, list(workflow.by_id), faults)
        faults.raise_any(document.path)
        try:
            text = rewrite(document, data)
        except RewriteError as error:
            reason = Message("it can only be edited as text: {reason}", reason=error.args[0])
            raise WorkflowUnreadableError(path=document.path, reason=reason, line=None) from error
        new_document = parse(document.path, text)
        self._raise_new_findings(new_document, self._blocking_findings(document), drafts)
        return new_document

    def _blocking_findings(self, document: Document) -> list[Finding]:
        return [
            finding
            for finding in self._documents.validate(self._documents.graph(document))
            if finding.severity is Severity.ERROR
            and not finding.draft
            and finding.code not in (DVCNotInitializedError.code, DVCConfigError.code)
        ]

    def _raise_new_findings(
        self, document: Document, previous: Sequence[Finding], drafts: Sequence[Draft]
    ) -> None:
        """Raise the faults that are new; faults in ``previous`` do not block other changes."""
        old = {_finding_key(finding) for finding in previous}
        news = [
            finding
            for finding in self._blocking_findings(document)
            if _finding_key(finding) not in old
        ]
        if news:
            places = {draft.id: draft.place for draft in drafts}
            raise findings_error(document.path, news, places)


def _finding_key(finding: Finding) -> tuple[str | None, ...]:
    return finding.code, finding.node, finding.field, finding.edge, finding.message.en


def _check_name(name: str) -> None:
    unfit = settings.unfit_text(name.lstrip("-"))
    if unfit is not None or not name.strip():
        words = unfit or Message("Must not be empty.")
        raise InvalidRequestError(faults=[Fault("name", words)])


def slug_of(name: str) -> str:
    """Return the name of a workflow's folder, as `src/workflow/import/create.ts` derives it."""
    text = "".join(
        sign if unicodedata.category(sign)[0] in "LMN" else " " for sign in name.strip().lower()
    )
    return "-".join(text.split())[:MAX_DIRECTORY_NAME_LENGTH].strip("-") or "workflow"
