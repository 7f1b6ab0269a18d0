"""The view to begin with, in an empty folder: each of its buttons does what it says."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.canvas import RUN_LIMIT, command, drop_files, faults_of_access, node, until
from tests.ui.conftest import Lab, prefer
from tests.workflows.importers.pipelines import node as elyra_node
from tests.workflows.importers.pipelines import pipeline

pytestmark = pytest.mark.browser

TABLE = "id;signup;plan;age;comment;churn\n" + "".join(
    f"{row};2025-{1 + row % 12:02}-{1 + row % 28:02};{['basic', 'full', ''][row % 3]};"
    f"{'?' if row % 7 == 0 else f'{20 + row % 50},5'};{['slow', 'good'][row % 2]};"
    f"{'yes' if row % 50 > 25 else 'no'}\n"
    for row in range(240)
)
"""Semicolons, decimal commas, dates, gaps, and numbers of rows."""


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    folder = tmp_path / "empty"
    folder.mkdir()
    return folder


@pytest.fixture
def lab(start_lab: Callable[..., Lab], empty: Path) -> Lab:
    return start_lab(empty)


@pytest.fixture
def view(page: Page, lab: Lab) -> Locator:
    page.goto(lab.address())
    view = page.locator(".jp-mlws-Begin")
    expect(view.get_by_role("button", name="Open Example")).to_be_visible()
    return view


def tabs(page: Page) -> Locator:
    return page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab")


def upload(page: Page, card: str, files: dict[str, str]) -> None:
    """Choose files of the computer with the button of a card."""
    button = page.get_by_role("region", name=card).get_by_role("button", name="Upload")
    with page.expect_file_chooser() as chooser:
        button.click()
    chooser.value.set_files(
        [
            {"name": name, "mimeType": "text/plain", "buffer": text.encode()}
            for name, text in files.items()
        ]
    )


@pytest.mark.slow(reason="a journey in a real browser")
def test_the_example_opens(page: Page, lab: Lab, view: Locator) -> None:
    expect(tabs(page)).to_have_count(1)
    assert faults_of_access(page, ".jp-mlws-Begin") == []
    view.get_by_role("button", name="Open Example").click()
    expect(node(page, "compare")).to_be_visible(timeout=RUN_LIMIT)
    # It was needed once.
    expect(tabs(page)).to_have_count(1)
    page.goto(lab.address())
    expect(page.locator(".jp-LauncherCard").first).to_be_visible()
    expect(view).to_have_count(0)


@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize("is_dropped", [False, pytest.param(True, marks=pytest.mark.exhaustive)])
def test_a_table_becomes_a_workflow_that_runs(
    page: Page, lab: Lab, view: Locator, is_dropped: bool
) -> None:
    if is_dropped:
        drop_files(page, ".jp-mlws-Begin-page", {"customers.csv": TABLE})
    else:
        upload(page, "Start from a Table", {"customers.csv": TABLE})
    dialog = page.locator(".jp-Dialog")
    expect(dialog.get_by_label("Target column")).to_have_value("churn")
    expect(dialog.get_by_label("Role of id")).to_have_value("ignored")
    expect(dialog.get_by_label("Kind of signup")).to_have_value("date")
    expect(dialog.get_by_text("every value is different")).to_have_count(0)
    expect(dialog.get_by_text("it numbers the rows")).to_be_visible()
    button = "Create" if is_dropped else "Create and Run"
    dialog.get_by_role("button", name=button, exact=True).click()
    expect(node(page, "compare")).to_be_in_viewport()
    assert (lab.root / "data/customers.csv").read_text() == TABLE
    assert (lab.root / ".git").is_dir()
    expect(tabs(page)).to_have_count(1)
    file = lab.root / "workflows/customers/dvc.yaml"
    until(page, lambda: "churn=target" in file.read_text())
    if not is_dropped:
        for name in ("compare", "importance", "confusion"):
            expect(node(page, name)).to_have_attribute(
                "data-mlws-state", "COMPLETED", timeout=RUN_LIMIT
            )
        metrics = json.loads((file.parent / "out/compare.metrics.json").read_text())
        assert set(metrics) == {"baseline", "logistic", "forest", "boosting"}
        assert metrics["boosting"]["accuracy"] > metrics["baseline"]["accuracy"] + 0.2


def choose_from_the_lab(page: Page, card: str, folders: list[str], file: str) -> None:
    """Choose a file of the lab with the other button of a card."""
    region = page.get_by_role("region", name=card)
    region.get_by_role("button", name="Choose from the Lab…").click()
    browse(page, folders, file)


def browse(page: Page, folders: list[str], file: str) -> None:
    """Choose a file in the lab's dialog, which lists folders and the files that fit."""
    dialog = page.locator(".jp-Dialog:has(.jp-DirListing)")
    items = dialog.locator(".jp-DirListing-item")
    for name in folders:
        items.filter(has_text=name).dblclick()
    expect(items.filter(has_text=file)).to_be_visible()
    expect(items.filter(has_text="notes.md")).to_have_count(0)
    items.filter(has_text=file).click()
    dialog.get_by_role("button", name="Select").click()


