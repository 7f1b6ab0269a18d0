"""The stages of a pipeline as a graph, from the paths that they read and write."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from jupyter_mlws.engine.policy import Policy


class Stage(Protocol):
    """The engine's view of a stage; paths are relative to the project's root."""

    @property
    def id(self) -> str: ...
    @property
    def wdir(self) -> str: ...
    @property
    def deps(self) -> Sequence[str]: ...
    @property
    def outs(self) -> Sequence[str]: ...
    @property
    def frozen(self) -> bool: ...
    @property
    def policy(self) -> Policy: ...


S = TypeVar("S", bound=Stage)


class Producers(Generic[S]):
    """Index of the stages that make a path; a lookup is linear in the depth of the path."""

    def __init__(self, stages: Sequence[S]) -> None:
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

    def of(self, path: str) -> Iterator[tuple[S, str]]:
        """Yield the stages (and outputs) that make a path, a folder above it or a path in it."""
        for place in (path, *_parents(path)):
            yield from ((stage, place) for stage in self._exact.get(place, ()))
        # By the folders above each, the highest first, then by itself.
        yield from sorted(
            self._below.get(path, ()),
            key=lambda pair: [self._places[one] for one in (pair[1], *_parents(pair[1]))][::-1],
        )

    def makes(self, path: str) -> bool:
        """Return whether a stage makes all of a path: the path itself, or a folder above it."""
        return any(place in self._exact for place in (path, *_parents(path)))

    def before(self, stage: S) -> Iterator[S]:
        """Yield the stages that make what a stage reads, frozen or not."""
        return (source for dep in stage.deps for source, _ in self.of(dep) if source is not stage)


def _parents(path: str) -> Iterator[str]:
    parent = path.rpartition("/")[0]
    while parent:
        yield parent
        parent = parent.rpartition("/")[0]


def topological_order(stages: Sequence[S]) -> list[S]:
    """Return every stage after those it needs, in the order in which DVC would write its lock.

    A depth-first walk in file order. A cycle is broken where the walk meets it.
    """
    producers = Producers(stages)
    result: dict[str, S] = {}
    visited_ids: set[str] = set()
    for first in stages:
        stack = [(first, _sources(first, producers))]
        while stack:
            stage, sources = stack[-1]
            visited_ids.add(stage.id)
            following = next((s for s in sources if s.id not in visited_ids), None)
            if following is not None:
                stack.append((following, _sources(following, producers)))
                continue
            stack.pop()
            result.setdefault(stage.id, stage)
    return list(result.values())


def _sources(stage: S, producers: Producers[S]) -> Iterator[S]:
    """Yield the stages that a stage needs: a frozen one needs none, as in DVC's active graph."""
    return iter(()) if stage.frozen else producers.before(stage)


def upstream(stages: Sequence[Stage]) -> dict[str, list[str]]:
    """Return the stages that each stage needs directly."""
    producers = Producers(stages)
    return {
        stage.id: list(dict.fromkeys(source.id for source in _sources(stage, producers)))
        for stage in stages
    }


def turns(stages: Sequence[Stage], order: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield pairs of stages that must not run at once, the first of each before the second.

    A frozen stage needs no other, but reads what others make: before or after, as in ``order``.
    """
    producers = Producers(stages)
    positions = {node: n for n, node in enumerate(order)}
    for stage in stages:
        for source in producers.before(stage) if stage.frozen else ():
            first, second = sorted((stage.id, source.id), key=positions.__getitem__)
            yield first, second


def closure(needs: Mapping[str, Sequence[str]], targets: Sequence[str]) -> set[str]:
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


def downstream(stages: Sequence[Stage], node: str) -> set[str]:
    """Return the stages that depend on one, directly or through others."""
    needs = upstream(stages)
    dependents: set[str] = set()
    for stage in topological_order(stages):
        if dependents.union((node,)).intersection(needs[stage.id]):
            dependents.add(stage.id)
    return dependents


def external_inputs(stages: Sequence[Stage], targets: Sequence[str] = ()) -> list[str]:
    """Return the paths that the targets and the stages before them read from outside.

    No stage here makes these paths, or all of them. A frozen stage needs none.
    """
    producers = Producers(stages)
    required_ids = closure(upstream(stages), targets or [stage.id for stage in stages])
    required = (stage for stage in stages if stage.id in required_ids and not stage.frozen)
    deps = (dep for stage in required for dep in stage.deps)
    return [dep for dep in dict.fromkeys(deps) if not producers.makes(dep)]
