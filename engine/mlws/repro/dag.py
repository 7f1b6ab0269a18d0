"""`dag`: the graph of a repository's stages as a tree, and in the formats of ``dvc dag``."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import click

from mlws.core.i18n import Message
from mlws.engine.graph import closure
from mlws.repro.checks import check
from mlws.repro.console import Ending, reporting
from mlws.repro.errors import Reason, ReproError
from mlws.repro.options import GraphFormat, GraphOptions
from mlws.repro.repository import POINTER, Repository
from mlws.repro.targets import select

VARIANT_SIGN = "@"
REPEATED = "(*)"
"""Marks what was shown before, as in the trees of cargo and uv."""
Graph = Mapping[str, Sequence[str]]
"""The names of what each stage or output needs, in the order of the files."""


def run(folder: Path, language: str, options: GraphOptions, *, as_json: bool = False) -> int:
    """Print the graph of a folder's repository; return the exit code."""
    ending = Ending()
    with reporting(ending, language):
        if options.outs and options.collapse:
            raise ReproError(
                Message("`--outs` and `--collapse-foreach-matrix` are mutually exclusive"),
                Reason.WRONG_TARGET,
            )
        repository, here = Repository.find(folder)
        check(repository.graph)
        graph = _outs_graph(repository, here) if options.outs else _stage_graph(repository, here)
        if options.target:
            nodes = select(repository, [options.target], here)
            names = [node.address(here) for node in nodes]
            if options.outs:
                names = [_at(out, here) for node in nodes for out in node.outs]
            graph = _around(graph, names, whole=options.full)
        if options.collapse:
            graph = _collapse(graph)
        if as_json:
            click.echo(json.dumps(graph, ensure_ascii=False))
        elif options.format is GraphFormat.DOT:
            click.echo(_dot(graph))
        elif options.format is GraphFormat.TREE:
            for line in _iter_tree(graph):
                click.echo(line)
        else:
            text = "\n".join(_iter_mermaid(graph))
            click.echo(
                f"```mermaid\n{text}\n```" if options.format is GraphFormat.MARKDOWN else text
            )
    return ending.code


def _stage_graph(repository: Repository, here: str) -> Graph:
    return {
        node.address(here): list(
            dict.fromkeys(one.address(here) for one in repository.graph.before(node))
        )
        for node in repository.nodes.values()
    }


def _outs_graph(repository: Repository, here: str) -> Graph:
    return {
        _at(out, here): [
            _at(place, here) for dep in node.deps for _, place in repository.graph.makers(dep)
        ]
        for node in repository.nodes.values()
        for out in node.outs
    }


def _at(path: str, here: str) -> str:
    return posixpath.relpath(path, here or ".")


def reverse(graph: Graph) -> dict[str, list[str]]:
    """Return the names of what needs each, in the order of the graph."""
    reversed_graph: dict[str, list[str]] = {name: [] for name in graph}
    for name, needs in graph.items():
        for need in dict.fromkeys(needs):
            reversed_graph[need].append(name)
    return reversed_graph


def _in_both_directions(graph: Graph) -> dict[str, list[str]]:
    return {name: [*graph[name], *downstream] for name, downstream in reverse(graph).items()}


def _around(graph: Graph, names: Iterable[str], *, whole: bool) -> Graph:
    """Return what ``names`` need; with ``whole``, all of their pipelines."""
    reached = closure(_in_both_directions(graph) if whole else graph, names)
    return {name: needs for name, needs in graph.items() if name in reached}


def _collapse(graph: Graph) -> Graph:
    """Return the graph with the variants of each `foreach` and `matrix` as one stage."""

    def group(name: str) -> str:
        return name if name.endswith(POINTER) else name.split(VARIANT_SIGN)[0]

    groups: dict[str, dict[str, None]] = {}
    for name, needs in graph.items():
        groups.setdefault(group(name), {}).update(dict.fromkeys(map(group, needs)))
    return {name: [need for need in needs if need != name] for name, needs in groups.items()}


def _iter_mermaid(graph: Graph) -> Iterator[str]:
    yield "flowchart TD"
    downstream, near = reverse(graph), _in_both_directions(graph)
    ids: dict[str, str] = {}
    for start in graph:
        if start in ids:
            continue
        # One pipeline after the other.
        names = sorted(closure(near, [start]))
        for name in names:
            ids[name] = f"node{len(ids) + 1}"
            yield f'\t{ids[name]}["{name}"]'
        for name in names:
            yield from (f"\t{ids[name]}-->{ids[one]}" for one in sorted(downstream[name]))


def _dot(graph: Graph) -> str:
    nodes = "".join(f'"{name}";\n' for name in graph)
    edges = "".join(
        f'"{name}" -> "{one}";\n'
        for name, downstream in reverse(graph).items()
        for one in downstream
    )
    return f"strict digraph {{\n{nodes}{edges}}}\n"


def _iter_tree(graph: Graph) -> Iterator[str]:
    """Yield the lines of a tree: below each stage those that need it, each subtree once."""
    downstream = reverse(graph)
    printed_names: set[str] = set()
    # Name, and what stands before it and before those below it; the next one is the last.
    ahead = [(name, "", "") for name, needs in graph.items() if not needs][::-1]
    while ahead:
        name, first, rest = ahead.pop()
        below = [] if name in printed_names else downstream[name]
        is_repeated = name in printed_names and bool(downstream[name])
        printed_names.add(name)
        yield f"{first}{name}{f' {REPEATED}' if is_repeated else ''}"
        ends = [("├── ", "│   ")] * (len(below) - 1) + [("└── ", "    ")]
        lines = [
            (one, rest + first_end, rest + rest_end)
            for one, (first_end, rest_end) in zip(below, ends, strict=False)
        ]
        ahead += reversed(lines)
