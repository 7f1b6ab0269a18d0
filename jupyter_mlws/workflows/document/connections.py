"""Binds a definition's edges to the ports of its nodes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from jupyter_mlws.components.artifacts import fits
from jupyter_mlws.components.models import InputPort
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.workflows.document.definition import EdgeDefinition
from jupyter_mlws.workflows.document.drafts import Draft, Faults
from jupyter_mlws.workflows.document.graph import Edge, cycle_message, cycles
from jupyter_mlws.workflows.previews import TYPES


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
        self._edge_nodes: dict[int, tuple[str, str]] = {}
        self._connection_keys: set[tuple[str, str, str, str | None]] = set()

    def connect(self, edges: Sequence[EdgeDefinition], ids: Sequence[str]) -> str:
        """Add the files of all edges to the drafts; return the text of a cycle, if any.

        ``ids`` are all nodes of the definition, including those that are not drafts.
        """
        waiting = []
        for place, edge in enumerate(edges):
            if self._check_nodes(place, edge, ids) and not self._keep_existing(place, edge):
                waiting.append((place, edge))
        # Those that name their ports first, so that the others find what is left.
        for place, edge in sorted(waiting, key=lambda row: row[1].target_port is None):
            self._connect_edge(place, edge)
        for draft in self._drafts.values():
            _restore_order(draft)
        return self._find_cycles(ids)

    def _check_nodes(self, place: int, edge: EdgeDefinition, ids: Sequence[str]) -> bool:
        for end in ("source", "target"):
            name = getattr(edge, end)
            if name not in ids:
                words = Message("Node {name!r} not found.", name=name)
                self._faults.add("40202", f"edges.{place}.{end}", words)
        if edge.source in ids and edge.target in ids:
            self._edge_nodes[place] = (edge.source, edge.target)
        # A node of an unknown type has been told of, and has no ports that could be named.
        return edge.source in self._drafts and edge.target in self._drafts

    def _keep_existing(self, place: int, edge: EdgeDefinition) -> bool:
        """Return whether this edge exists already; its file then keeps its port."""
        source, target = self._drafts[edge.source], self._drafts[edge.target]
        if source.present is None or target.present is None:
            return False
        fitting = [
            one
            for one in self._existing_edges
            if _matches_edge(edge, one) and _makes_path(source, one.path)
        ]
        if not fitting:
            return False
        existing = fitting[0]
        self._existing_edges.remove(existing)
        if existing.target_port is not None and not target.plain:
            target.inputs.setdefault(existing.target_port, []).append(existing.path)
        else:
            target.deps.append(existing.path)
        self._connection_keys.add((edge.source, existing.path, edge.target, existing.target_port))
        return True

    def _connect_edge(self, place: int, edge: EdgeDefinition) -> None:
        source, target = self._drafts[edge.source], self._drafts[edge.target]
        outs = [out for out in _output_files(source) if _matches_output(edge, out)]
        if not outs:
            self._report_no_output(place, edge, source)
        elif target.plain:
            self._connect_plain(place, edge, outs, target)
        else:
            self._connect_port(place, edge, outs, target)

    def _connect_plain(
        self, place: int, edge: EdgeDefinition, outs: Sequence[OutputFile], target: Draft
    ) -> None:
        if len(outs) > 1:
            self._report_ambiguous(place, edge, outs)
            return
        if self._add_connection(place, edge, outs[0], None) and outs[0].path not in target.deps:
            target.deps.append(outs[0].path)

    def _connect_port(
        self, place: int, edge: EdgeDefinition, outs: Sequence[OutputFile], target: Draft
    ) -> None:
        assert target.component is not None
        ports = target.component.inputs
        if edge.target_port is not None:
            ports = [port for port in ports if port.name == edge.target_port]
            if not ports:
                self._report_no_input(place, edge, target)
                return
        there = [(p, o) for p in ports for o in outs if o.path in target.inputs.get(p.name, ())]
        if there:
            # A file that the target's config names already is this very connection.
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
            self._faults.add("40202", f"edges.{place}", words)
            return False
        self._connection_keys.add(key)
        return True

    # What is said

    def _report_no_output(self, place: int, edge: EdgeDefinition, source: Draft) -> None:
        names = ", ".join(out.port for out in _output_files(source)) or "-"
        if edge.source_port is not None:
            words = Message(
                "{source} has no output {source_port!r}. Available: {names}.",
                source=edge.source,
                source_port=edge.source_port,
                names=names,
            )
            self._faults.add("40202", f"edges.{place}.source_port", words)
            return
        words = Message("{source} does not create this file.", source=edge.source)
        where = f"edges.{place}" if edge.path is None else f"edges.{place}.path"
        self._faults.add("40202", where, words)

    def _report_no_input(self, place: int, edge: EdgeDefinition, target: Draft) -> None:
        assert target.component is not None
        names = ", ".join(port.name for port in target.component.inputs) or "-"
        words = Message(
            "{target} has no input {target_port!r}. Available: {names}.",
            target=edge.target,
            target_port=edge.target_port,
            names=names,
        )
        self._faults.add("40202", f"edges.{place}.target_port", words)

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
        self._faults.add("40202", f"edges.{place}", words)

    def _report_mismatch(
        self,
        place: int,
        edge: EdgeDefinition,
        ports: Sequence[InputPort],
        outs: Sequence[OutputFile],
        target: Draft,
    ) -> None:
        candidates = [(port, fitting) for port, fitting in _candidates(ports, outs)]
        if candidates:
            port = candidates[0][0]
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
        self._faults.add("40202", f"edges.{place}", words)

    def _find_cycles(self, ids: Sequence[str]) -> str:
        """Add a fault for each cycle, at the edge that closes it.

        Returns the text of the first cycle.
        """
        message = ""
        for names in cycles(list(dict.fromkeys(ids)), self._edge_nodes.values()):
            closing = (names[-1], names[0])
            place = next(n for n, ends in self._edge_nodes.items() if ends == closing)
            self._faults.add("40203", f"edges.{place}", cycle_message(names))
            message = message or " → ".join([*names, names[0]])
        return message


def _output_files(draft: Draft) -> Iterator[OutputFile]:
    for name, path in draft.outputs.items():
        port = draft.component.output(name) if draft.component else None
        yield OutputFile(name, port.type if port else None, path)
    for path in draft.outs:
        suffix = f".{path.rpartition('.')[2].lower()}"
        yield OutputFile(path, TYPES.get(suffix), path)


def _matches_output(edge: EdgeDefinition, out: OutputFile) -> bool:
    if edge.source_port is not None:
        # The file that a port makes may be another one now.
        return edge.source_port == out.port
    return edge.path in (None, out.path)


def _matches_edge(edge: EdgeDefinition, there: Edge) -> bool:
    """Return whether a definition's edge matches an existing one."""
    return (
        (edge.source, edge.target) == (there.source, there.target)
        and edge.source_port in (None, there.source_port)
        and edge.target_port in (None, there.target_port)
        and edge.path in (None, there.path)
    )


def _makes_path(source: Draft, path: str) -> bool:
    """Return whether the source makes a path, something inside it, or a folder that holds it."""
    return any(
        path == output or path.startswith(f"{output}/") or output.startswith(f"{path}/")
        for output in source.makes()
    )


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


def _restore_order(draft: Draft) -> None:
    """Restore the previous order of the files of each port."""
    before: Mapping[str, list[str]] = draft.present.ports[0] if draft.present else {}
    for port, files in draft.inputs.items():
        old = [file for file in before.get(port, ()) if file in files]
        draft.inputs[port] = [*old, *(file for file in files if file not in old)]
