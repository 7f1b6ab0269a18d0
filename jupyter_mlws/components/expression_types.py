"""Types and faults of expressions before a run, by the types of the columns that they name.

A type is derived only where pandas makes that type of all values of its columns; all else is None.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from jupyter_mlws.components.columns import (
    Column,
    ColumnType,
    Inputs,
    Schema,
    Settings,
    table_of,
)
from jupyter_mlws.components.expressions import FUNCTIONS, OPERATORS, parse_expression

NUMERIC = frozenset({"integer", "number"})
ORDER = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
SIGNS: Mapping[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Pow: "**",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
RESULTS: Mapping[str, ColumnType] = {
    "lower": "text", "upper": "text", "strip": "text", "replace": "text", "contains": "boolean",
    "starts_with": "boolean", "is_missing": "boolean", "exp": "number", "log": "number",
    "log10": "number", "sqrt": "number",
}  # fmt: skip
"""Types of the results of functions that do not depend on the arguments."""
NUMBERS_ONLY = frozenset(
    {"abs", "exp", "log", "log10", "sqrt", "floor", "ceil", "minimum", "maximum"}
)


class Operand(NamedTuple):
    """A part of an expression: its type, and true if it depends on columns."""

    type: ColumnType | None
    is_column: bool = False


@dataclass
class ExpressionReport:
    """The type of an expression, and what cannot be computed."""

    type: ColumnType | None = None
    syntax_error: str = ""
    columns: list[str] = field(default_factory=list)
    """Columns that it names."""
    functions: list[str] = field(default_factory=list)
    """Names of functions that do not exist."""
    mismatches: list[tuple[str, ColumnType, ColumnType]] = field(default_factory=list)
    """Operators or functions with types that they cannot take."""


def examine(expression: str, table: Schema) -> ExpressionReport:
    """Return the type and the faults of an expression over the columns of a table."""
    report = ExpressionReport()
    try:
        body, names = parse_expression(expression)
        report.type = _Typing(table, names, report).visit(body).type
    except (ValueError, RecursionError) as error:
        report.syntax_error = str(error)
    return report


def formula(settings: Settings, inputs: Inputs) -> Schema:
    """Columns of `formula`: the new one has the type of the expression."""
    table = table_of(inputs, "data")
    kind = examine(settings["expression"], table).type
    return Schema({**table.columns, settings["column"]: Column(kind)}, table.complete)


class _Typing(ast.NodeVisitor):
    def __init__(self, table: Schema, names: Mapping[str, str], report: ExpressionReport) -> None:
        self._table = table
        self._names = names
        self._report = report

    def generic_visit(self, node: ast.AST) -> Any:
        raise ValueError(f"{type(node).__name__} is not supported in an expression")

    def visit_Constant(self, node: ast.Constant) -> Operand:
        kinds: dict[type, ColumnType] = {
            bool: "boolean", int: "integer", float: "number", str: "text",
        }  # fmt: skip
        return Operand(kinds.get(type(node.value)))

    def visit_List(self, node: ast.List) -> Operand:
        for element in node.elts:
            self.visit(element)
        return Operand(None)

    def visit_Tuple(self, node: ast.Tuple) -> Operand:
        for element in node.elts:
            self.visit(element)
        return Operand(None)

    def visit_Name(self, node: ast.Name) -> Operand:
        name = self._names.get(node.id, node.id)
        if name not in self._report.columns:
            self._report.columns.append(name)
        column = self._table.columns.get(name)
        return Operand(column.type if column else None, is_column=True)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Operand:
        operand: Operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return Operand("boolean" if operand.type == "boolean" else None, operand.is_column)
        is_sign = isinstance(node.op, ast.USub | ast.UAdd)
        if is_sign and operand.type in NUMERIC:
            return operand
        if not is_sign and operand.is_column and operand.type == "boolean":
            return operand
        return Operand(None, operand.is_column)

    def visit_BinOp(self, node: ast.BinOp) -> Operand:
        if type(node.op) not in OPERATORS:
            self.generic_visit(node.op)
        left, right = self.visit(node.left), self.visit(node.right)
        is_column = left.is_column or right.is_column
        self._compare(node.op, left, right)
        kinds = {left.type, right.type}
        if isinstance(node.op, ast.Add | ast.Sub | ast.Mult) and kinds <= NUMERIC:
            return Operand("integer" if kinds == {"integer"} else "number", is_column)
        if isinstance(node.op, ast.Div) and kinds <= NUMERIC:
            return Operand("number", is_column)
        if isinstance(node.op, ast.Add) and kinds == {"text"}:
            return Operand("text", is_column)
        return Operand(None, is_column)

    def visit_BoolOp(self, node: ast.BoolOp) -> Operand:
        operands = [self.visit(value) for value in node.values]
        is_boolean = all(operand.type == "boolean" for operand in operands)
        is_column = any(operand.is_column for operand in operands)
        return Operand("boolean" if is_boolean else None, is_column)

    def visit_Compare(self, node: ast.Compare) -> Operand:
        left = self.visit(node.left)
        is_column = left.is_column
        for comparison, comparator in zip(node.ops, node.comparators, strict=True):
            if type(comparison) not in OPERATORS and not isinstance(comparison, ast.In | ast.NotIn):
                self.generic_visit(comparison)
            right = self.visit(comparator)
            if isinstance(comparison, ORDER):
                self._compare(comparison, left, right)
            is_column = is_column or right.is_column
            left = right
        return Operand("boolean", is_column)

    def visit_Call(self, node: ast.Call) -> Operand:
        name = node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)
        arguments = [self.visit(argument) for argument in node.args]
        if name not in FUNCTIONS or node.keywords:
            self._report.functions.append(name)
            return Operand(None, is_column=True)
        is_column = any(argument.is_column for argument in arguments)
        kinds = [argument.type for argument in arguments]
        if name in NUMBERS_ONLY:
            for kind in kinds:
                if kind in ("text", "date"):
                    self._report.mismatches.append((f"{name}()", kind, "number"))
        if name in RESULTS and (name not in NUMBERS_ONLY or set(kinds) <= NUMERIC):
            return Operand(RESULTS[name], is_column)
        if name in ("abs", "round") and kinds and kinds[0] in NUMERIC:
            return Operand(kinds[0], is_column)
        if name in ("floor", "ceil") and kinds == ["number"]:
            return Operand("number", is_column)
        if name in ("minimum", "maximum", "fill_missing", "if_else"):
            values = set(kinds[-2:])
            if len(kinds) >= 2 and len(values) == 1 and values <= {"integer", "number", "text"}:
                return Operand(values.pop(), is_column)
            if name in ("minimum", "maximum") and values == NUMERIC:
                return Operand("number", is_column)
        return Operand(None, is_column)

    def _compare(self, operation: ast.AST, left: Operand, right: Operand) -> None:
        """Report an operator between a text and a number, or a date and a number."""
        sign = SIGNS.get(type(operation))
        if sign is None or left.type is None or right.type is None:
            return
        kinds = {left.type, right.type}
        is_mixed = bool(kinds & NUMERIC) and bool(kinds & {"text", "date"})
        is_repeated = sign == "*" and "date" not in kinds and "number" not in kinds
        is_text = kinds == {"text"} and sign in ("-", "*", "/", "//", "**")
        if (is_mixed and not is_repeated) or is_text:
            self._report.mismatches.append((sign, left.type, right.type))
