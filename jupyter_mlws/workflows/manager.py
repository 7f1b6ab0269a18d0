"""The workflows of a project: what there is, what a run would do, and runs."""

from __future__ import annotations

import builtins
import codecs
import configparser
import os
import posixpath
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_mlws.api.ids import escape
from jupyter_mlws.api.models import Page
from jupyter_mlws.components.models import Component
from jupyter_mlws.components.registry import Registry
from jupyter_mlws.errors import ENGLISH, Fault, MLWSError, Words
from jupyter_mlws.project import Project
from jupyter_mlws.workflows import graph
from jupyter_mlws.workflows.document import Document, Stage, parse
from jupyter_mlws.workflows.edits import set_setting
from jupyter_mlws.workflows.engine import log_path
from jupyter_mlws.workflows.journal import Journal, NewRun, experiment
from jupyter_mlws.workflows.models import (
    DocumentError,
    ExecuteRequest,
    ExperimentRun,
    Kind,
    Log,
    Node,
    Output,
    Plan,
    Preview,
    Problem,
    Run,
    RunSummary,
    Severity,
    Workflow,
    WorkflowSummary,
)
from jupyter_mlws.workflows.previews import preview, type_of
from jupyter_mlws.workflows.processes import alive, end_bearers, start_time
from jupyter_mlws.workflows.states import Status, TransitionError

FILE = "dvc.yaml"
SKIPPED = frozenset({"node_modules", "__pycache__", "mlruns", "site-packages"})
LATEST = "latest"
START_LIMIT = 15.0
"""Seconds in which a run's process must have entered itself."""
POLL = 0.05
"""Seconds between two looks while waiting."""
LOG_PART = 1_000_000
"""Bytes of a log in one answer."""


