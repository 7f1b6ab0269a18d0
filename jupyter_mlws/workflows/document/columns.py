"""Columns of a workflow's tables before it runs, and settings that name other columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from jupyter_mlws.components.columns import READ, UNKNOWN, Fitted, Inputs, Schema, Value
from jupyter_mlws.components.registry import library_rules
from jupyter_mlws.components.source_columns import Source, SourceReader
from jupyter_mlws.core.i18n import Message
from jupyter_mlws.engine.graph import upstream
from jupyter_mlws.workflows.document.graph import Components, Finding
from jupyter_mlws.workflows.document.parse import Document, Stage
from jupyter_mlws.workflows.document.settings import convert_options, setting_schemas

if TYPE_CHECKING:
    from jupyter_mlws.components.models import Component


class Columns:
    """The columns at the input ports of each stage of one version of a workflow."""

    def __init__(
        self, stages: Sequence[Stage], components: Components, sources: SourceReader
    ) -> None:
        self._stages = {stage.id: stage for stage in stages}
        self._components = components
        self._outs = {out for stage in stages for out in stage.outs}
        requests = self._sources()
        schemas = sources.read(list(requests.values()))
        self._values: dict[str, Value] = dict(zip(requests, schemas, strict=True))
        """Columns of tables and transformers by path."""
        try:
            order = list(TopologicalSorter(upstream(stages)).static_order())
        except CycleError:
            # A problem of its own; without an order all is unknown.
            order = []
        for node in order:
            self._derive(self._stages[node])

    def inputs(self, node: str) -> Inputs:
        """Return the columns of tables, and transformers, at the input ports of a node."""
        stage = self._stages[node]
        component = self._components.get(stage.component or "")
        ports = component.inputs if component else ()
        return {
            port.name: [self._values.get(path, UNKNOWN) for path in stage.ports.get(port.name, ())]
            for port in ports
        }

    def findings(self, document: Document) -> Iterator[Finding]:
        """Yield the settings that name a column which the table at their port does not have."""
        for stage in self._stages.values():
            component = self._components.get(stage.component or "")
            if component is None:
                continue
            inputs, settings = self.inputs(stage.id), _settings(stage, component)
            for name, schema in setting_schemas(component).items():
                mark = schema.get("x-columns")
                conditions = schema.get("x-applies-to", {}).items()
                applies = all(settings.get(other) in values for other, values in conditions)
                if not mark or not mark["required"] or not applies:
                    continue
                value = settings.get(name)
                values = value if isinstance(value, list) else [value]
                # Values that are no text are problems of their own.
                for column in [one for one in values if isinstance(one, str) and one != ""]:
                    for table in inputs.get(mark["port"], ()):
                        if not (isinstance(table, Schema) and table.complete):
                            continue
                        if column not in table.columns:
                            names = list(table.columns)
                            place = (mark["port"], stage, name, document)
                            yield _missing_column(column, names, *place)

    def _sources(self) -> dict[str, Source]:
        """Return the sources to read, by the path of the table that they give."""
        sources: dict[str, Source] = {}
        for stage in self._stages.values():
            component = self._components.get(stage.component or "")
            if component is None:
                continue
            for port in component.inputs:
                for path in stage.ports.get(port.name, ()) if port.type == "Table" else ():
                    if path not in self._outs:
                        sources[path] = Source({"": path})
            if library_rules().get(component.name) != READ:
                continue
            files = {
                port.name: stage.ports[port.name][0]
                for port in component.inputs
                if port.name in stage.ports
            }
            settings = _settings(stage, component)
            if not self._outs & set(files.values()) and not settings.get("url"):
                for output in component.outputs:
                    for path in stage.ports.get(output.name, ())[:1]:
                        sources[path] = Source(files, component.name, settings)
        return sources

    def _derive(self, stage: Stage) -> None:
        component = self._components.get(stage.component or "")
        rule = None if component is None else library_rules().get(component.name, component.columns)
        if component is None or rule is None or isinstance(rule, str):
            return
        inputs = self.inputs(stage.id)
        try:
            schema = rule(_settings(stage, component), inputs)
        except (AttributeError, KeyError, TypeError, ValueError):
            # Missing or invalid settings, which are problems of their own.
            return
        tables = [one for ones in inputs.values() for one in ones if isinstance(one, Schema)]
        for port in component.outputs:
            for path in stage.ports.get(port.name, ())[:1]:
                if port.type == "Table":
                    self._values[path] = schema
                elif port.type == "Model" and len(tables) == 1:
                    self._values[path] = Fitted(tables[0], schema)


def _settings(stage: Stage, component: Component) -> dict[str, Any]:
    """Return all settings of a node: those set, and the defaults of the others."""
    defaults = {
        name: schema["default"]
        for name, schema in setting_schemas(component).items()
        if "default" in schema
    }
    return {**defaults, **convert_options(component, stage.written), **stage.settings}


def _missing_column(
    column: str, names: Sequence[str], port: str, stage: Stage, setting: str, document: Document
) -> Finding:
    near = get_close_matches(column, names, n=1)
    listed = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    return Finding(
        "40201",
        Message("The table at the input {port} has no column {name!r}.", port=port, name=column),
        node=stage.id,
        field=setting,
        line=document.line("stages", stage.id, "cmd") or stage.line,
        fix=Message("Did you mean {near!r}?", near=near[0])
        if near
        else Message("Choose one of the columns: {names}.", names=listed),
        draft=True,
    )
