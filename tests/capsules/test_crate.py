"""Capsules in other tools for RO-Crates: the validator of their profiles, and runcrate."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import rocrate

from tests.capsules.conftest import create
from tests.environments.conftest import UV

pytestmark = [pytest.mark.exhaustive, pytest.mark.slow("installs the tools")]
TOOLS = ("roc-validator==0.13.0", "runcrate==0.6.2")
VALIDATOR = Path(__file__).with_name("validator.py")
CONTEXT = Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld"
PROFILE = "provenance-run-crate"
UNKNOWN_FACTS = {
    # Steps are described where they are, not at an address of their own.
    "process-run-crate-0.5_5.1",
    # jupyter-mlws has no address.
    "process-run-crate-0.5_3.2",
    # Neither git nor DVC knows publishers and affiliations.
    "ro-crate-1.1_22.3",
    "ro-crate-1.1_30.2",
    "ro-crate-1.1_30.3",
    # A directory that is left out has no files.
    "process-run-crate-0.5_12.2",
    "process-run-crate-0.5_12.3",
}
"""Recommendations that a capsule cannot follow."""


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs, in an environment of their own."""
    prefix = tmp_path_factory.mktemp("tools") / "venv"
    subprocess.run([UV, "venv", "-q", "-p", sys.executable, str(prefix)], check=True)
    command = [UV, "pip", "install", "-q", "-p", str(prefix), *TOOLS]
    if subprocess.run(command, check=False).returncode != 0:
        pytest.skip("the tools cannot be installed here")
    return prefix / "bin"


@pytest.fixture(params=["default", "all"])
def crate(request: pytest.FixtureRequest, ran, tmp_path: Path) -> Path:
    """An unpacked capsule."""
    create(ran.root, tmp_path / "x.zip", *(["all"] if request.param == "all" else []))
    with zipfile.ZipFile(tmp_path / "x.zip") as file:
        file.extractall(tmp_path / "crate")
    return tmp_path / "crate"


def validate(tools: Path, crate: Path, severity: str) -> set[str]:
    """Return the checks that a crate fails."""
    report = crate.parent / "report.json"
    subprocess.run(
        [
            str(tools / "python"), str(VALIDATOR), str(CONTEXT), "-y", "validate", "--no-cache",
            *("-p", PROFILE, "-l", severity, "-f", "json", "-o", str(report), "--no-paging"),
            str(crate),
        ],
        check=False,
        capture_output=True,
    )  # fmt: skip
    document = json.loads(report.read_text())
    return {issue["check"]["identifier"] for issue in document["issues"]}


def test_capsules_are_provenance_run_crates(tools: Path, crate: Path) -> None:
    assert validate(tools, crate, "REQUIRED") == set()


def test_capsules_follow_the_recommendations_whose_facts_are_known(
    tools: Path, crate: Path
) -> None:
    assert validate(tools, crate, "RECOMMENDED") <= UNKNOWN_FACTS


def test_runcrate_reads_each_action(tools: Path, crate: Path) -> None:
    report = subprocess.run(
        [str(tools / "runcrate"), "report", str(crate)], check=True, capture_output=True, text=True
    ).stdout
    assert report.count("action: #run/") == 3
    assert "instrument: project/dvc.yaml" in report
