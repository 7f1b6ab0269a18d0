"""The documentation builds without a warning, is complete, and all of its links lead somewhere."""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote, urldefrag, urlsplit

import click
import pytest
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect

from jupyter_mlws.api.openapi import VERBS, document
from jupyter_mlws.cli.main import build
from jupyter_mlws.components.registry import library
from jupyter_mlws.extension import MLWSApp
from jupyter_mlws.hub.docker.spawner import MLWSSpawner
from jupyter_mlws.hub.routes import ROUTES as HUB_ROUTES
from jupyter_mlws.routes import ROUTES
from mlws.core.errors import CATALOGUE
from mlws.core.i18n import CHINESE, Message
from mlws.engine import policy
from tests.browser import browser, jp_asyncio_loop, jp_server_cleanup
from tests.browser import page as browser_page

__all__ = ["browser", "browser_page", "jp_asyncio_loop", "jp_server_cleanup"]

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
LANGUAGES = ("en", "zh_CN")
INTERNAL = frozenset(
    (
        "MLWS_ASKPASS_SOCKET",
        "MLWS_DATA_HAS_ARRIVED",
        "MLWS_INSTALLATION",
        "MLWS_MAY_REWRITE",
        "MLWS_PUSH",
        "MLWS_TRACKED_RUN",
        "MLWS_WARM_ROOM",
        "MLWS_WHEEL",
    )
)
"""Variables that the product sets for its own processes, and nobody else."""

pytestmark = [
    pytest.mark.slow(reason="builds the site in both languages"),
    pytest.mark.timeout(600),
]


class Page(NamedTuple):
    """What a page has: its anchors, the targets of its links and images, and its text."""

    anchors: frozenset[str]
    links: frozenset[str]
    text: str


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if identifier := values.get("id"):
            self.anchors.add(identifier)
        for name in ("href", "src"):
            if target := values.get(name):
                self.links.add(target)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(path: Path) -> Page:
    reader = _Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return Page(frozenset(reader.anchors), frozenset(reader.links), " ".join(reader.texts))


def sphinx(language: str, doctrees: Path, target: Path, *options: str) -> None:
    """Build the pages of a language; a warning is a failure."""
    command = [
        *(sys.executable, "-m", "sphinx", "--quiet", "--fail-on-warning", "--keep-going"),
        *("-D", f"language={language}", "-d", str(doctrees), *options, str(DOCS), str(target)),
    ]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert not result.stderr


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> dict[Path, Page]:
    """All pages of both languages, built as `make docs` builds them."""
    folder = tmp_path_factory.mktemp("site")
    for language in LANGUAGES:
        target = folder / "html" if language == "en" else folder / "html" / language
        sphinx(language, folder / "doctrees" / language, target)
    # The theme has a template among its files.
    return {
        path: read(path)
        for path in (folder / "html").rglob("*.html")
        if "_static" not in path.relative_to(folder).parts
    }


def page(site: Mapping[Path, Page], name: str, language: str = "en") -> Page:
    """The page of that name."""
    part = f"html/{name}.html" if language == "en" else f"html/{language}/{name}.html"
    return next(page for path, page in site.items() if path.as_posix().endswith(f"/{part}"))


