"""Layout of the picture of a graph, in layers from left to right."""

from __future__ import annotations

from typing import NamedTuple

from jupyter_mlws.reports.models import EdgeChange, GraphChange, NodeChange
from jupyter_mlws.versioning.models import CellState

MAX_NODES = 60
"""Nodes of a picture; of a larger graph, those that changed and their neighbors."""
NODE_WIDTH, NODE_HEIGHT = 180, 36
GAP_X, GAP_Y = 60, 20
MARGIN = 10


class Box(NamedTuple):
    """A node at the position of its upper left corner."""

    node: NodeChange
    x: int
    y: int


class Curve(NamedTuple):
    """An edge, as the path of an SVG, and the triangle at its end."""

    edge: EdgeChange
    path: str
    tip: str


class Layout(NamedTuple):
    """A graph with the positions of its nodes, in pixels."""

    width: int
    height: int
    boxes: list[Box]
    curves: list[Curve]


def reduce_graph(graph: GraphChange) -> GraphChange:
    """Return a graph with few enough nodes for a picture."""
    if len(graph.nodes) <= MAX_NODES:
        return graph
    changed = {node.id for node in graph.nodes if node.state is not CellState.UNCHANGED}
    changed |= {
        end
        for edge in graph.edges
        if edge.state is not CellState.UNCHANGED
        for end in (edge.source, edge.target)
    }
    near = {
        end
        for edge in graph.edges
        if {edge.source, edge.target} & changed
        for end in (edge.source, edge.target)
    }
    nodes = [node for node in graph.nodes if node.id in changed]
    nodes += [node for node in graph.nodes if node.id in near - changed]
    nodes = nodes[:MAX_NODES]
    names = {node.id for node in nodes}
    edges = [edge for edge in graph.edges if {edge.source, edge.target} <= names]
    return graph.model_copy(update={"nodes": nodes, "edges": edges})


def lay_out(graph: GraphChange) -> Layout:
    """Place the nodes of a graph in layers, each behind those that it needs."""
    import networkx as nx

    graph = reduce_graph(graph)
    directed: nx.DiGraph[str] = nx.DiGraph()
    directed.add_nodes_from(node.id for node in graph.nodes)
    directed.add_edges_from((edge.source, edge.target) for edge in graph.edges)
    # The old and the new edges together may have cycles; a cycle is in one layer.
    condensed = nx.condensation(directed)
    layers = [
        sorted(name for group in generation for name in condensed.nodes[group]["members"])
        for generation in nx.topological_generations(condensed)
    ]
    rows: dict[str, float] = {}
    places: dict[str, tuple[int, int]] = {}
    for column, layer in enumerate(layers):

        def middle(name: str) -> float:
            """Return the mean row of the nodes before, so that edges cross less."""
            before = [rows[one] for one in directed.predecessors(name) if one in rows]
            return sum(before) / len(before) if before else 0.0

        for row, name in enumerate(sorted(layer, key=middle)):
            rows[name] = row
            places[name] = (
                MARGIN + column * (NODE_WIDTH + GAP_X),
                MARGIN + row * (NODE_HEIGHT + GAP_Y),
            )
    boxes = [Box(node, *places[node.id]) for node in graph.nodes]
    curves = []
    for edge in graph.edges:
        (x1, y1), (x2, y2) = places[edge.source], places[edge.target]
        x1, y1, y2 = x1 + NODE_WIDTH, y1 + NODE_HEIGHT // 2, y2 + NODE_HEIGHT // 2
        bend = GAP_X // 2
        curves.append(
            Curve(
                edge,
                f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2 - 8} {y2}",
                f"M{x2 - 8} {y2 - 4}L{x2} {y2}L{x2 - 8} {y2 + 4}z",
            )
        )
    return Layout(
        max((box.x for box in boxes), default=0) + NODE_WIDTH + MARGIN,
        max((box.y for box in boxes), default=0) + NODE_HEIGHT + MARGIN,
        boxes,
        curves,
    )
