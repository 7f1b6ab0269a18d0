"""Edges between the stages of a workflow, and the rules that validate it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import TYPE_CHECKING

from jupyter_mlws.components.artifacts import RECORD, Repair, fits, kinds_fit
from jupyter_mlws.core.errors import (
    InvalidConnectionError,
    WorkflowCycleError,
    WorkflowProblemsError,
)
from jupyter_mlws.workflows.document import settings
from mlws.core.errors import WorkflowUnreadableError
from mlws.core.i18n import Message
from mlws.document.parse import Document, Stage
from mlws.document.terms import Severity
from mlws.engine.graph import StageGraph

if TYPE_CHECKING:
    from jupyter_mlws.components.models import Component, InputPort, OutputPort

Components = Mapping[str, "Component"]
MAX_NAMED_STAGES = 3
"""Stages that the finding of an output names: a generated workflow may have thousands."""
ORIGIN = re.compile(r"(?P<path>.+\.yaml):(?P<stage>[^:]+)")
"""The stage of another workflow that a stage is a copy of, in its `meta.origin`."""


@dataclass(frozen=True)
class Edge:
    """An output path of one node among the dependencies of another."""

    source: str
    target: str
    path: str
    source_port: str | None
    target_port: str | None


@dataclass(frozen=True)
class Problem:
    """A problem of a workflow: its place, and how to correct it. Lines count from 1."""

    __pydantic_config__ = RECORD

    code: str
    message: Message
    node: str | None = None
    field: str | None = None
    edge: str | None = None
    line: int | None = None
    fix: Message | None = None
    severity: Severity = Severity.ERROR
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True)
class Finding(Problem):
    """A problem, and whether a workflow may be saved with it: only a run needs it fixed."""

    draft: bool = False


class WorkflowGraph(StageGraph[Stage]):
    """The stages of a document with their components, and the edges between their ports.

    ``findings``: why DVC refuses the templates of the document, whose stages are as written then.
    """

    def __init__(
        self,
        document: Document,
        stages: Sequence[Stage],
        load_components: Callable[[Sequence[Stage]], Components],
        findings: Sequence[Finding] = (),
    ) -> None:
        super().__init__(stages)
        self.document = document
        self.findings = findings
        self._load_components = load_components

    @cached_property
    def components(self) -> Components:
        return self._load_components(self.stages)

    @cached_property
    def edges(self) -> list[Edge]:
        """Every output path that another stage depends on (equal, inside or above)."""
        edges = []
        for stage in self.stages:
            component = self.components.get(stage.component or "")
            ports_in = _ports_of_paths(stage, component.inputs if component else ())
            for dep in stage.deps:
                for source, out in self.makers(dep):
                    component = self.components.get(source.component or "")
                    ports_out = _ports_of_paths(source, component.outputs if component else ())
                    source_port = ports_out.get(out, [None])[-1]
                    edges += [
                        Edge(source.id, stage.id, dep, source_port, target_port)
                        for target_port in ports_in.get(dep, [None])
                    ]
        return edges

    @cached_property
    def edge_files(self) -> dict[str, set[str]]:
        """The files that edges bring to each stage that has some."""
        files: dict[str, set[str]] = defaultdict(set)
        for edge in self.edges:
            files[edge.target].add(edge.path)
        return files


def _ports_of_paths(
    stage: Stage, component_ports: Sequence[InputPort | OutputPort]
) -> dict[str, list[str | None]]:
    """Return the ports that each path is bound to; for other commands, the options that hold it."""
    names = [port.name for port in component_ports if port.name in stage.ports]
    bindings = {name: stage.ports[name] for name in names} or stage.ports
    ports: dict[str, list[str | None]] = defaultdict(list)
    for name, paths in bindings.items():
        for path in dict.fromkeys(paths):
            ports[path].append(name)
    return ports


def validate(graph: WorkflowGraph, exists: Callable[[str], bool]) -> list[Finding]:
    """Return all problems.

    ``exists`` returns whether a path that no stage here makes exists.
    """
    return [
        *graph.findings,
        *(
            Finding(
                WorkflowUnreadableError.code,
                fault.message,
                fault.node,
                fault.field,
                line=fault.line,
            )
            for fault in graph.document.faults
        ),
        *_cycle_findings(graph),
        *duplicate_outputs(graph),
        *_missing_inputs(graph, exists),
        *_type_mismatches(graph),
        *(finding for stage in graph.stages for finding in _node_findings(stage, graph)),
    ]


def lost_settings(graph: WorkflowGraph) -> Iterator[Finding]:
    """Yield the settings that are false although their default is true.

    By default DVC does not pass them on, and the node would run as if they were true.
    """
    for stage in graph.stages:
        component = graph.components.get(stage.described_by)
        properties = component.settings.get("properties", {}) if component else {}
        for name, value in stage.settings.items():
            if value is False and properties.get(name, {}).get("default") is True:
                yield Finding(
                    WorkflowProblemsError.code,
                    Message(
                        "DVC is not configured to pass {name}=false to {id}.",
                        name=name,
                        id=stage.id,
                    ),
                    node=stage.id,
                    field=name,
                    line=_setting_line(graph.document, stage, name) or stage.line,
                    fix=Message("Run `dvc config parsing.bool boolean_optional` in the project."),
                    draft=True,
                )


def cycles(ids: Sequence[str], pairs: Iterable[tuple[str, str]]) -> Iterator[list[str]]:
    """Yield one cycle of every strongly connected component, starting at its first node.

    The fixed start keeps the message of a cycle the same.
    """
    pairs = list(pairs)
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for source, target in pairs:
        sorter.add(target, source)
    try:
        sorter.prepare()
    except CycleError:
        pass
    else:
        return
    # Imported here because that takes longer than the check of a thousand nodes.
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(ids)
    graph.add_edges_from(pairs)
    places = {name: n for n, name in enumerate(ids)}
    for group in nx.strongly_connected_components(graph):
        first = next(iter(group))
        if len(group) == 1 and not graph.has_edge(first, first):
            continue
        cycle = [edge[0] for edge in nx.find_cycle(graph.subgraph(group))]
        start = min(range(len(cycle)), key=lambda n: places[cycle[n]])
        yield cycle[start:] + cycle[:start]


def cycle_message(cycle: Sequence[str]) -> Message:
    """Return the message about a cycle."""
    text = " → ".join([*cycle, cycle[0]])
    return Message("The workflow has a cycle: {cycle}.", cycle=text)


def _cycle_findings(graph: WorkflowGraph) -> Iterator[Finding]:
    pairs = ((edge.source, edge.target) for edge in graph.edges)
    for names in cycles(list(graph.by_id), pairs):
        yield Finding(
            WorkflowCycleError.code,
            cycle_message(names),
            node=names[0],
            edge=f"{names[-1]}->{names[0]}",
            line=graph.by_id[names[0]].line,
            fix=Message(
                "Remove the connection from {source} to {target}.",
                source=names[-1],
                target=names[0],
            ),
        )


def duplicate_outputs(
    graph: WorkflowGraph, others: StageGraph[Stage] | None = None, workflow: str | None = None
) -> Iterator[Finding]:
    """Yield one finding for each output that is made twice, at the first stage that makes it.

    ``others`` are the stages of another ``workflow``; without them, those of the same.
    """
    for out, stage in _first_makers(graph).items():
        # The lookup in the same workflow returns the stage itself first.
        makers = _described(islice((others or graph).makers(out), 0 if others else 1, None))
        if not makers:
            continue
        if workflow is None:
            message = Message("The output {out!r} is also an output of {id} ({path}).")
        else:
            message = Message(
                "The output {out!r} is also an output of {id} in {workflow} "
                "({path}). The dvc command rejects all workflows of the project for this."
            )
        yield Finding(
            InvalidConnectionError.code,
            message.fill(out=out, workflow=workflow, **makers),
            node=stage.id,
            field="outs",
            line=stage.line,
            fix=Message("Change the path of one of them."),
            severity=Severity.ERROR if workflow is None else Severity.WARNING,
        )


def _first_makers(graph: WorkflowGraph) -> dict[str, Stage]:
    """Return all outputs, each with the first stage that makes it."""
    first: dict[str, Stage] = {}
    for stage in graph.stages:
        for out in stage.outs:
            first.setdefault(out, stage)
    return first


def _described(makers: Iterator[tuple[Stage, str]]) -> dict[str, str]:
    """Return the first of these stages and their outputs as text; empty if there is none."""
    first = list(islice(makers, MAX_NAMED_STAGES))
    if not first:
        return {}
    ids = [stage.id for stage, _ in first]
    if next(makers, None) is not None:
        ids.append("…")
    return {
        "id": ", ".join(dict.fromkeys(ids)),
        "path": ", ".join(dict.fromkeys(path for _, path in first)),
    }


def changed_origins(
    graph: WorkflowGraph, read: Callable[[str], Mapping[str, Stage]]
) -> Iterator[Finding]:
    """Yield the copies of other workflows' stages that have other ports there now.

    ``read`` returns the stages of a workflow by their names; none where it cannot be read.
    """
    for stage in graph.stages:
        name = stage.id.partition("@")[0]
        data = graph.document.stages_data.get(name)
        body = data.get("do", data) if isinstance(data, Mapping) else {}
        meta = body.get("meta") if isinstance(body, Mapping) else None
        match = ORIGIN.fullmatch(str(meta.get("origin"))) if isinstance(meta, Mapping) else None
        if match is None:
            continue
        origin = read(match["path"]).get(match["stage"])
        ports = set(origin.ports) if origin else set()
        changes = [f"+{port}" for port in sorted(ports - stage.ports.keys())]
        changes += [f"-{port}" for port in sorted(stage.ports.keys() - ports)]
        if origin is None:
            message = Message("{id} is a copy of {origin}, which no longer exists.")
            fix = Message("Save its frame as a sub-workflow again.")
        elif changes:
            message = Message("{id} is a copy of {origin}, which has other ports now: {ports}.")
            fix = Message("Select its frame and choose “Update from File”.")
        else:
            continue
        yield Finding(
            InvalidConnectionError.code,
            message.fill(id=name, origin=match[0], ports=", ".join(changes)),
            node=stage.id,
            line=stage.line,
            fix=fix,
            severity=Severity.WARNING,
        )


def tracked_outputs(graph: WorkflowGraph, tracked_paths: Sequence[str]) -> Iterator[Finding]:
    """Yield the outputs that are in or below ``tracked_paths``, which have `.dvc` files."""
    for out, stage in _first_makers(graph).items():
        for path in tracked_paths:
            if out == path or out.startswith(f"{path}/"):
                yield Finding(
                    InvalidConnectionError.code,
                    Message(
                        "The output {out!r} is already tracked by {path}.dvc.", out=out, path=path
                    ),
                    node=stage.id,
                    field="outs",
                    line=stage.line,
                    fix=Message("Choose another path, or delete {path}.dvc.", path=path),
                )


def _missing_inputs(graph: WorkflowGraph, exists: Callable[[str], bool]) -> Iterator[Finding]:
    for stage in graph.stages:
        # A frozen stage needs its inputs only to be noted in the lock file, and then DVC says so.
        for dep in () if stage.frozen else stage.deps:
            if next(graph.makers(dep), None) is None and not exists(dep):
                port = next((name for name, paths in stage.ports.items() if dep in paths), "deps")
                yield Finding(
                    InvalidConnectionError.code,
                    Message("The input {dep!r} does not exist, and no node creates it.", dep=dep),
                    node=stage.id,
                    field=port,
                    line=stage.line,
                    fix=Message("Choose an existing file, or connect a node that creates it."),
                    draft=True,
                )


def _type_mismatches(graph: WorkflowGraph) -> Iterator[Finding]:
    reported: set[tuple[str, str | None, str]] = set()
    for edge in graph.edges:
        connection = edge.target, edge.target_port, edge.path
        if connection in reported:
            # With another of the stages that make this path.
            continue
        source = graph.components.get(graph.by_id[edge.source].component or "")
        target = graph.components.get(graph.by_id[edge.target].component or "")
        if source is None or target is None:
            continue
        source_port = source.output(edge.source_port or "")
        target_port = target.input(edge.target_port or "")
        if not source_port or not target_port:
            continue
        is_fitting = fits(source_port.type, target_port.type)
        if not is_fitting or not kinds_fit(source_port.kinds, target_port.kinds):
            reported.add(connection)
            types = [
                f"{port.type} ({', '.join(port.kinds)})" if is_fitting else port.type
                for port in (source_port, target_port)
            ]
            yield Finding(
                InvalidConnectionError.code,
                Message(
                    "{source} outputs {type}, but the input {name} of "
                    "{target} requires {wanted_type}.",
                    source=edge.source,
                    type=types[0],
                    name=target_port.name,
                    target=edge.target,
                    wanted_type=types[1],
                ),
                node=edge.target,
                field=target_port.name,
                edge=f"{edge.source}->{edge.target}",
                line=graph.by_id[edge.target].line,
                fix=Message("Remove the connection."),
            )


def _node_findings(stage: Stage, graph: WorkflowGraph) -> Iterator[Finding]:
    if stage.notebook is not None:
        yield from _notebook_findings(stage, graph)
    if stage.component is None:
        return
    line = graph.document.line("stages", stage.id, "cmd") or stage.line
    component = graph.components.get(stage.component)
    if component is None or component.error is not None:
        reason = component.error if component else None
        yield Finding(
            WorkflowProblemsError.code,
            Message(
                "Can't read the component {name!r}: {error}", name=stage.component, error=reason
            )
            if reason
            else Message("Component {name!r} not found.", name=stage.component),
            node=stage.id,
            field="cmd",
            line=line,
            fix=Message("Correct the name, or add the function to components/."),
        )
        return
    for port in component.inputs:
        paths = stage.options.get(port.name, [])
        if not paths and port.required:
            yield Finding(
                InvalidConnectionError.code,
                Message("The input {name} of {id} is not connected.", name=port.name, id=stage.id),
                node=stage.id,
                field=port.name,
                line=line,
                fix=Message("Connect an output of type {type}.", type=port.type),
                draft=True,
            )
        for path in paths:
            if stage.at_root(path) not in stage.deps:
                yield _undeclared_input(stage, path, port.name, line)
    yield from _invalid_settings(stage, component, graph.document, line)


def _notebook_findings(stage: Stage, graph: WorkflowGraph) -> Iterator[Finding]:
    line = graph.document.line("stages", stage.id, "cmd") or stage.line
    outs = [stage.at_root(path) for path in stage.options.get("out", ())]
    if len(outs) != 1:
        words = Message("Specify where to save the executed notebook with --out.")
        yield Finding(WorkflowProblemsError.code, words, node=stage.id, field="out", line=line)
    for out in (out for out in outs if not stage.makes(out)):
        words = Message(
            "{id} writes {out!r}, which is not listed in its outputs.", id=stage.id, out=out
        )
        fix = Message("Add {out} to `outs`.", out=out)
        yield Finding(
            InvalidConnectionError.code,
            words,
            stage.id,
            "out",
            line=line,
            fix=fix,
            severity=Severity.WARNING,
        )
    if stage.notebook not in stage.deps:
        yield _undeclared_input(stage, str(stage.notebook), "notebook", line)
    component = graph.components.get(stage.described_by)
    if component is None:
        return
    if component.error is not None:
        words = Message(
            "{notebook!r} is not a valid notebook: {error}",
            notebook=stage.notebook,
            error=component.error,
        )
        yield Finding(WorkflowProblemsError.code, words, node=stage.id, field="cmd", line=line)
        return
    yield from _invalid_settings(stage, component, graph.document, line)


def _undeclared_input(stage: Stage, path: str, field: str, line: int | None) -> Finding:
    return Finding(
        InvalidConnectionError.code,
        Message(
            "{id} reads {path!r}, which is not listed in its dependencies. "
            "Changes to it will not trigger a rerun.",
            id=stage.id,
            path=path,
        ),
        node=stage.id,
        field=field,
        line=line,
        fix=Message("Add {path} to `deps`.", path=path),
        severity=Severity.WARNING,
    )


def _invalid_settings(
    stage: Stage, component: Component, document: Document, line: int | None
) -> Iterator[Finding]:
    ports = component.port_names
    values = {k: v for k, v in stage.settings.items() if k not in ports}
    options = {k: v for k, v in stage.options.items() if k not in ports}
    if stage.notebook is not None:
        options = stage.written
    for fault in settings.faults(component, values, options):
        yield Finding(
            WorkflowProblemsError.code,
            fault.message,
            node=stage.id,
            field=fault.name,
            line=_setting_line(document, stage, fault.name) or line,
            draft=fault.kind in settings.DRAFT_FAULTS,
        )


def _setting_line(document: Document, stage: Stage, name: str) -> int | None:
    if name.split(".")[0] not in stage.settings:
        return None
    for n, entry in enumerate(document.data.get("vars") or []):
        if isinstance(entry, Mapping) and stage.id in entry:
            return document.lines.get(("vars", n, stage.id, name.split(".")[0]))
    return None
