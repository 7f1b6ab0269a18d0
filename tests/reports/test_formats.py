"""A report as Markdown and as HTML: names and values of a project are nothing but text."""

from __future__ import annotations

import json
import os
import re
import subprocess
from html.parser import HTMLParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt

from jupyter_mlws.cli.reports import TEMPLATES
from jupyter_mlws.reports import html, markdown
from jupyter_mlws.reports.graph_diff import compare_workflows
from jupyter_mlws.reports.graph_picture import MAX_NODES, lay_out, reduce_graph
from jupyter_mlws.reports.markdown import MARKER, MAX_CHARACTERS, escape, fence
from jupyter_mlws.reports.models import Report
from jupyter_mlws.reports.printable import printable
from jupyter_mlws.versioning.models import CellState, DifferingValue, RowChange
from tests.reports.conftest import AFTER, BEFORE, FILE, HOSTILE, Versions

ALLOWED = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "section", "p", "code"),
    *("pre", "span", "div", "table", "thead", "tbody", "tr", "th", "td", "details", "summary"),
    *("figure", "figcaption", "svg", "path", "g", "rect", "text"),
}
MARKDOWN_ELEMENTS = {
    *("h2", "h3", "table", "thead", "tbody", "tr", "th", "td", "p", "code", "pre", "details"),
    "summary",
}
TEXTS = [
    HOSTILE,
    "![x](javascript:alert(1))",
    "www.evil.example https://evil.example",
    "*a* _b_ ~~c~~ **d**",
    "1. one",
    "- two",
    "# three",
    "a\n\n<script>alert(1)</script>",
    "&lt;b&gt; &#60;",
    "\\| | \\",
    "$$x$$",
    "-->",
]


