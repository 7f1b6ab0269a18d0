"""One `repro`: which stages, in what order, executed by the engine."""

from __future__ import annotations

import json
import os
import posixpath
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import click

from mlws.core.i18n import Message
from mlws.core.locking import FileLock
from mlws.dvc.stages import Forecast, PreparationResult, PreparationStatus
from mlws.engine.executor import Executor
from mlws.engine.executors.factory import ExecutorContext
from mlws.engine.graph import StageGraph, closure, reverse
from mlws.engine.node_logs import log_path
from mlws.engine.policy import OnFailure, RunOptions
from mlws.engine.process_loop import ProcessLoop
from mlws.engine.reasons import UP_TO_DATE_REASON
from mlws.engine.scheduler import Engine
from mlws.engine.states import Status
from mlws.repro.backend import RepositoryBackend
from mlws.repro.checks import check
from mlws.repro.console import Console, Ending, reporting
from mlws.repro.errors import Reason, ReproError
from mlws.repro.executors import NamedCommands, TerminalExecutor, cancelling_on_signals
from mlws.repro.options import OnError, ReproOptions
from mlws.repro.repository import Node, Repository
from mlws.repro.targets import select

OPERATION = "repro"


@dataclass
class Outcome(Ending):
    """The end of `repro`.

    ``reproduced``: the stages that were brought up to date, of which ``restored`` without their
    commands; ``unchanged`` were so already. ``failures``: why others failed.
    """

    reproduced: list[str] = field(default_factory=list)
    restored: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)


def run(folder: Path, language: str, options: ReproOptions, *, as_json: bool = False) -> int:
    """Execute the command in a folder; return its exit code. Everything is said on the console."""
    outcome = Outcome()
    with reporting(outcome, language):
        repository, here = Repository.find(folder)
        check(repository.graph)
        console = Console(language, here, live=options.jobs == 1, quiet=as_json)
        lock = FileLock(repository.state / "repro.lock")
        # Two commands must not write the same outputs.
        with nullcontext() if options.dry else lock.hold(OPERATION, 0.0, lambda holder: None):
            reproduction = Reproduction(repository, options, console, outcome)
            try:
                reproduction.execute(here)
            finally:
                reproduction.summarize()
    if as_json:
        click.echo(json.dumps(vars(outcome), ensure_ascii=False))
    return outcome.code


