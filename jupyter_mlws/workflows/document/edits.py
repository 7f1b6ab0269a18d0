"""Changes settings of nodes for a run; every other byte of the file stays as it is."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from jupyter_mlws.core.errors import Fault, InvalidRunParameterError, MLWSError
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.workflows.document import commands, variables
from jupyter_mlws.workflows.document.authoring import settings_elsewhere
from jupyter_mlws.workflows.document.parse import Document, Stage
from jupyter_mlws.workflows.document.rewriting import RewriteError, rewrite


def with_settings(
    document: Document, stages: Mapping[str, Stage], values: Mapping[str, Any]
) -> str:
    """Return the text in which each setting (`node.key`, more dots for nesting) has its value.

    Error 40204 if the file is written in a way that leaves no place for one.
    """
    data = copy.deepcopy(dict(document.data))
    for name, value in values.items():
        node, _, key = name.partition(".")
        body = (data.get("stages") or {}).get(node)
        command = body.get("cmd") if isinstance(body, Mapping) else None
        is_readonly = not isinstance(command, str) or not commands.is_editable(command)
        if is_readonly or settings_elsewhere(str(command), node, stages[node]):
            raise _not_editable_error(name)
        own = variables.get(data, node) or {}
        variables.put(data, node, _set_nested(own, key.split("."), value))
        command = commands.without_option(str(command), key)
        if f"${{{node}}}" not in command.replace(" ", ""):
            command = f"{command.rstrip()} ${{{node}}}"
        data["stages"][node]["cmd"] = command
    try:
        return rewrite(document.text, data)
    except RewriteError as error:
        raise _not_editable_error(next(iter(values))) from error


def _set_nested(settings: Mapping[str, Any], path: list[str], value: Any) -> dict[str, Any]:
    first, *rest = path
    if not rest:
        return {**settings, first: value}
    inner = settings.get(first)
    return {
        **settings,
        first: _set_nested(inner if isinstance(inner, Mapping) else {}, rest, value),
    }


def _not_editable_error(name: str) -> MLWSError:
    words = Message(
        "The setting {name} can only be edited as text: it is defined in another file, or the "
        "command is compound.",
        name=name,
    )
    return InvalidRunParameterError(
        faults=[Fault(f"params.{name}", words)], node=name.partition(".")[0]
    )