class Elements(HTMLParser):
    """The elements and the attributes of HTML, and the text outside of styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def render_as_github(text: str) -> Elements:
    """Render with tables, raw HTML and links of plain addresses, as GitHub does."""
    renderer = MarkdownIt("gfm-like", {"html": True, "linkify": False})
    return Elements(renderer.enable("table").render(text))


@pytest.mark.parametrize("text", TEXTS)
def test_an_escaped_text_is_only_text(text: str) -> None:
    for source in (
        escape(text),
        f"| a |\n|---|\n| <code>{escape(text)}</code> |",
        f"<details><summary>{escape(text)}</summary>\n\n</details>",
    ):
        elements = render_as_github(source)
        assert elements.names <= MARKDOWN_ELEMENTS
        assert printable(text).strip() in elements.text
        assert "://" not in source
        assert not re.search(r"[@#][\w]", source.replace("&#", ""))


def test_a_block_of_code_cannot_be_left() -> None:
    rendered = render_as_github("\n".join(fence("a\n````\n<img src=x>\n```", "diff")))
    assert rendered.names == {"pre", "code"}


def test_hostile_names_do_nothing_in_markdown(report: Report) -> None:
    text = markdown.render(report, "en")
    assert text.startswith(f"{MARKER}\n## ")
    assert len(text) <= MAX_CHARACTERS
    rendered = render_as_github(text)
    assert rendered.names <= MARKDOWN_ELEMENTS
    assert not rendered.attributes - {"class", "style"}
    for shown in (HOSTILE, FILE, "print('```')"):
        assert shown in rendered.text


def test_hostile_names_do_nothing_in_html(report: Report) -> None:
    text = html.render(report, "en")
    elements = Elements(text)
    assert elements.names <= ALLOWED
    assert not [name for name in elements.attributes if name.startswith("on")]
    assert not elements.attributes & {"src", "href"}
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in text
    for shown in (HOSTILE, FILE):
        assert shown in elements.text


def test_both_formats_are_in_the_language_of_the_reader(report: Report) -> None:
    for text in (markdown.render(report, "zh-CN"), html.render(report, "zh-CN")):
        assert "工作流" in text
        assert "指标" in text
        assert "行按此列匹配" in text


def test_the_picture_of_markdown_has_classes_and_no_syntax_of_names(report: Report) -> None:
    name = 'a"]; click n0 "javascript:alert(1)"'
    text = AFTER.replace("clean:", f"{json.dumps(name)}:", 1)
    graph = compare_workflows("dvc.yaml", BEFORE.encode(), text.encode())
    assert name in [node.id for node in graph.nodes]
    rendered = markdown.render(report.model_copy(update={"graphs": [graph]}), "en")
    lines = rendered.partition("```mermaid\n")[2].partition("\n```")[0].splitlines()
    line = re.compile(
        r"flowchart LR|classDef \w+ \S+|n\d+ (==>|-\.->|-->) n\d+|class [n\d,]+ \w+"
        r'|n\d+\["[\w #;−]*(<br/>[\w #;]+)?"\]'
    )
    assert [one for one in lines if not line.fullmatch(one)] == []
    assert "class n1 added" in lines


def test_a_long_report_is_shortened_with_how_much_is_left_out(report: Report) -> None:
    values = [DifferingValue(name=f"key{n}" * 10, from_=1, to=HOSTILE) for n in range(3000)]
    row = RowChange(state=CellState.ADDED, key="x", values=values[:12])
    tables = [one.model_copy(update={"rows": [row] * 100}) for one in report.tables] * 10
    long = report.model_copy(update={"params": values, "tables": tables})
    text = markdown.render(long, "en")
    assert 1000 < len(text) <= MAX_CHARACTERS
    assert re.search(r"… 29\d\d more", text)


def test_a_large_graph_is_drawn_with_what_changed_and_its_neighbors() -> None:
    stages = "".join(
        f"  s{n}: {{cmd: x, deps: [f{n}], outs: [f{n + 1}]}}\n" for n in range(3 * MAX_NODES)
    )
    old = f"stages:\n{stages}"
    graph = compare_workflows("dvc.yaml", old.encode(), old.replace("cmd: x", "cmd: y", 1).encode())
    assert [node.id for node in reduce_graph(graph).nodes] == ["s0", "s1"]


def test_a_cycle_of_old_and_new_edges_can_be_drawn() -> None:
    old = "stages: {a: {cmd: x, outs: [o]}, b: {cmd: x, deps: [o], outs: [p]}}"
    new = "stages: {a: {cmd: x, deps: [p], outs: [o]}, b: {cmd: x, outs: [p]}}"
    graph = compare_workflows("dvc.yaml", old.encode(), new.encode())
    assert len(lay_out(graph).boxes) == 2


def test_marks_of_the_direction_of_text_are_seen() -> None:
    assert printable("a\u202eb\x1b[1m") == "a\\u202eb\\x1b[1m"


def test_a_workflow_that_cannot_be_read_is_named() -> None:
    graph = compare_workflows("dvc.yaml", b"stages: {}", b"stages: [")
    assert "dvc.yaml" in str(graph.problem)


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_the_template_of_a_service_finds_the_comment_by_its_marker(service: str) -> None:
    text = (TEMPLATES / f"{service}.yml").read_text()
    job = yaml.safe_load(text)
    scripts = job["report"]["script"] if service == "gitlab" else [
        step["run"] for step in job["jobs"]["report"]["steps"] if "run" in step
    ]  # fmt: skip
    for script in scripts:
        subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert MARKER in scripts[-1]


def test_the_command_writes_a_file_without_trust(
    versions: Versions, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from jupyter_mlws.cli.main import main

    monkeypatch.chdir(versions.root)
    scope = f"{versions.base}..{versions.head}"
    assert main(["report", scope, "--format", "html", "-o", "review.html"]) == 0
    assert (versions.root / "review.html").read_text().startswith("<!DOCTYPE html>")
    assert main(["report", scope]) == 0
    assert MARKER in capsys.readouterr().out
    assert main(["report", "a..b..c"]) == 2
    assert "BASE..HEAD" in capsys.readouterr().err
    assert main(["report", scope, "-o", "missing/review.md"]) == 2
    assert "--output" in capsys.readouterr().err
    assert main(["report", "--template", "github"]) == 0
    assert "pull-requests: write" in capsys.readouterr().out


def test_the_job_of_gitlab_keeps_one_comment(tmp_path: Path) -> None:
    notes: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            assert self.headers["PRIVATE-TOKEN"] == "secret"
            self.reply({"id": 7} if self.path.endswith("/user") else notes)

        def do_POST(self) -> None:
            notes.append({"id": 1, "author": {"id": 7}, "body": self.read_body()})
            self.reply(notes[0])

        def do_PUT(self) -> None:
            assert self.path.endswith("/notes/1")
            notes[0]["body"] = self.read_body()
            self.reply(notes[0])

        def read_body(self) -> str:
            size = int(self.headers["Content-Length"])
            body: str = json.loads(self.rfile.read(size))["body"]
            return body

        def reply(self, body: Any) -> None:
            content = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    script = yaml.safe_load((TEMPLATES / "gitlab.yml").read_text())["report"]["script"][-1]
    # Not a module of the project, which would get the token.
    (tmp_path / "json.py").write_text("raise SystemExit('imported')")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        variables = {
            "CI_API_V4_URL": f"http://127.0.0.1:{server.server_port}/api/v4",
            "CI_PROJECT_ID": "3",
            "CI_MERGE_REQUEST_IID": "5",
            "REPORT_TOKEN": "secret",
        }
        for text in ("first", "第二"):
            (tmp_path / "report.md").write_text(f"{MARKER}\n{text}", encoding="utf-8")
            command = ["bash", "-euo", "pipefail", "-c", script]
            subprocess.run(command, cwd=tmp_path, env={**os.environ, **variables}, check=True)
        server.shutdown()
    assert [note["body"] for note in notes] == [f"{MARKER}\n第二"]