class Reproduction:
    """The execution of one command; the journal of the engine's run, which nothing outlives."""

    def __init__(
        self, repository: Repository, options: ReproOptions, console: Console, outcome: Outcome
    ) -> None:
        self._repository = repository
        self._options = options
        self._console = console
        self._outcome = outcome
        self._logs: Path | None = None
        self._reruns: set[str] = set()
        self._commands: dict[str, str] = {}
        self._count = 0
        self._started = time.monotonic()
        self._is_alone = options.jobs == 1 or options.stages.interactive or options.single_item

    def summarize(self) -> None:
        """Say how many stages were brought up to date, unless they had the terminal."""
        if self._is_alone or self._options.dry:
            return
        outcome = self._outcome
        ends = [outcome.reproduced, outcome.unchanged, outcome.failures]
        counts = {
            Message("{count} ran"): len(outcome.reproduced) - len(outcome.restored),
            Message("{count} unchanged"): len(outcome.unchanged),
            Message("{count} from the cache"): len(outcome.restored),
            Message("{count} failed"): len(outcome.failures),
            Message("{count} not run"): self._count - sum(map(len, ends)),
        }
        self._console.summarize(counts, time.monotonic() - self._started)

    def execute(self, folder: str) -> None:
        """Bring the stages up to date that the targets name in a ``folder`` of the repository."""
        steps = self._steps(folder)
        self._count = len(steps)
        before = self._read_tracked(steps)
        # Commands and messages of DVC have paths relative to the root.
        os.chdir(self._repository.root)
        with closing(
            RepositoryBackend(self._repository, self._options.stages, self._console)
        ) as backend:
            if self._options.dry:
                self._show(steps, backend)
            else:
                self._run(steps, backend)
        if self._outcome.failures and self._options.on_error is not OnError.IGNORE:
            nodes = self._repository.nodes
            names = [self._console.name(nodes[node]) for node in self._outcome.failures]
            message = Message("failed to reproduce {stages}")
            if len(names) > 1:
                message = Message("failed to reproduce stages: {stages}")
            elif self._options.on_error is OnError.FAIL:
                message = Message("failed to reproduce {stages}: {reason}")
            stages = ", ".join(f"'{name}'" for name in names)
            reason = next(iter(self._outcome.failures.values()))
            raise ReproError(message.fill(stages=stages, reason=reason), Reason.FAILED)
        after = self._read_tracked(steps)
        files = [file for file in sorted(after) if after[file] != before.get(file)]
        backend.stage_files(files)
        self._console.finish(
            [posixpath.relpath(file, folder or ".") for file in files],
            is_up_to_date=not self._outcome.reproduced,
            uses_git=backend.uses_git and not backend.stages_files,
        )

    def _steps(self, folder: str) -> list[Node]:
        """Return the nodes to bring up to date, in DVC's order."""
        options, full = self._options, self._repository.graph
        if options.all_pipelines:
            return [full.by_id[name] for name in full.order]
        targets = select(
            self._repository,
            options.targets,
            folder,
            recursive=options.recursive,
            glob=options.glob,
        )
        names = [node.id for node in targets]
        if options.single_item and not options.pipeline:
            return targets
        if options.pipeline and names:
            others = reverse(full.needs)
            names_to_run = closure(
                {name: [*needs, *others.get(name, ())] for name, needs in full.needs.items()}, names
            )
        elif options.downstream:
            names_to_run = closure(reverse(full.needs), names)
        else:
            # Without any, DVC takes the stages of the whole repository.
            names_to_run = full.required(names)
        return [full.by_id[name] for name in full.order if name in names_to_run]

    def _show(self, steps: Sequence[Node], backend: RepositoryBackend) -> None:
        """Say what would run, as the files are now."""
        for node in steps:
            if not self._options.force and not backend.changes(node):
                self._console.show_preparation(node, PreparationResult(PreparationStatus.UNCHANGED))
                continue
            self._outcome.reproduced.append(node.id)
            if not node.name or node.frozen:
                continue
            if not self._options.force and backend.examine(node.id, Forecast()).restorable:
                self._console.show_preparation(node, PreparationResult(PreparationStatus.RESTORED))
            self._console.show_preparation(node, PreparationResult(PreparationStatus.READY))
            cmd = self._repository.files[node.file][node.name]["cmd"]
            for line in cmd if isinstance(cmd, list) else cmd.splitlines():
                self._console.command(line)

    def _run(self, steps: Sequence[Node], backend: RepositoryBackend) -> None:
        options = self._options
        if options.stages.pull and options.stages.run_cache:
            backend.pull_run_cache()
        on_failure = OnFailure.CONTINUE if options.on_error is OnError.IGNORE else OnFailure.STOP
        graph = StageGraph(
            [
                replace(
                    node,
                    policy=replace(node.policy, on_failure=on_failure),
                    # In the order of the targets.
                    deps=() if options.single_item else node.deps,
                )
                for node in steps
            ]
        )
        jobs = 1 if self._is_alone else options.jobs
        terminal: TerminalExecutor | None = None

        def open_executor(loop: ProcessLoop) -> Executor:
            nonlocal terminal
            if not self._is_alone:
                return NamedCommands(loop, self._commands)
            terminal = TerminalExecutor(loop, self._commands, self._console)
            return terminal

        with tempfile.TemporaryDirectory(prefix="mlws-repro-") as folder:
            self._logs = None if self._is_alone else Path(folder)
            engine = Engine(
                self,
                f"{OPERATION}-{uuid4().hex}",
                backend,
                graph,
                RunOptions(
                    force=options.force,
                    keep_going=options.on_error is OnError.KEEP_GOING,
                    jobs=jobs,
                    again=self._reruns,
                ),
                logs=Path(folder),
                target=ExecutorContext(jobs, executor=open_executor),
            )
            live = nullcontext() if self._logs is None else self._console.live_stages(self._logs)
            with live, cancelling_on_signals(engine, lambda: terminal):
                status, _ = engine.execute()
        order = {name: place for place, name in enumerate(graph.order)}
        self._outcome.reproduced.sort(key=order.__getitem__)
        if status is Status.CANCELLED:
            raise ReproError(Message("interrupted by the user"), Reason.INTERRUPTED)

    # The journal of the engine

    def batch(self) -> nullcontext[None]:
        """Return nothing to wait for: changes are printed at once."""
        return nullcontext()

    def set_node(self, run: str, node: str, status: Status, **facts: Any) -> None:
        """Print and note how a node has ended."""
        one = self._repository.nodes[node]
        (self._console.show_start if status is Status.RUNNING else self._console.show_end)(one)
        if self._logs is not None and status in (Status.COMPLETED, Status.FAILED):
            self._console.output(one, log_path(self._logs, node))
        if status is Status.CACHED and facts["reasons"] == [UP_TO_DATE_REASON.as_dict()]:
            self._outcome.unchanged.append(node)
        elif status in (Status.COMPLETED, Status.CACHED):
            self._outcome.reproduced.append(node)
            if status is Status.CACHED and one.name:
                self._outcome.restored.append(node)
            if self._options.force_downstream:
                self._reruns.update(reverse(self._repository.graph.needs).get(node, ()))
        elif status is Status.FAILED:
            code, reason = facts.get("exit_code"), str(facts["error"]["facts"].get("reason", ""))
            if code:
                reason = f"failed to run: {self._commands.get(node, '')}, exited with {code}"
            self._outcome.failures[node] = reason
            graph = self._repository.graph
            if self._options.on_error is OnError.IGNORE:
                self._console.warn(Message("{reason} (ignored)", reason=reason))
            elif self._options.on_error is OnError.KEEP_GOING:
                skips = [graph.by_id[one] for one in graph.order if one in graph.downstream(node)]
                self._console.warn_of_failure(reason, skips)

    def set_progress(self, run: str, node: str, progress: float) -> None:
        """Leave it out: the output shows it."""

    def end_nodes(self, run: str, status: Status) -> None:
        """Leave it out: nothing is printed of what has not started."""

    def _read_tracked(self, steps: Sequence[Node]) -> dict[str, bytes]:
        """Return the lock, `.dvc` and ignore files that the nodes may write, by their paths."""
        root = self._repository.root
        files: dict[str, None] = {}
        for node in steps:
            files.setdefault(f"{node.file.removesuffix('.yaml')}.lock" if node.name else node.file)
            for out in node.outs:
                files.setdefault(posixpath.join(posixpath.dirname(out), ".gitignore"))
        return {file: (root / file).read_bytes() for file in files if (root / file).is_file()}
