"""Computes the content of a `dvc.yaml` from a definition or from changed settings.

A new file has the form that the canvas writes. In an existing file only what differs is changed.
"""

from __future__ import annotations

import copy
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlws.core.errors import InvalidRunParameterError
from jupyter_mlws.workflows.document import commands
from jupyter_mlws.workflows.document.drafts import COMMAND, Draft, ExistingNode, Faults
from mlws.core.errors import Fault, MLWSError
from mlws.core.i18n import Message
from mlws.document.parse import GENERATOR_KEYS, OUTPUTS, TITLE, Document, Stage, uses_templates
from mlws.document.rewriting import RewriteError, are_equal, rewrite

ORDER = ("wdir", "cmd", "deps", "params", "outs", "metrics", "plots")
"""Keys of a stage in the order in which new ones are inserted."""

Data = dict[str, Any]


def new_data(
    name: str, folder: str, drafts: Sequence[Draft], title: Mapping[str, Any] | None = None
) -> Data:
    """Return the content of a new workflow's file.

    ``title`` holds the additional keys beside its name.
    """
    entries: list[Any] = [{TITLE: {"name": name, **(title or {})}}]
    entries += [{d.id: d.settings} for d in drafts if not d.plain and d.settings]
    return {"vars": entries, "stages": {draft.id: _new_stage(draft, folder) for draft in drafts}}


def changed_data(
    document: Document,
    name: str | None,
    drafts: Sequence[Draft],
    present: Sequence[str],
    faults: Faults,
) -> Data:
    """Return the new content of a workflow's file.

    Changes that are possible only as text become faults. ``present`` are the current nodes,
    with each variant of a sweep.
    """
    data = copy.deepcopy(dict(document.data))
    stages = {str(key): value for key, value in document.stages_data.items()}
    draft_ids = {draft.id for draft in drafts}
    new_stages = {}
    for stage_name, stage in stages.items():
        variants = {node for node in present if _base(node) == stage_name}
        # A sweep stays if one of its variants does, or if it has none.
        stays = _generates(stage) and (not variants or variants & draft_ids)
        if stage_name in draft_ids or stays:
            new_stages[stage_name] = stage
        else:
            _drop_settings(data, stage_name, stages)
    for draft in drafts:
        old = stages.get(draft.id)
        if draft.present is not None:
            _change_stage(data, new_stages, draft, draft.present, faults)
        elif _generates(old):
            _refuse(draft, faults)
        else:
            # A new node, or one that replaces a node of another type.
            new_stages[draft.id] = _new_stage(draft, document.folder)
            if isinstance(old, Mapping):
                _drop_settings(data, draft.id, new_stages)
                meta = {**(old.get("meta") or {}), **new_stages[draft.id].get("meta", {})}
                if meta:
                    new_stages[draft.id]["meta"] = meta
            if not draft.plain and draft.settings:
                _put_variable(data, draft.id, draft.settings)
    for variant in (
        node for node in present if node not in draft_ids and _base(node) in new_stages
    ):
        message = Message(
            "{node} is a variant of {stage}. Variants can only be edited as text.",
            node=variant,
            stage=_base(variant),
        )
        faults.add("nodes", message)
    if new_stages or document.stages_data:
        data["stages"] = new_stages
    if name is not None and name != document.name:
        title = {**(_get_variable(data, TITLE) or {}), "name": name}
        _put_variable(data, TITLE, title, first=True)
    return data


def _generates(stage: Any) -> bool:
    return isinstance(stage, Mapping) and bool(GENERATOR_KEYS & stage.keys())


def _base(node: str) -> str:
    """Return the stage of a variant; empty for a node that is not a variant."""
    return node.partition("@")[0] if "@" in node else ""


def _refuse(draft: Draft, faults: Faults) -> None:
    message = Message(
        "{id} can only be edited as text, because it uses templates, variants, a compound "
        "command or an unknown component.",
        id=draft.id,
    )
    faults.add(f"nodes.{draft.place}", message)


def _new_stage(draft: Draft, folder: str) -> Data:
    wdir = posixpath.relpath(".", folder or ".")
    stage: Data = {} if wdir == "." else {"wdir": wdir}
    if draft.component is None:
        stage["cmd"] = draft.settings[COMMAND].strip()
    else:
        words = ["jupyter mlws node", commands.quote_word(draft.component.name)]
        for port, files in draft.inputs.items():
            words += [f"--{port} {commands.quote_word(file)}" for file in files]
        words += [f"--{port} {commands.quote_word(file)}" for port, file in draft.outputs.items()]
        stage["cmd"] = " ".join([*words, f"${{{draft.id}}}"] if draft.settings else words)
    metrics = draft.metrics()
    lists = {
        "deps": draft.reads(),
        "outs": [file for file in draft.makes() if file not in metrics],
        "metrics": metrics,
    }
    stage.update({key: list(dict.fromkeys(files)) for key, files in lists.items() if files})
    if draft.definition.at is not None:
        stage["meta"] = {"at": _round(draft.definition.at)}
    return stage


