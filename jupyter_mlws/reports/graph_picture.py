"""Layout of the picture of a graph, in layers from left to right."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from statistics import fmean
from typing import NamedTuple

from jupyter_mlws.reports.models import EdgeChange, GraphChange, NodeChange
from jupyter_mlws.versioning.models import CellState

MAX_NODES = 60
"""Nodes of a picture; of a larger graph, those that changed and their neighbors."""
SIGNS = {CellState.ADDED: "+ ", CellState.DELETED: "− ", CellState.MODIFIED: "~ "}
"""Marks of nodes by their state, before their names."""
NODE_WIDTH, NODE_HEIGHT = 180, 36
GAP_X, GAP_Y = 60, 20
MARGIN = 10
TIP = 8
"""Length of the tip of an arrow."""
Place = tuple[str, ...]
"""A node by its id, or an edge in a layer between its ends."""


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
    changes = {node.id for node in graph.nodes if node.state is not CellState.UNCHANGED}
    changes |= {
        end
        for edge in graph.edges
        if edge.state is not CellState.UNCHANGED
        for end in (edge.source, edge.target)
    }
    near = {
        end
        for edge in graph.edges
        if {edge.source, edge.target} & changes
        for end in (edge.source, edge.target)
    }
    nodes = [node for node in graph.nodes if node.id in changes]
    nodes += [node for node in graph.nodes if node.id in near - changes]
    nodes = nodes[:MAX_NODES]
    names = {node.id for node in nodes}
    edges = [edge for edge in graph.edges if {edge.source, edge.target} <= names]
    return graph.model_copy(update={"nodes": nodes, "edges": edges})


def lay_out(graph: GraphChange) -> Layout:
    """Place the nodes of a graph in layers, each behind those that it needs.

    An edge over several layers has a place of its own in those between, so that it crosses no node.
    """
    import networkx as nx

    graph = reduce_graph(graph)
    network: nx.DiGraph[str] = nx.DiGraph()
    network.add_nodes_from(node.id for node in graph.nodes)
    network.add_edges_from((edge.source, edge.target) for edge in graph.edges)
    # The old and the new edges together may have cycles; a cycle is in one layer.
    groups = nx.condensation(network)
    columns: dict[Place, int] = {
        (name,): column
        for column, generation in enumerate(nx.topological_generations(groups))
        for group in generation
        for name in groups.nodes[group]["members"]
    }
    before: dict[Place, list[Place]] = defaultdict(list)
    routes: list[list[Place]] = []
    for edge in graph.edges:
        first, last = columns[(edge.source,)], columns[(edge.target,)]
        between: list[Place] = [
            (edge.source, edge.target, str(column)) for column in range(first + 1, last)
        ]
        columns.update({place: first + 1 + number for number, place in enumerate(between)})
        routes.append([(edge.source,), *between, (edge.target,)])
        for one, other in pairwise(routes[-1]):
            before[other].append(one)
    rows: dict[Place, int] = {}
    for column in range(max(columns.values(), default=-1) + 1):
        # By the mean row of the places before, so that few edges cross.
        means = {
            place: fmean([rows[one] for one in before[place] if one in rows] or [0])
            for place in sorted(columns)
            if columns[place] == column
        }
        rows.update({place: row for row, place in enumerate(sorted(means, key=means.__getitem__))})

    def left(place: Place) -> int:
        return MARGIN + columns[place] * (NODE_WIDTH + GAP_X)

    def top(place: Place) -> int:
        return MARGIN + rows[place] * (NODE_HEIGHT + GAP_Y)

    curves = []
    for edge, route in zip(graph.edges, routes, strict=True):
        x, y = left(route[0]) + NODE_WIDTH, top(route[0]) + NODE_HEIGHT // 2
        path, bend = f"M{x} {y}", GAP_X // 2
        for place in route[1:]:
            end, middle = left(place), top(place) + NODE_HEIGHT // 2
            is_last = place is route[-1]
            stop = end - TIP if is_last else end
            path += f"C{x + bend} {y} {stop - bend} {middle} {stop} {middle}"
            x, y = end + NODE_WIDTH, middle
            if not is_last:
                path += f"H{x}"
        end = left(route[-1])
        tip = f"M{end - TIP} {y - TIP // 2}L{end} {y}L{end - TIP} {y + TIP // 2}z"
        curves.append(Curve(edge, path, tip))
    return Layout(
        max(map(left, columns), default=0) + NODE_WIDTH + MARGIN,
        max(map(top, columns), default=0) + NODE_HEIGHT + MARGIN,
        [Box(node, left((node.id,)), top((node.id,))) for node in graph.nodes],
        curves,
    )
