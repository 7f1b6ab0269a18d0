"""Parses a `dvc.yaml` into stages with line numbers, without importing DVC.

YAML is read as DVC reads it (YAML 1.2, by ruamel). Templates other than a node's own settings
are filled in by :mod:`mlws.document.templates`.
"""

from __future__ import annotations

import hashlib
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from mlws.core.errors import MLWSError, WorkflowUnreadableError
from mlws.core.i18n import Message
from mlws.document.terms import EnvironmentPolicy, Kind
from mlws.dvc import yaml_loader
from mlws.dvc.unsupported import UnsupportedStageError
from mlws.dvc.yaml_loader import Lines
from mlws.engine import graph, policy
from mlws.environments.programs import LAUNCHERS, launcher_length

FILE = "dvc.yaml"
"""Name of a workflow's file."""
TITLE = "workflow"
"""The entry of `vars` that is the workflow's title and notes, never a node's settings."""
NODE_PROGRAMS = ("jupyter", *LAUNCHERS)
"""First words of a component's command."""
STAGE_KEYS = frozenset(
    ("cmd", "wdir", "deps", "params", "frozen", "meta", "desc", "always_changed", "vars")
)
GENERATOR_KEYS = frozenset({"foreach", "matrix"})
OUTPUTS = ("outs", "metrics", "plots")
OPERATORS = frozenset({"&&", "||", "|", ";", "&", ">", ">>", "<", "2>", "2>&1"})
"""Words that end a command."""
INTERPRETER = re.compile(r"(python[\d.]*|Rscript|julia|node|bash|sh)")
ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
NOTEBOOK = "notebook"
"""Prefix of a notebook's key among the components: this, a colon, its path."""
TEMPLATE = re.compile(r"(?<!\\)\$\{\s*([^}]*?)\s*\}")
URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
MAX_FILE_CHARACTERS = 4_000_000
"""Characters; a larger file is no workflow."""


@dataclass(frozen=True)
class Fault:
    """Error in the text of a workflow file."""

    message: Message
    line: int | None
    node: str | None = None
    field: str | None = None


@dataclass(frozen=True)
class Stage(graph.Stage):
    """One stage of a workflow file."""

    commands: tuple[str, ...]
    metrics: tuple[str, ...]
    plots: Mapping[str, Mapping[str, Any]]
    """Properties of each plots file: `x`, `y`, `template`, `title`…"""
    line: int | None
    settings: Mapping[str, Any]
    at: tuple[float, float] | None

    @cached_property
    def _words(self) -> list[str]:
        """All words of a single-line command; empty if it cannot be split into words."""
        if len(self.commands) != 1:
            return []
        try:
            return shlex.split(self.commands[0])
        except ValueError:
            return []

    @property
    def arguments(self) -> list[str]:
        """Words of the command, or of its first command if the line joins several.

        Without the launcher of an environment, such as ``uv run --project envs/torch``.
        """
        return _first_command(self._words[launcher_length(self._words) :])

    @cached_property
    def program(self) -> list[str]:
        """Words from the program's name on, after ``cd FOLDER &&``, ``env NAME=…``, ``uv run``."""
        words = self._words
        if words[:1] == ["cd"] and words[2:3] == ["&&"]:
            words = words[3:]
        if words[:1] == ["env"]:
            start = (n for n, word in enumerate(words) if n and not ASSIGNMENT.fullmatch(word))
            words = words[next(start, len(words)) :]
        return _first_command(words[launcher_length(words) :])

    @property
    def notebook(self) -> str | None:
        """Path from the root of the notebook in ``jupyter mlws notebook FILE …``, or None."""
        if not any("notebook" in command for command in self.commands):
            return None
        words = self.program if self.arguments[:1] != ["cd"] else []
        for name in (["jupyter", "mlws", "notebook"], ["jupyter-mlws", "notebook"]):
            rest = words[len(name) :]
            if words[: len(name)] == name and rest and not rest[0].startswith(("-", "${")):
                return self.at_root(rest[0])
        return None

    @property
    def described_by(self) -> str:
        """Name under which its ports and settings are registered; empty for other commands."""
        if self.notebook is not None:
            return f"{NOTEBOOK}:{self.notebook}"
        return self.component or ""

    @cached_property
    def component(self) -> str | None:
        """Name of the component in ``jupyter mlws node NAME …``; None for other commands."""
        if len(self.commands) != 1 or not self.commands[0].lstrip().startswith(NODE_PROGRAMS):
            # Splitting every command would take longer than the rest of the parsing.
            return None
        words = self.arguments
        if words[:3] == ["jupyter", "mlws", "node"] and len(words) > 3:
            return words[3]
        if words[:2] == ["jupyter-mlws", "node"] and len(words) > 2:
            return words[2]
        return None

    @property
    def kind(self) -> Kind:
        """Kind of the command."""
        if self.component is not None:
            return Kind.COMPONENT
        if self.notebook is not None:
            return Kind.NOTEBOOK
        words = self.program
        if words and INTERPRETER.fullmatch(posixpath.basename(words[0])):
            # As in src/workflow/document/document.ts: the first word that is no option is a file.
            file = next((word for word in words[1:] if not word.startswith("-")), "")
            return Kind.SCRIPT if posixpath.splitext(file)[1] else Kind.SHELL
        return Kind.SHELL

    @cached_property
    def options(self) -> dict[str, list[str]]:
        """Pairs ``--name value …`` of the command, without templates."""
        options: dict[str, list[str]] = {}
        current: list[str] = []
        for word in self.arguments:
            if word.startswith("--"):
                name, equals, value = word[2:].partition("=")
                current = options.setdefault(name, [])
                if equals:
                    current.append(value)
            elif not word.startswith("${"):
                current.append(word)
        return options

    def makes(self, path: str) -> bool:
        """Return whether a path is an output or lies inside one."""
        return any(path == out or path.startswith(f"{out}/") for out in self.outs)

    @property
    def written(self) -> dict[str, list[str]]:
        """Options that are settings in the command itself, not files of the stage."""
        reserved_names = {"out"} if self.notebook is not None else set()
        return {
            n: v for n, v in self.options.items() if n not in self.ports and n not in reserved_names
        }

    def at_root(self, path: str) -> str:
        """Return a path of the command, relative to the project's root."""
        return _at_root(self.wdir, path)

    @cached_property
    def ports(self) -> dict[str, list[str]]:
        """Bound ports: the options whose values are dependencies or outputs."""
        stage_paths = {*self.deps, *self.outs}
        ports: dict[str, list[str]] = {}
        for name, values in self.options.items():
            paths = [self.at_root(value) for value in values]
            if paths and all(path in stage_paths for path in paths):
                ports[name] = paths
        return ports