def _round(at: tuple[float, float] | None) -> list[int] | None:
    return None if at is None else [round(at[0]), round(at[1])]


def _change_stage(
    data: Data, stages: Data, draft: Draft, present: ExistingNode, faults: Faults
) -> None:
    stage = present.stage
    has_other_files = (
        (not draft.plain and (draft.inputs, draft.outputs) != present.ports)
        or set(draft.reads()) != set(stage.deps)
        or set(draft.makes()) != set(stage.outs)
    )
    has_other_settings = not are_equal(draft.settings, present.settings)
    at = _round(draft.definition.at)
    is_moved = "at" in draft.definition.model_fields_set and at != _round(stage.at)
    if not (has_other_files or has_other_settings or is_moved):
        return
    body = stages.get(draft.id)
    if (
        not isinstance(body, Mapping)
        or _generates(body)
        or (has_other_files and uses_templates(draft.id, body))
    ):
        _refuse(draft, faults)
        return
    body = copy.deepcopy(dict(body))
    if has_other_files or has_other_settings:
        is_editable = (
            stage.component is None
            if draft.plain
            else _is_command_editable(body.get("cmd"), draft.id, stage)
        )
        if not is_editable:
            _refuse(draft, faults)
            return
    if has_other_files:
        _change_files(body, draft, stage)
    if draft.plain and has_other_settings:
        body["cmd"] = draft.settings[COMMAND].strip()
    elif not draft.plain and (has_other_files or has_other_settings):
        body["cmd"] = _change_ports(body["cmd"], draft, present)
        if has_other_settings:
            body["cmd"] = _change_settings(data, body["cmd"], draft, present)
    if is_moved:
        meta = {**(body.get("meta") or {}), "at": at}
        if at is None:
            del meta["at"]
        body["meta"] = meta
        if not meta:
            del body["meta"]
    stages[draft.id] = body


def _is_command_editable(command: Any, name: str, stage: Stage) -> bool:
    """Return whether a command is simple and unpacks only settings from this file's `vars`."""
    if not isinstance(command, str) or not commands.is_editable(command):
        return False
    words = (match[0].replace(" ", "") for match in commands.WORDS.finditer(command))
    references = {word for word in words if word.startswith("${")}
    return references <= {f"${{{name}}}"} and (not references or bool(stage.settings))


def _change_files(body: Data, draft: Draft, stage: Stage) -> None:
    def full_path(entry: Any) -> str:
        # An entry may be a mapping of the path to flags.
        return stage.at_root(str(next(iter(entry), "") if isinstance(entry, Mapping) else entry))

    def relative_path(path: str) -> str:
        return path if posixpath.isabs(path) else posixpath.relpath(path, stage.wdir)

    deps = list(dict.fromkeys(draft.reads()))
    entries = [entry for entry in body.get("deps") or [] if full_path(entry) in deps]
    there = {full_path(entry) for entry in entries}
    _put_list(body, "deps", [*entries, *(relative_path(dep) for dep in deps if dep not in there)])
    outs = list(dict.fromkeys(draft.makes()))
    there = set()
    for key in OUTPUTS:
        if key in body:
            entries = [entry for entry in body[key] or [] if full_path(entry) in outs]
            there.update(full_path(entry) for entry in entries)
            _put_list(body, key, entries)
    metrics = draft.metrics()
    for path in outs:
        if path not in there:
            key = "metrics" if path in metrics else "outs"
            _put_list(body, key, [*(body.get(key) or []), relative_path(path)])


def _put_list(body: Data, key: str, entries: list[Any]) -> None:
    """Set a list of the stage, at its usual position; an empty list is removed."""
    if not entries:
        body.pop(key, None)
    elif key in body:
        body[key] = entries
    else:
        before = [name for name in ORDER[: ORDER.index(key)] if name in body]
        items = list(body.items())
        place = 1 + max((n for n, (name, _) in enumerate(items) if name in before), default=-1)
        items.insert(place, (key, entries))
        body.clear()
        body.update(items)


