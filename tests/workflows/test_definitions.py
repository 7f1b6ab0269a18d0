"""Whatever can be drawn survives POST, GET and PUT without a byte changed."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlws.components.artifacts import fits, kinds_fit
from jupyter_mlws.components.models import Component
from jupyter_mlws.components.registry import library
from jupyter_mlws.workflows.document.definition import WorkflowChange, WorkflowDefinition
from jupyter_mlws.workflows.manager import WorkflowManager
from mlws.core.project import Project
from tests.series import length

TEXTS = st.text(st.characters(exclude_categories=["C", "Z"], include_characters=" "), max_size=12)
WORDS = TEXTS.map(lambda text: text.replace("${", "").lstrip("-"))
IDS = st.from_regex(r"\A[a-z0-9_数据][a-z0-9_数据-]{0,6}\Z")
KEPT = ["wine", "版本", "v-1", "a b"]
"""For settings that take words of a certain form."""
NAMES = WORDS.filter(lambda text: text.strip() != "")


def value_of(draw: st.DrawFn, schema: dict[str, Any]) -> Any:
    """A value that the schema of a setting takes."""
    if "anyOf" in schema:
        return value_of(draw, draw(st.sampled_from(schema["anyOf"])))
    if "enum" in schema:
        return draw(st.sampled_from(schema["enum"]))
    if "pattern" in schema:
        return draw(st.sampled_from([name for name in KEPT if re.search(schema["pattern"], name)]))
    if schema.get("minLength"):
        return draw(NAMES)
    kind = schema.get("type")
    if kind == "integer":
        return draw(st.integers(schema.get("minimum", -5), schema.get("maximum", 10**9)))
    if kind == "number":
        lowest = schema.get("minimum", schema.get("exclusiveMinimum", 0))
        highest = schema.get("maximum", schema.get("exclusiveMaximum", 1e6))
        return draw(st.floats(lowest, highest, exclude_min=True, exclude_max=True))
    if kind == "array":
        count = st.integers(schema.get("minItems", 0), 3)
        return [value_of(draw, schema["items"]) for _ in range(draw(count))]
    return {"boolean": draw(st.booleans()), "null": None}.get(str(kind), draw(WORDS))


def config_of(draw: st.DrawFn, component: Component) -> dict[str, Any]:
    known = component.settings.get("properties", {})
    chosen = (
        draw(st.lists(st.sampled_from(sorted(known)), unique=True, max_size=4)) if known else []
    )
    return {name: value_of(draw, known[name]) for name in chosen}


@st.composite
def definitions(draw: st.DrawFn) -> dict[str, Any]:
    """A workflow that nothing is wrong with, but that it may not be finished."""
    ids = draw(st.lists(IDS.filter(lambda name: name != "workflow"), unique=True, max_size=6))
    nodes, edges, kinds = [], [], {}
    for name in ids:
        component = draw(st.sampled_from([None, *library()]))
        kinds[name] = component
        node: dict[str, Any] = {"id": name, "type": component.name if component else "shell"}
        if component is None:
            node["config"] = {"cmd": draw(st.sampled_from(["echo 1", "cat a | wc -l > b", "a; b"]))}
            node["outs"] = [f"made/{name}.txt"]
            node["deps"] = draw(st.lists(st.sampled_from(["x.csv", "数 据/y"]), unique=True))
        else:
            node["config"] = config_of(draw, component)
        if draw(st.booleans()):
            node["at"] = [draw(st.integers(-900, 900)), draw(st.integers(-900, 900))]
        nodes.append(node)
    taken: set[tuple[str, str]] = set()
    for place, target in enumerate(nodes):
        for port in getattr(kinds[target["id"]], "inputs", []):
            fitting = [
                (source["id"], out.name)
                for source in nodes[:place]
                for out in getattr(kinds[source["id"]], "outputs", [])
                if fits(out.type, port.type) and kinds_fit(out.kinds, port.kinds)
            ]
            wanted = (
                draw(st.lists(st.sampled_from(fitting), unique=True, max_size=3)) if fitting else []
            )
            for source, out in wanted[: None if port.multiple else 1]:
                taken.add((target["id"], port.name))
                edges.append(
                    {"source": source, "source_port": out, "target": target["id"],
                     "target_port": port.name}
                )  # fmt: skip
            if not wanted and draw(st.booleans()):
                file = draw(st.sampled_from(["/data/a b.csv", "in/x"]))
                target["config"][port.name] = [file] if port.multiple else file
    return {"name": draw(NAMES), "nodes": nodes, "edges": draw(st.permutations(edges))}


def rooted(files: Any) -> Any:
    """As the API tells them: from the project's root, without the slash."""
    return [rooted(file) for file in files] if isinstance(files, list) else files.lstrip("/")


@given(definitions())
@settings(
    max_examples=length(12, 60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@pytest.mark.slow(reason="many real runs")
def test_drawn_got_and_sent_back_it_is_the_same(
    project: Project, workflows: WorkflowManager, definition: dict[str, Any]
) -> None:
    made = workflows.create(WorkflowDefinition(**definition))
    file = project.root / made.path
    text = file.read_bytes()
    got = workflows.get(made.path)
    assert got == made
    assert got.name == definition["name"]
    assert [(n.id, n.type) for n in got.nodes] == [
        (n["id"], n["type"]) for n in definition["nodes"]
    ]
    for node, given_node in zip(got.nodes, definition["nodes"], strict=True):
        assert node.config == {
            key: rooted(value) if key in node.inputs else value
            for key, value in given_node["config"].items()
        }
        assert node.at == (tuple(given_node["at"]) if "at" in given_node else None)
    ported = {(e.source, e.source_port, e.target, e.target_port) for e in got.edges}
    assert ported == {
        (e["source"], e["source_port"], e["target"], e["target_port"]) for e in definition["edges"]
    }
    workflows.change(made.path, WorkflowChange(**got.model_dump(mode="json")), [got.etag])
    assert file.read_bytes() == text
    # What was posted, put: the same again.
    workflows.change(made.path, WorkflowChange(**definition), [got.etag])
    assert file.read_bytes() == text
    # Emptied and drawn again it says the same, though in another order perhaps.
    workflows.change(made.path, WorkflowChange(nodes=[]))
    workflows.change(made.path, WorkflowChange(**definition))
    again = workflows.get(made.path)
    assert (again.nodes, again.name) == (got.nodes, got.name)
