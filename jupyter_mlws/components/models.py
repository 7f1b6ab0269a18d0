"""Response models of components and their ports."""

from __future__ import annotations

from typing import Any

from jupyter_mlws.components.columns import Like
from jupyter_mlws.core.schemas import Record


class InputPort(Record):
    """Input port of a component; ``kinds`` of models that it takes, all if empty."""

    name: str
    type: str
    required: bool
    multiple: bool
    description: str
    kinds: tuple[str, ...] = ()


class OutputPort(Record):
    """Output port of a component; ``kinds`` that its model may be of, any if empty."""

    name: str
    type: str
    extension: str
    description: str
    kinds: tuple[str, ...] = ()


class Component(Record):
    """A kind of node: its ports, and the JSON Schema of its settings.

    ``error`` says why the file ``name`` could not be read as components; it has no ports then.
    ``path`` is the project's file that defines it, for the node's dependencies. ``columns`` says
    which columns its output tables have.
    """

    name: str
    title: str
    category: str
    description: str
    inputs: list[InputPort]
    outputs: list[OutputPort]
    settings: dict[str, Any]
    source: str
    path: str | None = None
    error: str | None = None
    columns: Like | None = None

    @property
    def port_names(self) -> set[str]:
        """Names of all ports; no setting has one of them."""
        return {port.name for port in self.inputs} | {port.name for port in self.outputs}

    def input(self, name: str) -> InputPort | None:
        """Return the input port of that name."""
        return next((port for port in self.inputs if port.name == name), None)

    def output(self, name: str) -> OutputPort | None:
        """Return the output port of that name."""
        return next((port for port in self.outputs if port.name == name), None)
