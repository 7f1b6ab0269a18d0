"""A report as Markdown that GitHub and GitLab render, short enough for a comment of theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from jupyter_mlws.reports.blocks import Block, Details, Diff, Paragraph, Picture, Table, Text
from jupyter_mlws.reports.graph_picture import SIGNS, reduce_graph
from jupyter_mlws.reports.models import GraphChange, Report
from jupyter_mlws.reports.printable import printable
from jupyter_mlws.reports.sections import Sections
from jupyter_mlws.versioning.models import CellState

MARKER = "<!-- mlws-report -->"
"""First line, by which a comment is found that a new report replaces."""
MAX_CHARACTERS = 65_000
"""GitHub refuses comments of more than 65,536."""
LIMITS = (100, 50, 25, 12, 6, 3, 1, 0)
"""Items of a list, the most that fit."""
PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
HARMLESS = re.compile(
    r"(?<!www)(?<=[^\W_])[./_-](?=[^\W_])"  # in words and paths
    r"|(?<=[^\W\d_])\.(?=\s|$)"  # at the end of a sentence, unlike the number of a list
    r"|:(?!/)|[+-](?=\d)|(?<!\d)\)|[,;%('\"]",
    re.IGNORECASE,
)
"""Punctuation that is never markup where it is, and that a reader of the source may see."""
CLASSES = {
    CellState.ADDED: "fill:#dafbe1,stroke:#1a7f37,color:#1f2328,stroke-width:2px",
    CellState.DELETED: "fill:#ffebe9,stroke:#cf222e,color:#1f2328,stroke-dasharray:5",
    CellState.MODIFIED: "fill:#fff8c5,stroke:#9a6700,color:#1f2328,stroke-width:2px",
    CellState.UNCHANGED: "fill:#f6f8fa,stroke:#8c959f,color:#1f2328",
}
ARROWS = {CellState.ADDED: "==>", CellState.DELETED: "-.->", CellState.UNCHANGED: "-->"}


def render(report: Report, language: str) -> str:
    """Return the report in ``language``; lists are shortened where it would be too long."""
    text = ""
    for limit in LIMITS:
        sections = Sections(report, language, limit)
        lines = [MARKER, f"## {escape(sections.title)}", ""]
        for section in sections.build():
            if section.title:
                lines += [f"### {escape(section.title)}", ""]
            for block in section.blocks:
                lines += [*_block(block, sections), ""]
        text = "\n".join(lines)
        if len(text) <= MAX_CHARACTERS:
            break
    return text


def escape(text: str) -> str:
    """Return a text that is nothing but text: no markup, link, mention or reference.

    Punctuation becomes character references, which Markdown never reads as its own. A comment
    behind ``@`` and ``#`` keeps GitHub from linking users and issues.
    """
    text = printable(text)
    harmless = {match.start() for match in HARMLESS.finditer(text)}

    def reference(match: re.Match[str]) -> str:
        if match.start() in harmless:
            return match[0]
        separator = "<!-- -->" if match[0] in "@#" else ""
        return f"&#{ord(match[0])};{separator}"

    return PUNCTUATION.sub(reference, text)


def fence(text: str, language: str) -> list[str]:
    """Return the lines of a code block that no text ends."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    marks = "`" * max(3, longest + 1)
    return [f"{marks}{language}", text, marks]


def _inline(parts: Sequence[Text]) -> str:
    return "".join(
        f"<code>{escape(part.text)}</code>" if part.code else escape(part.text) for part in parts
    )


def _block(block: Block, sections: Sections) -> Iterator[str]:
    match block:
        case Paragraph(parts):
            yield _inline(parts)
        case Table(columns, rows):
            yield f"| {' | '.join(map(escape, columns))} |"
            yield f"|{'---|' * len(columns)}"
            for row in rows:
                yield f"| {' | '.join(_inline([cell]) for cell in row)} |"
        case Diff(text):
            yield from fence("\n".join(map(printable, text.split("\n"))), "diff")
        case Picture(graph):
            yield from fence("\n".join(flowchart(graph, sections)), "mermaid")
            yield ""
            yield escape(sections.caption(graph))
        case Details(title, blocks):
            # A blank line, behind which GitHub reads Markdown again.
            yield f"<details><summary>{_inline(title)}</summary>"
            yield ""
            for inner in blocks:
                yield from _block(inner, sections)
                yield ""
            yield "</details>"


def flowchart(graph: GraphChange, sections: Sections) -> Iterator[str]:
    """Yield the lines of a flowchart; names are in quotes, as references of mermaid."""
    graph = reduce_graph(graph)
    yield "flowchart LR"
    for state, style in CLASSES.items():
        yield f"classDef {state} {style}"
    ids = {node.id: f"n{number}" for number, node in enumerate(graph.nodes)}
    for node in graph.nodes:
        lines = [f"{SIGNS.get(node.state, '')}{printable(node.id)}"]
        if node.state is CellState.MODIFIED:
            lines.append(sections.part_names(node))
        labels = (PUNCTUATION.sub(lambda one: f"#{ord(one[0])};", text) for text in lines)
        yield f'{ids[node.id]}["{"<br/>".join(labels)}"]'
    for edge in graph.edges:
        yield f"{ids[edge.source]} {ARROWS[edge.state]} {ids[edge.target]}"
    for state in CLASSES:
        members = [ids[node.id] for node in graph.nodes if node.state is state]
        if members:
            yield f"class {','.join(members)} {state}"
