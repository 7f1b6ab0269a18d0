"""Reads a definition's nodes: what each is to be, and everything that is wrong with it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jupyter_mlws.components.models import Component
from jupyter_mlws.core.errors import (
    Fault,
    InvalidConnectionError,
    MLWSError,
    WorkflowCycleError,
    WorkflowProblemsError,
)
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.workflows.document import settings
from jupyter_mlws.workflows.document.definition import NodeDefinition
from jupyter_mlws.workflows.document.nodes import config_of, default_path, kind_of, ports_of
from jupyter_mlws.workflows.document.parse import TITLE, Stage
from jupyter_mlws.workflows.document.rewriting import are_equal
from jupyter_mlws.workflows.document.terms import Kind

ID = re.compile(r"\w[\w-]*")
COMMAND_TYPES = frozenset({Kind.SHELL.value, Kind.SCRIPT.value, Kind.NOTEBOOK.value})
"""Types of nodes that are commands and no components."""
COMMAND = "cmd"


@dataclass(frozen=True)
class ExistingNode:
    """A node as the file has it now; ``connected`` are the files that its edges carry."""

    stage: Stage
    component: Component | None
    folder: str
    connected: frozenset[str]

    @property
    def type(self) -> str:
        """Type, as in the API."""
        return self.stage.component or kind_of(self.stage).value

    @property
    def config(self) -> dict[str, Any]:
        """Config, as in the API."""
        return config_of(self.stage, self.component, self.folder, self.connected)

    @property
    def ports(self) -> tuple[dict[str, list[str]], dict[str, str]]:
        """Files of each input, and the file of each output."""
        return ports_of(self.stage, self.component)

    @property
    def loose_deps(self) -> list[str]:
        """Dependencies that belong to neither a port nor an edge."""
        ports = self.ports[0] if self.component else {}
        bound_files = {file for files in ports.values() for file in files} | self.connected
        return [dep for dep in self.stage.deps if dep not in bound_files]

    @property
    def loose_outs(self) -> list[str]:
        """Outputs that belong to no port."""
        if self.component is None:
            return list(self.stage.outs)
        return [out for out in self.stage.outs if out not in self.ports[1].values()]


@dataclass
class Draft:
    """Target state of a node; the files of edges are added to ``inputs`` and ``deps``."""

    place: int
    definition: NodeDefinition
    component: Component | None
    present: ExistingNode | None
    settings: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, list[str]] = field(default_factory=dict)
    outputs: dict[str, str] = field(default_factory=dict)
    deps: list[str] = field(default_factory=list)
    outs: list[str] = field(default_factory=list)

    @property
    def id(self) -> str:
        """ID of the node."""
        return self.definition.id

    @property
    def plain(self) -> bool:
        """True if the node has no ports that edges could be bound to."""
        return self.component is None

    def makes(self) -> list[str]:
        """Return every file that the node makes."""
        return [*self.outputs.values(), *self.outs]


@dataclass
class Faults:
    """Collector of all faults of a definition, to report them in one error."""

    rows: list[tuple[str, Fault]] = field(default_factory=list)

    def add(self, code: str, where: str, message: Message) -> None:
        """Add a fault of a field."""
        self.rows.append((code, Fault(where, message)))

    def raise_any(self, workflow: str, cycle: str = "") -> None:
        """Raise one error with every fault; its code is that of the fault to fix first."""
        if not self.rows:
            return
        faults = [fault for _, fault in self.rows]
        codes = {code for code, _ in self.rows}
        if codes == {"40203"}:
            raise WorkflowCycleError(faults=faults, workflow=workflow, cycle=cycle)
        if "40201" in codes:
            raise WorkflowProblemsError(faults=faults, workflow=workflow, count=len(faults))
        raise InvalidConnectionError(faults=faults, workflow=workflow)


class Reader:
    """Reads the nodes of one definition into drafts, and adds all faults to ``faults``.

    ``resolve`` raises for a path outside the project. ``find_conflict`` returns why no node may
    write a path, or None.
    """

    def __init__(
        self,
        components: Mapping[str, Component],
        folder: str,
        faults: Faults,
        resolve: Callable[[str], Path],
        find_conflict: Callable[[str], Message | None],
    ) -> None:
        self._components = components
        self._folder = folder
        self._faults = faults
        self._resolve = resolve
        self._find_conflict = find_conflict

    def read(
        self, definitions: Sequence[NodeDefinition], present: Mapping[str, ExistingNode]
    ) -> list[Draft]:
        """Return a draft of each node whose type is known, also of nodes with other faults."""
        ids: set[str] = set()
        drafts = []
        for place, definition in enumerate(definitions):
            draft = self._node(place, definition, present.get(definition.id))
            if definition.id in ids:
                words = Message("A node with this ID already exists.")
                self._faults.add("40201", f"nodes.{place}.id", words)
            elif draft is not None:
                drafts.append(draft)
            ids.add(definition.id)
        return drafts

    def _node(
        self, place: int, definition: NodeDefinition, present: ExistingNode | None
    ) -> Draft | None:
        if present is None:
            self._check_id(place, definition.id)
        elif present.type == definition.type or {present.type, definition.type} <= COMMAND_TYPES:
            return self._fill_draft(Draft(place, definition, present.component, present))
        if definition.type in COMMAND_TYPES and definition.type not in self._components:
            return self._fill_draft(Draft(place, definition, None, None))
        component = self._components.get(definition.type)
        if component is None or component.error is not None:
            self._unknown_type(place, definition.type, component)
            return None
        return self._fill_draft(Draft(place, definition, component, None))

    def _check_id(self, place: int, name: str) -> None:
        if name == TITLE:
            words = Message("{title!r} is reserved for the title. Choose another ID.", title=TITLE)
        elif not ID.fullmatch(name):
            words = Message(
                "An ID may only contain letters, digits, _ and -, and must not start with -."
            )
        else:
            return
        self._faults.add("40201", f"nodes.{place}.id", words)

    def _unknown_type(self, place: int, name: str, broken: Component | None) -> None:
        if broken is not None:
            words = Message(
                "Can't read the component {name!r}: {error}", name=name, error=broken.error
            )
        else:
            near = get_close_matches(name, [*self._components, *COMMAND_TYPES], n=1)
            words = (
                Message(
                    "Component {name!r} not found. Did you mean {near!r}?", name=name, near=near[0]
                )
                if near
                else Message("Component {name!r} not found.", name=name)
            )
        self._faults.add("40201", f"nodes.{place}.type", words)

    def _fill_draft(self, draft: Draft) -> Draft:
        definition, present = draft.definition, draft.present
        if draft.plain:
            self._fill_plain(draft)
        else:
            self._fill_ports(draft)
            self._fill_settings(draft)
        old = present.loose_deps if present else []
        if definition.deps is None:
            draft.deps = [*old]
            if present is None and draft.component and draft.component.path:
                # The project's own code: its nodes run again when it changes.
                draft.deps.append(draft.component.path)
        else:
            # What ports and edges account for is theirs to say.
            bound_deps = {*present.stage.deps} - {*old} if present else set()
            extra_deps = [dep for dep in definition.deps if dep not in bound_deps]
            draft.deps = self._paths(draft, "deps", extra_deps, old)
        return draft

    # A command

    def _fill_plain(self, draft: Draft) -> None:
        definition, present = draft.definition, draft.present
        draft.settings = dict(definition.config)
        draft.outs = present.loose_outs if present else []
        if definition.outs is not None:
            draft.outs = self._paths(draft, "outs", definition.outs, draft.outs)
        if present is not None and are_equal(definition.config, present.config):
            return
        field_ = f"nodes.{draft.place}.config"
        if present is not None and present.stage.component is not None:
            name = present.stage.component
            words = Message("Component {name!r} not found.", name=name)
            self._faults.add("40201", f"nodes.{draft.place}.type", words)
            return
        for name in definition.config:
            if name != COMMAND:
                words = Message("Command nodes have no setting {name!r}.", name=name)
                self._faults.add("40201", f"{field_}.{name}", words)
        command = definition.config.get(COMMAND)
        if not isinstance(command, str) or not command.strip() or "\0" in command:
            words = Message("`cmd` must be a command.")
            self._faults.add("40201", f"{field_}.{COMMAND}", words)
        if present is None and (definition.inputs or definition.outputs):
            where = "inputs" if definition.inputs else "outputs"
            words = Message("Command nodes have no ports. List their files in `deps` and `outs`.")
            self._faults.add("40201", f"nodes.{draft.place}.{where}", words)

    # A component

    def _fill_settings(self, draft: Draft) -> None:
        component, config = draft.component, draft.definition.config
        assert component is not None
        ports = component.port_names
        draft.settings = {name: value for name, value in config.items() if name not in ports}
        # A fault that the file has already does not stand in the way of other changes.
        old = draft.present.config if draft.present else {}
        news = {
            name for name, value in draft.settings.items()
            if name not in old or not are_equal(value, old[name])
        }  # fmt: skip
        unfit = {n: words for n in sorted(news) if (words := settings.unfit(draft.settings[n]))}
        for name, words in unfit.items():
            self._faults.add("40201", f"nodes.{draft.place}.config.{name}", words)
        for fault in settings.faults(component, draft.settings):
            first = fault.name.split(".")[0]
            if fault.kind not in settings.DRAFT_FAULTS and first in news and first not in unfit:
                self._faults.add("40201", f"nodes.{draft.place}.config.{fault.name}", fault.message)

    def _fill_ports(self, draft: Draft) -> None:
        component = draft.component
        assert component is not None
        self._check_names(draft, "inputs", [port.name for port in component.inputs])
        self._check_names(draft, "outputs", [output.name for output in component.outputs])
        for port in component.inputs:
            draft.inputs[port.name] = self._input(draft, port.name)
            if len(draft.inputs[port.name]) > 1 and not port.multiple:
                words = Message("The input {name} accepts only one file.", name=port.name)
                self._faults.add("40202", self._field_path(draft, port.name, "inputs"), words)
        for output in component.outputs:
            usual = default_path(self._folder, draft.id, output)
            file = self._output(draft, output.name, usual)
            if file is not None:
                draft.outputs[output.name] = file
        draft.outs = draft.present.loose_outs if draft.present else []

    def _check_names(self, draft: Draft, where: str, ports: Sequence[str]) -> None:
        assert draft.component is not None
        bindings = draft.definition.inputs if where == "inputs" else draft.definition.outputs
        for name in bindings:
            if name not in ports:
                title, available = draft.component.title, ", ".join(ports) or "-"
                words = Message(
                    "{title} has no such port. Available: {known}.", title=title, known=available
                )
                self._faults.add("40201", f"nodes.{draft.place}.{where}.{name}", words)

    def _input(self, draft: Draft, port: str) -> list[str]:
        """Return the files of an input that come from outside; edges add their own files."""
        now = draft.present.ports[0].get(port, []) if draft.present else []
        edge_files = draft.present.connected if draft.present else frozenset()
        outside = [file for file in now if file not in edge_files]
        candidates = []
        if port in draft.definition.config:
            where = f"config.{port}"
            candidates.append(
                (where, self._files(draft, where, draft.definition.config[port], outside))
            )
        if port in draft.definition.inputs:
            where = f"inputs.{port}"
            files = [f for f in draft.definition.inputs[port] if f not in now or f in outside]
            candidates.append((where, self._files(draft, where, files, outside)))
        return self._select_files(draft, candidates, outside) if candidates else []

    def _output(self, draft: Draft, port: str, usual: str) -> str | None:
        now = draft.present.ports[1].get(port) if draft.present else usual
        candidates = []
        for where, files in (
            (f"config.{port}", draft.definition.config.get(port)),
            (f"outputs.{port}", draft.definition.outputs.get(port)),
        ):
            if files is not None:
                candidates.append((where, self._files(draft, where, files, [now] if now else [])))
        if not candidates:
            return None if now is None else usual
        files = self._select_files(draft, candidates, [now] if now else [])
        for file in files:
            conflict = self._find_conflict(file) if file not in (now, usual) else None
            if conflict is not None:
                self._faults.add("40201", f"nodes.{draft.place}.{candidates[0][0]}", conflict)
        return files[0] if files else usual

    def _select_files(
        self, draft: Draft, candidates: Sequence[tuple[str, list[str]]], now: list[str]
    ) -> list[str]:
        """Return the files that a definition sets for a port, from its one or two ``candidates``.

        A port can be set in `config` and in `inputs` or `outputs`. The candidate that differs from
        the present files counts; it is a fault if both differ from them and from each other.
        """
        news = [(where, files) for where, files in candidates if files != now]
        if len(news) == 2 and news[0][1] != news[1][1]:
            words = Message(
                "`config` and `{value}` specify different files.", value=news[1][0].split(".")[0]
            )
            self._faults.add("40201", f"nodes.{draft.place}.{news[0][0]}", words)
        return news[0][1] if news else now

    def _field_path(self, draft: Draft, port: str, other: str) -> str:
        place = "config" if port in draft.definition.config else other
        return f"nodes.{draft.place}.{place}.{port}"

    # Paths

    def _files(self, draft: Draft, where: str, value: Any, now: Sequence[str]) -> list[str]:
        """Return the files of a port, which are written as one path, as a list, or not at all."""
        files = [value] if isinstance(value, str) else value
        if files in (None, [], [""]):
            return []
        if not isinstance(files, list) or not all(isinstance(file, str) for file in files):
            words = Message("This is a port. Its value must be a file path.")
            self._faults.add("40201", f"nodes.{draft.place}.{where}", words)
            return []
        return self._paths(draft, where, files, now)

    def _paths(
        self, draft: Draft, where: str, raw_paths: Sequence[str], now: Sequence[str]
    ) -> list[str]:
        paths = []
        for path in dict.fromkeys(raw_paths):
            result = path if path in now else self._path(path)
            if isinstance(result, Message):
                self._faults.add("40201", f"nodes.{draft.place}.{where}", result)
            else:
                paths.append(result)
        return paths

    def _path(self, path: str) -> str | Message:
        """Return a path relative to the project's root, or why it is invalid.

        A leading slash also means the root.
        """
        unfit = settings.unfit_text(path)
        if unfit is not None:
            return unfit
        relative_path = posixpath.normpath(path.lstrip("/") or ".")
        outside = Message("{path!r} is not a file or folder inside the project.", path=path)
        if relative_path == ".":
            return outside
        try:
            self._resolve(relative_path)
        except MLWSError:
            return outside
        return relative_path
