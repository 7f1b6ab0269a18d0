"""Makes the text of a `dvc.yaml` from a definition, as the canvas would write it.

A new file is printed whole. Of a file that is there, only what the definition changes is.
"""

from __future__ import annotations

import copy
import posixpath
from collections.abc import Mapping, Sequence
from typing import Any

from jupyter_mlws.core.i18n import Message
from jupyter_mlws.workflows.document import commands, variables
from jupyter_mlws.workflows.document.drafts import COMMAND, Draft, ExistingNode, Faults
from jupyter_mlws.workflows.document.parse import (
    GENERATOR_KEYS,
    OUTPUTS,
    TITLE,
    Document,
    Stage,
    uses_templates,
)
from jupyter_mlws.workflows.document.rewriting import are_equal

Data = dict[str, Any]


def new_data(
    name: str, folder: str, drafts: Sequence[Draft], title: Mapping[str, Any] | None = None
) -> Data:
    """Return the content of a new workflow's file.

    ``title`` holds the additional keys beside its name.
    """
    entries: list[Any] = [{TITLE: {"name": name, **(title or {})}}]
    entries += [{d.id: d.settings} for d in drafts if not d.plain and d.settings]
    return {"vars": entries, "stages": {draft.id: _stage(draft, folder) for draft in drafts}}


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
    new_stages = {
        n: v for n, v in stages.items() if n in draft_ids or _is_sweep(n, v, present, draft_ids)
    }
    for stage_name in (key for key in stages if key not in new_stages):
        variables.drop(data, stage_name, stages)
    for draft in drafts:
        if draft.present is not None:
            _change(data, new_stages, draft, draft.present, faults)
        elif draft.id in stages and _generates(stages[draft.id]):
            _refuse(draft, faults)
        else:
            _renew(data, new_stages, draft, document)
    for variant in (
        node for node in present if node not in draft_ids and _base(node) in new_stages
    ):
        words = Message(
            "{node} is a variant of {stage}. Variants can only be edited as text.",
            node=variant,
            stage=_base(variant),
        )
        faults.add("40201", "nodes", words)
    if new_stages or document.stages_data:
        data["stages"] = new_stages
    if name is not None and name != document.name:
        variables.put(data, TITLE, {**(variables.get(data, TITLE) or {}), "name": name}, first=True)
    return data


def _generates(stage: Any) -> bool:
    return isinstance(stage, Mapping) and bool(GENERATOR_KEYS & stage.keys())


def _base(node: str) -> str:
    """Return the stage of a variant; empty for a node that is not a variant."""
    return node.partition("@")[0] if "@" in node else ""


def _is_sweep(name: str, stage: Any, present: Sequence[str], draft_ids: set[str]) -> bool:
    """Return whether a sweep stays: one of its variants is among the nodes, or it has none."""
    variants = [node for node in present if _base(node) == name]
    return _generates(stage) and (not variants or not draft_ids.isdisjoint(variants))


def _refuse(draft: Draft, faults: Faults) -> None:
    words = Message(
        "{id} can only be edited as text, because it uses templates, variants, a compound "
        "command or an unknown component.",
        id=draft.id,
    )
    faults.add("40201", f"nodes.{draft.place}", words)


# New stages


def _stage(draft: Draft, folder: str) -> Data:
    wdir = posixpath.relpath(".", folder or ".")
    stage: Data = {} if wdir == "." else {"wdir": wdir}
    metrics: list[str] = []
    if draft.component is None:
        stage["cmd"] = draft.settings[COMMAND].strip()
    else:
        stage["cmd"] = _command(draft)
        ports = draft.component.outputs
        metrics = [
            draft.outputs[p.name] for p in ports if p.type == "Metrics" and p.name in draft.outputs
        ]
    lists = {
        "deps": [*(file for files in draft.inputs.values() for file in files), *draft.deps],
        "outs": [file for file in draft.makes() if file not in metrics],
        "metrics": metrics,
    }
    stage.update({key: list(dict.fromkeys(files)) for key, files in lists.items() if files})
    if draft.definition.at is not None:
        stage["meta"] = {"at": _place(draft.definition.at)}
    return stage