@pytest.mark.exhaustive
def test_a_table_of_the_lab_becomes_a_workflow(
    page: Page, lab: Lab, view: Locator, empty: Path
) -> None:
    (empty / "data").mkdir()
    for name in ("customers", "orders"):
        (empty / f"data/{name}.csv").write_text(TABLE)
    (empty / "data/notes.md").write_text("Notes\n")
    choose_from_the_lab(page, "Start from a Table", ["data"], "customers.csv")
    dialog = page.locator(".jp-Dialog")
    target = dialog.get_by_label("Target column")
    expect(target).to_have_value("churn")
    assert faults_of_access(page, ".jp-Dialog") == []

    # Another target has another task and other models; the old one is a feature again.
    target.select_option("age")
    expect(dialog.get_by_label("Task")).to_have_value("regression")
    expect(dialog.get_by_label("Ridge regression")).to_be_checked()
    expect(dialog.get_by_label("Role of churn")).to_have_value("feature")
    dialog.get_by_label("Random forest").uncheck()
    dialog.get_by_label("Kind of plan").select_option("text")
    dialog.get_by_label("Role of comment").select_option("ignored")
    dialog.get_by_role("button", name="Create", exact=True).click()
    expect(node(page, "predictions")).to_be_in_viewport()
    expect(node(page, "forest")).to_have_count(0)
    expect(tabs(page)).to_have_count(1)
    file = empty / "workflows/customers/dvc.yaml"
    until(page, lambda: "age=target" in file.read_text())
    assert "plan=text" in file.read_text()
    assert "comment=ignored" in file.read_text()


@pytest.mark.exhaustive
def test_the_gallery_of_templates_asks_again_after_each_choice(
    page: Page, lab: Lab, view: Locator, empty: Path
) -> None:
    (empty / "data").mkdir()
    for name in ("customers", "orders"):
        (empty / f"data/{name}.csv").write_text(TABLE)
    (empty / "data/notes.md").write_text("Notes\n")
    choose_from_the_lab(page, "Start from a Table", ["data"], "customers.csv")
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_role("button", name="Cancel").click()
    # What is left is a node that loads the table.
    expect(node(page, "load_table")).to_be_visible()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.get_by_role("button", name="Start from a Template…").click()
    field = dialog.get_by_label("Data file")
    field.fill("data/customers.csv")
    dialog.get_by_label("Target column").fill("plan")
    dialog.get_by_role("button", name="Browse…").click()
    expect(field).to_have_count(0)
    dialog.get_by_role("button", name="Cancel").click()
    expect(field).to_have_value("data/customers.csv")
    dialog.get_by_role("button", name="Browse…").click()
    browse(page, ["data"], "orders.csv")
    expect(field).to_have_value("data/orders.csv")
    expect(dialog.get_by_label("Target column")).to_have_value("plan")
    expect(dialog.locator('datalist option[value="churn"]')).to_be_attached()
    dialog.get_by_label("Target column").fill("churn")
    dialog.get_by_role("button", name="Create").click()
    expect(node(page, "compare")).to_be_in_viewport()


