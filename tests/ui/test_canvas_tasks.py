"""The twelve tasks that users of other tools do first, each by the mouse alone.

Only free text is typed: the name of a new column. The actions of each task and the seconds of its
script are printed; docs/benchmarks.md compares them with other tools.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Locator, Page, expect

from tests.ui.canvas import (
    RUN_LIMIT,
    choice,
    empty_place,
    fit,
    node,
    open_workflow,
    port,
    run_workflow,
)
from tests.ui.conftest import Lab
from tests.ui.test_canvas_first_model import Person

pytestmark = pytest.mark.browser

LIMITS = {
    "filter": 6, "join": 3, "group": 3, "pivot": 7, "formula": 7, "one-hot": 2, "impute": 2,
    "PCA": 2, "cross-validate": 3, "tune": 4, "compare": 2, "export predictions": 5,
}  # fmt: skip
"""Actions of a task: a click, a drag, a name that is typed; two for a choice from a list."""


def stage(name: str, component: str, inputs: dict[str, str], *outputs: str) -> str:
    """A node; ``outputs`` are ports with extensions, inputs are ``node.port.extension``."""
    reads = {p: f"{{out}}/{one}" if one[0] != "/" else one[1:] for p, one in inputs.items()}
    writes = {one.split(".")[0]: f"{{out}}/{name}.{one}" for one in outputs}
    words = " ".join(f"--{p} {path}" for p, path in (reads | writes).items())
    return (
        f"  {name}:\n    wdir: ../..\n    cmd: jupyter mlws node {component} {words}\n"
        f"    deps: [{', '.join(reads.values())}]\n    outs: [{', '.join(writes.values())}]\n"
    )


LOAD = stage("load", "load_table", {"file": "/people.csv"}, "table.parquet")
CITIES = stage("cities", "load_table", {"file": "/cities.csv"}, "table.parquet")
READY = stage("load", "load_table", {"file": "/numbers.csv"}, "table.parquet")
SPLIT = READY + stage(
    "split", "split", {"data": "load.table.parquet"}, "train.parquet", "test.parquet"
)
DATA = {"data": "split.train.parquet"}
FOREST = stage("forest", "train_classifier --target paid", DATA, "model.skops")
LINEAR = stage(
    "linear", "train_classifier --target paid --algorithm logistic_regression", DATA, "model.skops"
)


class Tasks:
    """The canvas of one task, and the person at it."""

    def __init__(self, page: Page, lab: Lab) -> None:
        self.page = page
        self.lab = lab
        self.person = Person(page)

    def begin(self, name: str, stages: str) -> None:
        """Open a workflow of some nodes; none of them has run."""
        slug = name.replace(" ", "-")
        self.person.actions = 0
        self.folder = self.lab.root / f"workflows/{slug}"
        self.folder.mkdir(parents=True)
        out = f"workflows/{slug}/out"
        (self.folder / "dvc.yaml").write_text("stages:\n" + stages.replace("{out}", out))
        names = [line[2:-1] for line in stages.splitlines() if line[:3].strip() and line[2] != " "]
        open_workflow(self.page, self.lab, f"workflows/{slug}/dvc.yaml", names)
        self.opened_at = time.monotonic()

    def add(self, source: str, output: str, component: str) -> None:
        """Draw a line from an output to free space, and choose what reads it."""
        fit(self.page)
        self.person.drag(port(self.page, source, "out", output), empty_place(self.page, 0.6, 0.75))
        entry = choice(self.page, f"{output}>{component}")
        entry.scroll_into_view_if_needed()
        self.person.click(entry)
        expect(node(self.page, component)).to_be_visible()

    def connect(self, source: str, output: str, target: str, name: str) -> None:
        fit(self.page)
        ends = port(self.page, source, "out", output), port(self.page, target, "in", name)
        self.person.drag(*ends)

    def choose(self, label: str, value: str) -> None:
        self.person.choose(self.field(label), value)

    def field(self, label: str) -> Locator:
        """A field of the settings; those that are required have a star."""
        return self.page.get_by_label(re.compile(rf"^{label}( \*)?$"))

    def check(self, group: str, column: str) -> None:
        box = self.page.get_by_role("group", name=group).get_by_label(column)
        box.scroll_into_view_if_needed()
        self.person.click(box)

    def result(self, file: str) -> Any:
        """Run the workflow, and return the table that it makes; the run is not counted."""
        self.seconds = time.monotonic() - self.opened_at
        run_workflow(self.page)
        expect(self.page.locator('[data-mlws-state="COMPLETED"]').first).to_be_visible(
            timeout=RUN_LIMIT
        )
        path = self.folder / "out" / file
        name = file.split(".")[0]
        expect(node(self.page, name)).to_have_attribute(
            "data-mlws-state", "COMPLETED", timeout=RUN_LIMIT
        )
        return pd.read_csv(path) if path.suffix == ".csv" else pd.read_parquet(path)


@pytest.fixture
def tasks(page: Page, lab: Lab) -> Tasks:
    write_tables(lab.root)
    return Tasks(page, lab)


def write_tables(folder: Path) -> None:
    source = np.random.default_rng(0)
    count = 120
    people = pd.DataFrame(
        {
            "city": source.choice(["Bonn", "Ulm", "Kiel"], count),
            "age": np.where(source.random(count) < 0.1, np.nan, source.integers(18, 90, count)),
            "income": source.normal(40, 9, count).round(2),
            "paid": source.integers(0, 2, count),
        }
    )
    people.to_csv(folder / "people.csv", index=False)
    people.drop(columns=["city"]).dropna().to_csv(folder / "numbers.csv", index=False)
    cities = {"city": ["Bonn", "Ulm", "Kiel"], "people": [330, 126, 246]}
    pd.DataFrame(cities).to_csv(folder / "cities.csv", index=False)


def filter_rows(tasks: Tasks) -> None:
    tasks.begin("filter", LOAD)
    tasks.add("load", "table", "filter_rows")
    tasks.choose("Column", "age")
    tasks.choose("Condition", "Is not missing")
    assert tasks.result("filter_rows.table.parquet")["age"].notna().all()


def join(tasks: Tasks) -> None:
    tasks.begin("join", LOAD + CITIES)
    tasks.add("load", "table", "join_tables")
    tasks.connect("cities", "table", "join_tables", "right")
    assert "people" in tasks.result("join_tables.table.parquet")


def group(tasks: Tasks) -> None:
    tasks.begin("group", LOAD)
    tasks.add("load", "table", "group_rows")
    tasks.check("Group by", "city")
    table = tasks.result("group_rows.table.parquet")
    assert list(table) == ["city", "age_mean", "income_mean", "paid_mean"]


def pivot(tasks: Tasks) -> None:
    tasks.begin("pivot", LOAD)
    tasks.add("load", "table", "pivot_table")
    tasks.check("Row columns", "city")
    tasks.choose("Column with the new columns", "paid")
    tasks.choose("Column with the values", "income")
    assert list(tasks.result("pivot_table.table.parquet")) == ["city", "0", "1"]


def formula(tasks: Tasks) -> None:
    tasks.begin("formula", LOAD)
    tasks.add("load", "table", "formula")
    tasks.person.click(tasks.field("New column"))
    tasks.person.type("ratio")
    choices = tasks.page.get_by_role("group", name="Insert into the expression")
    for name in ("income", "/", "age"):
        tasks.person.click(choices.get_by_role("button", name=name, exact=True))
    table = tasks.result("formula.table.parquet")
    pd.testing.assert_series_equal(
        table["ratio"], table["income"] / table["age"], check_names=False
    )


def one_hot(tasks: Tasks) -> None:
    tasks.begin("one-hot", LOAD)
    tasks.add("load", "table", "encode_categories")
    assert "city_Bonn" in tasks.result("encode_categories.table.parquet")


def impute(tasks: Tasks) -> None:
    tasks.begin("impute", LOAD)
    tasks.add("load", "table", "impute_missing")
    assert tasks.result("impute_missing.table.parquet")["age"].notna().all()


def pca(tasks: Tasks) -> None:
    tasks.begin("PCA", READY)
    tasks.add("load", "table", "reduce_dimensions")
    assert list(tasks.result("reduce_dimensions.table.parquet")) == ["pca0", "pca1"]


def cross_validate(tasks: Tasks) -> None:
    tasks.begin("cross-validate", SPLIT + FOREST)
    tasks.add("forest", "model", "cross_validate")
    tasks.connect("split", "train", "cross_validate", "data")
    assert list(tasks.result("cross_validate.table.parquet")["model"]) == ["forest"]


def tune(tasks: Tasks) -> None:
    tasks.begin("tune", SPLIT)
    tasks.add("split", "train", "tune_model")
    tasks.choose("Target column", "paid")
    assert len(tasks.result("tune_model.table.parquet")) == 9


def compare(tasks: Tasks) -> None:
    tasks.begin("compare", SPLIT + FOREST + LINEAR)
    tasks.add("forest", "model", "compare_classifiers")
    # The other model and the test rows are connected with it.
    table = tasks.result("compare_classifiers.table.parquet")
    assert sorted(table["model"]) == ["forest", "linear"]


def export(tasks: Tasks) -> None:
    tasks.begin("export predictions", SPLIT + FOREST)
    tasks.add("forest", "model", "predict")
    tasks.connect("split", "test", "predict", "data")
    tasks.add("predict", "table", "save_table")
    assert "prediction" in tasks.result("save_table.file.csv")


TASKS: dict[str, Callable[[Tasks], None]] = {
    "filter": filter_rows, "join": join, "group": group, "pivot": pivot, "formula": formula,
    "one-hot": one_hot, "impute": impute, "PCA": pca, "cross-validate": cross_validate,
    "tune": tune, "compare": compare, "export predictions": export,
}  # fmt: skip


@pytest.mark.slow(reason="journeys in a real browser")
@pytest.mark.exhaustive
@pytest.mark.parametrize("first", [9, 6, 3, 0])
def test_tasks_by_the_mouse_alone(tasks: Tasks, first: int) -> None:
    counts = {}
    for name in list(TASKS)[first : first + 3]:
        TASKS[name](tasks)
        counts[name] = tasks.person.actions
        print(f"{name}: {counts[name]} actions, {tasks.seconds:.1f} s", flush=True)
    assert counts == {name: LIMITS[name] for name in counts}