def _measures(draft: Draft) -> list[str]:
    """Return the files of the output ports for metrics."""
    ports = draft.component.outputs if draft.component else []
    return [
        draft.outputs[port.name]
        for port in ports
        if port.type == "Metrics" and port.name in draft.outputs
    ]


def _command(draft: Draft) -> str:
    assert draft.component is not None
    words = ["jupyter mlws node", commands.quote_word(draft.component.name)]
    for port, files in draft.inputs.items():
        words += [f"--{port} {commands.quote_word(file)}" for file in files]
    words += [f"--{port} {commands.quote_word(file)}" for port, file in draft.outputs.items()]
    return " ".join([*words, f"${{{draft.id}}}"] if draft.settings else words)


def _place(at: tuple[float, float]) -> list[int]:
    return [round(at[0]), round(at[1])]


def _renew(data: Data, stages: Data, draft: Draft, document: Document) -> None:
    """Add a node, or replace one by a node of another type."""
    old = stages.get(draft.id)
    stage = _stage(draft, document.folder)
    if isinstance(old, Mapping):
        variables.drop(data, draft.id, stages)
        meta = {**(old.get("meta") or {}), **stage.get("meta", {})}
        stage = {**stage, **({"meta": meta} if meta else {})}
    stages[draft.id] = stage
    if not draft.plain and draft.settings:
        variables.put(data, draft.id, draft.settings)


# Stages that are there


def _change(data: Data, stages: Data, draft: Draft, present: ExistingNode, faults: Faults) -> None:
    raw = stages.get(draft.id)
    change = _Change(draft, present)
    if not change.any():
        return
    if not isinstance(raw, Mapping) or _is_fixed(raw, draft, present, change):
        _refuse(draft, faults)
        return
    body = copy.deepcopy(dict(raw))
    if change.files():
        _change_files(body, draft, present.stage)
    if draft.plain and change.settings():
        body["cmd"] = draft.settings[COMMAND].strip()
    elif not draft.plain and (change.files() or change.settings()):
        body["cmd"] = _changed_command(body["cmd"], draft, present)
        if change.settings():
            body["cmd"] = _change_settings(data, body["cmd"], draft, present)
    if change.place():
        _move(body, draft)
    stages[draft.id] = body


def _is_fixed(raw: Mapping[str, Any], draft: Draft, present: ExistingNode, change: _Change) -> bool:
    """Return whether the stage is written in a form that cannot take the change."""
    if _generates(raw) or (change.files() and uses_templates(draft.id, raw)):
        return True
    if not change.files() and not change.settings():
        return False
    if draft.plain:
        return present.stage.component is not None
    command = raw.get("cmd")
    if not isinstance(command, str) or not commands.is_editable(command):
        return True
    return settings_elsewhere(command, draft.id, present.stage)


class _Change:
    """Differences between a draft and the existing node."""

    def __init__(self, draft: Draft, present: ExistingNode) -> None:
        self._draft = draft
        self._present = present

    def any(self) -> bool:
        return self.files() or self.settings() or self.place()

    def files(self) -> bool:
        """Return whether ports, dependencies or outputs differ."""
        inputs, outputs = self._present.ports
        draft, stage = self._draft, self._present.stage
        ports = (draft.inputs, draft.outputs) != (inputs, outputs) and not draft.plain
        return (
            ports or set(_deps(draft)) != set(stage.deps) or set(draft.makes()) != set(stage.outs)
        )

    def settings(self) -> bool:
        now = _settings_of(self._present, self._draft)
        return not are_equal(self._draft.settings, now)

    def place(self) -> bool:
        if "at" not in self._draft.definition.model_fields_set:
            return False
        position, now = self._draft.definition.at, self._present.stage.at
        return (position and _place(position)) != (now and _place(now))


def _deps(draft: Draft) -> list[str]:
    return [*(file for files in draft.inputs.values() for file in files), *draft.deps]