@dataclass(frozen=True)
class Document:
    """A parsed `dvc.yaml`; ``path`` is relative to the project's root."""

    path: str
    text: str
    data: Mapping[str, Any]
    lines: Lines
    faults: tuple[Fault, ...] = ()

    @property
    def folder(self) -> str:
        """The folder of the file."""
        return posixpath.dirname(self.path)

    @cached_property
    def etag(self) -> str:
        """Hash that changes with the text."""
        return etag_of(self.text)

    @property
    def stages_data(self) -> Mapping[str, Any]:
        """The stages as written."""
        stages = self.data.get("stages")
        return stages if isinstance(stages, Mapping) else {}

    def section(self, name: str) -> list[Any]:
        """Return the entries of a list beside the stages, such as `metrics`, as written."""
        entries = self.data.get(name)
        return entries if isinstance(entries, list) else []

    @cached_property
    def variables(self) -> dict[str, Any]:
        """The mappings of `vars`, merged; files that it names are not read."""
        merged: dict[str, Any] = {}
        for entry in self.data.get("vars") or []:
            if isinstance(entry, Mapping):
                merged.update(entry)
        return merged

    @property
    def name(self) -> str:
        """Title of the workflow, or else the name of the file's folder."""
        title = self.variables.get(TITLE)
        if isinstance(title, Mapping) and isinstance(title.get("name"), str):
            return str(title["name"])
        return posixpath.basename(self.folder) or posixpath.basename(self.path)

    @property
    def environment_policy(self) -> EnvironmentPolicy:
        """The title's entry ``environment``: how plans treat results of another environment."""
        title = self.variables.get(TITLE)
        word = title.get("environment") if isinstance(title, Mapping) else None
        return EnvironmentPolicy(word) if word in set(EnvironmentPolicy) else EnvironmentPolicy.WARN

    def line(self, *where: str | int) -> int | None:
        """Return the line (from 1) of a key or item, or of its nearest parent that has one."""
        while where:
            line = self.lines.get(where)
            if line is not None:
                return line
            where = where[:-1]
        return None

    def needs_resolving(self) -> bool:
        """Return whether a stage has `foreach`, `matrix` or templates beyond its own settings."""
        return any(
            isinstance(data, Mapping)
            and (GENERATOR_KEYS & data.keys() or uses_templates(name, data))
            for name, data in self.stages_data.items()
        )

    def stages(self, resolved_stages: Mapping[str, Any] | None = None) -> list[Stage]:
        """Return the stages in file order.

        ``resolved_stages`` are the stages as DVC resolves them, where templates need that.
        """
        if resolved_stages is None or resolved_stages is self.stages_data:
            return list(self._plain_stages)
        return self._stages_of(resolved_stages)

    @cached_property
    def _plain_stages(self) -> list[Stage]:
        return self._stages_of(self.stages_data)

    def _stages_of(self, source: Mapping[str, Any]) -> list[Stage]:
        return [
            self._stage(str(name), data)
            for name, data in source.items()
            if isinstance(data, Mapping) and not GENERATOR_KEYS & data.keys()
        ]

    def _stage(self, name: str, data: Mapping[str, Any]) -> Stage:
        wdir = posixpath.normpath(posixpath.join(self.folder, str(data.get("wdir") or ".")))
        cmd = data.get("cmd") or ""
        commands = cmd if isinstance(cmd, list) else str(cmd).splitlines()
        meta = data.get("meta")
        at = meta.get("at") if isinstance(meta, Mapping) else None
        has_position = (
            isinstance(at, list) and len(at) == 2 and all(type(n) in (int, float) for n in at)
        )
        settings, raw = self.variables.get(name), self.stages_data.get(name)
        template_names = TEMPLATE.findall(str(raw.get("cmd"))) if isinstance(raw, Mapping) else []
        is_unpacked = name in template_names and name != TITLE

        def paths(*keys: str) -> tuple[str, ...]:
            entries = (e for key in keys if isinstance(data.get(key), list) for e in data[key])
            return tuple(
                _at_root(wdir, str(path))
                for entry in entries
                if entry is not None
                for path in (entry if isinstance(entry, Mapping) else [entry])
            )

        return Stage(
            id=name,
            commands=tuple(str(command) for command in commands if str(command).strip()),
            wdir=wdir,
            deps=paths("deps"),
            outs=paths(*OUTPUTS),
            metrics=paths("metrics"),
            plots=self._plots(data, wdir),
            frozen=bool(data.get("frozen")),
            line=self.line("stages", name) or self.line("stages", name.split("@")[0]),
            settings=settings if is_unpacked and isinstance(settings, Mapping) else {},
            policy=policy.read(meta)[0],
            at=(at[0], at[1]) if at is not None and has_position else None,
        )

    def _plots(self, data: Mapping[str, Any], wdir: str) -> Mapping[str, Mapping[str, Any]]:
        """Return the plot properties of a stage's plots files, by path.

        They come from the stage, and from the file's own list of plots, which overrides it.
        """
        stage_plots = data.get("plots")
        plots: dict[str, Mapping[str, Any]] = {}
        for entry in stage_plots if isinstance(stage_plots, list) else []:
            flags = entry if isinstance(entry, Mapping) else {entry: {}}
            for path, properties in flags.items():
                place = posixpath.normpath(posixpath.join(wdir, str(path)))
                plots[place] = properties if isinstance(properties, Mapping) else {}
        file_plots = self.data.get("plots")
        for entry in file_plots if isinstance(file_plots, list) else []:
            for path, properties in entry.items() if isinstance(entry, Mapping) else ():
                place = posixpath.normpath(posixpath.join(self.folder, str(path)))
                if place in plots and isinstance(properties, Mapping):
                    plots[place] = {**plots[place], **properties}
        return plots


