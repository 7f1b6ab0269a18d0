"""Every endpoint that the design document names is there, and ``docs/spec.md`` tells the truth."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import pytest

from jupyter_mlws.api.streams import StreamHandler
from jupyter_mlws.hub.routes import ROUTES as SERVICE
from jupyter_mlws.routes import ROUTES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8")

CONTAINERS = """
POST   containers
GET    containers
GET    containers/{id}
DELETE containers/{id}
POST   containers/{id}/start
POST   containers/{id}/stop
GET    resources
POST   resources/allocate
WS     logs/{id}
WS     containers/status
"""
WORKSPACE = """
POST   notebooks
GET    notebooks
GET    notebooks/{id}
DELETE notebooks/{id}
POST   notebooks/{id}/execute
GET    notebooks/{id}/status
WS     notebooks/{id}/output
POST   git/commit
GET    git/history
POST   git/branch
POST   models
GET    models
GET    models/{id}
POST   datasets
GET    datasets
GET    datasets/{id}
POST   workflows
GET    workflows
GET    workflows/{id}
PUT    workflows/{id}
POST   workflows/{id}/execute
GET    workflows/{id}/status
WS     workflows/status
"""
"""The verbs and paths of the document's section 3.1."""


def _rows(text: str) -> list[tuple[str, str]]:
    return [(verb, path) for verb, path in (line.split() for line in text.split("\n") if line)]


def _serves(routes: Iterable[tuple[str, type]], verb: str, path: str) -> bool:
    """Whether the first route that fits has the verb declared."""
    concrete = path.replace("{id}", "x")
    handler = next(handler for pattern, handler in routes if re.fullmatch(pattern, concrete))
    if verb == "WS":
        return issubclass(handler, StreamHandler)
    return hasattr(getattr(handler, verb.lower(), None), "endpoint")


@pytest.mark.parametrize(("verb", "path"), _rows(WORKSPACE) + _rows(CONTAINERS))
def test_a_lab_has_the_endpoint(verb: str, path: str) -> None:
    assert _serves(ROUTES, verb, path)


@pytest.mark.parametrize(("verb", "path"), _rows(CONTAINERS))
def test_the_hubs_service_has_the_endpoint(verb: str, path: str) -> None:
    assert _serves(SERVICE, verb, path)


def test_what_the_page_names_is_there() -> None:
    named = set(re.findall(r"`([\w./-]+/[\w./-]*)`", PAGE))
    assert len(named) > 40
    places = (ROOT, ROOT / "jupyter_mlws", ROOT / "engine" / "mlws")
    gone = [name for name in named if not any((place / name).exists() for place in places)]
    assert not gone


def test_the_page_has_every_numbered_part() -> None:
    parts = set(re.findall(r"^\| (\d+\.\d+(?:\.\d+)?)", PAGE, re.MULTILINE))
    assert parts >= {
        *(f"2.2.{n}" for n in range(1, 5)),
        "3.1.1", "3.1.2", "3.2.1", "3.2.2", "3.3.1", "3.3.2",
        *(f"4.1.{n}" for n in range(1, 5)),
        *(f"4.2.{n}" for n in range(1, 5)),
        "5.1.1", "5.2.1", "5.2.2", "6.1.1", "6.2", "6.2.1", "6.2.2",
        *(f"7.1.{n}" for n in range(1, 5)),
        "7.2.1", "7.2.2",
        *(f"8.1.{n}" for n in range(1, 4)),
        *(f"8.2.{n}" for n in range(1, 4)),
        "9.1.1", "9.1.2", "9.2",
    }  # fmt: skip
