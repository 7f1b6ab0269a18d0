"""Finds the names that Python code reads and binds, at once and when its functions are called."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field


@dataclass
class Names:
    """``reads`` in the order of their use, ``late`` those of bodies that run when called."""

    reads: list[str] = field(default_factory=list)
    late: list[str] = field(default_factory=list)
    binds: list[str] = field(default_factory=list)


def names_of(node: ast.AST) -> Names:
    """Return the names that ``node`` reads and binds in its scope."""
    finder = _NameCollector()
    finder.visit(node)
    return finder.names


def local_names(function: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> set[str]:
    """Return the parameters and local names of a function."""
    arguments = function.args
    positional = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    optional = (arguments.vararg, arguments.kwarg)
    local = {one.arg for one in (*positional, *optional) if one is not None}
    if isinstance(function, ast.Lambda):
        return local
    statements = [n for n in ast.walk(function) if isinstance(n, ast.Global | ast.Nonlocal)]
    outer_names = {name for statement in statements for name in statement.names}
    finder = _NameCollector()
    for statement in function.body:
        finder.visit(statement)
    return (local | set(finder.names.binds)) - outer_names


def globals_written(function: ast.AST) -> set[str]:
    """Return the names that a function declares as global, and may therefore assign."""
    return {n for node in ast.walk(function) if isinstance(node, ast.Global) for n in node.names}


class _NameCollector(ast.NodeVisitor):
    def __init__(self) -> None:
        self.names = Names()

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.names.reads.append(node.id)
        else:
            self.names.binds.append(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.names.reads.append(node.target.id)
        self.visit(node.value)
        self.visit(node.target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)

    def visit_For(self, node: ast.For) -> None:
        self.visit(node.iter)
        self.visit(node.target)
        for statement in (*node.body, *node.orelse):
            self.visit(statement)

    def visit_Import(self, node: ast.Import) -> None:
        self.names.binds += [a.asname or a.name.partition(".")[0] for a in node.names]

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.names.binds += [alias.asname or alias.name for alias in node.names]

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.name:
            self.names.binds.append(node.name)
        self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for part in (*node.decorator_list, *node.args.defaults, *node.args.kw_defaults):
            if part is not None:
                self.visit(part)
        self._visit_function_body(node, node.body)
        self.names.binds.append(node.name)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self.visit_FunctionDef(node)  # type: ignore[arg-type]

    def visit_Lambda(self, node: ast.Lambda) -> None:
        for part in (*node.args.defaults, *node.args.kw_defaults):
            if part is not None:
                self.visit(part)
        self._visit_function_body(node, [node.body])

    def _visit_function_body(
        self, node: ast.FunctionDef | ast.Lambda, body: list[ast.stmt] | list[ast.expr]
    ) -> None:
        finder = _NameCollector()
        for part in body:
            finder.visit(part)
        local = local_names(node)
        inner = finder.names
        self.names.late += [name for name in (*inner.reads, *inner.late) if name not in local]

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        for part in (*node.decorator_list, *node.bases, *(k.value for k in node.keywords)):
            self.visit(part)
        finder = _NameCollector()
        for statement in node.body:
            finder.visit(statement)
        local = set(finder.names.binds)
        self.names.reads += [name for name in finder.names.reads if name not in local]
        self.names.late += finder.names.late
        self.names.binds.append(node.name)

    def _visit_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> None:
        finder = _NameCollector()
        for generator in node.generators:
            finder.visit(generator.iter)
            finder.visit(generator.target)
            for condition in generator.ifs:
                finder.visit(condition)
        if isinstance(node, ast.DictComp):
            finder.visit(node.key)
            finder.visit(node.value)
        else:
            finder.visit(node.elt)
        local = set(finder.names.binds)
        self.names.reads += [name for name in finder.names.reads if name not in local]
        self.names.late += [name for name in finder.names.late if name not in local]

    def visit_ListComp(self, node: ast.ListComp) -> None:
        self._visit_comprehension(node)

    def visit_SetComp(self, node: ast.SetComp) -> None:
        self._visit_comprehension(node)

    def visit_GeneratorExp(self, node: ast.GeneratorExp) -> None:
        self._visit_comprehension(node)

    def visit_DictComp(self, node: ast.DictComp) -> None:
        self._visit_comprehension(node)
