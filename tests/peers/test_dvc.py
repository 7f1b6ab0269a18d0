"""DVC's own tests of `repro`, the run cache, lock files and status, with our command in its place.

They come from the source distribution of the installed release, and are not part of this
repository. `make soak` runs all of them, one stage at a time and several; `make test` a part.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

import pytest

HERE = Path(__file__).parent
FILES = (
    "tests/func/repro/test_repro.py",
    "tests/func/repro/test_repro_allow_missing.py",
    "tests/func/repro/test_repro_pull.py",
    "tests/func/test_run_cache.py",
    "tests/func/test_lockfile.py",
    "tests/func/test_status.py",
)
SHORT = "frozen or downstream or keep_going or allow_missing or single_item or dry"
WATCHES = "watches functions of DVC that ours does not call"
EXPLAINED = {
    "test_force_import": WATCHES,
    "test_newest_entry_is_loaded_for_non_deterministic_stage": WATCHES,
    "test_restore_pull": WATCHES,
}
"""The tests that do not pass, and why."""


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked source distribution, with the plugins of pytest that its tests want."""
    folder = tmp_path_factory.mktemp("dvc")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    release = version("dvc")
    for command in (
        ["download", "--no-deps", "--no-binary", "dvc", f"dvc=={release}"],
        ["install", "--no-deps", "--target", "plugins", "pytest-mock", "pytest-docker<4"],
    ):
        subprocess.run([*pip, *command], cwd=folder, check=True)
    with tarfile.open(folder / f"dvc-{release}.tar.gz") as archive:
        archive.extractall(folder, filter="data")
    (folder / "plugins").rename(folder / f"dvc-{release}" / "plugins")
    return folder / f"dvc-{release}"


@pytest.mark.slow(reason="DVC's tests run a process for each command")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("jobs", "selection"),
    [
        (2, SHORT),
        pytest.param(1, "", marks=pytest.mark.exhaustive),
        pytest.param(4, "", marks=pytest.mark.exhaustive),
    ],
)
def test_what_dvc_expects(jobs: int, selection: str, sources: Path, tmp_path: Path) -> None:
    failed = run(sources, jobs, tmp_path, selection)
    assert {name: EXPLAINED.get(name, why) for name, why in failed.items()} == {
        name: EXPLAINED[name] for name in failed if name in EXPLAINED
    }


def run(sources: Path, jobs: int, folder: Path, selection: str = "") -> dict[str, str]:
    """Run the tests; return what failed and why. The table is printed."""
    report = folder / "report.xml"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "PYTHONPATH": f"{sources / 'plugins'}{os.pathsep}{HERE}",
        "MLWS_JOBS": str(jobs),
        "LC_ALL": "C.UTF-8",
    }
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-c", os.devnull, "--rootdir", str(sources)),
            *("-p", "repro_by_ours", "-p", "no:hydra_pytest", "-p", "no:cacheprovider"),
            *("-n", "2", f"--junitxml={report}", f"--basetemp={folder / 'work'}"),
            *(["-k", selection] if selection else []),
            *FILES,
        ],
        cwd=sources,
        env=environment,
        check=False,
    )
    failed, lines, total = {}, [], 0
    for suite in FILES:
        name = suite.removesuffix(".py").replace("/", ".")
        cases = [
            case
            for case in ElementTree.parse(report).iter("testcase")
            if str(case.get("classname")).startswith(name)
            and str(case.get("classname"))[len(name) :][:1] in ("", ".")
        ]
        total += len(cases)
        wrong = [
            case
            for case in cases
            if case.find("failure") is not None or case.find("error") is not None
        ]
        for case in wrong:
            outcome = case.find("failure")
            failed[str(case.get("name"))] = str(
                (outcome if outcome is not None else case[0]).get("message")
            )
        lines.append(f"{Path(suite).name:32} {len(cases) - len(wrong):4} of {len(cases):4} passed")
    assert total >= (20 if selection else 100)
    sys.stdout.write(f"With -j{jobs}:\n" + "\n".join(lines) + "\n")
    return failed
