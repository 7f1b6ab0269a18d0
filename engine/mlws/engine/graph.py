"""The stages of a pipeline as a graph, from the paths that they read and write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Generic, TypeVar

from mlws.engine.policy import Policy


@dataclass(frozen=True)
class Stage:
    """The engine's view of a stage; paths are relative to the project's root."""

    id: str
    wdir: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]
    frozen: bool
    policy: Policy


S = TypeVar("S", bound=Stage)


class StageGraph(Generic[S]):
    """Stages in file order, with an index of who makes a path. Each part is computed once."""

    def __init__(self, stages: Sequence[S]) -> None:
        self.stages = stages
        self._exact: dict[str, list[S]] = defaultdict(list)
        self._below: dict[str, list[tuple[S, str]]] = defaultdict(list)
        self._places: dict[str, int] = {}
        """Of each path and folder, by its first mention: the order of DVC's tree of outputs."""
        for stage in stages:
            for out in stage.outs:
                self._exact[out].append(stage)
                self._places.setdefault(out, len(self._places))
                for parent in _parents(out):
                    self._below[parent].append((stage, out))
                    self._places.setdefault(parent, len(self._places))

    @cached_property
    def by_id(self) -> dict[str, S]:
        return {stage.id: stage for stage in self.stages}

    def makers(self, path: str) -> Iterator[tuple[S, str]]:
        """Yield the stages (and outputs) that make a path, a folder above it or a path in it.

        A lookup is linear in the depth of the path.
        """
        for place in (path, *_parents(path)):
            yield from ((stage, place) for stage in self._exact.get(place, ()))
        # By the folders above each, the highest first, then by itself.
        yield from sorted(
            self._below.get(path, ()),
            key=lambda pair: [self._places[one] for one in (pair[1], *_parents(pair[1]))][::-1],
        )

    def before(self, stage: S) -> Iterator[S]:
        """Yield the stages that make what a stage reads, frozen or not."""
        return (
            source for dep in stage.deps for source, _ in self.makers(dep) if source is not stage
        )

    @cached_property
    def needs(self) -> dict[str, list[str]]:
        """The stages that each stage needs directly: none for a frozen one, as in DVC's graph."""
        return {
            stage.id: []
            if stage.frozen
            else list(dict.fromkeys(source.id for source in self.before(stage)))
            for stage in self.stages
        }

    @cached_property
    def order(self) -> list[str]:
        """Every stage after those it needs, in the order in which DVC would write its lock.

        A depth-first walk in file order. A cycle is broken where the walk meets it.
        """
        result: dict[str, None] = {}
        visited_ids: set[str] = set()
        for first in self.stages:
            stack = [(first.id, iter(self.needs[first.id]))]
            while stack:
                node, sources = stack[-1]
                visited_ids.add(node)
                following = next((one for one in sources if one not in visited_ids), None)
                if following is not None:
                    stack.append((following, iter(self.needs[following])))
                    continue
                stack.pop()
                result.setdefault(node)
        return list(result)

    def required(self, targets: Collection[str] = ()) -> set[str]:
        """Return the targets and everything that they need; all stages without targets."""
        return closure(self.needs, targets or self.by_id)

    def turns(self, nodes: Collection[str]) -> Iterator[tuple[str, str]]:
        """Yield pairs of ``nodes`` that must not run at once, the first of each before the second.

        A frozen stage needs no other, but reads what others make: before or after, as in ``order``.
        """
        positions = {node: n for n, node in enumerate(self.order)}
        for stage in self.stages:
            for source in self.before(stage) if stage.frozen and stage.id in nodes else ():
                if source.id in nodes:
                    first, second = sorted((stage.id, source.id), key=positions.__getitem__)
                    yield first, second

    def downstream(self, node: str) -> set[str]:
        """Return the stages that depend on one, directly or through others."""
        return closure(reverse(self.needs), [node]) - {node}

    def find_cycle(self) -> list[str]:
        """Return the stages of a cycle of dependencies, frozen ones included; empty without one."""
        needs = {
            stage.id: dict.fromkeys(maker.id for dep in stage.deps for maker, _ in self.makers(dep))
            for stage in self.stages
        }
        visited_ids: set[str] = set()
        for first in needs:
            path = {} if first in visited_ids else {first: iter(needs[first])}
            while path:
                node = next(reversed(path))
                following = next((one for one in path[node] if one not in visited_ids), None)
                if following is None:
                    visited_ids.add(node)
                    del path[node]
                elif following in path:
                    return list(path)[list(path).index(following) :]
                else:
                    path[following] = iter(needs[following])
        return []

    def external_inputs(self, targets: Collection[str] = ()) -> list[str]:
        """Return the paths that the targets and the stages before them read from outside.

        No stage here makes these paths, or all of them. A frozen stage needs none.
        """
        nodes = self.required(targets)
        required = (stage for stage in self.stages if stage.id in nodes and not stage.frozen)
        deps = dict.fromkeys(dep for stage in required for dep in stage.deps)
        return [dep for dep in deps if not any(one in self._exact for one in (dep, *_parents(dep)))]


def _parents(path: str) -> Iterator[str]:
    parent = path.rpartition("/")[0]
    while parent:
        yield parent
        parent = parent.rpartition("/")[0]


def reverse(graph: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """Return the nodes that name each node."""
    result: dict[str, list[str]] = {}
    for node, others in graph.items():
        for other in others:
            result.setdefault(other, []).append(node)
    return result


def closure(needs: Mapping[str, Sequence[str]], targets: Iterable[str]) -> set[str]:
    """Return the targets and everything that they need."""
    names: set[str] = set()
    waiting = list(targets)
    while waiting:
        name = waiting.pop()
        if name not in names:
            names.add(name)
            waiting.extend(needs.get(name, ()))
    return names


def longest_paths(
    needs: Mapping[str, Sequence[str]], weights: Mapping[str, float]
) -> dict[str, float]:
    """Return the weight of each node and of the heaviest path of nodes that depend on it.

    ``weights`` names each node after those that it needs.
    """
    longest = dict(weights)
    for node in reversed(list(weights)):
        for need in needs[node]:
            longest[need] = max(longest.get(need, 0.0), weights[need] + longest[node])
    return longest
