"""Result of an importer, and fields of the imported file with their positions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from jupyter_mlws.core.errors import ImportFailedError
from jupyter_mlws.workflows.document.definition import WorkflowDefinition
from jupyter_mlws.workflows.importers.models import ImportNote
from mlws.core.errors import Fault, MLWSError
from mlws.core.i18n import Message


@dataclass
class Notes:
    """All notes of one import, in the order of the file."""

    rows: list[ImportNote] = field(default_factory=list)

    def add(self, place: str, reason: Message) -> None:
        """Add a note, unless it is there already."""
        note = ImportNote(place=place, reason=reason)
        if note not in self.rows:
            self.rows.append(note)


@dataclass(frozen=True)
class ImportResult:
    """A workflow to write. ``title``: data beside its name; ``files``: other files by path."""

    definition: WorkflowDefinition
    notes: Notes
    files: dict[str, str] = field(default_factory=dict)
    title: dict[str, Any] = field(default_factory=dict)


def import_error(path: str, field_: str, reason: Message, line: int | None = None) -> MLWSError:
    """Return the error of a file that cannot be imported, with the field (or line) at fault."""
    faults = [Fault(field_, reason)]
    if line:
        reason = Message("line {line}: {reason}", line=line, reason=reason)
    elif field_:
        reason = Message("{field}: {reason}", field=field_, reason=reason)
    return ImportFailedError(faults=faults, path=path, reason=reason, line=line)


@dataclass(frozen=True)
class Field:
    """A value of the file with its position, which the error for a wrong type contains."""

    value: Any
    where: str
    path: str

    def get(self, key: str) -> Field:
        """Return the field of a key; its value is None if there is no such key."""
        if self.value is None:
            return Field(None, self._below(key), self.path)
        if not isinstance(self.value, dict):
            raise self.wrong(Message("must be an object"))
        return Field(self.value.get(key), self._below(key), self.path)

    def dig(self, *keys: str) -> Field:
        """Return the field behind several keys."""
        current = self
        for key in keys:
            current = current.get(key)
        return current

    def items(self) -> Iterator[Field]:
        """Yield the items of a list; none if there is no list."""
        if self.value is None:
            return
        if not isinstance(self.value, list):
            raise self.wrong(Message("must be a list"))
        for n, value in enumerate(self.value):
            yield Field(value, self._below(str(n)), self.path)

    def text(self, default: str | None = None) -> str:
        """Return a text, or ``default`` if it is missing; without a default that is an error."""
        if self.value is None and default is not None:
            return default
        if not isinstance(self.value, str):
            raise self.wrong(Message("must be text"))
        return self.value

    def number(self) -> float | None:
        """Return a number, or None if the value is not one."""
        good = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        return float(self.value) if good else None

    def wrong(self, reason: Message) -> MLWSError:
        """Return the error of this field."""
        return import_error(self.path, self.where, reason)

    def _below(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key
