"""Infers the kinds of expressions from the code; a kind that is not certain is opaque.

The kind decides in which file format a value is passed from node to node. The node that makes the
value reports a wrong kind.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from jupyter_mlws.workflows.importers.notebook_split import libraries
from jupyter_mlws.workflows.importers.notebook_split.kinds import (
    PANDAS,
    SIMPLE,
    Kind,
    Result,
    combine_kinds,
    join,
    one,
    words,
)

BUILTIN_SCALARS = words(
    "len int float str bool round isinstance callable hasattr ord chr hash repr format "
    "min max sum any all pow divmod bin hex input"
)
BUILTIN_PLAIN = words("list tuple set dict sorted frozenset")
ITERATORS = words("zip enumerate range reversed map filter")


@dataclass
class Function:
    """A function of the notebook, whose result can be inferred from its body."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass
class Scope:
    """Known names: their kinds, the dotted names of imports, and functions."""

    kinds: dict[str, Result] = field(default_factory=dict)
    imports: dict[str, str] = field(default_factory=dict)
    functions: dict[str, Function] = field(default_factory=dict)
    sparse: bool = False
    depth: int = 0

    def dotted_name(self, node: ast.expr) -> str:
        """Return the dotted name of an import (``pd.read_csv`` → ``pandas.read_csv``), or ""."""
        if isinstance(node, ast.Name):
            return self.imports.get(node.id, "")
        if isinstance(node, ast.Attribute):
            base = self.dotted_name(node.value)
            return f"{base}.{node.attr}" if base else ""
        return ""


def infer(node: ast.expr, scope: Scope) -> Result:
    """Return the kind of an expression."""
    match node:
        case ast.Constant() | ast.JoinedStr():
            return Kind.SCALAR
        case ast.Lambda():
            return Kind.CODE
        case ast.Name():
            if node.id in scope.functions or node.id in scope.imports:
                return Kind.CODE
            return scope.kinds.get(node.id, Kind.OPAQUE)
        case ast.Tuple():
            return tuple(one(infer(part, scope)) for part in node.elts)
        case ast.List() | ast.Set():
            return _plain_of([one(infer(part, scope)) for part in node.elts])
        case ast.Dict():
            parts = [part for part in (*node.keys, *node.values) if part]
            return _plain_of([one(infer(part, scope)) for part in parts])
        case ast.ListComp() | ast.SetComp() | ast.DictComp():
            inner = Scope(
                dict(scope.kinds), scope.imports, scope.functions, scope.sparse, scope.depth
            )
            for generator in node.generators:
                bind(generator.target, _element(generator.iter, inner), inner)
            elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            return _plain_of([one(infer(part, inner)) for part in elements])
        case ast.NamedExpr():
            return infer(node.value, scope)
        case ast.UnaryOp():
            return Kind.SCALAR if isinstance(node.op, ast.Not) else infer(node.operand, scope)
        case ast.BinOp():
            return combine_kinds([one(infer(node.left, scope)), one(infer(node.right, scope))])
        case ast.BoolOp():
            return join([one(infer(part, scope)) for part in node.values])
        case ast.IfExp():
            return join([infer(node.body, scope), infer(node.orelse, scope)])
        case ast.Compare():
            if any(isinstance(op, ast.In | ast.NotIn | ast.Is | ast.IsNot) for op in node.ops):
                return Kind.SCALAR
            operands = (node.left, *node.comparators)
            kind = combine_kinds([one(infer(part, scope)) for part in operands])
            return Kind.SCALAR if kind in SIMPLE else kind
        case ast.Subscript():
            return _infer_subscript(node, scope)
        case ast.Attribute():
            dotted_name = scope.dotted_name(node)
            if dotted_name:
                return Kind.SCALAR if dotted_name.startswith(("numpy.", "math.")) else Kind.CODE
            return libraries.attribute(one(infer(node.value, scope)), node.attr)
        case ast.Call():
            return _infer_call(node, scope)
        case _:
            return Kind.OPAQUE


def _plain_of(parts: Sequence[Kind]) -> Kind:
    return Kind.PLAIN if set(parts) <= {*SIMPLE, Kind.ARRAY} else Kind.OPAQUE


