"""Tutorials, how-to guides and descriptions of the documentation, as Markdown that the lab renders.

Their MyST is converted, and their translations are those of the documentation's catalogues.
"""

from __future__ import annotations

import posixpath
import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import polib
from markdown_it import MarkdownIt

from jupyter_mlws.reference.markdown import product_language, translate
from mlws.core.i18n import CHINESE

FOLDERS = ("tutorials", "how-to", "reference")
TOCTREE = re.compile(
    r"```\{toctree\}\n(?::caption: ([^\n]+)\n)?:maxdepth: 1\n\n(.+?)\n```", re.DOTALL
)
FRONT_MATTER = re.compile(r"\A---\n.*?\n---\n", re.DOTALL)
TITLE = re.compile(r"^# (.+)$", re.MULTILINE)
ADMONITION = re.compile(r"^```\{warning\}\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[([^]]*)\]\(([^):]+)\.md(?:#[\w-]+)?\)")
OF_THE_SITE = ("<!-- generated:", "```{include}")
"""Marks of pages that Sphinx puts together from other files, which the lab does not show."""
MARKDOWN = MarkdownIt("commonmark").enable("table").disable("inline")


def directory() -> Path:
    """Return the directory of the pages, in the installed package or in a checkout."""
    packaged = Path(__file__).parent / "docs"
    return packaged if packaged.is_dir() else Path(__file__).parents[2] / "docs"


@cache
def guides() -> dict[str, str]:
    """Return the pages such as ``how-to/undo`` in the order of the site, with their group."""
    return {
        page: caption
        for folder in FOLDERS
        for caption, names in TOCTREE.findall(_source(f"{folder}/index"))
        for name in names.split("\n")
        for page in [f"{folder}/{name}"]
        if not any(mark in _source(page) for mark in OF_THE_SITE)
    }


def guide_id(page: str) -> str:
    """Return the ID of a page within the reference."""
    return page.replace("/", "-")


def guide_title(page: str, language: str) -> str:
    """Return the title of a page, or of the index of a folder."""
    match = TITLE.search(_source(page))
    return guide_message(page, match[1] if match else page, language)


def guide_message(page: str, text: str, language: str) -> str:
    """Return a text of a page in ``language``."""
    return catalogue(page).get(text, text) if product_language(language) == CHINESE else text


def guide_text(page: str, language: str) -> Iterator[str]:
    """Yield a page without its title."""
    source = TITLE.sub("", _source(page), count=1)
    warning = f"**{translate('Warning', language)}**\n\n"
    source = ADMONITION.sub(
        lambda match: textwrap.indent(warning + match[1], "> ", lambda _: True), source
    )
    lines = source.split("\n")
    # Where the cells that are not translated yet end in the line of a row.
    ends: dict[int, int] = {}
    # From the end, so that the numbers of the lines before stay right.
    for token in reversed(MARKDOWN.parse(source)):
        if token.map is None:
            continue
        first, last = token.map
        if token.type == "html_block":
            lines[first:last] = []
        elif token.type == "fence":
            # JupyterLab takes all that follows the marks as the name of the language.
            start = lines[first].index(token.markup)
            lines[first] = lines[first][:start] + token.markup + token.info.partition(" ")[0]
        elif token.type == "inline" and token.content:
            head = token.content.partition("\n")[0]
            start = lines[first].rindex(head, 0, ends.get(first))
            rest = lines[first][start + len(head) :]
            text = guide_message(page, token.content.replace("\n", " "), language)
            text = LINK.sub(lambda match: guide_link(page, match[1], match[2], language), text)
            lines[first:last] = [f"{lines[first][:start]}{text}{rest}"]
            ends[first] = start
    yield "\n".join(lines).strip()


def guide_link(page: str, text: str, target: str, language: str) -> str:
    """Return a link to another page; its text alone if the lab does not have the page."""
    name = posixpath.normpath(posixpath.join(posixpath.dirname(page), target))
    text = text or guide_title(name, language)
    return f"[{text}](#{guide_id(name)})" if name in guides() else text


@cache
def _source(page: str) -> str:
    return FRONT_MATTER.sub("", (directory() / f"{page}.md").read_text(encoding="utf-8"))


@cache
def catalogue(page: str) -> Mapping[str, str]:
    """Return the Chinese texts of a page by the English ones."""
    path = directory() / "locale" / "zh_CN" / "LC_MESSAGES" / f"{page}.po"
    return {entry.msgid: entry.msgstr for entry in polib.pofile(str(path))}