def _settings_of(present: ExistingNode, draft: Draft) -> Data:
    """Return only the settings, without the files that a config also names."""
    config = present.config
    if draft.component is None:
        return config
    ports = draft.component.port_names
    return {name: value for name, value in config.items() if name not in ports}


def settings_elsewhere(command: str, name: str, stage: Stage) -> bool:
    """Return whether the command unpacks settings that are not in this file's `vars`."""
    references = [
        match[0] for match in commands.WORDS.finditer(command) if match[0].startswith("${")
    ]
    own = [one for one in references if one.replace(" ", "") == f"${{{name}}}"]
    return len(own) != len(references) or bool(own and not stage.settings)


def _change_files(body: Data, draft: Draft, stage: Stage) -> None:
    def written(path: str) -> str:
        return posixpath.relpath(path, stage.wdir) if not posixpath.isabs(path) else path

    deps = list(dict.fromkeys(_deps(draft)))
    entries = [e for e in body.get("deps") or [] if stage.at_root(_path(e)) in deps]
    there = {stage.at_root(_path(entry)) for entry in entries}
    _put_list(body, "deps", [*entries, *(written(dep) for dep in deps if dep not in there)])
    _change_outs(body, draft, stage, written)


def _change_outs(body: Data, draft: Draft, stage: Stage, to_relative: Any) -> None:
    outs = list(dict.fromkeys(draft.makes()))
    there: set[str] = set()
    for key in OUTPUTS:
        entries = [e for e in body.get(key) or [] if stage.at_root(_path(e)) in outs]
        there.update(stage.at_root(_path(entry)) for entry in entries)
        if key in body:
            _put_list(body, key, entries)
    measures = _measures(draft)
    for path in outs:
        if path not in there:
            key = "metrics" if path in measures else "outs"
            _put_list(body, key, [*(body.get(key) or []), to_relative(path)])


def _path(entry: Any) -> str:
    """Return the path of an entry, which may have flags."""
    return str(next(iter(entry), "")) if isinstance(entry, Mapping) else str(entry)


ORDER = ("wdir", "cmd", "deps", "params", "outs", "metrics", "plots")


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


def _changed_command(command: str, draft: Draft, present: ExistingNode) -> str:
    """Return the command with the new files of its ports."""
    stage = present.stage
    inputs, outputs = present.ports
    before = {**inputs, **{port: [file] for port, file in outputs.items()}}
    after = {**draft.inputs, **{port: [file] for port, file in draft.outputs.items()}}

    def gone(name: str, value: str) -> bool:
        file = stage.at_root(value)
        return file in before.get(name, ()) and file not in after.get(name, ())

    command = commands.without(command, gone)
    for port, files in after.items():
        there = {stage.at_root(value) for value in stage.options.get(port, ())}
        for file in (file for file in files if file not in there):
            path = posixpath.relpath(file, stage.wdir)
            command = commands.add_arguments(command, f"--{port} {commands.quote_word(path)}")
    return command


def _change_settings(data: Data, command: str, draft: Draft, present: ExistingNode) -> str:
    """Write the settings to `vars` and return the command that unpacks them."""
    now = _settings_of(present, draft)
    own = dict(present.stage.settings)
    for name in [*now, *draft.settings]:
        if name in draft.settings and name in now and are_equal(now[name], draft.settings[name]):
            continue
        command = commands.without_option(command, name)
        own.pop(name, None)
        if name in draft.settings:
            own[name] = draft.settings[name]
    # In the order that they had, so that only what changed is written anew.
    order = [*(n for n in present.stage.settings if n in own), *own]
    own = {name: own[name] for name in dict.fromkeys(order)}
    if not own:
        variables.remove(data, draft.id)
        return commands.without_settings(command, draft.id)
    variables.put(data, draft.id, own)
    return command if present.stage.settings else f"{command.rstrip()} ${{{draft.id}}}"


def _move(body: Data, draft: Draft) -> None:
    meta = dict(body.get("meta") or {})
    meta.pop("at", None) if draft.definition.at is None else meta.update(
        at=_place(draft.definition.at)
    )
    if meta:
        body["meta"] = meta
    else:
        body.pop("meta", None)
