"""A person's own CSV file, with dates, gaps and identifiers: drawn, learned from, compared."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.ui.canvas import RUN_LIMIT, drop_files, node, port
from tests.ui.conftest import Lab
from tests.ui.test_canvas_first_model import Person

pytestmark = pytest.mark.browser

MOST = 15
"""Actions from a file on the desktop to compared models."""
CARD = "xpath=ancestor::*[contains(@class, 'jp-mlws-Port')][1]"


def customers() -> str:
    """600 rows: who is young or has a short contract leaves."""
    chance = random.Random(0)
    lines = ["id;signup;left;city;age;months;comment"]
    for row in range(600):
        age, months = chance.randint(18, 80), chance.randint(1, 60)
        left = age + months + chance.randint(-10, 10) < 60
        lines.append(
            f"{7 * row};2025-{row % 12 + 1:02}-{row % 28 + 1:02};{'yes' if left else 'no'};"
            f"{chance.choice(['Bonn', 'Ulm', 'Kiel', ''])};"
            f"{f'{age},5' if chance.random() > 0.05 else '?'};{months};"
            f"{chance.choice(['good', 'slow', ''])}"
        )
    return "\n".join(lines) + "\n"


@pytest.fixture
def lab(start_lab: Callable[..., Lab], tmp_path: Path) -> Lab:
    folder = tmp_path / "own"
    folder.mkdir()
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
    person.actions += 1
    drop_files(page, ".jp-mlws-Canvas", {"customers.csv": customers()})
    expect(node(page, "load_table")).to_be_visible()

    def add(source: str, output: str, name: str, word: str = "") -> None:
        """Choose what is proposed behind an output, or what a word finds."""
        out = port(page, source, "out", output).locator(CARD)
        out.hover()
        person.click(out.locator(".jp-mlws-Port-add"))
        expect(page.locator(".jp-mlws-Chooser [role=option]").first).to_be_visible()
        if word:
            person.type(word)
        person.press("Enter")
        expect(node(page, name)).to_be_visible()

    add("load_table", "table", "split")
    add("split", "train", "train_classifier")
    target = page.get_by_label("Target column", exact=True)
    expect(target.locator("option", has_text="left (text · category: no, yes)")).to_have_count(1)
    person.choose(target, "left")
    add("split", "train", "train_classifier_2", "logistic")
    # The other model and the test set are connected with it.
    add("train_classifier", "model", "compare_classifiers")
    person.click(page.locator(".jp-mlws-run"))
    expect(node(page, "compare_classifiers")).to_have_attribute(
        "data-mlws-state", "COMPLETED", timeout=RUN_LIMIT
    )
    shoot("canvas-own-data")
    (home,) = (lab.root / "workflows").iterdir()
    measures = json.loads((home / "out/compare_classifiers.metrics.json").read_text())
    assert len(measures) == 2
    assert min(one["accuracy"] for one in measures.values()) > 0.7
    text = (home / "dvc.yaml").read_text()
    # The target was chosen in one node, and the algorithm by a word of the search.
    assert text.count("target: left") == 3
    assert "algorithm: logistic_regression" in text
    print(f"{person.actions} actions of the pointer and the keyboard")
    assert person.actions <= MOST
