"""Groups the cells of a notebook into nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from jupyter_mlws.workflows.importers.notebook_split.dataflow import Flow, Step
from mlws.core.i18n import Message

Pair = tuple[int, int, Message]


class Groups:
    """The cells that run, in groups that may be joined; cells are counted from 0."""

    def __init__(self, flow: Flow) -> None:
        self._steps = [step for step in flow.steps if step.runs]
        self._leader = {step.index: step.index for step in self._steps}
        self.reasons: list[Pair] = []

    def find(self, cell: int) -> int:
        """Return the first cell of a cell's group."""
        while self._leader[cell] != cell:
            cell = self._leader[cell]
        return cell

    def members(self) -> list[list[Step]]:
        """Return the groups in the order of their first cells, each in the order of its cells."""
        groups: dict[int, list[Step]] = {}
        for step in self._steps:
            groups.setdefault(self.find(step.index), []).append(step)
        return list(groups.values())

    def join(self, one: int, other: int, reason: Message | None = None) -> None:
        """Join the groups of two cells; record the reason only if they were separate before."""
        if one not in self._leader or other not in self._leader:
            return
        first, second = sorted((self.find(one), self.find(other)))
        if first == second:
            return
        self._leader[second] = first
        if reason is not None:
            self.reasons.append((*sorted((one, other)), reason))  # type: ignore[arg-type]

    def needs(self) -> Iterator[tuple[int, int]]:
        """Yield (cell that makes, cell that needs) for variables and files passed as files."""
        writers: dict[str, int] = {}
        for step in self._steps:
            for version in step.reads.values():
                if version.carried is None and version.cell in self._leader:
                    yield version.cell, step.index
            for path in step.files_read:
                if path in writers and writers[path] != step.index:
                    yield writers[path], step.index
            writers |= dict.fromkeys(step.files_written, step.index)

    def untangle(self) -> None:
        """Join groups that need each other, as none of them could run first."""
        import networkx as nx

        while True:
            graph: nx.DiGraph[int] = nx.DiGraph()
            graph.add_nodes_from(self.find(cell) for cell in self._leader)
            graph.add_edges_from((self.find(a), self.find(b)) for a, b in self.needs())
            knots = [sorted(knot) for knot in nx.strongly_connected_components(graph)]
            knots = [knot for knot in knots if len(knot) > 1]
            if not knots:
                return
            for knot in knots:
                for other in knot[1:]:
                    self.join(knot[0], other)


def group(flow: Flow) -> Groups:
    """Return the groups of a notebook's cells."""
    groups = Groups(flow)
    steps = [step for step in flow.steps if step.runs]
    for step in steps:
        for other, reason in step.together:
            groups.join(other, step.index, reason)
        for name, version in step.reads.items():
            if version.carried is None and not version.storable:
                reason = Message(
                    "{name} can't be saved to a file (supported: tables, series, arrays, "
                    "scikit-learn models and plain values)",
                    name=name,
                )
                groups.join(version.cell, step.index, reason)
    _join_rewritten(groups, steps)
    if len({step.cell.heading for step in steps}) > 1:
        for before, step in pairwise(steps):
            if before.cell.heading == step.cell.heading:
                groups.join(before.index, step.index)
    groups.untangle()
    for place, step in enumerate(steps):
        if step.only_shows:
            # Together with the cell that makes what it shows, or else with the one before it.
            versions = [version for version in step.reads.values() if version.carried is None]
            makers = [version.cell for version in versions if version.cell != step.index]
            if makers:
                groups.join(max(makers), step.index)
            elif place > 0:
                groups.join(steps[place - 1].index, step.index)
    groups.untangle()
    return groups


def _join_rewritten(groups: Groups, steps: Sequence[Step]) -> None:
    """Join the cells that use a file which a later cell writes, as a file has one maker."""
    readers: dict[str, int] = {}
    writers: dict[str, int] = {}
    for step in steps:
        for path in step.files_written:
            other = writers.get(path, readers.get(path))
            if other is not None:
                words = Message("both use {path!r}, and the later one writes it", path=path)
                groups.join(other, step.index, words)
            writers[path] = step.index
        for path in step.files_read:
            readers.setdefault(path, step.index)
