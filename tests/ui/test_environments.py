"""Environments in the lab: created, used by a notebook, changed and deleted."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from playwright.sync_api import Locator, Page, expect

from tests.environments.conftest import build_wheel
from tests.ui.canvas import faults_of_access, until
from tests.ui.conftest import Lab, prefer
from tests.ui.sections import WORKSPACE, open_section
from tests.ui.test_looks import THEMES
from tests.ui.test_notebooks import READY

pytestmark = pytest.mark.browser

INSTALL_LIMIT = 60_000
"""Milliseconds."""
TITLES = {"en": "Environments", "zh_CN": "环境"}
FLOW = """\
stages:
  train:
    cmd: uv run --frozen --project envs/Tools python -c 'import alpha'
"""
CODE = """\
import six, ipykernel, sys
print(six.__file__, ipykernel.__file__, sep="\\n")
import alpha
print(alpha.VERSION)
"""


def closure(*names: str) -> tuple[set[str], set[str]]:
    """Return packages with all that they need here, and what they need on other systems."""
    here: set[str] = set()
    elsewhere: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in here:
            here.add(name)
            for row in map(Requirement, distribution(name).requires or ()):
                if row.marker is None or row.marker.evaluate({"extra": ""}):
                    waiting.append(row.name)
                elif "extra" not in str(row.marker):
                    elsewhere.add(row.name)
    return here, elsewhere - here


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels of the installed six and ipykernel with what they need, and of two alphas."""
    folder = tmp_path_factory.mktemp("wheels")
    here, elsewhere = closure("six", "ipykernel")
    for name in here:
        package = distribution(name)
        # The last tag is of Python 3, the first may be of Python 2.
        tag = str(package.read_text("WHEEL")).rpartition("Tag: ")[2].split()[0]
        file = folder / f"{package.name.replace('-', '_')}-{package.version}-{tag}.whl"
        with zipfile.ZipFile(file, "w") as wheel:
            for path in package.files or ():
                if ".." not in path.parts and path.suffix != ".pyc":
                    wheel.write(str(path.locate()), str(path))
    # A lock is for all systems.
    for name in elsewhere:
        build_wheel(folder, name, "99.0")
    for version in ("1.0", "2.0"):
        build_wheel(folder, "alpha", version)
    return folder


def packages(section: Locator) -> Callable[[str], Locator]:
    return lambda name: section.locator(f'[data-mlws-package="{name}"]')


@pytest.fixture
def offline(wheels: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UV_FIND_LINKS", str(wheels))
        patch.setenv("UV_OFFLINE", "1")
        yield


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize(
    ("theme", "locale"),
    [("light", "en"), ("dark", "zh_CN")],
)
def test_an_environment_from_the_sidebar_to_a_notebook(
    page: Page,
    offline: None,
    start_lab: Callable[..., Lab],
    example: Path,
    tmp_path: Path,
    shoot: Callable[[str], None],
    theme: str,
    locale: str,
) -> None:
    def picture(name: str) -> None:
        shoot(f"environments-{name}-{theme}-{locale}")

    prefer(tmp_path, THEMES[theme], locale)
    (example / "dvc.yaml").write_text(FLOW)
    lab = start_lab(example)
    page.set_viewport_size({"width": 1280, "height": 720})
    section = open_section(page, lab, TITLES[locale], "Environments")

    # The empty section explains, with one button.
    create = section.locator(".jp-mlws-CreateEnvironmentButton")
    expect(create).to_have_class(
        "jp-mlws-CreateEnvironmentButton jp-mlws-Wide jp-mod-styled jp-mod-accept"
    )
    picture("empty")
    create.click()
    form = page.locator(".jp-Dialog")
    expect(form.locator("[name=name]")).to_have_value("project")
    form.locator("[name=name]").fill("no good")
    form.locator("[name=packages]").fill("six ipykernel alpha==1.0")
    form.locator(".jp-mod-accept").click()
    expect(form.get_by_role("alert")).to_be_visible()
    picture("create")
    form.locator("[name=name]").fill("Tools")
    form.locator(".jp-mod-accept").click()
    row = section.locator('[data-mlws-environment="Tools"]')
    badge = row.locator("[data-mlws-state]")
    expect(badge).to_have_attribute("data-mlws-state", "ready", timeout=INSTALL_LIMIT)
    package = packages(row)
    # Room for the section.
    for name in page.locator(f"{WORKSPACE} .lm-AccordionPanel-title").all()[:2]:
        name.click()
    expect(package("alpha")).to_contain_text("1.0")
    picture("detail")
    assert faults_of_access(page, ".jp-mlws-Environments") == []

    # It is in the launcher, and a new notebook runs in it.
    kernel = "Python (Tools)"
    card = page.locator(".jp-LauncherCard").filter(has_text=kernel).first
    expect(card).to_be_visible()
    picture("launcher")
    card.click()
    page.wait_for_function(READY)
    cell = page.locator(".jp-NotebookPanel .jp-Cell .cm-content").first
    cell.fill(CODE)
    cell.press("Shift+Enter")
    output = page.locator(".jp-OutputArea-output").first
    expect(output).to_contain_text("1.0")
    site = example / "envs/Tools/.venv/lib"
    expect(output).to_contain_text(f"{site}/")
    assert str(output.inner_text()).count(str(site)) == 2
    picture("notebook")
    # The command would ask for a name.
    page.evaluate("jupyterapp.shell.currentWidget.context.save().then(() => null)")

    # What uses it is named, and opens.
    uses = row.locator(".jp-mlws-Uses").first
    expect(uses.get_by_role("button")).to_have_text(["train", "Untitled.ipynb"])
    uses.get_by_role("button", name="train").click()
    node = page.locator('[data-mlws-node="train"]')
    expect(node).to_be_visible()
    expect(page.locator(".react-flow__node.selected")).to_have_count(1)
    picture("node")

    # A definition that was edited: the new lock differs from what is installed.
    tools = row.locator(".jp-mlws-Tools button")
    definition = example / "envs/Tools/pyproject.toml"
    definition.write_text(definition.read_text().replace("alpha==1.0", "alpha==2.0"))
    tools.nth(2).click()
    expect(row.locator('[data-mlws-difference="alpha"]')).to_contain_text("alpha 1.0 → 2.0")
    expect(badge).to_have_attribute("data-mlws-state", "changed")
    picture("differs")
    tools.nth(1).click()
    expect(package("alpha")).to_contain_text("2.0", timeout=INSTALL_LIMIT)
    expect(badge).to_have_attribute("data-mlws-state", "ready")

    # A package that there is not: its output, and nothing has changed.
    tools.first.click()
    form.locator("[name=packages]").fill("beta-two")
    form.locator(".jp-mod-accept").click()
    expect(row.get_by_role("alert")).to_contain_text("beta-two", timeout=INSTALL_LIMIT)
    picture("failed")
    row.locator(".jp-mlws-Work button").last.click()
    # Remove one.
    package("alpha").get_by_role("button").click()
    expect(package("alpha")).to_have_count(0, timeout=INSTALL_LIMIT)

    # Delete: what goes is named, and the launcher lists the kernel no more.
    tools.last.click()
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("envs/Tools")
    expect(dialog).to_contain_text("train")
    picture("delete")
    dialog.locator(".jp-mod-warn").click()
    expect(row).to_have_count(0)
    until(page, lambda: not (example / "envs/Tools").exists())
