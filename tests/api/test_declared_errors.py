"""Endpoints declare the errors that they answer with.

What the tests of all endpoints get is checked by :func:`tests.conftest.declared_errors`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import jupyter_mlws
import mlws
from jupyter_mlws.api.openapi import VERBS, errors_of
from jupyter_mlws.core.trust import withdraw_trust
from jupyter_mlws.hub.routes import ROUTES as HUB_ROUTES
from jupyter_mlws.routes import ROUTES
from mlws.core.errors import CATALOGUE, MLWSError
from mlws.core.project import Project

FILES = [
    path for package in (jupyter_mlws, mlws) for path in Path(package.__file__).parent.rglob("*.py")
]
Errors = set[type[MLWSError]]


def declared(routes: list[tuple[str, type]]) -> dict[tuple[str, str], Errors]:
    """The errors of every endpoint, by its pattern and verb."""
    return {
        (pattern, verb): errors_of(handler, method.endpoint)
        for pattern, handler in routes
        for verb in VERBS
        if hasattr(method := getattr(handler, verb, None), "endpoint")
    }


HUB = declared(HUB_ROUTES)
LAB = declared(ROUTES)


async def test_an_error_that_its_endpoint_does_not_declare_is_noticed(
    fetch, undeclared_errors: list[str], monkeypatch: pytest.MonkeyPatch, project: Project
) -> None:
    withdraw_trust(project.root)
    await fetch("mlws/api/v1/git/status", raise_error=False)
    assert not undeclared_errors
    monkeypatch.setattr(dict(ROUTES)["git/status"], "errors", ())
    await fetch("mlws/api/v1/git/status", raise_error=False)
    (noticed,) = undeclared_errors
    assert noticed.startswith("GET /mlws/api/v1/git/status: 50303: ")
    undeclared_errors.clear()


@pytest.mark.parametrize("row", sorted(HUB.keys() & LAB.keys()))
def test_a_lab_declares_the_errors_that_it_forwards(row: tuple[str, str]) -> None:
    assert HUB[row] <= LAB[row]


def test_every_error_is_raised() -> None:
    assert set(CATALOGUE) - set(_raised_codes()) == set()


def _raised_codes() -> Iterator[str]:
    """Codes of errors that functions use: by class, but not to catch it, or by code."""
    codes = {error.__name__: code for code, error in CATALOGUE.items()}
    for path in FILES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in _without_checks(*function.body):
                    if isinstance(node, ast.Name) and node.id in codes:
                        yield codes[node.id]
                    elif isinstance(node, ast.Constant) and node.value in CATALOGUE:
                        yield str(node.value)


def _without_checks(*nodes: ast.AST) -> Iterator[ast.AST]:
    """The nodes of the code that neither catches errors nor tests for them."""
    for node in nodes:
        match node:
            case ast.ExceptHandler():
                yield from _without_checks(*node.body)
            case ast.Call(func=ast.Name(id="isinstance" | "suppress")) | ast.Compare():
                continue
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _without_checks(*node.body)
            case _:
                yield node
                yield from _without_checks(*ast.iter_child_nodes(node))
