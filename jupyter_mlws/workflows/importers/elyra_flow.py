"""Reads Elyra's `.pipeline` files (schema versions 3 to 8) as one flat flow.

The versions differ in where a node's properties are (4), in the names of operations that are not
generic (5, 6), in how values of components are wrapped (7) and in lists of variables, which
became objects (8); see the migrations of elyra-ai/pipeline-editor.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_mlws.workflows.importers.import_result import Field, Notes, import_error
from mlws.core.i18n import Message

FIRST, LAST = 3, 8
"""The schema versions that are read."""
GENERIC = ("execute-notebook-node", "execute-python-node", "execute-r-node")
Key = tuple[str, str]
"""ID of a pipeline, and of a node in it."""


@dataclass(frozen=True)
class FlowNode:
    """A generic node: its operation, title, properties and place on the canvas."""

    key: Key
    operation: str
    label: str
    properties: Field
    at: tuple[float, float] | None


@dataclass(frozen=True)
class Comment:
    """A text on the canvas."""

    text: str
    at: tuple[float, float] | None
    nodes: tuple[Key, ...]


@dataclass(frozen=True)
class Flow:
    """The nodes of all pipelines of a file, and their links: the first node before the second."""

    name: str
    description: str
    nodes: list[FlowNode]
    links: list[tuple[Key, Key]]
    comments: list[Comment]
    defaults: Field


def read_flow(data: Field, notes: Notes) -> Flow:
    """Return the flow of a file's JSON.

    Raises ImportFailedError with the field if it is not a pipeline.
    """
    if not isinstance(data.value, dict) or "pipelines" not in data.value:
        raise import_error(data.path, "pipelines", Message("it is not an Elyra pipeline"))
    pipelines = {p.get("id").text(): p for p in data.get("pipelines").items()}
    if not pipelines:
        raise data.get("pipelines").wrong(Message("it contains no pipeline"))
    primary_id = data.get("primary_pipeline").text(next(iter(pipelines)))
    primary = pipelines.get(primary_id)
    if primary is None:
        raise data.get("primary_pipeline").wrong(Message("no such pipeline"))
    reader = _Reader(pipelines, _version(primary), notes)
    properties = primary.dig("app_data", "properties")
    name = properties.get("name").text("") or primary.dig("app_data", "name").text("")
    flow = Flow(
        name=name,
        description=properties.get("description").text(""),
        nodes=reader.nodes(primary_id),
        links=reader.links(),
        comments=[c for p in pipelines.values() for c in reader.comments(p)],
        defaults=properties.get("pipeline_defaults"),
    )
    if not flow.nodes:
        raise data.get("pipelines").wrong(Message("it contains no notebooks or scripts"))
    return flow


def _version(primary: Field) -> int:
    field = primary.dig("app_data", "version")
    try:
        version = int(field.value or 0)
    except (TypeError, ValueError):
        raise field.wrong(Message("must be a number")) from None
    if not FIRST <= version <= LAST:
        raise field.wrong(
            Message(
                "version {version} is not supported; versions {first} to {last} are "
                "(Elyra upgrades older files when it opens and saves them)",
                version=version,
                first=FIRST,
                last=LAST,
            ),
        )
    return version


class _Reader:
    """Resolves groups, bindings, and links across nodes that are not imported."""

    def __init__(self, pipelines: dict[str, Field], version: int, notes: Notes) -> None:
        self._version = version
        self._notes = notes
        self._all: dict[Key, Field] = {}
        self._inside: dict[str, list[Key]] = {}
        for name, pipeline in pipelines.items():
            for node in pipeline.get("nodes").items():
                key = (name, node.get("id").text())
                if key in self._all:
                    raise node.get("id").wrong(Message("another node has this ID"))
                self._all[key] = node
                self._inside.setdefault(name, []).append(key)
        self._groups = {
            self._subflow(node): key
            for key, node in self._all.items()
            if node.get("type").text("") == "super_node"
        }

    def nodes(self, pipeline: str, offset: tuple[float, float] = (0, 0)) -> list[FlowNode]:
        """Return the generic nodes of a pipeline and of its groups, and note the others."""
        flow_nodes = []
        for key in self._inside.get(pipeline, ()):
            node = self._all[key]
            kind = node.get("type").text("")
            if kind == "super_node":
                flow_nodes += self._group(node, offset)
            elif kind == "execution_node" and node.get("op").text("") in GENERIC:
                app = node.get("app_data")
                properties = app if self._version < 4 else app.get("component_parameters")
                file = properties.get("filename").text()
                label = app.get("label").text("") or _label(node) or file.rpartition("/")[2]
                operation, at = node.get("op").text(), _at(node, offset)
                flow_nodes.append(FlowNode(key, operation, label, properties, at))
            elif kind != "binding":
                what = node.get("op").text("") or kind
                label = node.dig("app_data", "label").text("") or _label(node)
                self._notes.add(
                    node.where,
                    Message(
                        "the node {label!r} was not imported: {what!r} only runs on Elyra's own "
                        "backends (notebooks, Python and R scripts can be imported); the nodes "
                        "before it are now connected to the nodes after it",
                        label=label or node.get("id").text(),
                        what=what,
                    ),
                )
        return flow_nodes

    def _group(self, node: Field, offset: tuple[float, float]) -> list[FlowNode]:
        label = _label(node) or node.get("id").text()
        self._notes.add(
            node.where,
            Message(
                "the group {label!r} was not kept; its nodes were added next to the others",
                label=label,
            ),
        )
        at = _at(node, offset) or offset
        inside = [self._all[key] for key in self._inside.get(self._subflow(node), ())]
        places = [place for one in inside if (place := _at(one, (0, 0)))]
        corner = (min((p[0] for p in places), default=0), min((p[1] for p in places), default=0))
        return self.nodes(self._subflow(node), (at[0] - corner[0], at[1] - corner[1]))

    def _subflow(self, node: Field) -> str:
        return node.dig("subflow_ref", "pipeline_id_ref").text()

    def links(self) -> list[tuple[Key, Key]]:
        """Return each pair of generic nodes of which the first comes before the second, once."""
        pairs = []
        for key, node in self._all.items():
            if node.get("op").text("") in GENERIC:
                pairs += [(source, key) for source in self._before(key, set())]
        return list(dict.fromkeys(pairs))

    def _before(self, key: Key, visited_ports: set[tuple[Key, str]]) -> Iterator[Key]:
        """Yield the generic nodes that the links into a node come from."""
        for port in self._all[key].get("inputs").items():
            for link in port.get("links").items():
                yield from self._source(key[0], link, visited_ports)

    def _source(
        self, pipeline: str, link: Field, visited_ports: set[tuple[Key, str]]
    ) -> Iterator[Key]:
        key = (pipeline, link.get("node_id_ref").text())
        port = link.get("port_id_ref").text("")
        node = self._all.get(key)
        if node is None:
            raise link.get("node_id_ref").wrong(Message("no such node"))
        if (key, port) in visited_ports:
            return
        visited_ports.add((key, port))
        kind = node.get("type").text("")
        if node.get("op").text("") in GENERIC:
            yield key
        elif kind == "super_node":
            # Into the group, to the nodes that its output comes from.
            inside = self._subflow(node)
            for output in node.get("outputs").items():
                binding = (inside, output.get("subflow_node_ref").text(""))
                if output.get("id").text("") == port and binding in self._all:
                    yield from self._before(binding, visited_ports)
        elif kind == "binding" and pipeline in self._groups:
            # Out of the group, to the nodes that are linked to this binding.
            outer = self._groups[pipeline]
            for group_input in self._all[outer].get("inputs").items():
                if group_input.get("subflow_node_ref").text("") == key[1]:
                    for outer_link in group_input.get("links").items():
                        yield from self._source(outer[0], outer_link, visited_ports)
        else:
            yield from self._before(key, visited_ports)

    def comments(self, pipeline: Field) -> Iterator[Comment]:
        """Yield the comments of a pipeline."""
        name = pipeline.get("id").text()
        for comment in pipeline.dig("app_data", "ui_data", "comments").items():
            x, y = comment.get("x_pos").number(), comment.get("y_pos").number()
            refs = comment.get("associated_id_refs").items()
            nodes = tuple((name, ref.get("node_ref").text("")) for ref in refs)
            at = (x, y) if x is not None and y is not None else None
            yield Comment(comment.get("content").text(""), at, nodes)


def _label(node: Field) -> str:
    return node.dig("app_data", "ui_data", "label").text("")


def _at(node: Field, offset: tuple[float, float]) -> tuple[float, float] | None:
    ui = node.dig("app_data", "ui_data")
    x, y = ui.get("x_pos").number(), ui.get("y_pos").number()
    return None if x is None or y is None else (x + offset[0], y + offset[1])
