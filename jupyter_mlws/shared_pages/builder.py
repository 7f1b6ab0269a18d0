"""Pages of runs, reports and notebooks: one HTML document each, which runs and loads nothing."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path
from typing import Any

from jupyter_mlws.containers.manager import HubService
from jupyter_mlws.reports.blocks import Markup, Section
from jupyter_mlws.reports.html import render, render_sections
from jupyter_mlws.shared_pages.models import (
    MAX_HTML,
    HTMLPage,
    PageKind,
    PageShare,
    PageSource,
    PageUpload,
    SharedPage,
)
from jupyter_mlws.shared_pages.run_sections import RunSections
from jupyter_mlws.workflows.experiments import Experiments
from jupyter_mlws.workflows.run_manager import RunManager
from mlws.core.errors import Fault, InvalidRequestError
from mlws.core.i18n import Message
from mlws.core.project import Project

TOO_LARGE = Message("makes a page that is larger than 10 MB; clear large outputs, then try again")
NO_NOTEBOOK = Message("must be the path of a notebook (.ipynb) in the project")
BROKEN = Message("can't be read as a notebook: {reason}")
NOT_IN_NAMES = re.compile(r"[^\w.-]+")
MAX_NAME_LENGTH = 80


def build_page(
    project: Project,
    runs: RunManager,
    experiments: Experiments,
    source: PageSource,
    language: str,
) -> HTMLPage:
    """Return the page in ``language``.

    Raises InvalidRequestError, and VersionItemNotFoundError for a run or version that does not
    exist.
    """
    if source.kind is PageKind.RUN:
        sections = RunSections(runs, experiments, source.source, language)
        title = sections.run.title
        html = render_sections(title, sections.build(), language)
    elif source.kind is PageKind.REPORT:
        title, html = _of_report(project, source.source, language)
    else:
        title, html = _of_notebook(project, source.source, language)
    if len(html) > MAX_HTML:
        raise InvalidRequestError(faults=[Fault("source", TOO_LARGE)])
    name = NOT_IN_NAMES.sub("-", title).strip("-.")[:MAX_NAME_LENGTH] or source.kind.value
    return HTMLPage(title=title, file=f"{name}.html", html=html)


def share_page(service: HubService, page: HTMLPage, body: PageShare) -> SharedPage:
    """Share a page through the Hub; errors of the Hub are raised as our own."""
    upload = PageUpload(
        kind=body.kind,
        title=page.title[:300],
        html=page.html,
        audience=body.audience,
        name=body.name,
        expires=body.expires,
    )
    answer = service.ask("post", "pages", upload.model_dump(mode="json"))
    return SharedPage.model_validate(answer)


def _of_report(project: Project, versions: str, language: str) -> tuple[str, str]:
    from jupyter_mlws.reports.collect import ReportCollector
    from jupyter_mlws.reports.sections import Sections
    from jupyter_mlws.versioning.repository import Repository

    with closing(Repository(project)) as repository:
        report = ReportCollector(repository).collect(versions or None)
    return Sections(report, language, 1).title, render(report, language)


def _of_notebook(project: Project, path: str, language: str) -> tuple[str, str]:
    import nbformat
    import nh3
    from nbconvert.exporters import HTMLExporter
    from pygments.formatters import HtmlFormatter

    place: Path = project.resolve(path)
    if place.suffix != ".ipynb" or not place.is_file():
        raise InvalidRequestError(faults=[Fault("source", NO_NOTEBOOK)])
    try:
        notebook = nbformat.read(place, as_version=4)  # type: ignore[no-untyped-call]
        # The option `sanitize_html` writes headings and bodies of tables as text.
        exporter: Any = HTMLExporter(  # type: ignore[no-untyped-call]
            template_name="basic", exclude_anchor_links=True
        )
        body, _ = exporter.from_notebook_node(notebook)
    except (ValueError, KeyError, AttributeError, TypeError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise InvalidRequestError(faults=[Fault("source", BROKEN.fill(reason=reason))]) from error
    body = nh3.clean(
        body,
        attributes={**nh3.ALLOWED_ATTRIBUTES, "*": {"class"}},
        attribute_filter=_keep_attribute,
        url_schemes={*nh3.ALLOWED_URL_SCHEMES, "data"},
    )
    light, dark = (
        HtmlFormatter(style=style).get_style_defs(".highlight")
        for style in ("default", "github-dark")
    )
    style = f"<style>{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}</style>"
    blocks = [Markup(f"{style}{body}")]
    return place.stem, render_sections(place.name, [Section("", [*blocks])], language)


def _keep_attribute(tag: str, name: str, value: str) -> str | None:
    """Return an attribute's value; None to remove it. Only images may hold data."""
    is_data = value.lstrip().lower().startswith("data:")
    if is_data and (tag, name) != ("img", "src"):
        return None
    if (tag, name) == ("img", "src") and not is_data:
        # It would tell another server who reads the page.
        return None
    return value
