"""The entries of `vars` in a `dvc.yaml`, as plain data: titles and the settings of nodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jupyter_mlws.workflows.document.parse import TITLE

Data = dict[str, Any]


def get(data: Data, name: str) -> Data | None:
    """Return the mapping of that name in `vars`; of two, the last, as DVC reads them."""
    for entry in reversed(data.get("vars") or []):
        if isinstance(entry, Mapping) and isinstance(entry.get(name), Mapping):
            return dict(entry[name])
    return None


def put(data: Data, name: str, value: Data, *, first: bool = False) -> None:
    entries = list(data.get("vars") or [])
    for n in reversed(range(len(entries))):
        if isinstance(entries[n], Mapping) and name in entries[n]:
            entries[n] = {**entries[n], name: value}
            break
    else:
        entries.insert(0 if first else len(entries), {name: value})
    if "vars" in data:
        data["vars"] = entries
    else:
        rest = dict(data)
        data.clear()
        data.update({"vars": entries, **rest})


def remove(data: Data, name: str) -> None:
    entries = []
    for entry in data.get("vars") or []:
        if isinstance(entry, Mapping) and name in entry:
            entry = {key: value for key, value in entry.items() if key != name}
            if not entry:
                continue
        entries.append(entry)
    if entries:
        data["vars"] = entries
    else:
        data.pop("vars", None)


def drop(data: Data, node: str, stages: Mapping[str, Any]) -> None:
    """Remove the settings of a removed node, unless another stage reads them."""
    others = (value for name, value in stages.items() if name != node)
    mark = f"${{{node}"
    if node != TITLE and not any(mark in str(value).replace(" ", "") for value in others):
        remove(data, node)
