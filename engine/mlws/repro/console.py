"""What `repro` prints: DVC's words, and the output of the stages."""

from __future__ import annotations

import posixpath
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import click

from mlws.core.errors import MLWSError
from mlws.core.i18n import Message
from mlws.core.progress import format_duration
from mlws.dvc.stages import PreparationResult, PreparationStatus, StageError
from mlws.repro.errors import EXIT_FAILURE, Reason, ReproError
from mlws.repro.live import LiveStages, can_replace_lines
from mlws.repro.repository import Node

YES = ("y", "yes")


@dataclass
class Ending:
    """The end of a command: its exit code, and why it failed."""

    code: int = 0
    error: str = ""
    reason: str = ""


@contextmanager
def reporting(ending: Ending, language: str) -> Iterator[None]:
    """Print a refusal or failure to the standard error, and note it in ``ending``."""
    try:
        yield
        return
    except ReproError as error:
        ending.code, ending.error, ending.reason = error.code, error.message.en, error.reason
        text = error.message.in_(language)
    except MLWSError as error:
        ending.code, ending.error, ending.reason = EXIT_FAILURE, str(error), Reason.UNREADABLE
        body = error.as_dict(language)
        text = f"{body['message']} {body['solution']}"
    except StageError as error:
        ending.code, ending.error, ending.reason = EXIT_FAILURE, str(error), Reason.FAILED
        text = str(error)
    click.echo(f"ERROR: {text}", err=True)


class Console:
    """Prints in ``language``; ``folder`` is where paths are relative to, ``live``: one by one."""

    def __init__(self, language: str, folder: str, *, live: bool, quiet: bool = False) -> None:
        self._language = language
        self._folder = folder
        self._live = live
        self._quiet = quiet
        self._lock = threading.Lock()
        self._needs_gap = False
        self._stages: LiveStages | None = None

    @contextmanager
    def live_stages(self, logs: Path) -> Iterator[None]:
        """Show the stages that run below what is printed, if this is a terminal that can."""
        if self._quiet or not can_replace_lines():
            yield
            return
        with LiveStages(self._language, logs) as self._stages:
            yield
        self._stages = None

    def show_start(self, node: Node) -> None:
        """Show a line for a stage whose command starts, until :meth:`show_end`."""
        if self._stages is not None:
            self._stages.start(node.id, self.name(node))

    def show_end(self, node: Node) -> None:
        """Remove the line of a stage that runs no longer."""
        if self._stages is not None:
            self._stages.end(node.id)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing but errors is printed."""
        return self._quiet

    def name(self, node: Node) -> str:
        """Return how a node is named where the command was given."""
        return node.address(self._folder)

    def say(self, message: Message, node: Node | None = None) -> None:
        """Print a line to the standard output, with the ``{stage}`` that a message names."""
        self._print(self._fill(message, node))

    def warn(self, message: Message, node: Node | None = None) -> None:
        """Print a warning to the standard error."""
        self._print(f"WARNING: {self._fill(message, node)}", warns=True)

    def confirm(self, node: Node) -> bool:
        """Ask whether to go on with a stage; False where nobody can answer."""
        question = Message(
            "Going to reproduce stage: '{stage}'. Are you sure you want to continue?"
        )
        try:
            return input(f"{self._fill(question, node)} [y/n] ").strip().lower() in YES
        except EOFError:
            return False

    def warn_of_freeze(self, node: Node) -> None:
        """Say that the inputs of a stage are left as they are."""
        message = Message(
            "stage: '{stage}' is frozen. Its dependencies are not going to be reproduced."
        )
        self.warn(message, node)

    def warn_of_failure(self, reason: str, skips: Sequence[Node]) -> None:
        """Say why a stage failed, and which others are left out for it."""
        self.warn(Message.verbatim(reason))
        if skips:
            stages = ", ".join(f"'{self.name(node)}'" for node in skips)
            message = Message("Stage {stages} will be skipped due to this failure")
            if len(skips) > 1:
                message = Message("Stages {stages} will be skipped due to this failure")
            self.warn(message.fill(stages=stages))

    def show_preparation(self, node: Node, result: PreparationResult) -> None:
        """Say what was done for a node, or that its command starts."""
        status = result.prepared
        with self._lock:
            gap, self._needs_gap = self._needs_gap, status is not PreparationStatus.UNCHANGED
        if gap and self._live:
            self._print("")
        message = Message("Running stage '{stage}':")
        if status is PreparationStatus.UNCHANGED and node.name:
            message = Message("Stage '{stage}' didn't change, skipping")
        elif status is PreparationStatus.UNCHANGED:
            message = Message("'{stage}' didn't change, skipping")
        elif status is PreparationStatus.RESTORED:
            message = Message("Stage '{stage}' is cached - skipping run, checking out outputs")
        elif status is PreparationStatus.ACCEPTED:
            message = Message("Verifying data sources in stage: '{stage}'")
        self.say(message, node)

    def show_lock(self, file: str, is_new: bool) -> None:
        """Say that a lock file was written."""
        name = posixpath.relpath(file, self._folder or ".")
        verb = Message("Generating lock file '{file}'", file=name)
        self.say(verb if is_new else Message("Updating lock file '{file}'", file=name))

    def command(self, line: str) -> None:
        """Show a command that starts, or that would."""
        self._print(f"> {line}")

    def output(self, node: Node, log: Path) -> None:
        """Print the commands of a stage that ran beside others, and what they have printed."""
        if self._quiet or not log.exists() or not log.stat().st_size:
            return
        text = log.read_bytes()
        with self._lock, self._above():
            click.echo(self._fill(Message("Output of stage '{stage}':"), node))
            click.echo(text, nl=self._stages is not None and not text.endswith(b"\n"))

    def finish(self, files: Sequence[str], *, is_up_to_date: bool, uses_git: bool) -> None:
        """Say what is left to do after a success; ``files``: those that git has to know."""
        if files and uses_git:
            self.say(
                Message(
                    "\nTo track the changes with git, run:\n\n\tgit add {files}",
                    files=" ".join(files),
                )
            )
        if is_up_to_date:
            self.say(Message("Data and pipelines are up to date."))
        else:
            self.say(Message("Use `dvc push` to send your updates to remote storage."))

    def summarize(self, counts: Mapping[Message, int], seconds: float) -> None:
        """Say how many stages ended in which way, on a terminal that showed them run."""
        if self._quiet or not can_replace_lines():
            return
        texts = [message.fill(count=count).in_(self._language) for message, count in counts.items()]
        texts = [text for text, count in zip(texts, counts.values(), strict=True) if count]
        if texts:
            self._print(f"{', '.join(texts)} · {format_duration(seconds)}")

    def _fill(self, message: Message, node: Node | None) -> str:
        if node is not None:
            message = message.fill(stage=node.address(self._folder))
        return message.in_(self._language)

    def _print(self, text: str, *, warns: bool = False) -> None:
        if self._quiet:
            return
        with self._lock, self._above():
            click.echo(text, err=warns)

    def _above(self) -> AbstractContextManager[None]:
        return nullcontext() if self._stages is None else self._stages.above()