def _element(node: ast.expr, scope: Scope) -> Result:
    """Return the kind of what a loop over ``node`` yields."""
    if isinstance(node, ast.Call):
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("zip", "enumerate"):
            parts = tuple(one(_element(a, scope)) for a in node.args)
            return parts if name == "zip" else (Kind.SCALAR, *parts)
        if name in ("range", "len"):
            return Kind.SCALAR
        if isinstance(node.func, ast.Attribute) and node.func.attr == "items":
            plain = infer(node.func.value, scope) in SIMPLE
            return (Kind.SCALAR, Kind.PLAIN) if plain else (Kind.SCALAR, Kind.OPAQUE)
    kind = one(infer(node, scope))
    return {Kind.SCALAR: Kind.SCALAR, Kind.PLAIN: Kind.PLAIN, Kind.SERIES: Kind.SCALAR}.get(
        kind, Kind.OPAQUE
    )


def bind(target: ast.expr, result: Result, scope: Scope) -> None:
    """Assign kinds to the names of a target."""
    if isinstance(target, ast.Name):
        scope.kinds[target.id] = one(result) if isinstance(result, Kind) else result
        scope.functions.pop(target.id, None)
        scope.imports.pop(target.id, None)
    elif isinstance(target, ast.Starred):
        bind(target.value, Kind.OPAQUE, scope)
    elif isinstance(target, ast.Tuple | ast.List):
        parts: Sequence[Result] = [Kind.OPAQUE] * len(target.elts)
        if isinstance(result, tuple) and len(result) == len(target.elts):
            parts = result
        elif result in SIMPLE:
            parts = [result] * len(target.elts)
        elif result is Kind.ARRAY:
            parts = [Kind.ARRAY] * len(target.elts)
        for element, part in zip(target.elts, parts, strict=True):
            bind(element, part, scope)


def _infer_subscript(node: ast.Subscript, scope: Scope) -> Result:
    if isinstance(node.value, ast.Attribute) and node.value.attr in ("loc", "iloc"):
        # Several rows or columns keep their dimension.
        table = one(infer(node.value.value, scope))
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        are_several = [
            isinstance(part, ast.Slice) or one(infer(part, scope)) is not Kind.SCALAR
            for part in parts
        ]
        if table is Kind.SERIES:
            return Kind.SERIES if are_several[0] else Kind.SCALAR
        if table is not Kind.TABLE:
            return Kind.OPAQUE
        if all(are_several):
            return Kind.TABLE
        return Kind.SERIES if any(are_several) or len(parts) == 1 else Kind.SCALAR
    whole = infer(node.value, scope)
    if isinstance(whole, tuple):
        place = node.slice.value if isinstance(node.slice, ast.Constant) else None
        inside = isinstance(place, int) and -len(whole) <= place < len(whole)
        return whole[place] if inside and isinstance(place, int) else Kind.OPAQUE
    index = one(infer(node.slice, scope)) if not isinstance(node.slice, ast.Slice) else None
    if whole is Kind.TABLE:
        if index is Kind.SCALAR:
            return Kind.SERIES
        several = index in (None, Kind.PLAIN, Kind.SERIES, Kind.TABLE)
        return Kind.TABLE if several else Kind.FRAME
    if whole is Kind.SERIES:
        return Kind.SCALAR if index is Kind.SCALAR else Kind.SERIES
    if whole in SIMPLE:
        return whole
    return whole if whole in (Kind.ARRAY, Kind.FRAME) else Kind.OPAQUE


def _infer_call(node: ast.Call, scope: Scope) -> Result:
    dotted_name = scope.dotted_name(node.func)
    keywords = {keyword.arg or "" for keyword in node.keywords}
    if dotted_name:
        return libraries.function(dotted_name, _arguments(node, scope), keywords)
    if isinstance(node.func, ast.Name):
        if node.func.id in scope.functions:
            return _infer_function_call(scope.functions[node.func.id], node, scope)
        return _infer_builtin_call(node.func.id, node, scope)
    if not isinstance(node.func, ast.Attribute):
        return Kind.OPAQUE
    whole, name = node.func.value, node.func.attr
    kind = one(infer(whole, scope))
    if name in libraries.GROUPBY_METHODS and _is_grouped(whole, scope):
        return Kind.FRAME
    if kind in PANDAS and isinstance(whole, ast.Attribute) and whole.attr in ("str", "dt"):
        return Kind.FRAME
    return libraries.method(kind, name, len(node.args), keywords, scope.sparse)


def _is_grouped(node: ast.expr, scope: Scope) -> bool:
    """Return whether a node is ``table.groupby(…)`` or a column of it."""
    if isinstance(node, ast.Subscript):
        return _is_grouped(node.value, scope)
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("groupby", "resample", "rolling", "expanding", "ewm")
        and one(infer(node.func.value, scope)) in PANDAS
    )


