"""A person's own CSV file, with missing values and categories: cleaned, learned from, compared."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import RUN_LIMIT, empty_place, node, port
from tests.ui.conftest import Lab
from tests.ui.test_canvas_first_model import Person
from tests.ui.test_canvas_sources import out_of

pytestmark = pytest.mark.browser

MOST = 30
"""Actions; Orange needs about 25."""


def customers() -> str:
    """600 rows: who is young or has a short contract leaves."""
    chance = random.Random(0)
    lines = ["city,age,months,plan,left"]
    for _ in range(600):
        age, months = chance.randint(18, 80), chance.randint(1, 60)
        left = age + months + chance.randint(-10, 10) < 60
        lines.append(
            f"{chance.choice(['Bonn', 'Ulm', 'Kiel'])},"
            f"{age if chance.random() > 0.05 else ''},{months},"
            f"{chance.choice(['basic', 'full'])},{'yes' if left else 'no'}"
        )
    return "\n".join(lines) + "\n"


@pytest.fixture
def lab(start_lab: Callable[..., Lab], tmp_path: Path) -> Lab:
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "customers.csv").write_text(customers())
    return start_lab(folder)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_from_a_file_to_two_compared_models(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    page.goto(lab.address())
    person = Person(page)
    person.click(page.get_by_role("button", name="Create…"))
    expect(page.locator(".jp-mlws-NewWorkflow input").first).to_be_focused()
    person.press("Enter")
    expect(page.locator('[data-mlws-component="sample_data"]')).to_be_visible()

    def add(source: str, out: str, word: str, made: str, x: float, y: float) -> None:
        person.drag(port(page, source, "out", out), empty_place(page, x, y))
        expect(page.locator(".jp-mlws-Chooser")).to_be_visible()
        person.type(word)
        person.press("Enter")
        expect(node(page, made)).to_be_visible()

    file = page.locator(".jp-DirListing-item", has_text="customers.csv")
    person.drag(file, empty_place(page, 0.02, 0.05))
    person.drag(out_of(page, "customers.csv"), empty_place(page, 0.4, 0.05))
    person.press("Enter")
    expect(node(page, "load_table")).to_be_visible()
    add("load_table", "table", "preprocess", "data_preprocessing", 0.02, 0.3)
    target = page.get_by_label("Target column")
    expect(target.locator("option", has_text="left (text: no, yes)")).to_have_count(1)
    person.choose(target, "left")
    add("data_preprocessing", "output_path", "split", "split", 0.35, 0.45)
    add("split", "train", "logistic", "train_classifier", 0.62, 0.25)
    add("split", "train", "k-nearest", "train_classifier_2", 0.62, 0.6)
    for kind, x in (("compare_classifiers", 0.05), ("plot_roc_curve", 0.4)):
        add("train_classifier", "model", kind.replace("_", " "), kind, x, 0.8)
        person.drag(
            port(page, "train_classifier_2", "out", "model"), port(page, kind, "in", "models")
        )
        person.drag(port(page, "split", "out", "test"), port(page, kind, "in", "test"))
    person.click(page.locator(".jp-mlws-run"))
    expect(node(page, "plot_roc_curve")).to_have_attribute(
        "data-mlws-state", "COMPLETED", timeout=RUN_LIMIT
    )
    expect(node(page, "compare_classifiers")).to_have_attribute("data-mlws-state", "COMPLETED")
    shoot("canvas-own-data")
    (home,) = (lab.root / "workflows").iterdir()
    measures = json.loads((home / "out/compare_classifiers.metrics.json").read_text())
    assert min(one["accuracy"] for one in measures.values()) > 0.7
    text = (home / "dvc.yaml").read_text()
    # The target was chosen in one node, and the algorithms by the words of the search.
    assert text.count("left") == 5
    assert "algorithm: logistic_regression" in text
    assert "algorithm: k_neighbors" in text
    print(f"{person.actions} actions of the pointer and the keyboard")
    assert person.actions <= MOST
