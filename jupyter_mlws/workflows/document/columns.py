"""Columns of a workflow's tables before it runs, and settings that name other columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING, Any

from jupyter_mlws.components.columns import (
    READ,
    UNKNOWN,
    Fitted,
    Inputs,
    Schema,
    Value,
    possible_columns,
    table_of,
    with_roles,
)
from jupyter_mlws.components.expression_types import examine
from jupyter_mlws.components.expressions import FUNCTIONS
from jupyter_mlws.components.needs import Misfit
from jupyter_mlws.components.registry import library_needs, library_rules
from jupyter_mlws.components.source_columns import Source, SourceReader
from jupyter_mlws.core.errors import WorkflowProblemsError
from jupyter_mlws.workflows.document.graph import Finding, WorkflowGraph
from jupyter_mlws.workflows.document.settings import convert_options, setting_schemas
from mlws.core.i18n import Message
from mlws.document.parse import Document, Stage
from mlws.document.terms import Severity

if TYPE_CHECKING:
    from jupyter_mlws.components.models import Component


class Columns:
    """The columns at the input ports of each stage of one version of a workflow."""

    def __init__(self, workflow: WorkflowGraph, sources: SourceReader) -> None:
        self._document = workflow.document
        self._stages = workflow.by_id
        self._components = workflow.components
        self._outs = {out for stage in workflow.stages for out in stage.outs}
        self._reader = sources
        self.sources = self._sources()
        """Sources by the path of the table that they give."""
        schemas = sources.read(list(self.sources.values()))
        self._values: dict[str, Value] = dict(zip(self.sources, schemas, strict=True))
        """Columns of tables and transformers by path."""
        try:
            # Of a frozen stage too, whose outputs have the columns that it last read.
            before = {
                stage.id: {one.id for one in workflow.before(stage)} for stage in workflow.stages
            }
            order = list(TopologicalSorter(before).static_order())
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

    def tables(self, node: str) -> Inputs:
        """Return what `inputs` does, and of a node that reads a file, its output tables."""
        stage = self._stages[node]
        component = self._components.get(stage.component or "")
        is_reader = component is not None and library_rules().get(component.name) == READ
        outputs = {
            port.name: [self._values.get(path, UNKNOWN) for path in stage.ports.get(port.name, ())]
            for port in (component.outputs if component and is_reader else ())
        }
        return {**outputs, **self.inputs(node)}

    def offers(self, node: str) -> Inputs:
        """Return what `tables` does, with columns that the last run wrote where not all are known.

        They are choices for a form: the next run may write others.
        """
        stage, tables = self._stages[node], self.tables(node)
        unsure = {
            path: table
            for port, values in tables.items()
            for path, table in zip(stage.ports.get(port, ()), values, strict=False)
            if isinstance(table, Schema) and not table.complete
        }
        files = self._reader.read([Source({"": path}) for path in unsure])
        offers = {}
        for (path, table), file in zip(unsure.items(), files, strict=True):
            certain = {n: c for n, c in table.columns.items() if c.type or n not in file.columns}
            columns = {**file.columns, **certain}
            offers[path] = Schema(
                {
                    name: column._replace(**table.columns[name].choice)
                    if name in table.columns
                    else column
                    for name, column in columns.items()
                },
                complete=False,
            )
        return {
            port: [
                offers.get(path, value)
                for path, value in zip(stage.ports.get(port, ()), values, strict=False)
            ]
            or values
            for port, values in tables.items()
        }

    def source(self, node: str) -> Source | None:
        """Return the files of which a node makes a table; None if it lacks one, or reads none."""
        stage = self._stages[node]
        component = self._components.get(stage.component or "")
        if component is None or library_rules().get(component.name) != READ:
            return None
        files = {
            port.name: stage.ports[port.name][0]
            for port in component.inputs
            if port.name in stage.ports
        }
        # While a workflow is edited, nothing but local files is read.
        is_local = component.name != "load_sql" or "database" in files
        is_local &= all(port.name in files for port in component.inputs if port.required)
        return Source(files, component.name, all_settings(stage, component)) if is_local else None

    def findings(self) -> Iterator[Finding]:
        """Yield the settings whose columns or expressions do not suit the input tables."""
        for stage in self._stages.values():
            component = self._components.get(stage.component or "")
            if component is None:
                continue
            inputs, settings = self.tables(stage.id), all_settings(stage, component)
            for name, schema in setting_schemas(component).items():
                conditions = schema.get("x-applies-to", {}).items()
                applies = all(settings.get(other) in values for other, values in conditions)
                if applies:
                    value = settings.get(name)
                    values = value if isinstance(value, list) else [value]
                    # Values that are no text are problems of their own.
                    texts = [one for one in values if isinstance(one, str)]
                    yield from SettingPlace(stage, name, self._document).findings(
                        texts, schema, inputs
                    )
            if needs := library_needs().get(component.name):
                try:
                    misfits = list(needs(settings, inputs))
                except (AttributeError, KeyError, TypeError, ValueError):
                    # Missing or invalid settings, which are problems of their own.
                    continue
                for misfit in misfits:
                    yield SettingPlace(stage, misfit.setting, self._document).misfit(misfit)

    def _sources(self) -> dict[str, Source]:
        sources: dict[str, Source] = {}
        for stage in self._stages.values():
            component = self._components.get(stage.component or "")
            if component is None:
                continue
            for port in component.inputs:
                for path in stage.ports.get(port.name, ()) if port.type == "Table" else ():
                    if path not in self._outs:
                        sources[path] = Source({"": path})
            source = self.source(stage.id)
            if source and not self._outs & set(source.files.values()):
                for output in component.outputs:
                    for path in stage.ports.get(output.name, ())[:1]:
                        sources[path] = source
        return sources

    def _derive(self, stage: Stage) -> None:
        component = self._components.get(stage.component or "")
        rule = None if component is None else library_rules().get(component.name, component.columns)
        if component is None or isinstance(rule, str):
            return
        inputs = self.inputs(stage.id)
        try:
            # What code does is not known; a run gives its columns the roles of those it has read.
            result = (
                possible_columns(inputs)
                if rule is None
                else rule(all_settings(stage, component), inputs)
            )
        except (AttributeError, KeyError, TypeError, ValueError):
            # Missing or invalid settings, which are problems of their own.
            return
        tables = [one for ones in inputs.values() for one in ones if isinstance(one, Schema)]
        for port in component.outputs:
            schema = result if isinstance(result, Schema) else result.get(port.name, UNKNOWN)
            for path in stage.ports.get(port.name, ())[:1]:
                if port.type == "Table":
                    self._values[path] = with_roles(schema, inputs)
                elif port.type == "Model" and ("data" in inputs or len(tables) == 1):
                    data = table_of(inputs, "data") if "data" in inputs else tables[0]
                    self._values[path] = Fitted(data, schema)


def all_settings(stage: Stage, component: Component) -> dict[str, Any]:
    """Return all settings of a node: those set, and the defaults of the others."""
    defaults = {
        name: schema["default"]
        for name, schema in setting_schemas(component).items()
        if "default" in schema
    }
    return {**defaults, **convert_options(component, stage.written), **stage.settings}


@dataclass(frozen=True)
class SettingPlace:
    """A setting of a node, and the findings about its value."""

    stage: Stage
    setting: str
    document: Document

    def findings(
        self, texts: Sequence[str], schema: Mapping[str, Any], inputs: Inputs
    ) -> Iterator[Finding]:
        """Yield what is wrong with the columns or expressions that a setting names."""
        columns = schema.get("x-columns") or schema.get("x-pairs")
        expression = schema.get("x-expression")
        if pairs := schema.get("x-pairs"):
            # Of a choice, the last equals sign ends the column; a name can hold others.
            cut = str.rpartition if pairs["choices"] else str.partition
            texts = [cut(text, "=")[0].strip() for text in texts]
        if columns and columns["required"]:
            for table in inputs.get(columns["port"], ()):
                if isinstance(table, Schema) and table.complete:
                    for column in texts:
                        if column and column not in table.columns:
                            yield self.missing_column(column, list(table.columns), columns["port"])
        if expression:
            for text in texts:
                yield from self.expression_findings(
                    text, table_of(inputs, expression["port"]), expression
                )

    def misfit(self, misfit: Misfit) -> Finding:
        """Return the finding that columns do not fit a component."""
        return replace(
            self._finding(misfit.message, misfit.fix),
            severity=Severity.ERROR if misfit.is_certain else Severity.WARNING,
            repairs=misfit.repairs,
        )

    def missing_column(self, column: str, names: Sequence[str], port: str) -> Finding:
        """Return the finding that a table has no such column, with the nearest one."""
        if port in self.stage.ports and any(
            path in self.stage.outs for path in self.stage.ports[port]
        ):
            message = Message("The table has no column {name!r}.", name=column)
        else:
            message = Message(
                "The table at the input {port} has no column {name!r}.", port=port, name=column
            )
        return self._finding(message, _choices(column, names))

    def expression_findings(
        self, text: str, table: Schema, mark: Mapping[str, Any]
    ) -> Iterator[Finding]:
        """Yield what cannot be computed of an expression over a table."""
        if not text.strip():
            yield self._finding(
                Message("The expression is empty."),
                Message("Choose a column, and compare or combine it with others."),
            )
            return
        report = examine(text, table)
        if report.syntax_error:
            words = Message("The expression is invalid: {reason}", reason=report.syntax_error)
            yield self._finding(words, Message("Names with spaces are written in backticks."))
        for column in report.columns:
            if table.complete and column not in table.columns:
                yield self.missing_column(column, list(table.columns), mark["port"])
        for name in report.functions:
            words = Message("{name!r} is not a function of expressions.", name=name)
            yield self._finding(words, _choices(name, sorted(FUNCTIONS)))
        for sign, column_type, other_type in report.mismatches:
            words = Message(
                "{sign} cannot combine {column_type} and {other_type}.",
                sign=sign,
                column_type=column_type,
                other_type=other_type,
            )
            yield self._finding(words, Message("Convert the types of the columns first."))
        if mark["condition"] and report.type not in (None, "boolean"):
            words = Message(
                "The expression is of the type {column_type}, not true or false for each row.",
                column_type=report.type,
            )
            yield self._finding(words, Message("Compare it with a value, such as price > 100."))

    def _finding(self, message: Message, fix: Message) -> Finding:
        return Finding(
            WorkflowProblemsError.code,
            message,
            node=self.stage.id,
            field=self.setting or None,
            line=self.document.line("stages", self.stage.id, "cmd") or self.stage.line,
            fix=fix,
            draft=True,
        )


def _choices(name: str, names: Sequence[str]) -> Message:
    """Return the nearest name, else the first of them all."""
    near = get_close_matches(name, names, n=1)
    if near:
        return Message("Did you mean {near!r}?", near=near[0])
    listed = ", ".join(names[:10]) + (", …" if len(names) > 10 else "")
    return Message("Choose one of these: {names}.", names=listed)
