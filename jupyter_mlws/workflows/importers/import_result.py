"""What an importer hands on: a definition, files beside it, and what it could not carry over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlws.core.errors import Fault, ImportFailedError, MLWSError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.workflows.definition import WorkflowDefinition


@dataclass(frozen=True)
class Note:
    """Something that is not carried over as it was: where it stands, and why."""

    place: str
    reason: Message


@dataclass
class Notes:
    """All notes of one import, in the order of what they are about."""

    rows: list[Note] = field(default_factory=list)

    def add(self, place: str, reason: Message) -> None:
        """Note something, once."""
        note = Note(place, reason)
        if note not in self.rows:
            self.rows.append(note)


@dataclass(frozen=True)
class Outcome:
    """A workflow that can be written. ``title`` goes beside its name, ``files`` by their paths."""

    definition: WorkflowDefinition
    notes: Notes
    files: dict[str, str] = field(default_factory=dict)
    title: dict[str, Any] = field(default_factory=dict)


def refused(path: str, field_: str, reason: Message, line: int | None = None) -> MLWSError:
    """The error of a file that cannot be imported, with the field (or line) at fault."""
    faults = [Fault(field_, reason)]
    if line:
        reason = Message("line {line}: {reason}", line=line, reason=reason)
    elif field_:
        reason = Message("{field}: {reason}", field=field_, reason=reason)
    return ImportFailedError(faults=faults, path=path, reason=reason, line=line)


@dataclass(frozen=True)
class Field:
    """A value of the file, which knows where it stands; a wrong type is an error that says so."""

    value: Any
    where: str
    path: str

    def get(self, key: str) -> Field:
        """The value of a key; None where there is no such key."""
        if self.value is None:
            return Field(None, self._below(key), self.path)
        if not isinstance(self.value, dict):
            raise self.wrong(Message("must be an object"))
        return Field(self.value.get(key), self._below(key), self.path)

    def dig(self, *keys: str) -> Field:
        """The value behind several keys."""
        found = self
        for key in keys:
            found = found.get(key)
        return found

    def items(self) -> Iterator[Field]:
        """The items of a list; none where there is no list."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            raise self.wrong(Message("must be a list"))
        for n, value in enumerate(self.value):
            yield Field(value, self._below(str(n)), self.path)

    def text(self, default: str | None = None) -> str:
        """A text; ``default`` where it is missing, which is an error without."""
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, str):
            raise self.wrong(Message("must be text"))
        return self.value

    def number(self) -> float | None:
        """A number, if it is one."""
        good = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        return float(self.value) if good else None

    def wrong(self, reason: Message) -> MLWSError:
        """The error of this field."""
        return refused(self.path, self.where, reason)

    def _below(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key
