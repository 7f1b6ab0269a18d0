"""Binds a definition's edges to the ports of its nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from jupyter_mlws.components.artifacts import fits
from jupyter_mlws.components.models import InputPort
from jupyter_mlws.core.errors import InvalidConnectionError, WorkflowCycleError
from jupyter_mlws.workflows.document.definition import EdgeDefinition
from jupyter_mlws.workflows.document.drafts import Draft, Faults
from jupyter_mlws.workflows.document.graph import Edge, cycle_message, cycles
from mlws.core.i18n import Message
from mlws.document.terms import FILE_TYPES


class OutputFile(NamedTuple):
    """An output file of a node; a type of None fits everywhere."""

    port: str
    type: str | None
    path: str


class Connector:
    """Connects drafts; edges that cannot be connected are added to ``faults``."""

    def __init__(self, drafts: Sequence[Draft], faults: Faults, present: Sequence[Edge]) -> None:
        self._drafts = {draft.id: draft for draft in drafts}
        self._faults = faults
        self._existing_edges = list(present)
        self._connection_keys: set[tuple[str, str, str, str | None]] = set()

    def connect(self, edges: Sequence[EdgeDefinition], ids: Sequence[str]) -> str:
        """Add the files of all edges to the drafts; return the text of a cycle, if any.

        ``ids`` are all nodes of the definition, including those that are not drafts.
        """
        waiting = []
        edge_nodes: dict[int, tuple[str, str]] = {}
        for place, edge in enumerate(edges):
            for end, name in (("source", edge.source), ("target", edge.target)):
                if name not in ids:
                    message = Message("Node {name!r} not found.", name=name)
                    self._faults.add(f"edges.{place}.{end}", message, InvalidConnectionError)
            if edge.source in ids and edge.target in ids:
                edge_nodes[place] = (edge.source, edge.target)
            # A node of an unknown type is a fault already, and its ports are not known.
            are_drafts = edge.source in self._drafts and edge.target in self._drafts
            if are_drafts and not self._keep_existing(edge):
                waiting.append((place, edge))
        # Those that name their ports first, so that the others get what is left.
        for place, edge in sorted(waiting, key=lambda row: row[1].target_port is None):
            self._connect_edge(place, edge)
        for draft in self._drafts.values():
            before = draft.present.ports[0] if draft.present else {}
            for port, files in draft.inputs.items():
                old = [file for file in before.get(port, ()) if file in files]
                draft.inputs[port] = [*old, *(file for file in files if file not in old)]
        cycle = ""
        for names in cycles(list(dict.fromkeys(ids)), edge_nodes.values()):
            closing = (names[-1], names[0])
            place = next(n for n, ends in edge_nodes.items() if ends == closing)
            self._faults.add(f"edges.{place}", cycle_message(names), WorkflowCycleError)
            cycle = cycle or " → ".join([*names, names[0]])
        return cycle

    def _keep_existing(self, edge: EdgeDefinition) -> bool:
        """Return whether this edge exists already; its file then keeps its port."""
        source, target = self._drafts[edge.source], self._drafts[edge.target]
        if source.present is None or target.present is None:
            return False
        for existing in self._existing_edges:
            path = existing.path
            is_made = any(
                path == output or path.startswith(f"{output}/") or output.startswith(f"{path}/")
                for output in source.makes()
            )
            if (
                is_made
                and (edge.source, edge.target) == (existing.source, existing.target)
                and edge.source_port in (None, existing.source_port)
                and edge.target_port in (None, existing.target_port)
                and edge.path in (None, path)
            ):
                self._existing_edges.remove(existing)
                port = existing.target_port
                files = target.deps
                if port is not None and not target.plain:
                    files = target.inputs.setdefault(port, [])
                files.append(path)
                self._connection_keys.add((edge.source, path, edge.target, port))
                return True
        return False

    def _connect_edge(self, place: int, edge: EdgeDefinition) -> None:
        source, target = self._drafts[edge.source], self._drafts[edge.target]
        outs = [
            out
            for out in _output_files(source)
            # The file of a named port may have changed.
            if (
                edge.source_port == out.port
                if edge.source_port is not None
                else edge.path in (None, out.path)
            )
        ]
        if not outs and edge.source_port is not None:
            names = ", ".join(out.port for out in _output_files(source)) or "-"
            message = Message(
                "{source} has no output {source_port!r}. Available: {names}.",
                source=edge.source,
                source_port=edge.source_port,
                names=names,
            )
            self._faults.add(f"edges.{place}.source_port", message, InvalidConnectionError)
        elif not outs:
            message = Message("{source} does not create this file.", source=edge.source)
            where = f"edges.{place}" if edge.path is None else f"edges.{place}.path"
            self._faults.add(where, message, InvalidConnectionError)
        elif target.component is not None:
            self._connect_port(place, edge, outs, target, target.component.inputs)
        elif len(outs) > 1:
            self._report_ambiguous(place, edge, outs)
        elif self._add_connection(place, edge, outs[0], None) and outs[0].path not in target.deps:
            target.deps.append(outs[0].path)

    def _connect_port(
        self,
        place: int,
        edge: EdgeDefinition,
        outs: Sequence[OutputFile],
        target: Draft,
        ports: Sequence[InputPort],
    ) -> None:
        if edge.target_port is not None:
            names = ", ".join(port.name for port in ports) or "-"
            ports = [port for port in ports if port.name == edge.target_port]
            if not ports:
                message = Message(
                    "{target} has no input {target_port!r}. Available: {names}.",
                    target=edge.target,
                    target_port=edge.target_port,
                    names=names,
                )
                self._faults.add(f"edges.{place}.target_port", message, InvalidConnectionError)
                return
        there = [(p, o) for p in ports for o in outs if o.path in target.inputs.get(p.name, ())]
        if there:
            # The target's config names a file of this connection.
            self._add_connection(place, edge, there[0][1], there[0][0].name)
            return
        for port, fitting in _candidates(ports, outs):
            if not port.multiple and target.inputs.get(port.name):
                continue
            if len(fitting) > 1:
                self._report_ambiguous(place, edge, fitting)
            elif self._add_connection(place, edge, fitting[0], port.name):
                target.inputs.setdefault(port.name, []).append(fitting[0].path)
            return
        self._report_mismatch(place, edge, ports, outs, target)

    def _add_connection(
        self, place: int, edge: EdgeDefinition, out: OutputFile, port: str | None
    ) -> bool:
        key = (edge.source, out.path, edge.target, port)
        if key in self._connection_keys:
            words = Message("This connection is listed twice.")
            self._faults.add(f"edges.{place}", words, InvalidConnectionError)
            return False
        self._connection_keys.add(key)
        return True

    def _report_ambiguous(
        self, place: int, edge: EdgeDefinition, outs: Sequence[OutputFile]
    ) -> None:
        names = ", ".join(out.port for out in outs)
        words = Message(
            "From {source} to {target}: several outputs match ({names}). "
            "Specify one as source_port.",
            source=edge.source,
            target=edge.target,
            names=names,
        )
        self._faults.add(f"edges.{place}", words, InvalidConnectionError)

    def _report_mismatch(
        self,
        place: int,
        edge: EdgeDefinition,
        ports: Sequence[InputPort],
        outs: Sequence[OutputFile],
        target: Draft,
    ) -> None:
        port = next((port for port, _ in _candidates(ports, outs)), None)
        if port is not None:
            by = ", ".join(target.inputs[port.name])
            words = Message(
                "From {source} to {target}: the input {name} accepts only one file "
                "and already has {by}.",
                source=edge.source,
                target=edge.target,
                name=port.name,
                by=by,
            )
        else:
            outputs = ", ".join(f"{out.port} ({out.type})" for out in outs)
            inputs = ", ".join(f"{port.name} ({port.type})" for port in ports) or "-"
            words = Message(
                "From {source} to {target}: no matching ports. Outputs: {made}. Inputs: {wanted}.",
                source=edge.source,
                target=edge.target,
                made=outputs,
                wanted=inputs,
            )
        self._faults.add(f"edges.{place}", words, InvalidConnectionError)


def _output_files(draft: Draft) -> Iterator[OutputFile]:
    for name, path in draft.outputs.items():
        port = draft.component.output(name) if draft.component else None
        yield OutputFile(name, port.type if port else None, path)
    for path in draft.outs:
        suffix = f".{path.rpartition('.')[2].lower()}"
        yield OutputFile(path, FILE_TYPES.get(suffix), path)


def _candidates(
    ports: Sequence[InputPort], outs: Sequence[OutputFile]
) -> Iterator[tuple[InputPort, list[OutputFile]]]:
    """Yield the inputs that an output fits, those of exactly the same type first."""
    for exact in (True, False):
        for port in ports:
            fitting = [
                out
                for out in outs
                if (out.type == port.type) is exact
                and (out.type is None or fits(out.type, port.type))
            ]
            if fitting:
                yield port, fitting