def _arguments(node: ast.Call, scope: Scope) -> list[Kind]:
    return [one(infer(a, scope)) for a in node.args]


def _infer_builtin_call(name: str, node: ast.Call, scope: Scope) -> Result:
    if name in BUILTIN_SCALARS:
        return Kind.SCALAR
    kinds = _arguments(node, scope)
    if name == "abs" and kinds:
        return kinds[0]
    if name not in BUILTIN_PLAIN:
        return Kind.OPAQUE
    iterator = node.args[0] if node.args else None
    if isinstance(iterator, ast.Call):
        # What it yields becomes the parts of the list.
        function = iterator.func
        if isinstance(function, ast.Name) and function.id in ITERATORS:
            kinds = [kind for kind in _arguments(iterator, scope) if kind is not Kind.CODE]
        elif isinstance(function, ast.Attribute) and function.attr in ("keys", "values", "items"):
            kinds = [one(infer(function.value, scope))]
    keyword_kinds = [
        one(infer(k.value, scope)) for k in node.keywords if k.arg not in ("key", "reverse")
    ]
    plain = {*SIMPLE, Kind.SERIES, Kind.ARRAY}
    return Kind.PLAIN if {*kinds, *keyword_kinds} <= plain else Kind.OPAQUE


def _infer_function_call(function: Function, node: ast.Call, scope: Scope) -> Result:
    """Return the kind of a notebook function's result for these arguments."""
    if scope.depth >= 3:
        return Kind.OPAQUE
    inner = Scope(
        dict(scope.kinds), dict(scope.imports), dict(scope.functions), scope.sparse, scope.depth + 1
    )
    arguments = function.node.args
    parameters = [*arguments.posonlyargs, *arguments.args]
    defaults = dict(zip(reversed(parameters), reversed(arguments.defaults), strict=False))
    for argument in (*parameters, *arguments.kwonlyargs):
        default = defaults.get(argument)
        kind = infer(default, scope) if default is not None else Kind.OPAQUE
        bind(ast.Name(argument.arg, ast.Store()), kind, inner)
    for argument, value in zip(parameters, node.args, strict=False):
        inner.kinds[argument.arg] = infer(value, scope)
    for keyword in node.keywords:
        if keyword.arg:
            inner.kinds[keyword.arg] = infer(keyword.value, scope)
    if isinstance(function.node, ast.Lambda):
        return infer(function.node.body, inner)
    results = list(_infer_returns(function.node.body, inner))
    return join(results) if results else Kind.SCALAR


def _infer_returns(body: Sequence[ast.stmt], scope: Scope) -> list[Result]:
    results: list[Result] = []
    for statement in body:
        if isinstance(statement, ast.Return):
            results.append(infer(statement.value, scope) if statement.value else Kind.SCALAR)
        else:
            record_bindings(statement, scope)
        for inner in ("body", "orelse", "finalbody"):
            part = getattr(statement, inner, None)
            if isinstance(part, list) and not isinstance(statement, ast.FunctionDef | ast.ClassDef):
                results += _infer_returns(part, scope)
    return results


def record_bindings(statement: ast.stmt, scope: Scope) -> None:
    """Record the kinds of the names that a statement binds (not of those in its blocks)."""
    if isinstance(statement, ast.Assign):
        result = infer(statement.value, scope)
        for target in statement.targets:
            bind(target, result, scope)
        if isinstance(statement.value, ast.Lambda) and isinstance(statement.targets[0], ast.Name):
            scope.functions[statement.targets[0].id] = Function(statement.value)
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        bind(statement.target, infer(statement.value, scope), scope)
    elif isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        name = statement.target.id
        kinds = [one(scope.kinds.get(name, Kind.OPAQUE)), one(infer(statement.value, scope))]
        scope.kinds[name] = combine_kinds(kinds)
    elif isinstance(statement, ast.For):
        bind(statement.target, _element(statement.iter, scope), scope)
    elif isinstance(statement, ast.With):
        for item in statement.items:
            if item.optional_vars is not None:
                bind(item.optional_vars, Kind.OPAQUE, scope)
    elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        scope.kinds.pop(statement.name, None)
        scope.functions[statement.name] = Function(statement)
    elif isinstance(statement, ast.Import):
        for alias in statement.names:
            scope.imports[alias.asname or alias.name.partition(".")[0]] = (
                alias.name if alias.asname else alias.name.partition(".")[0]
            )
    elif isinstance(statement, ast.ImportFrom) and statement.module:
        for alias in statement.names:
            scope.imports[alias.asname or alias.name] = f"{statement.module}.{alias.name}"