def identifier(label: str) -> str:
    """The id that HTML has for a label."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-")


def test_the_pages_are_read_without_a_warning(tmp_path: Path) -> None:
    sphinx("en", tmp_path / "doctrees", tmp_path / "pages", "-b", "dummy")


@pytest.mark.exhaustive
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_component_command_error_and_endpoint_has_its_anchor(
    site: Mapping[Path, Page], language: str
) -> None:
    expected = {
        "reference/components": {f"component-{component.name}" for component in library()},
        "reference/errors": {f"error-{code}" for code in CATALOGUE},
        "reference/commands": {"command-node", "command-notebook"},
    }
    for name, owner in (("server", MLWSApp), ("hub", MLWSSpawner)):
        expected[f"reference/{name}"] = {
            f"setting-{owner.__name__}-{trait}" for trait in owner.class_own_traits(config=True)
        }
    for name, command in build("en").commands.items():
        names = [name]
        if isinstance(command, click.Group):
            names += [
                f"{name}-{inner}" for inner, one in command.commands.items() if not one.hidden
            ]
        if not command.hidden:
            expected["reference/commands"] |= {f"command-{one}" for one in names}
    for name, api, routes in (("rest", "lab", ROUTES), ("rest-hub", "hub", HUB_ROUTES)):
        paths = document(routes, "/openapi.json")["paths"]
        expected[f"reference/{name}"] = {
            f"{api}-{verb}{path}"
            for path, inner in paths.items()
            for verb in VERBS
            if verb in inner
        }
    for name, labels in expected.items():
        missing = {identifier(label) for label in labels} - page(site, name, language).anchors
        assert not missing, f"{name}: {sorted(missing)}"


@pytest.mark.exhaustive
def test_every_internal_link_leads_to_a_page_and_an_anchor_of_it(site: Mapping[Path, Page]) -> None:
    broken = []
    for path, page in site.items():
        for link in page.links:
            target, anchor = urldefrag(link)
            if urlsplit(target).scheme:
                continue
            file = Path(os.path.normpath(path.parent / unquote(urlsplit(target).path)))
            file = path if not target else file
            if not file.exists() or (
                anchor and file.suffix == ".html" and unquote(anchor) not in site[file].anchors
            ):
                broken.append(f"{path.name}: {link}")
    assert not broken


@pytest.mark.exhaustive
def test_a_page_links_the_same_page_in_the_other_language(site: Mapping[Path, Page]) -> None:
    assert "../zh_CN/reference/commands.html" in page(site, "reference/commands").links
    assert "../../reference/commands.html" in page(site, "reference/commands", "zh_CN").links


@pytest.mark.exhaustive
def test_the_generated_pages_are_in_the_language_of_the_site(site: Mapping[Path, Page]) -> None:
    component, error = library()[0], CATALOGUE["30206"]
    for name, message in (
        ("reference/components", Message(component.description)),
        ("reference/errors", error.solution),
    ):
        # To the first code, which is an element of its own.
        assert message.en.partition("`")[0] in page(site, name).text
        assert message.in_(CHINESE).partition("`")[0] in page(site, name, "zh_CN").text


@pytest.mark.exhaustive
def test_pages_by_which_others_are_found_are_chinese() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "docs_translations.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert re.fullmatch(r"zh_CN: \d+ of \d+ messages \(\d+%\)", result.stdout.strip())


def test_every_variable_of_the_environment_is_documented() -> None:
    """Those of the Hub's installation are in the manual of the Hub."""
    read_by = {
        name
        for folder in ("jupyter_mlws", "engine/mlws", "hub_config")
        for path in sorted((ROOT / folder).rglob("*.py"))
        for name in re.findall(r"\bMLWS_[A-Z_]+\b", path.read_text(encoding="utf-8"))
    }
    page = (DOCS / "reference" / "environment-variables.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"\bMLWS_[A-Z_]+\b", page))
    assert read_by - documented == INTERNAL
    assert documented - read_by <= {"MLWS_ADMIN_PASSWORD_FILE"}


def test_every_execution_option_of_a_node_is_documented() -> None:
    page = (DOCS / "reference" / "dvc-yaml.md").read_text(encoding="utf-8")
    table = page[page.index("## `meta` of a stage") : page.index("(dvc-files)=")]
    names = set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    assert names == {"at", "origin", *vars(policy.DEFAULT)}


@pytest.mark.exhaustive
def test_generated_pages_name_all_that_the_library_has_in_its_order(
    site: Mapping[Path, Page],
) -> None:
    text = page(site, "reference/components").text
    places = [text.index(f"{component.name}") for component in library()]
    assert len(set(places)) == len(places)


QUESTIONS = {
    "how-to/undo": ("How do I undo a commit?", "如何撤销提交？"),
    "how-to/where-runs-are-stored": ("Where are my runs stored?", "我的运行存储在哪里？"),
    "how-to/power-cut": ("What happens if I pull the plug?", "断电了怎么办？"),
    "how-to/own-environment": ("Can I use my own environment?", "可以使用自己的环境吗？"),
    "how-to/own-component": ("How do I write my own component?", "如何编写自己的组件？"),
    "how-to/remove": ("What does it leave in my repository?", "它会在我的仓库中留下什么？"),
    "how-to/gpus": ("How do I use a GPU?", "如何使用 GPU？"),
    "how-to/slurm": ("Can I run on Slurm?", "能否在 Slurm 上运行？"),
    "how-to/share-project": ("How do I share a project with my team?", "如何与团队共享项目？"),
    "explanation/security": (
        "Is it safe to open someone else's repository?",
        "打开别人的仓库安全吗？",
    ),
}


@pytest.fixture
def address(site: Mapping[Path, Page]) -> Iterator[str]:
    """Address of a server of the site."""
    home = next(path for path in site if path.as_posix().endswith("/html/index.html")).parent
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(home))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.exhaustive
@pytest.mark.browser
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_search_answers_a_strangers_questions_first(
    address: str, browser_page: BrowserPage, language: str
) -> None:
    prefix = "" if language == "en" else f"/{language}"
    for name, questions in QUESTIONS.items():
        question = questions[LANGUAGES.index(language)]
        browser_page.goto(f"{address}{prefix}/search.html?q={quote(question)}")
        first = browser_page.locator("#search-results ul.search > li > a").first
        expect(first).to_have_attribute("href", re.compile(rf"^{name}\.html"))