class WorkflowManager:
    """The workflows of one project, by the paths of their files. Thread-safe.

    What people read is said in ``language`` where a method takes it.
    """

    def __init__(self, project: Project) -> None:
        self._project = project
        self._root = project.root
        self._registry = Registry(project.root)
        self._lock = threading.Lock()
        self._opened: Journal | None = None
        self._children: list[subprocess.Popen[bytes]] = []

    def close(self) -> None:
        """Close the journal; runs go on."""
        with self._lock:
            if self._opened is not None:
                self._opened.close()
                self._opened = None

    @property
    def _journal(self) -> Journal:
        with self._lock:
            if self._opened is None:
                self._opened = Journal(self._project)
            return self._opened

    # What there is

    def components(self) -> list[Component]:
        """Every component that nodes can be made of."""
        return list(self._registry.all().values())

    def list(self, language: str = ENGLISH) -> builtins.list[WorkflowSummary]:
        """Every `dvc.yaml` of the project, by path; a broken one says what is wrong with it."""
        self.reconcile()
        return [self._summary(path, language) for path in sorted(self._find())]

    def get(self, path: str, language: str = ENGLISH) -> Workflow:
        """One workflow as a graph, with its problems; error 40205 where it cannot be read."""
        self.reconcile()
        document = self._read(path)
        stages, findings = self._stages(document)
        components = self._registry.all()
        run = self._journal.newest(path)
        states = self._journal.node_records(run) if run else {}
        findings += self._validate(document, stages)
        return Workflow(
            id=escape(path),
            path=path,
            name=document.name,
            status=Status(self._journal.record(run)["status"]) if run else None,
            nodes=[_node(stage, components, states.get(stage.id)) for stage in stages],
            edges=graph.edges(stages, components),
            problems=[finding.told(language) for finding in findings],
            etag=document.etag,
        )

    def validate(
        self, path: str, text: str | None = None, language: str = ENGLISH
    ) -> builtins.list[Problem]:
        """All problems of a file, or of a text that is to become it."""
        try:
            document = self._read(path) if text is None else parse(self._checked(path), text)
        except MLWSError as error:
            if error.code != "40205":
                raise
            return [
                Problem(
                    code=error.code,
                    severity=Severity.ERROR,
                    node=None,
                    field=None,
                    edge=None,
                    line=error.facts.get("line"),
                    message=error.message.in_(language),
                    fix=error.solution.in_(language),
                )
            ]
        return [finding.told(language) for finding in self._findings(document)]

    def plan(
        self, path: str, targets: Sequence[str] = (), language: str = ENGLISH, force: bool = False
    ) -> Plan:
        """What a run of the targets (all by default) would do, and why."""
        from jupyter_mlws.versioning.dvc.stages import open_pipeline
        from jupyter_mlws.workflows import plan

        document = self._read(path)
        self._refuse_faulty(document)
        with open_pipeline(self._root, path) as pipeline:
            stages = document.stages(pipeline.stages() if document.needs_resolving() else None)
            _check_targets(stages, targets)
            planned = plan.make(pipeline, stages, targets, force)
        return plan.summarise(planned, self._journal.durations(path), language)

    # Runs

    def execute(self, path: str, request: ExecuteRequest, language: str = ENGLISH) -> Run:
        """Start a run in a process of its own and return at once.

        The request's ``params`` (`node.key`: value) are written into the file first. Errors:
        40201 to 40205 for a faulty workflow, 40204 for a parameter, 30103 where a run of this
        file goes on.
        """
        self.reconcile()
        if not (self._root / ".dvc").is_dir():
            raise MLWSError("30204")
        document = self._with_params(self._read(path), request.params)
        self._refuse_faulty(document)
        stages, _ = self._stages(document)
        _check_targets(stages, request.targets)
        wanted = graph.closure(graph.upstream(stages), request.targets or [s.id for s in stages])
        run = NewRun(
            id=_new_id(),
            path=path,
            jobs=request.jobs or os.cpu_count() or 1,
            origin=request.origin,
            nodes=[stage.id for stage in graph.ordered(stages) if stage.id in wanted],
            request=request.model_dump(include={"targets", "force", "keep_going"}),
        )
        self._journal.create(run)
        if request.params:
            _write(self._root / path, document.text)
        self._spawn(run.id)
        return self._journal.run(run.id, language)

    def status(self, path: str, run: str | None = None, language: str = ENGLISH) -> Run:
        """A run with its nodes; the newest by default."""
        self.reconcile()
        return self._journal.run(self._run_id(path, run), language)

    def runs(
        self, path: str, limit: int = 50, cursor: str | None = None, language: str = ENGLISH
    ) -> Page[RunSummary]:
        """Runs of a workflow, newest first."""
        self.reconcile()
        rows, following = self._rows(self._checked(path), limit, cursor)
        items = [self._journal.summary(row["id"], language) for row in rows]
        return Page(items=items, next_cursor=following)

    def experiment_runs(
        self, path: str | None = None, limit: int = 50, cursor: str | None = None
    ) -> Page[ExperimentRun]:
        """Runs with settings and measures, newest first."""
        self.reconcile()
        rows, following = self._rows(path, limit, cursor)
        return Page(items=[experiment(row) for row in rows], next_cursor=following)

    def wait(
        self,
        path: str,
        run: str,
        timeout: float | None = None,
        language: str = ENGLISH,
        *,
        recorded: bool = True,
    ) -> Run:
        """Return when a run has ended and (``recorded``) MLflow knows it.

        :class:`TimeoutError` after ``timeout`` seconds.
        """
        deadline = float("inf") if timeout is None else time.monotonic() + timeout
        identifier = self._run_id(path, run)
        while self._goes_on(identifier, recorded):
            if time.monotonic() > deadline:
                raise TimeoutError(f"the run {run} did not end within {timeout} s")
            self.reconcile()
            time.sleep(POLL)
        return self._journal.run(identifier, language)

    def _goes_on(self, run: str, recorded: bool) -> bool:
        """Also after its end a run's process lives on, until MLflow has its record."""
        row = self._journal.record(run)
        if not Status(row["status"]).ended:
            return True
        return recorded and alive(row.get("pid"), row.get("pid_start"))

    def cancel(self, path: str, run: str | None = None, language: str = ENGLISH) -> Run:
        """Ask a run to stop; one that has ended stays as it is."""
        identifier = self._run_id(path, run)
        row = self._journal.record(identifier)
        if not Status(row["status"]).ended:
            # Noted first: the process may die of the signal before it can take it as a wish.
            self._journal.note(identifier, cancel=True)
            if alive(row.get("pid"), row.get("pid_start")):
                os.kill(row["pid"], signal.SIGTERM)
        self.reconcile()
        return self._journal.run(identifier, language)

    def reconcile(self) -> None:
        """Mark runs whose process is gone as interrupted, and end what they left running."""
        self._children = [child for child in self._children if child.poll() is None]
        for row in self._journal.live():
            if alive(row.get("pid"), row.get("pid_start")):
                continue
            if "pid" not in row and time.time() - row["created"] < START_LIMIT:
                continue
            self._bury(row["id"], cancelled=row.get("cancel", False))

    def _bury(self, run: str, *, cancelled: bool) -> None:
        end_bearers(run)
        end = Status.CANCELLED if cancelled else Status.INTERRUPTED
        error = None if cancelled else {"code": "40105", "facts": {"run": run}}
        try:
            self._journal.end_nodes(run, end)
            self._journal.set_run(run, end, error=error)
        except TransitionError:
            # It ended properly, or another reader was first, between our look and our word.
            return

    def last_seq(self) -> int:
        """The seq of the newest event."""
        return self._journal.last_seq()

    def events_after(
        self, seq: int, limit: int = 200, language: str = ENGLISH
    ) -> builtins.list[dict[str, Any]]:
        """Events after ``seq``, oldest first."""
        return self._journal.events_after(seq, limit, language)

    # What nodes leave

    def log(self, path: str, run: str, node: str, offset: int = 0) -> Log:
        """Part of a node's log, from byte ``offset`` on."""
        identifier, record = self._node_record(path, run, node)
        file = log_path(self._project.state / "runs" / identifier, node)
        ended = record["status"].ended
        if not file.exists():
            return Log(text="", offset=offset, size=offset, complete=ended)
        with file.open("rb") as stream:
            total = os.fstat(stream.fileno()).st_size
            stream.seek(offset)
            data = stream.read(LOG_PART)
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        at_end = offset + len(data) >= total
        # A character may be written in parts: what is incomplete comes with the next answer.
        text = decoder.decode(data, final=ended and at_end)
        size = offset + len(data) - len(decoder.getstate()[0])
        return Log(text=text, offset=offset, size=size, complete=ended and at_end)

    def outputs(self, path: str, run: str, node: str) -> builtins.list[Output]:
        """The files that a node made in a run."""
        _, record = self._node_record(path, run, node)
        stage = self._stage(path, node)
        return [self._output(*port, record) for port in self._output_ports(stage)]

    def preview(self, path: str, run: str, node: str, port: str) -> Preview:
        """What an output of a run looks like, also after a later run made another."""
        _, record = self._node_record(path, run, node)
        for name, kind, file in self._output_ports(self._stage(path, node)):
            if name == port:
                md5 = record.get("outputs", {}).get(file)
                return preview(kind, self._stored(file, md5), Path(file).suffix.lower())
        raise MLWSError("40401", kind="output", name=port)

    def _output(self, port: str, kind: str, file: str, record: Mapping[str, Any]) -> Output:
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
            cached = self._root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
            if cached.is_file():
                return cached
        return self._project.resolve(path)

    def _output_ports(self, stage: Stage) -> Iterator[tuple[str, str, str]]:
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

    # Within

    def _find(self) -> Iterator[str]:
        for folder, folders, files in os.walk(self._root):
            here = Path(folder)
            folders[:] = [
                name
                for name in folders
                if not name.startswith(".")
                and name not in SKIPPED
                and not (here / name / ".git").exists()
                and not (here / name / "pyvenv.cfg").exists()
            ]
            if FILE in files:
                yield (here / FILE).relative_to(self._root).as_posix()

    def _summary(self, path: str, language: str) -> WorkflowSummary:
        run = self._journal.newest(path)
        name, count, error = posixpath.dirname(path) or path, 0, None
        try:
            document = self._read(path)
            name, count = document.name, len(document.stages_data)
            if document.faults:
                first = document.faults[0]
                error = DocumentError(message=first.message.in_(language), line=first.line)
        except MLWSError as failure:
            line = failure.facts.get("line")
            error = DocumentError(message=failure.message.in_(language), line=line)
        return WorkflowSummary(
            id=escape(path),
            path=path,
            name=name,
            node_count=count,
            error=error,
            run=self._journal.summary(run, language) if run else None,
        )

    def _checked(self, path: str) -> str:
        """A path inside the project that a workflow can have."""
        resolved = self._project.resolve(path)
        if posixpath.basename(path) != FILE or posixpath.normpath(path) != path:
            raise MLWSError("40401", kind="workflow", name=path)
        if resolved.name != FILE:
            raise MLWSError("40401", kind="workflow", name=path)
        return path

    def _read(self, path: str) -> Document:
        try:
            text = (self._root / self._checked(path)).read_text(encoding="utf-8")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise MLWSError("40401", kind="workflow", name=path) from error
        except UnicodeDecodeError as error:
            raise MLWSError("40205", path=path, reason="not UTF-8", line=None) from error
        return parse(path, text)

    def _stages(
        self, document: Document
    ) -> tuple[builtins.list[Stage], builtins.list[graph.Finding]]:
        """The stages, resolved by DVC where they use templates; its refusal is a problem."""
        if not document.needs_resolving():
            return document.stages(), []
        from jupyter_mlws.versioning.dvc.stages import resolve

        try:
            return document.stages(resolve(self._root, document.path, document.data)), []
        except MLWSError as error:
            if error.code not in ("40205", "30204"):
                raise
            return document.stages(), [
                graph.Finding(error.code, error.message, line=error.facts.get("line"))
            ]

    def _findings(self, document: Document) -> builtins.list[graph.Finding]:
        stages, findings = self._stages(document)
        return [*findings, *self._validate(document, stages)]

    def _validate(
        self, document: Document, stages: Sequence[Stage]
    ) -> builtins.list[graph.Finding]:
        components = self._registry.all()
        findings = graph.validate(document, stages, components, self._exists)
        if not self._passes_false():
            findings += graph.lost_settings(document, stages, components)
        return findings

    def _passes_false(self) -> bool:
        """Whether DVC is set up to pass settings that are false on (`--no-name`)."""
        config = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            config.read([self._root / ".dvc" / name for name in ("config", "config.local")])
            return config.get("parsing", "bool", fallback="") == "boolean_optional"
        except configparser.Error:
            # DVC says itself what is wrong with its file, at the first plan or run.
            return True

    def _exists(self, path: str) -> bool:
        """Whether a path is there, or DVC can bring it (a `.dvc` file for it or above it)."""
        target = self._root / path
        if target.exists():
            return True
        places = [target, *target.parents]
        return any(
            place.with_name(f"{place.name}.dvc").is_file()
            for place in places
            if self._root in place.parents
        )

    def _refuse_faulty(self, document: Document) -> None:
        """Raise what keeps the workflow from running, all faults in one error."""
        errors = [f for f in self._findings(document) if f.severity is Severity.ERROR]
        if not errors:
            return
        faults = [Fault(".".join(p for p in (f.node, f.field) if p), f.message) for f in errors]
        codes = {finding.code for finding in errors}
        first = errors[0]
        if "40205" in codes:
            first = next(f for f in errors if f.code == "40205")
            reason = first.message.en
            raise MLWSError("40205", *faults, path=document.path, reason=reason, line=first.line)
        if codes == {"40203"}:
            cycle = first.message.en.partition(": ")[2].rstrip(".")
            raise MLWSError("40203", *faults, workflow=document.path, cycle=cycle)
        raise MLWSError("40201", *faults, workflow=document.path, count=len(errors))

    def _with_params(self, document: Document, params: Mapping[str, Any]) -> Document:
        """The document with settings changed; every bad parameter in one error 40204."""
        stages = {stage.id: stage for stage in self._stages(document)[0]}
        components = self._registry.all()
        faults = []
        for name in params:
            node, _, key = name.partition(".")
            component = components.get(stages[node].component or "") if node in stages else None
            known = component.settings.get("properties", {}) if component else {}
            if not key or key.split(".")[0] not in known:
                words = Words(f"There is no setting {name!r}.", f"没有配置项 {name!r}。")
                faults.append(Fault(f"params.{name}", words))
        if faults:
            raise MLWSError("40204", *faults)
        text = document.text
        for name, value in params.items():
            node, _, key = name.partition(".")
            text = set_setting(text, node, key, value)
        return parse(document.path, text) if params else document

    def _run_id(self, path: str, run: str | None) -> str:
        self._checked(path)
        if run is None or run == LATEST:
            newest = self._journal.newest(path)
            if newest is None:
                raise MLWSError("40401", kind="run", name=LATEST)
            return newest
        if self._journal.record(run)["workflow"] != path:
            raise MLWSError("40401", kind="run", name=run)
        return run

    def _node_record(self, path: str, run: str, node: str) -> tuple[str, dict[str, Any]]:
        identifier = self._run_id(path, run)
        records = self._journal.node_records(identifier)
        if node not in records:
            raise MLWSError("40401", kind="node", name=node)
        return identifier, records[node]

    def _stage(self, path: str, node: str) -> Stage:
        for stage in self._stages(self._read(path))[0]:
            if stage.id == node:
                return stage
        raise MLWSError("40401", kind="node", name=node)

    def _rows(
        self, path: str | None, limit: int, cursor: str | None
    ) -> tuple[builtins.list[dict[str, Any]], str | None]:
        before = None
        if cursor is not None:
            moment, _, identifier = cursor.partition("~")
            try:
                before = (float(moment), identifier)
            except ValueError:
                words = Words("no cursor of this list", "不是此列表的游标")
                raise MLWSError("50201", Fault("cursor", words)) from None
        rows = self._journal.runs(path, limit + 1, before)
        if len(rows) <= limit:
            return rows, None
        last = rows[limit - 1]
        return rows[:limit], f"{last['created']!r}~{last['id']}"

    def _spawn(self, run: str) -> None:
        folder = self._project.state / "runs" / run
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "runner.log").open("ab") as log:
            child = subprocess.Popen(
                [sys.executable, "-m", "jupyter_mlws.workflows.runner", run, str(self._root)],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._children.append(child)
        started = start_time(child.pid)
        if started is not None:
            self._journal.note(run, pid=child.pid, pid_start=started)


def _node(
    stage: Stage, components: Mapping[str, Component], state: Mapping[str, Any] | None
) -> Node:
    component = components.get(stage.component or "")
    made = set(stage.outs)
    bound = stage.ports
    inputs = {name: files for name, files in bound.items() if not made.intersection(files)}
    outputs = {name: files[0] for name, files in bound.items() if made.issuperset(files)}
    if component is not None:
        inputs = {port.name: bound.get(port.name, []) for port in component.inputs}
    kind = _kind(stage)
    return Node(
        id=stage.id,
        type=stage.component or kind.value,
        kind=kind,
        config=dict(stage.settings) if stage.component else {"cmd": "\n".join(stage.commands)},
        status=state["status"] if state else None,
        inputs=inputs,
        outputs=outputs,
        deps=list(stage.deps),
        outs=list(stage.outs),
    )


def _kind(stage: Stage) -> Kind:
    words = stage.arguments
    if stage.component is not None:
        return Kind.COMPONENT
    if words[:3] == ["jupyter", "mlws", "notebook"]:
        return Kind.NOTEBOOK
    python = bool(words) and posixpath.basename(words[0]).startswith("python")
    if python and any(word.endswith(".py") for word in words[1:]):
        return Kind.SCRIPT
    return Kind.SHELL


def _check_targets(stages: Sequence[Stage], targets: Sequence[str]) -> None:
    known = {stage.id for stage in stages}
    for target in targets:
        if target not in known:
            raise MLWSError("40401", kind="node", name=target)


def _new_id() -> str:
    return f"{time.strftime('%Y%m%d-%H%M%S', time.gmtime())}-{secrets.token_hex(3)}"


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)
