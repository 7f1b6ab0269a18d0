"""Reads the nodes of a definition into drafts, and reports all their faults together."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from jupyter_mlws.components.models import Component
from jupyter_mlws.core.errors import (
    InvalidConnectionError,
    WorkflowCycleError,
    WorkflowProblemsError,
)
from jupyter_mlws.workflows.document import settings
from jupyter_mlws.workflows.document.definition import NodeDefinition
from jupyter_mlws.workflows.document.nodes import config_of, default_path, ports_of
from mlws.core.errors import Fault, MLWSError
from mlws.core.i18n import Message
from mlws.document.parse import TITLE, Stage
from mlws.document.printing import without_marks
from mlws.document.rewriting import are_equal
from mlws.document.terms import Kind

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
    connected: AbstractSet[str]

    @property
    def type(self) -> str:
        """Type, as in the API."""
        return self.stage.component or self.stage.kind.value

    @property
    def config(self) -> dict[str, Any]:
        """Config, as in the API."""
        return config_of(self.stage, self.component, self.folder, self.connected)

    @property
    def ports(self) -> tuple[dict[str, list[str]], dict[str, str]]:
        """Files of each input, and the file of each output."""
        return ports_of(self.stage, self.component)

    @property
    def settings(self) -> dict[str, Any]:
        """Settings, without the files that the config also names."""
        ports = self.component.port_names if self.component else ()
        return {name: value for name, value in self.config.items() if name not in ports}

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

    def reads(self) -> list[str]:
        """Return every file that the node reads."""
        return [*(file for files in self.inputs.values() for file in files), *self.deps]

    def metrics(self) -> list[str]:
        """Return the files of the output ports for metrics."""
        ports = self.component.outputs if self.component else []
        metric_ports = [port.name for port in ports if port.type == "Metrics"]
        return [self.outputs[name] for name in metric_ports if name in self.outputs]

    def makes(self) -> list[str]:
        """Return every file that the node makes."""
        return [*self.outputs.values(), *self.outs]


@dataclass
class Faults:
    """Collector of all faults of a definition, to report them in one error."""

    rows: list[tuple[type[MLWSError], Fault]] = field(default_factory=list)

    def add(
        self, where: str, message: Message, error: type[MLWSError] = WorkflowProblemsError
    ) -> None:
        """Add a fault of a field."""
        self.rows.append((error, Fault(where, message)))

    def raise_any(self, workflow: str, cycle: str = "") -> None:
        """Raise one error with every fault; its class is that of the fault to fix first."""
        if not self.rows:
            return
        faults = [fault for _, fault in self.rows]
        errors = {error for error, _ in self.rows}
        if errors == {WorkflowCycleError}:
            raise WorkflowCycleError(faults=faults, workflow=workflow, cycle=cycle)
        if WorkflowProblemsError in errors:
            raise WorkflowProblemsError(faults=faults, workflow=workflow, count=len(faults))
        raise InvalidConnectionError(faults=faults, workflow=workflow)


@dataclass(eq=False)
class Reader:
    """Reads the nodes of one definition into drafts, and adds all faults to ``faults``.

    ``resolve`` raises for a path outside the project. ``find_conflict`` returns why no node may
    write a path, or None.
    """

    _components: Mapping[str, Component]
    _folder: str
    _faults: Faults
    _resolve: Callable[[str], Path]
    _find_conflict: Callable[[str], Message | None]

    def read(
        self, definitions: Sequence[NodeDefinition], present: Mapping[str, ExistingNode]
    ) -> list[Draft]:
        """Return a draft of each node whose type is known, also of nodes with other faults."""
        ids: set[str] = set()
        drafts = []
        for place, definition in enumerate(definitions):
            draft = self._draft(place, definition, present.get(definition.id))
            if definition.id in ids:
                message = Message("A node with this ID already exists.")
                self._faults.add(f"nodes.{place}.id", message)
            elif draft is not None:
                drafts.append(draft)
            ids.add(definition.id)
        return drafts

    def _draft(
        self, place: int, definition: NodeDefinition, present: ExistingNode | None
    ) -> Draft | None:
        """Return the draft of a node; None if its type is not known."""
        kind = definition.type
        if present is not None:
            if present.type == kind or {present.type, kind} <= COMMAND_TYPES:
                return self._fill(Draft(place, definition, present.component, present))
        elif definition.id == TITLE:
            message = Message(
                "{title!r} is reserved for the title. Choose another ID.", title=TITLE
            )
            self._faults.add(f"nodes.{place}.id", message)
        elif not ID.fullmatch(without_marks(definition.id)):
            message = Message(
                "An ID may only contain letters, digits, _ and -, and must not start with -."
            )
            self._faults.add(f"nodes.{place}.id", message)
        component = self._components.get(kind)
        if component is None and kind in COMMAND_TYPES:
            return self._fill(Draft(place, definition, None, None))
        if component is not None and component.error is None:
            return self._fill(Draft(place, definition, component, None))
        if component is not None:
            message = Message(
                "Can't read the component {name!r}: {error}", name=kind, error=component.error
            )
        elif near := get_close_matches(kind, [*self._components, *COMMAND_TYPES], n=1):
            message = Message(
                "Component {name!r} not found. Did you mean {near!r}?", name=kind, near=near[0]
            )
        else:
            message = Message("Component {name!r} not found.", name=kind)
        self._faults.add(f"nodes.{place}.type", message)
        return None

    def _fill(self, draft: Draft) -> Draft:
        definition, present = draft.definition, draft.present
        if draft.component is None:
            self._fill_command(draft)
        else:
            self._fill_ports(draft, draft.component)
            self._fill_settings(draft, draft.component)
        old = present.loose_deps if present else []
        if definition.deps is None:
            draft.deps = [*old]
            if present is None and draft.component and draft.component.path:
                # The project's own code: its nodes run again when it changes.
                draft.deps.append(draft.component.path)
        else:
            # Files of ports and edges are set by those, not by `deps`.
            bound_deps = {*present.stage.deps} - {*old} if present else set()
            extra_deps = [dep for dep in definition.deps if dep not in bound_deps]
            draft.deps = self._paths(draft, "deps", extra_deps, old)
        return draft

    def _fill_command(self, draft: Draft) -> None:
        definition, present = draft.definition, draft.present
        draft.settings = dict(definition.config)
        draft.outs = present.loose_outs if present else []
        if definition.outs is not None:
            draft.outs = self._paths(draft, "outs", definition.outs, draft.outs)
        if present is not None and are_equal(definition.config, present.config):
            return
        where = f"nodes.{draft.place}"
        if present is not None and present.stage.component is not None:
            message = Message("Component {name!r} not found.", name=present.stage.component)
            self._faults.add(f"{where}.type", message)
            return
        for name in definition.config:
            if name != COMMAND:
                message = Message("Command nodes have no setting {name!r}.", name=name)
                self._faults.add(f"{where}.config.{name}", message)
        command = definition.config.get(COMMAND)
        if not isinstance(command, str) or not command.strip() or "\0" in command:
            message = Message("`cmd` must be a command.")
            self._faults.add(f"{where}.config.{COMMAND}", message)
        if present is None and (definition.inputs or definition.outputs):
            field_name = "inputs" if definition.inputs else "outputs"
            message = Message("Command nodes have no ports. List their files in `deps` and `outs`.")
            self._faults.add(f"{where}.{field_name}", message)

    def _fill_settings(self, draft: Draft, component: Component) -> None:
        where = f"nodes.{draft.place}.config"
        config, ports = draft.definition.config, component.port_names
        draft.settings = {name: value for name, value in config.items() if name not in ports}
        # Faults that the file already has do not block other changes.
        old = draft.present.config if draft.present else {}
        news = {
            name for name, value in draft.settings.items()
            if name not in old or not are_equal(value, old[name])
        }  # fmt: skip
        unfit = {n: reason for n in sorted(news) if (reason := settings.unfit(draft.settings[n]))}
        for name, message in unfit.items():
            self._faults.add(f"{where}.{name}", message)
        for fault in settings.faults(component, draft.settings):
            first = fault.name.split(".")[0]
            if fault.kind not in settings.DRAFT_FAULTS and first in news and first not in unfit:
                self._faults.add(f"{where}.{fault.name}", fault.message)

    def _fill_ports(self, draft: Draft, component: Component) -> None:
        definition, where = draft.definition, f"nodes.{draft.place}"
        for field_name, bindings, ports in (
            ("inputs", definition.inputs, [port.name for port in component.inputs]),
            ("outputs", definition.outputs, [output.name for output in component.outputs]),
        ):
            for name in (name for name in bindings if name not in ports):
                message = Message(
                    "{title} has no such port. Available: {known}.",
                    title=component.title,
                    known=", ".join(ports) or "-",
                )
                self._faults.add(f"{where}.{field_name}.{name}", message)
        for port in component.inputs:
            draft.inputs[port.name] = self._input(draft, port.name)
            if len(draft.inputs[port.name]) > 1 and not port.multiple:
                field_name = "config" if port.name in definition.config else "inputs"
                message = Message("The input {name} accepts only one file.", name=port.name)
                self._faults.add(
                    f"{where}.{field_name}.{port.name}", message, InvalidConnectionError
                )
        for output in component.outputs:
            usual = default_path(self._folder, draft.id, output)
            file = self._output(draft, output.name, usual)
            if file is not None:
                draft.outputs[output.name] = file
        draft.outs = draft.present.loose_outs if draft.present else []

    def _input(self, draft: Draft, port: str) -> list[str]:
        """Return the files of an input that come from outside; edges add their own files."""
        now = draft.present.ports[0].get(port, []) if draft.present else []
        edge_files = draft.present.connected if draft.present else set()
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
                self._faults.add(f"nodes.{draft.place}.{candidates[0][0]}", conflict)
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
            self._faults.add(f"nodes.{draft.place}.{news[0][0]}", words)
        return news[0][1] if news else now

    def _files(self, draft: Draft, where: str, value: Any, now: Sequence[str]) -> list[str]:
        """Return the files of a port, which are written as one path, as a list, or not at all."""
        files = [value] if isinstance(value, str) else value
        if files in (None, [], [""]):
            return []
        if not isinstance(files, list) or not all(isinstance(file, str) for file in files):
            words = Message("This is a port. Its value must be a file path.")
            self._faults.add(f"nodes.{draft.place}.{where}", words)
            return []
        return self._paths(draft, where, files, now)

    def _paths(
        self, draft: Draft, where: str, raw_paths: Sequence[str], now: Sequence[str]
    ) -> list[str]:
        """Return the paths relative to the project's root, which a leading slash also means."""
        paths = []
        for path in dict.fromkeys(raw_paths):
            if path in now:
                paths.append(path)
                continue
            relative_path = posixpath.normpath(path.lstrip("/") or ".")
            fault = settings.unfit_text(path)
            if fault is None:
                try:
                    self._resolve(relative_path)
                    is_inside = relative_path != "."
                except MLWSError:
                    is_inside = False
                if not is_inside:
                    fault = Message(
                        "{path!r} is not a file or folder inside the project.", path=path
                    )
            if fault is None:
                paths.append(relative_path)
            else:
                self._faults.add(f"nodes.{draft.place}.{where}", fault)
        return paths
