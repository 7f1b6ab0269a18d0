"""Pages of runs, notebooks and reports: all that there is, and nothing of it runs or loads."""

from __future__ import annotations

import math
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import nbformat
import pytest

from jupyter_mlws.core.errors import VersionItemNotFoundError
from jupyter_mlws.shared_pages.builder import build_page
from jupyter_mlws.shared_pages.models import HTMLPage, PageKind, PageSource
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import InvalidRequestError
from mlws.core.project import Project
from tests.command_line import call

HOSTILE = "<img src=x onerror=alert(1)></title></style><script>alert(2)</script>"
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGA"
    "WjR9awAAAABJRU5ErkJggg=="
)


class Elements(HTMLParser):
    """Collects the elements of a document with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def require_harmless(page: HTMLPage) -> None:
    """Fail if something of a page could run, load or lead away by itself."""
    assert "default-src 'none'" in page.html
    for tag, attributes in Elements(page.html).found:
        assert tag not in ("script", "iframe", "object", "embed", "link", "form", "base"), tag
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        assert str(attributes.get("http-equiv", "")).lower() != "refresh"
        for name in ("src", "href"):
            value = (attributes.get(name) or "").strip().lower()
            assert not value.startswith(("javascript:", "vbscript:")), value
            assert tag != "img" or name != "src" or value.startswith(("data:image/", "")), value
            assert not (tag == "img" and value.startswith("http")), value


@pytest.fixture
def opened(project: Project, mlflow_store: None) -> Iterator[Workspace]:
    workspace = Workspace(project)
    yield workspace
    workspace.close()


def build(opened: Workspace, kind: PageKind, source: str, language: str = "en") -> HTMLPage:
    return build_page(
        opened.project,
        opened.run_manager,
        opened.experiments,
        PageSource(kind=kind, source=source),
        language,
    )


def log(opened: Workspace, **more: Any) -> str:
    values = {
        "params": {HOSTILE[:200]: HOSTILE, "depth": 3},
        "metrics": {"accuracy": 0.9, "diverged": math.nan},
        "tags": {
            "mlflow.note.content": f"# Note\n\n{HOSTILE} [l](javascript:alert(3)) ![i](http://x)"
        },
        "start": 1000.0,
        "end": 1002.0,
        "status": "COMPLETED",
        "name": HOSTILE,
    }
    return str(opened.tracking.ask("log_run", experiment="E", **{**values, **more}))


def test_the_page_of_a_run_has_what_is_known_and_runs_nothing(opened: Workspace) -> None:
    run = log(opened)
    page = build(opened, PageKind.RUN, run)
    require_harmless(page)
    assert page.title == HOSTILE
    assert page.file.endswith(".html")
    assert "/" not in page.file
    for text in ("0.9", "NaN", "depth", "<h1>Note</h1>", run):
        assert text in page.html
    assert "运行" in build(opened, PageKind.RUN, run, "zh-CN").html


@pytest.mark.parametrize(
    "values",
    [
        [1.0, math.nan, math.inf, -math.inf, 2.0, 1e308, -1e308],
        [0.0, 0.0],
        [5e-324, 1e-323],
        [math.nan, math.nan],
        [-1e308] * 3,
    ],
)
def test_any_curve_is_drawn(opened: Workspace, values: list[float]) -> None:
    import mlflow

    run = log(opened)
    client = mlflow.MlflowClient(opened.tracking.uri)
    for step, value in zip((-5, 0, 1, 2, 9, 10, 2**40), values, strict=False):
        client.log_metric(run, "loss", value, step=step)
    html = build(opened, PageKind.RUN, run).html
    assert ('class="curve"' in html) is any(map(math.isfinite, values))
    assert ">nan" not in html
    assert "inf " not in html


def test_figures_are_in_the_page(opened: Workspace, project: Project) -> None:
    import base64

    import mlflow

    run = log(opened)
    figure = project.root / "a <b>.png"
    figure.write_bytes(base64.b64decode(PIXEL))
    broken = project.root / "large.png"
    broken.write_bytes(b"\0" * 1_000_001)
    client = mlflow.MlflowClient(opened.tracking.uri)
    for path in (figure, broken):
        client.log_artifact(run, str(path))
    page = build(opened, PageKind.RUN, run)
    require_harmless(page)
    assert f"data:image/png;base64,{PIXEL}" in page.html
    assert "is not included" in page.html


def test_a_notebook_keeps_its_form_and_loses_what_would_run(
    opened: Workspace, project: Project
) -> None:
    v4 = nbformat.v4
    html = f"<table><tr><td onclick='a()'>cell</td></tr></table>{HOSTILE}<iframe src='http://x'>"
    data = {"text/html": f"{html}<meta http-equiv=refresh content='0;url=http://x'>"}
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>"
    outputs = [
        v4.new_output("stream", text="printed <b>\n"),
        v4.new_output("display_data", data=data),
        v4.new_output("display_data", data={"image/svg+xml": svg}),
        v4.new_output("display_data", data={"application/javascript": "alert(9)"}),
        v4.new_output("error", ename="E", evalue="\x1b[31mred", traceback=["\x1b[31mred"]),
    ]
    notebook = v4.new_notebook(
        cells=[
            v4.new_markdown_cell(f"# Head {HOSTILE}\n\n| a |\n|-|\n| 1 |\n\n![i](http://x/a.png)"),
            v4.new_code_cell("print(1)", outputs=outputs),
            v4.new_raw_cell(HOSTILE),
        ]
    )
    nbformat.write(notebook, project.root / "a.ipynb")
    page = build(opened, PageKind.NOTEBOOK, "a.ipynb")
    require_harmless(page)
    assert page.title == "a"
    for text in ("<td>cell</td>", "printed &lt;b&gt;", "<th>a</th>", "Head"):
        assert text in page.html


@pytest.mark.parametrize(
    "path", ["none.ipynb", "dvc.yaml", "", ".", "broken.ipynb", "old.ipynb", "list.ipynb"]
)
def test_what_is_no_notebook_is_told(opened: Workspace, project: Project, path: str) -> None:
    (project.root / "broken.ipynb").write_bytes(b"\xff{")
    (project.root / "old.ipynb").write_text('{"nbformat": 99, "cells": [{}]}')
    (project.root / "list.ipynb").write_text("[1]")
    with pytest.raises(InvalidRequestError) as error:
        build(opened, PageKind.NOTEBOOK, path)
    assert [fault.field for fault in error.value.faults] == ["source"]


def test_a_report_is_that_of_the_command(opened: Workspace, project: Project) -> None:
    page = build(opened, PageKind.REPORT, "HEAD..HEAD")
    require_harmless(page)
    assert "No differences." in page.html
    with pytest.raises(VersionItemNotFoundError):
        build(opened, PageKind.REPORT, "none..HEAD")


def test_the_command_saves_a_file_and_names_what_it_lacks(
    opened: Workspace, project: Project
) -> None:
    log(opened, name="forest")
    root = project.root
    assert "forest.html" in call(root, "pages", "save", "forest").stdout
    assert (root / "forest.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    call(root, "pages", "save", "forest", code=2)
    call(root, "pages", "save", "forest", "-o", "none/a.html", code=2)
    for words in (["list"], ["revoke", "x"], ["share", "forest", "--group", "all"]):
        assert "10103" in call(root, "pages", *words, code=1).stderr
    call(root, "pages", "share", "forest", code=2)
    call(root, "pages", "share", "forest", "--anyone", "--until", "x", code=2)