@pytest.mark.exhaustive
def test_a_pipeline_of_the_lab_is_imported(
    page: Page, lab: Lab, view: Locator, empty: Path
) -> None:
    text = json.dumps(pipeline(elyra_node("n1", "make.py", runtime_image="image:1")))
    (empty / "flow.pipeline").write_text(text)
    (empty / "make.py").write_text("print(1)\n")
    (empty / "notes.md").write_text("Notes\n")
    choose_from_the_lab(page, "Import a Workflow", [], "flow.pipeline")
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("make Script")
    dialog.get_by_role("button", name="Import").click()
    expect(page.locator("[data-mlws-node]")).to_have_count(1)
    expect(view).to_have_count(0)


def test_a_choice_that_is_canceled_leaves_the_view(page: Page, lab: Lab, view: Locator) -> None:
    for card in ("Start from a Table", "Import a Workflow"):
        region = page.get_by_role("region", name=card)
        button = region.get_by_role("button", name="Choose from the Lab…")
        button.click()
        page.locator(".jp-Dialog").get_by_role("button", name="Cancel").click()
        expect(page.locator(".jp-Dialog")).to_have_count(0)
        expect(button).to_be_enabled()
    assert not (lab.root / ".git").exists()


def test_a_repository_is_cloned(page: Page, lab: Lab, view: Locator, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "notes.md").write_text("Notes\n")
    for words in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "Notes"],
    ):
        subprocess.run(["git", *words], cwd=source, check=True)
    view.get_by_role("button", name="Clone…").click()
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_label("URL").fill(str(source))
    dialog.get_by_role("button", name="Clone").click()
    until(page, lambda: (lab.root / "source/notes.md").is_file())
    expect(view).to_have_count(0)
    expect(page.locator(".jp-DirListing-item", has_text="notes.md")).to_be_visible()


def test_a_pipeline_is_imported_with_its_scripts(page: Page, lab: Lab, view: Locator) -> None:
    text = json.dumps(pipeline(elyra_node("n1", "make.py", runtime_image="image:1")))
    upload(page, "Import a Workflow", {"flow.pipeline": text, "make.py": "print(1)\n"})
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("make Script")
    dialog.get_by_role("button", name="Import").click()
    expect(page.locator("[data-mlws-node]")).to_have_count(1)
    expect(view).to_have_count(0)
    assert (lab.root / "make.py").is_file()


def test_the_keyboard_begins_a_workflow(page: Page, lab: Lab, view: Locator) -> None:
    view.get_by_role("button", name="Open Example").focus()
    for _ in range(6):
        page.keyboard.press("Tab")
    expect(view.get_by_role("button", name="Create…")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".jp-mlws-NewWorkflow input").first).to_be_focused()
    page.keyboard.type("Wine")
    page.keyboard.press("Enter")
    expect(page.locator(".jp-mlws-Canvas-empty")).to_be_visible()
    expect(tabs(page)).to_have_count(1)


@pytest.mark.exhaustive
def test_it_is_not_shown_again_unless_it_is_opened(page: Page, lab: Lab, view: Locator) -> None:
    settings = Path(lab.environment["JUPYTERLAB_SETTINGS_DIR"]) / "jupyter-mlws"
    view.get_by_label("Do not show this view again").check()
    until(page, lambda: (settings / "welcome.jupyterlab-settings").is_file())
    page.goto(lab.address())
    expect(page.locator(".jp-LauncherCard").first).to_be_visible()
    page.wait_for_timeout(1000)
    expect(view).to_have_count(0)
    command(page, "mlws:welcome")
    expect(view).to_be_visible()
    expect(view.get_by_label("Do not show this view again")).to_be_checked()


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_it_is_chinese_in_a_dark_lab(
    page: Page, start_lab: Callable[..., Lab], empty: Path, tmp_path: Path
) -> None:
    prefer(tmp_path, "JupyterLab Dark", "zh_CN")
    page.goto(start_lab(empty).address())
    view = page.locator(".jp-mlws-Begin")
    expect(view.get_by_role("button", name="打开示例")).to_be_visible()
    assert faults_of_access(page, ".jp-mlws-Begin") == []
