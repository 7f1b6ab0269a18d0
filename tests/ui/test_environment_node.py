"""A node gets an environment on the canvas; its result is committed and repeated in a clone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.environments.conftest import BIN, Person, build_wheel
from tests.ui.canvas import faults_of_access, newest_run, node, run_workflow, save
from tests.ui.conftest import Lab, prefer
from tests.ui.test_looks import THEMES
from tests.ui.test_own_table import RUN_LIMIT

pytestmark = pytest.mark.browser

FLOW = """\
stages:
  tell:
    # What it prints is the result.
    cmd: python tell.py
    deps: [tell.py]
    metrics: [told.json]
"""
CODE = """\
import json

import alpha

with open("told.json", "w") as file:
    json.dump({"version": float(alpha.VERSION)}, file)
"""


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
@pytest.mark.parametrize(("theme", "locale"), [("light", "en"), ("dark", "zh_CN")])
def test_from_the_list_of_environments_to_the_same_result_in_a_clone(
    page: Page,
    start_lab: Callable[..., Lab],
    example: Path,
    tmp_path: Path,
    shoot: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    theme: str,
    locale: str,
) -> None:
    def picture(name: str) -> None:
        shoot(f"environment-node-{name}-{theme}-{locale}")

    for version in ("1.0", "2.0"):
        build_wheel(tmp_path / "index", "alpha", version)
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "index"))
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("PATH", f"{BIN}:{os.environ['PATH']}")
    prefer(tmp_path, THEMES[theme], locale)
    (example / "dvc.yaml").write_text(FLOW)
    (example / "tell.py").write_text(CODE)
    lab = start_lab(example)
    person = Person(example, dict(os.environ))
    page.set_viewport_size({"width": 1280, "height": 720})
    lab.show(page, "dvc.yaml")
    node(page, "tell").click()
    # The list appears with the first environment.
    person("jupyter mlws trust && jupyter mlws env create tools alpha==1.0")
    environments = page.locator(".jp-mlws-EnvironmentField select")
    environments.select_option("tools")
    picture("chosen")
    assert faults_of_access(page, ".jp-mlws-Settings") == []
    save(page)
    assert (example / "dvc.yaml").read_text() == FLOW.replace(
        "cmd: python", "cmd: uv run --frozen --project envs/tools python"
    ).replace("[tell.py]", "[tell.py, envs/tools/uv.lock]")
    run_workflow(page)
    expect(newest_run(page)).to_have_attribute("data-mlws-state", "COMPLETED", timeout=RUN_LIMIT)
    assert (example / "told.json").read_text() == '{"version": 1.0}'
    picture("run")

    page.evaluate("() => jupyterapp.commands.execute('mlws:open-source-control').then(() => null)")
    page.locator(".jp-mlws-CommitBox").fill("Told")
    page.locator(".jp-mlws-CommitButton").click()
    expect(page.locator(".jp-mlws-Change")).to_have_count(0, timeout=RUN_LIMIT)
    picture("committed")
    person(
        "git tag told && jupyter mlws env add --name tools alpha==2.0 && jupyter mlws run dvc.yaml"
    )
    assert (example / "told.json").read_text() == '{"version": 2.0}'
    picture("another-version")

    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", example, clone], check=True)
    there = Person(clone, person.variables)
    there("jupyter mlws trust && jupyter mlws reproduce told --path first")
    Person(clone / "first", person.variables)("jupyter mlws run dvc.yaml --force")
    assert (clone / "first/told.json").read_text() == '{"version": 1.0}'

    # Without an environment the command is as it was.
    node(page, "tell").click()
    environments.select_option("")
    save(page)
    assert (example / "dvc.yaml").read_text() == FLOW