def is_url(path: str) -> bool:
    """Return whether a dependency is not a file: a dataset (`ds://NAME`), or data elsewhere."""
    return URL.match(path) is not None


def _at_root(wdir: str, path: str) -> str:
    return path if is_url(path) else posixpath.normpath(posixpath.join(wdir, path))


def _first_command(words: list[str]) -> list[str]:
    return words[: next((n for n, word in enumerate(words) if word in OPERATORS), None)]


def etag_of(text: str) -> str:
    """Return a hash that identifies a text."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


@lru_cache(maxsize=8)
def parse(path: str, text: str) -> Document:
    """Parse ``text``; WorkflowUnreadableError with the line if it is not a YAML mapping.

    The result is cached: a run parses the same text as its start and gets the same document.
    """
    if len(text) > MAX_FILE_CHARACTERS:
        raise unreadable(path, Message("the file is larger than 4 MB"), None)
    data, lines = load(path, text)
    if data is None:
        # A file of comments alone, which DVC reads as empty as well.
        data = {}
    if not isinstance(data, Mapping):
        raise unreadable(path, Message("the file must be a mapping with `stages`"), 1)
    return Document(path, text, data, lines, tuple(_faults(data, lines)))


def load(path: str, text: str) -> tuple[Any, Lines]:
    """Return the value of a YAML file as DVC reads it, and the lines of its keys and items.

    WorkflowUnreadableError with the line if it is not YAML.
    """
    try:
        return yaml_loader.read_with_lines(text)
    except UnsupportedStageError:
        from ruamel.yaml.error import YAMLError

        try:
            data, root = yaml_loader.read_by_ruamel(text)
        except (YAMLError, ValueError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
            reason = getattr(error, "problem", None) or str(error).splitlines()[0]
            # A text that ends too early has its fault on its last line.
            line = min(mark.line, text.rstrip().count("\n")) + 1 if mark else None
            raise unreadable(path, reason, line) from error
        return data, Lines(root)


def unreadable(path: str, reason: str | Message, line: int | None) -> MLWSError:
    """Return the error for a file with a fault, at a line if that is known."""
    if line:
        reason = Message("line {line}: {reason}", line=line, reason=reason)
    return WorkflowUnreadableError(path=path, reason=reason, line=line)


def _faults(data: Mapping[str, Any], lines: Lines) -> Iterator[Fault]:
    """Yield what DVC's schema would reject, with the line, which DVC does not report."""
    stages = data.get("stages", {})
    if stages is None:
        return
    if not isinstance(stages, Mapping):
        words = Message("`stages` must be a mapping of names to stages.")
        yield Fault(words, lines.get(("stages",)))
        return
    for name, stage in stages.items():
        line = lines.get(("stages", str(name)))
        if not isinstance(stage, Mapping):
            words = Message("A stage must be a mapping with `cmd`.")
            yield Fault(words, line, str(name))
        elif not GENERATOR_KEYS & stage.keys():
            yield from _stage_faults(str(name), stage, lines)
        else:
            yield from _sweep_faults(str(name), stage, lines)