def _change_ports(command: str, draft: Draft, present: ExistingNode) -> str:
    """Return the command with the new files of its ports."""
    stage = present.stage
    inputs, outputs = present.ports
    before = {**inputs, **{port: [file] for port, file in outputs.items()}}
    after = {**draft.inputs, **{port: [file] for port, file in draft.outputs.items()}}

    def is_gone(name: str, value: str) -> bool:
        file = stage.at_root(value)
        return file in before.get(name, ()) and file not in after.get(name, ())

    command = commands.without(command, is_gone)
    for port, files in after.items():
        there = {stage.at_root(value) for value in stage.options.get(port, ())}
        for file in (file for file in files if file not in there):
            path = posixpath.relpath(file, stage.wdir)
            command = commands.add_arguments(command, f"--{port} {commands.quote_word(path)}")
    return command


def _change_settings(data: Data, command: str, draft: Draft, present: ExistingNode) -> str:
    """Write the settings to `vars` and return the command that unpacks them."""
    current = present.settings
    own = dict(present.stage.settings)
    for name in [*current, *draft.settings]:
        is_kept = name in draft.settings and name in current
        if is_kept and are_equal(current[name], draft.settings[name]):
            continue
        command = commands.without_option(command, name)
        own.pop(name, None)
        if name in draft.settings:
            own[name] = draft.settings[name]
    # In the existing order, so that only changed entries are rewritten.
    order = [*(n for n in present.stage.settings if n in own), *own]
    own = {name: own[name] for name in dict.fromkeys(order)}
    if not own:
        _remove_variable(data, draft.id)
        return commands.without_settings(command, draft.id)
    _put_variable(data, draft.id, own)
    return command if present.stage.settings else commands.append_words(command, f"${{{draft.id}}}")


def with_settings(
    document: Document, stages: Mapping[str, Stage], values: Mapping[str, Any]
) -> str:
    """Return the text in which each setting (`node.key`, more dots for nesting) has its value.

    All other bytes stay the same. Raises InvalidRunParameterError if the file is written in a way
    that leaves no place for a setting.
    """
    data = copy.deepcopy(dict(document.data))
    for name, value in values.items():
        node, _, key = name.partition(".")
        body = (data.get("stages") or {}).get(node)
        command = body.get("cmd") if isinstance(body, Mapping) else None
        if not _is_command_editable(command, node, stages[node]):
            raise _not_editable_error(name)
        settings = _get_variable(data, node) or {}
        _put_variable(data, node, _set_nested(settings, key.split("."), value))
        command = commands.without_option(str(command), key)
        if f"${{{node}}}" not in command.replace(" ", ""):
            command = commands.append_words(command, f"${{{node}}}")
        data["stages"][node]["cmd"] = command
    try:
        return rewrite(document, data)
    except RewriteError as error:
        raise _not_editable_error(next(iter(values))) from error


def _set_nested(settings: Mapping[str, Any], path: list[str], value: Any) -> Data:
    first, *rest = path
    if rest:
        inner = settings.get(first)
        value = _set_nested(inner if isinstance(inner, Mapping) else {}, rest, value)
    return {**settings, first: value}


def _not_editable_error(name: str) -> MLWSError:
    message = Message(
        "The setting {name} can only be edited as text: it is defined in another file, or the "
        "command is compound.",
        name=name,
    )
    return InvalidRunParameterError(
        faults=[Fault(f"params.{name}", message)], node=name.partition(".")[0]
    )


# Entries of `vars`: titles and settings


def _get_variable(data: Data, name: str) -> Data | None:
    """Return the mapping of that name in `vars`; of two, the last, as DVC reads them."""
    for entry in reversed(data.get("vars") or []):
        if isinstance(entry, Mapping) and isinstance(entry.get(name), Mapping):
            return dict(entry[name])
    return None


def _put_variable(data: Data, name: str, value: Data, *, first: bool = False) -> None:
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


def _remove_variable(data: Data, name: str) -> None:
    entries = []
    for entry in data.get("vars") or []:
        if isinstance(entry, Mapping) and name in entry:
            entry = {key: value for key, value in entry.items() if key != name}
            if not entry:
                continue
        entries.append(entry)
    data["vars"] = entries
    if not entries:
        del data["vars"]


def _drop_settings(data: Data, node: str, stages: Mapping[str, Any]) -> None:
    """Remove the settings of a removed node, unless another stage reads them."""
    others = (value for name, value in stages.items() if name != node)
    mark = f"${{{node}"
    if node != TITLE and not any(mark in str(value).replace(" ", "") for value in others):
        _remove_variable(data, node)
