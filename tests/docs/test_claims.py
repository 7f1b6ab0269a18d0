"""What tutorials and how-to pages name exists: commands, options, settings, labels, files."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from functools import cache
from itertools import pairwise, takewhile
from pathlib import Path

import click
import pytest
from markdown_it import MarkdownIt

from jupyter_mlws.cli.main import build
from jupyter_mlws.extension import MLWSApp
from mlws.core.errors import CATALOGUE
from mlws.core.i18n import ENGLISH
from tests.docs.pages import PAGES, ROOT, commands, parse

CATALOG = ROOT / "jupyter_mlws" / "locale" / "zh_CN" / "LC_MESSAGES" / "jupyter_mlws.json"
OF_JUPYTERLAB = frozenset(
    {
        "Help",
        "File",
        "Settings Editor",
        "Language",
        "Advanced Settings Editor",
        "Document Manager",
        "Autosave Documents",
        "Open With",
        "Editor",
        "Property Inspector",
        "Export Notebook to Executable Script",
        "Token",
        "Accounts",
        "Admin",
    }
)
"""Labels of JupyterLab and JupyterHub, which our catalog does not have."""
FROM_LATER_CODE = frozenset({"node", "notebook"})
"""Subcommands that the entry point runs without the command line."""
VARIABLE = r"\b(?:HUB|MLWS)_[A-Z_]*[A-Z]\b"
OF_PAGE = pytest.mark.parametrize(
    "page", PAGES, ids=lambda page: str(page.relative_to(ROOT / "docs"))
)


@cache
def variables_of_code() -> set[str]:
    """Return the names of all environment variables that code and manual of the Hub name."""
    return {
        name
        for folder in ("jupyter_mlws", "engine/mlws", "hub_config")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".yaml", ".conf", ".md")
        for name in re.findall(VARIABLE, path.read_text(encoding="utf-8"))
    }


def texts_of_code(page: Path) -> list[str]:
    """Return the commands of a page's blocks, and its inline code."""
    texts = []
    for block in parse(page):
        if block.language == "console":
            texts += [command for command, _ in commands(block)]
        elif block.language in ("sh", "run", "ipython"):
            texts += re.sub(r"\\\n\s*", "", block.text).splitlines()
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        texts += [child.content for child in token.children or () if child.type == "code_inline"]
    return texts


def parser() -> click.Group:
    """Return the command line, with commands that do nothing."""
    top = build(ENGLISH)
    groups = [top]
    for group in groups:
        for command in group.commands.values():
            if isinstance(command, click.Group):
                groups.append(command)
            else:
                command.callback = lambda **_: None
    return top


@OF_PAGE
def test_each_command_and_option_exists(page: Path) -> None:
    for text in texts_of_code(page):
        match = re.search(r"(?<![\w/%])(?:jupyter mlws|%mlws) (.+)", text)
        if match is None:
            continue
        lexer = shlex.shlex(match[1], posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = list(takewhile(lambda word: word.strip("$()|&;<>"), lexer))
        if words[0] in FROM_LATER_CODE:
            continue
        try:
            parser().main(words, standalone_mode=False)
        except click.MissingParameter:
            continue
        except click.UsageError as error:
            pytest.fail(f"{text}: {error.format_message()}")


@OF_PAGE
def test_each_target_of_make_exists(page: Path) -> None:
    targets = {
        match[1]
        for text in texts_of_code(page)
        if (match := re.search(r"(?:^|\s)make ([a-z][a-z-]*)", text))
    }
    if targets:
        answer = subprocess.run(
            ["make", "--dry-run", "--always-make", *sorted(targets), "FOLDER=x"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr


@OF_PAGE
def test_each_setting_and_error_code_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(VARIABLE, text)) <= variables_of_code()
    for name in set(re.findall(r"\bMLWSApp\.(\w+)", text)):
        assert name in MLWSApp.class_traits(), name
    for name in set(re.findall(r"\b[1-5]0[1-5]\d\d\b", text)):
        assert name in CATALOGUE, name


@OF_PAGE
def test_each_label_is_on_the_screen(page: Path) -> None:
    labels = set(json.loads(CATALOG.read_text(encoding="utf-8")))
    labels |= {label.removesuffix("%1").rstrip("… ") for label in labels} | OF_JUPYTERLAB
    # Buttons that the server names, such as those of problems.
    labels |= set(
        re.findall(r'^msgid "(.+)"$', CATALOG.with_suffix(".po").read_text("utf-8"), re.M)
    )
    for path in (ROOT / "schema" / "settings").glob("*.json"):
        labels |= set(re.findall(r'"title": "(.+)"', path.read_text(encoding="utf-8")))
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        children = token.children or []
        for before, child in pairwise(children):
            if before.type == "em_open":
                missing = {label.rstrip("…") for label in child.content.split(" ▸ ")} - labels
                assert not missing, missing


@OF_PAGE
def test_each_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not re.match(r"https?:", target):
            assert (page.parent / target).exists(), target


@OF_PAGE
def test_each_file_of_the_repository_that_is_named_exists(page: Path) -> None:
    for text in texts_of_code(page):
        if re.fullmatch(r"(?:tests|hub_config)/[\w/.-]+", text):
            assert (ROOT / text).exists() or text == "hub_config/secrets", text


@OF_PAGE
def test_a_file_to_save_is_named_in_the_text(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for block in parse(page):
        if "title" in block.attributes:
            assert f"`{block.attributes['title']}`" in text, block.where


@pytest.mark.parametrize("folder", ["tutorials", "how-to"])
def test_the_index_has_each_page(folder: str) -> None:
    index = (ROOT / "docs" / folder / "index.md").read_text(encoding="utf-8")
    names = {page.stem for page in PAGES if page.parent.name == folder} - {"index"}
    assert {name for name in names if not re.search(rf"\b{name}\b", index)} == set()
