"""Checks of a repository's graph, for what DVC refuses."""

from __future__ import annotations

from mlws.core.i18n import Message
from mlws.engine.graph import StageGraph
from mlws.repro.errors import Reason, ReproError
from mlws.repro.repository import Node, parents


def check(graph: StageGraph[Node]) -> None:
    """Raise :class:`ReproError` for outputs made twice or in each other, and for cycles."""
    nodes = graph.stages
    makers: dict[str, Node] = {}
    for node in nodes:
        for out in node.outs:
            other = makers.setdefault(out, node)
            if other is not node:
                raise ReproError(
                    Message(
                        "output '{output}' is specified in:\n\t- {first}\n\t- {second}\n"
                        "Use `dvc remove` with any of the above targets to stop tracking the "
                        "overlapping output.",
                        output=out,
                        first=other.id,
                        second=node.id,
                    ),
                    Reason.DUPLICATE_OUTPUT,
                )
    for out, node in makers.items():
        for above in parents(out):
            if above in makers:
                raise ReproError(
                    Message(
                        "The output paths:\n'{above}'('{first}')\n'{output}'('{second}')\n"
                        "overlap and are thus in the same tracked directory.\nTo keep "
                        "reproducibility, outputs should be in separate tracked directories "
                        "or tracked individually.",
                        above=above,
                        first=makers[above].id,
                        output=out,
                        second=node.id,
                    ),
                    Reason.OVERLAPPING_OUTPUT,
                )
    for node in nodes:
        inside = next((above for above in parents(node.file) if above in makers), None)
        if inside is not None:
            raise ReproError(
                Message(
                    "stage: '{stage}' is within an output '{output}' of another stage",
                    stage=node.id,
                    output=inside,
                ),
                Reason.STAGE_IN_OUTPUT,
            )
    cycle = graph.find_cycle()
    if cycle:
        raise ReproError(
            Message(
                "Same item(s) are defined as both a dependency and an output in stages: {stages}.",
                stages=", ".join(cycle),
            ),
            Reason.CYCLE,
        )
