"""The public names of the Python package."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

import jupyter_mlws
from jupyter_mlws import components
from jupyter_mlws.components.artifacts import Artifact
from jupyter_mlws.reference.markdown import code, escape, join, table, translate


def public_names(language: str) -> str:
    """Return a section for each public function and class."""
    from jupyter_mlws.containers.manager import ContainerManager
    from jupyter_mlws.notebooks.manager import NotebookManager

    parts = ["## `jupyter_mlws`"]
    parts += [
        part
        for name in jupyter_mlws.__all__
        if name != "__version__"
        for part in _function("jupyter_mlws", name, getattr(jupyter_mlws, name))
    ]
    parts.append("## `jupyter_mlws.components`")
    artifacts = []
    for name in components.__all__:
        value = getattr(components, name)
        artifact = artifact_of(value)
        if artifact is not None:
            artifacts.append((code(name), code(artifact.extension), escape(artifact.name)))
        elif inspect.isfunction(value):
            parts += _function("jupyter_mlws.components", name, value)
    parts += ["(python-artifacts)=", "### Types of ports"]
    columns = [
        translate("Name", language),
        translate("Default", language),
        translate("Type", language),
    ]
    parts.append(table(columns, artifacts))
    for module, owner in (
        ("jupyter_mlws.containers.manager", ContainerManager),
        ("jupyter_mlws.notebooks.manager", NotebookManager),
    ):
        parts += [f"## `{module}`", f"(python-{owner.__name__.lower()})="]
        parts += [f"### {code(owner.__name__)}", _about(owner)]
        for name, method in inspect.getmembers(owner, inspect.isfunction):
            if not name.startswith("_"):
                parts += [f"#### {code(name)}", _signature(name, method), _about(method)]
    return join(parts)


def artifact_of(value: Any) -> Artifact | None:
    """Return the artifact that a type of :mod:`jupyter_mlws.components` stands for."""
    if isinstance(value, Artifact):
        return value
    return next(
        (one for one in getattr(value, "__metadata__", ()) if isinstance(one, Artifact)), None
    )


def _function(module: str, name: str, function: Any) -> Iterator[str]:
    yield f"(python-{name.lower()})="
    yield f"### {code(name)}"
    yield _signature(name, function)
    yield _about(function)


def _signature(name: str, function: Any) -> str:
    start = "async def" if inspect.iscoroutinefunction(function) else "def"
    signature = re.sub(r"\bself(, )?", "", str(inspect.signature(function)), count=1)
    return f"```python\n{start} {name}{signature}\n```"


def _about(value: Any) -> str:
    return "\n\n".join(escape(text) for text in (inspect.getdoc(value) or "").split("\n\n"))
