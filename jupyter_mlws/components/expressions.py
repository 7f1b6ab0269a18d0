"""Expressions over the columns of a table, such as ``price * quantity > 100``.

An expression is parsed by Python and evaluated here, node by node: it can name columns, call the
functions of :data:`FUNCTIONS`, and nothing else. No code of the expression is run.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from jupyter_mlws.components.artifacts import Table

OPERATORS: Mapping[type[ast.AST], Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.And: operator.and_,
    ast.Or: operator.or_,
    ast.Not: lambda value: _numpy("logical_not")(value),
    ast.Invert: operator.invert,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
QUOTED_NAME = re.compile(r"`([^`]+)`")
"""A column whose name is not an identifier: `` `unit price` ``."""


def evaluate(expression: str, table: Table) -> Any:
    """Return the value of an expression: a column, or one value for all rows.

    Raises ValueError for what is not an expression, and KeyError for a column that is missing.
    """
    body, names = parse_expression(expression)
    try:
        return _Evaluator(table, names).visit(body)
    except (AttributeError, RecursionError, TypeError, ZeroDivisionError) as error:
        raise ValueError(f"{expression!r} cannot be computed: {error}") from None


def parse_expression(expression: str) -> tuple[ast.expr, Mapping[str, str]]:
    """Return the syntax tree of an expression, and the columns of names that replace backticks.

    Raises ValueError for what is not an expression.
    """
    names: dict[str, str] = {}

    def replace(match: re.Match[str]) -> str:
        identifier = f"column_{len(names)}_"
        names[identifier] = match[1]
        return identifier

    try:
        tree = ast.parse(QUOTED_NAME.sub(replace, expression).strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, SyntaxError) else error
        raise ValueError(f"{expression!r} is not an expression: {reason}") from None
    return tree.body, names


class _Evaluator(ast.NodeVisitor):
    def __init__(self, table: Table, names: Mapping[str, str]) -> None:
        self._table = table
        self._names = names

    def generic_visit(self, node: ast.AST) -> Any:
        raise ValueError(f"{type(node).__name__} is not supported in an expression")

    def visit_Constant(self, node: ast.Constant) -> Any:
        return node.value

    def visit_List(self, node: ast.List) -> Any:
        return [self.visit(element) for element in node.elts]

    def visit_Tuple(self, node: ast.Tuple) -> Any:
        return [self.visit(element) for element in node.elts]

    def visit_Name(self, node: ast.Name) -> Any:
        name = self._names.get(node.id, node.id)
        if name not in self._table.columns:
            raise KeyError(f"the table has no column {name!r}; it has {list(self._table.columns)}")
        return self._table[name]

    def visit_UnaryOp(self, node: ast.UnaryOp) -> Any:
        return OPERATORS[type(node.op)](self.visit(node.operand))

    def visit_BinOp(self, node: ast.BinOp) -> Any:
        if type(node.op) not in OPERATORS:
            self.generic_visit(node.op)
        left, right = self.visit(node.left), self.visit(node.right)
        is_huge = isinstance(node.op, ast.Pow) and not hasattr(left, "index")
        if is_huge and (abs(left) > 1e6 or abs(right) > 100):
            raise ValueError("the power is too large")
        return OPERATORS[type(node.op)](left, right)

    def visit_BoolOp(self, node: ast.BoolOp) -> Any:
        result = self.visit(node.values[0])
        for value in node.values[1:]:
            result = OPERATORS[type(node.op)](result, self.visit(value))
        return result

    def visit_Compare(self, node: ast.Compare) -> Any:
        result: Any = None
        left = self.visit(node.left)
        for comparison, comparator in zip(node.ops, node.comparators, strict=True):
            right = self.visit(comparator)
            if isinstance(comparison, ast.In | ast.NotIn):
                value = left.isin(right) if hasattr(left, "isin") else left in right
                part = ~value if isinstance(comparison, ast.NotIn) else value
            elif type(comparison) in OPERATORS:
                part = OPERATORS[type(comparison)](left, right)
            else:
                self.generic_visit(comparison)
            result = part if result is None else result & part
            left = right
        return result

    def visit_Call(self, node: ast.Call) -> Any:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name not in FUNCTIONS or node.keywords:
            raise ValueError(
                f"{ast.unparse(node.func)!r} is not a function of expressions; there are: "
                + ", ".join(sorted(FUNCTIONS))
            )
        return FUNCTIONS[name](*[self.visit(argument) for argument in node.args])


def _numpy(name: str) -> Callable[..., Any]:
    def function(*arguments: Any) -> Any:
        import numpy as np

        return getattr(np, name)(*arguments)

    return function


def _text(name: str) -> Callable[..., Any]:
    return lambda column, *arguments: getattr(column.astype("str").str, name)(*arguments)


def _date(name: str) -> Callable[..., Any]:
    def function(column: Any) -> Any:
        import pandas as pd

        return getattr(pd.to_datetime(column).dt, name)

    return function


def _choose(condition: Any, yes: Any, no: Any) -> Any:
    import numpy as np
    import pandas as pd

    return pd.Series(np.where(condition, yes, no), index=condition.index)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{name: _numpy(name) for name in ("abs", "exp", "log", "log10", "sqrt", "floor", "ceil")},
    "round": _numpy("round"),
    "minimum": _numpy("minimum"),
    "maximum": _numpy("maximum"),
    **{name: _text(name) for name in ("lower", "upper", "strip", "len")},
    "contains": lambda column, text: column.astype("str").str.contains(text, regex=False),
    "starts_with": _text("startswith"),
    "replace": lambda column, old, new: column.astype("str").str.replace(old, new, regex=False),
    **{name: _date(name) for name in ("year", "month", "day", "hour", "weekday")},
    "is_missing": lambda column: column.isna(),
    "fill_missing": lambda column, value: column.fillna(value),
    "if_else": _choose,
}
"""The functions of expressions, by name."""