def _sweep_faults(name: str, stage: Mapping[str, Any], lines: Lines) -> Iterator[Fault]:
    """Yield the errors that keep `foreach` and `matrix` from generating stages."""
    if "matrix" not in stage:
        key, fits = "do", isinstance(stage.get("do"), Mapping) and len(stage) == 2
        words = Message(
            "A stage with `foreach` must have a `do` mapping that holds the stage, and no "
            "other keys."
        )
    else:
        matrix = stage["matrix"]
        lists = matrix.values() if isinstance(matrix, Mapping) else [None]
        key = "matrix"
        fits = not {"foreach", "do"} & stage.keys() and all(
            isinstance(one, list) or "${" in str(one) for one in lists
        )
        words = Message(
            "`matrix` must be a mapping of names to lists and can't be combined with "
            "`foreach` or `do`."
        )
    if not fits:
        line = lines.get(("stages", name, key)) or lines.get(("stages", name))
        yield Fault(words, line, name, key)


def _stage_faults(name: str, stage: Mapping[str, Any], lines: Lines) -> Iterator[Fault]:
    if not stage.get("cmd"):
        words = Message("The stage has no command (`cmd`).")
        yield Fault(words, lines.get(("stages", name)), name, "cmd")
    elif not isinstance(stage["cmd"], str | list):
        words = Message("`cmd` must be a string or a list.")
        yield Fault(words, lines.get(("stages", name, "cmd")), name, "cmd")
    for key, value in stage.items():
        line = lines.get(("stages", name, str(key)))
        if key not in STAGE_KEYS and key not in OUTPUTS:
            words = Message("Unknown key `{key}` in a stage.", key=key)
            yield Fault(words, line, name, str(key))
        elif key in ("deps", *OUTPUTS) and not isinstance(value, list | None):
            words = Message("`{key}` must be a list of paths.", key=key)
            yield Fault(words, line, name, str(key))
    for wish, why in policy.faults(stage.get("meta")):
        line = lines.get(("stages", name, "meta", wish)) or lines.get(("stages", name))
        words = Message("`meta.{wish}` {why}.", wish=wish, why=why)
        yield Fault(words, line, name, f"meta.{wish}")


def uses_templates(name: str, data: Mapping[str, Any]) -> bool:
    """Return whether the stage needs values for anything but ``${name}`` in its command."""
    for key, value in data.items():
        if key in ("meta", "desc"):
            continue
        for template in TEMPLATE.findall(str(value)):
            if key != "cmd" or template != name:
                return True
    return False
