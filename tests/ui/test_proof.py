"""Snapshots in the lab: an old one restored and left again, one that is not whole mended."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Page, expect

from tests.ui.conftest import Lab
from tests.ui.sections import open_sidebar

pytestmark = pytest.mark.browser

WORKFLOW = "workflows/wine/dvc.yaml"
MODEL = "workflows/wine/out/forest.model.skops"


@pytest.fixture
def lab(shared_example: Lab) -> Lab:
    return shared_example


def committed(lab: Lab, revision: str, path: str) -> bytes:
    return subprocess.run(
        ["git", "show", f"{revision}:{path}"], cwd=lab.root, capture_output=True, check=True
    ).stdout


def cached(lab: Lab, revision: str, path: str) -> Path:
    """Where the cache has what a version names."""
    lock = yaml.safe_load(committed(lab, revision, "workflows/wine/dvc.lock"))
    outs = [out for stage in lock["stages"].values() for out in stage["outs"]]
    (md5,) = (out["md5"] for out in outs if out["path"] == path)
    return lab.root / ".dvc/cache/files/md5" / md5[:2] / md5[2:]


@pytest.mark.slow(reason="a journey in a real browser")
def test_an_old_snapshot_is_restored_and_the_person_comes_back(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    text = (lab.root / WORKFLOW).read_text()
    (lab.root / WORKFLOW).write_text(text.replace("max_depth: 3", "max_depth: 4"))
    before = {path: (lab.root / path).read_bytes() for path in (WORKFLOW, MODEL)}
    old = lab.fetch("snapshots")["items"][-1]["id"]
    open_sidebar(page, lab)
    snapshot = page.locator(f'[data-mlws-snapshot="{old}"]')
    snapshot.hover()
    snapshot.locator(".jp-mlws-RestoreButton").click()
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text(WORKFLOW)
    dialog.locator(".jp-mod-accept").click()
    toasts = page.locator(".Toastify")
    expect(toasts).to_contain_text("Restored")
    expect(toasts).to_contain_text("Your previous work was kept as")
    shoot("restored")
    assert (lab.root / WORKFLOW).read_bytes() == committed(lab, old, WORKFLOW)
    assert (lab.root / MODEL).read_bytes() == cached(lab, old, MODEL).read_bytes()
    assert (lab.root / WORKFLOW).read_bytes() != before[WORKFLOW]

    # Back to where the person came from, uncommitted work included.
    toasts.get_by_role("button", name="Undo").click()
    expect(dialog).to_contain_text("previous work")
    dialog.locator(".jp-mod-accept").click()
    expect(toasts).to_contain_text("Restored “previous work”")
    assert {path: (lab.root / path).read_bytes() for path in before} == before


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a journey in a real browser")
def test_what_of_a_snapshot_is_missing_is_named_and_mended(
    page: Page, lab: Lab, shoot: Callable[[str], None]
) -> None:
    newest = lab.fetch("snapshots")["items"][0]["id"]
    lost = cached(lab, newest, MODEL)
    content = lost.read_bytes()
    (lab.root / MODEL).unlink()
    (lab.root / MODEL).write_bytes(content)
    lost.chmod(0o644)
    lost.write_bytes(b"damaged")
    open_sidebar(page, lab)
    snapshot = page.locator(f'[data-mlws-snapshot="{newest}"]')
    snapshot.locator("[data-mlws-row]").click()
    snapshot.get_by_role("button", name="Verify").click()
    proof = page.locator(".jp-mlws-ProofView")
    problem = proof.locator("[data-mlws-problem]")
    expect(problem).to_have_count(1)
    expect(problem).to_contain_text(MODEL)
    expect(problem).to_contain_text("damaged")
    expect(problem).to_contain_text("the cache")
    expect(proof.locator('[data-mlws-proof="no"]')).to_have_text("data ✗")
    shoot("proof-damaged")
    page.locator(".jp-mlws-RepairButton").click()
    expect(proof.locator(".jp-mlws-Repaired")).to_contain_text(
        f"{MODEL}: repaired in the cache from the working tree"
    )
    expect(proof.locator('[data-mlws-whole="true"]')).to_be_visible()
    expect(proof.locator('[data-mlws-proof="no"]')).to_have_count(0)
    shoot("proof-mended")
    assert lost.read_bytes() == content
