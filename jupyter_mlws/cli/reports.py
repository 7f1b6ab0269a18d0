"""Command of reports of a review: what changed between two versions, for a pull request."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

import click

from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli.console import line
from jupyter_mlws.cli.context import EXIT_SUCCESS, CommandContext
from mlws.core.project import Project

TEMPLATES = Path(__file__).parents[1] / "reports" / "templates"


@cli.command(
    "Report what changed in BASE..HEAD, for a review. BASE...HEAD: since their merge "
    "base. Workflows, metrics, parameters, notebooks, tables, data and environments "
    "are compared. By default, from the upstream or main branch to HEAD. Nothing of "
    "the project runs.",
    cli.argument("versions", metavar="[BASE..HEAD]"),
    cli.option(
        "Format: Markdown, which fits into a comment on GitHub or GitLab, or one HTML file.",
        "--format",
        "style",
        type=click.Choice(["md", "html"]),
        default="md",
        show_default=True,
    ),
    cli.option("Write to FILE.", "-o", "--output", metavar="FILE", type=click.Path(dir_okay=False)),
    cli.option(
        "Print a template for a CI service instead, which keeps the report as one comment of each "
        "pull or merge request.",
        "--template",
        type=click.Choice(["github", "gitlab"]),
    ),
)
def report(
    context: CommandContext,
    versions: str | None,
    style: str,
    output: str | None,
    template: str | None,
) -> int:
    if template is not None:
        text = (TEMPLATES / f"{template}.yml").read_text(encoding="utf-8")
    else:
        from jupyter_mlws.core.schemas import encode_json
        from jupyter_mlws.reports.collect import ReportCollector
        from jupyter_mlws.reports.html import render as render_html
        from jupyter_mlws.reports.markdown import render as render_markdown
        from jupyter_mlws.versioning.repository import Repository

        # Never by a server, and without trust: it only reads.
        with closing(Repository(Project.open(context.folder))) as repository:
            changes = ReportCollector(repository).collect(versions)
        if context.as_json:
            context.screen.data(json.loads(encode_json(changes, context.language)))
            return EXIT_SUCCESS
        render = render_html if style == "html" else render_markdown
        text = render(changes, context.language)
    if output is None:
        context.screen.show(context.views.text(text))
        return EXIT_SUCCESS
    context.write(output, text)
    context.screen.show(line(context.views.say("Wrote {path}.", path=output)))
    return EXIT_SUCCESS
