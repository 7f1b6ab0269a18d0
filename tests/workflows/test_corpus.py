"""A `dvc.yaml` means what tests/corpus says, as for src/workflow/document/corpus.spec.ts."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from jupyter_mlws.components.registry import Registry
from jupyter_mlws.workflows.document.authoring import with_settings
from jupyter_mlws.workflows.document.definition import WorkflowChange
from jupyter_mlws.workflows.document.editing import Editor
from jupyter_mlws.workflows.document.files import Documents
from jupyter_mlws.workflows.nodes import node
from mlws.core.errors import WorkflowUnreadableError
from mlws.core.project import Project
from mlws.document import rewriting
from mlws.document.parse import Stage, parse
from mlws.document.printing import flow

Body = dict[str, Any]


def load(name: str) -> Any:
    return YAML(typ="safe", pure=True).load(Path(__file__).parents[1] / f"corpus/{name}.yaml")


EDITS = {
    name: (group, parts)
    for group in load("edits").values()
    for name, parts in group["cases"].items()
}
READING = load("reading")
LAYOUTS: dict[str, Callable[[str], str]] = {
    "as written": str,
    "windows": lambda text: text.replace("\n", "\r\n"),
    "no last line end": lambda text: text.removesuffix("\n"),
}


@pytest.fixture
def project(empty_project: Path, tmp_path: Path) -> Project:
    """One in which nothing runs."""
    return Project.open(shutil.copytree(empty_project, tmp_path / "project"))


@pytest.fixture
def documents(project: Project) -> Documents:
    return Documents(project, Registry(project.root))


@pytest.fixture
def edit(project: Project, documents: Documents) -> Callable[..., str]:
    """Return the text after an edit: a PUT of what GET says, with a change."""

    def change(path: str, text: str, kind: str, arguments: Any) -> str:
        documents.write(path, text)
        graph = documents.graph(parse(path, text))
        if kind in ("set", "unset"):
            return rewriting.rewrite(graph.document, with_value(graph.document.data, *arguments))
        if kind == "parameter":
            return with_settings(graph.document, graph.by_id, arguments)
        nodes = [
            node(stage, graph.components.get(stage.described_by), graph.document.folder,
                 graph.edge_files.get(stage.id, ()), None).model_dump(mode="json")
            for stage in graph.stages
        ]  # fmt: skip
        body = {"nodes": nodes, "edges": [dict(vars(edge)) for edge in graph.edges]}
        CHANGES[kind](body, arguments)
        editor = Editor(project, documents, Registry(project.root))
        after = editor.change(path, WorkflowChange.model_validate(body), None).text
        if kind == "setting" and len(arguments) == 3:
            name, key, value = arguments
            assert with_settings(graph.document, graph.by_id, {f"{name}.{key}": value}) == after
        return after

    return change


def with_value(data: Any, path: list[Any], *values: Any) -> Any:
    data = place = copy.deepcopy(dict(data))
    for key in path[:-1]:
        place = place[key]
    if values:
        place[path[-1]] = values[0]
    else:
        del place[path[-1]]
    return data


def set_setting(body: Body, arguments: Any) -> None:
    name, key, *values = arguments
    config = next(one for one in body["nodes"] if one["id"] == name)["config"]
    config.pop(key, None)
    if values:
        config[key] = values[0]


def move(body: Body, arguments: Any) -> None:
    next(one for one in body["nodes"] if one["id"] == arguments[0])["at"] = arguments[1]


def connect(body: Body, arguments: Any) -> None:
    body["edges"].append(
        dict(zip(("source", "path", "target", "target_port"), arguments, strict=True))
    )


def disconnect(body: Body, arguments: Any) -> None:
    edges = body["edges"]
    edges[:] = [one for one in edges if [one["path"], one["target"]] != arguments[1:3]]


def add(body: Body, arguments: Any) -> None:
    new = {"type": "shell", **arguments}
    new.pop("outputs", None)
    if "cmd" in new:
        new["config"] = {"cmd": new.pop("cmd")}
    body["nodes"].append(new)


def remove(body: Body, name: str) -> None:
    for rows, keys in ((body["nodes"], ["id"]), (body["edges"], ["source", "target"])):
        rows[:] = [one for one in rows if all(one[key].split("@")[0] != name for key in keys)]


CHANGES: dict[str, Callable[[Body, Any], None]] = {
    "setting": set_setting,
    "move": move,
    "title": lambda body, title: body.update(name=title),
    "connect": connect,
    "disconnect": disconnect,
    "add": add,
    "remove": remove,
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", EDITS)
def test_an_edit(name: str, layout: str, edit: Callable[..., str]) -> None:
    group, parts = EDITS[name]
    pieces = [part for part in parts if isinstance(part, str)]
    target = group["text"]
    for old, new in zip(pieces[::2], pieces[1::2], strict=True):
        assert target.count(old) == 1
        target = target.replace(old, new)
    text, target = LAYOUTS[layout](group["text"]), LAYOUTS[layout](target)
    for change in parts[: len(parts) - len(pieces)]:
        [(kind, arguments)] = change.items()
        text = edit(group.get("path", "dvc.yaml"), text, kind, arguments)
    if "whole" in group:
        target = target.removesuffix("\n") + "\n"
    assert text == target


def test_a_value() -> None:
    for value, alone, *inside in (row for rows in load("scalars").values() for row in rows):
        assert flow(value, not isinstance(value, str)) == alone
        assert flow(value) == (inside or [alone])[0]


@pytest.mark.parametrize("name", READING)
def test_a_text(name: str, documents: Documents) -> None:
    case = READING[name]
    path, text = case.get("path", "dvc.yaml"), case["text"]
    if "line" in case:
        assert fault_line(path, text) == case["line"]
        return
    documents.write(path, text)
    graph = documents.graph(parse(path, text))
    assert not graph.findings
    title = graph.document.variables.get("workflow", {}).get("name", "")
    assert title == case.get("title", title)
    stages: dict[str, list[Stage]] = {}
    for stage in graph.stages:
        stages.setdefault(stage.id.partition("@")[0], []).append(stage)
    assert list(stages) == list(case["stages"])
    for name, target in case["stages"].items():
        assert {key: meaning(stages[name], key) for key in target} == target


def fault_line(path: str, text: str) -> Any:
    try:
        return parse(path, text).faults[0].line
    except WorkflowUnreadableError as error:
        return error.facts["line"]


def meaning(stages: list[Stage], key: str) -> Any:
    if key == "variants":
        return [stage.id.partition("@")[2] for stage in stages]
    if key in ("deps", "outs"):
        return list(dict.fromkeys(path for stage in stages for path in getattr(stage, key)))
    value = getattr(stages[0], "wdir" if key == "folder" else key)
    return list(value) if isinstance(value, tuple) else value
