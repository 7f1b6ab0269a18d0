"""One second try for tests of browsers, kernels and containers, a plugin of pytest.

Chromium, kernels and Docker fail by chance on a busy machine. Their tests are tried again by
pytest-rerunfailures, with new fixtures; all other tests have one try. The run ends with the list of
the tests that needed the second one; what the first printed is in ``test-results/first-try/``.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Generator
from pathlib import Path

import pytest
from _pytest.terminal import TerminalReporter

MARKERS = {"browser", "docker", "kernel"}

FAILED = pytest.StashKey[bool]()
"""True if a phase of the present try of an item has failed."""


def _kept(config: pytest.Config) -> Path:
    """The folder for what is kept of first tries."""
    folder = config.rootpath / "test-results" / "first-try"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _has_second_try(item: pytest.Item) -> bool:
    return any(marker.name in MARKERS for marker in item.iter_markers())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in filter(_has_second_try, items):
        item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = report.failed or (report.when != "setup" and item.stash[FAILED])
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None]:
    """End all fixtures after a failure, those of the module and the session too.

    Neither the second try nor the tests after it get a lab, page, Hub or kernel in which something
    has failed. pytest's own teardown, which comes next, has nothing left to do.
    """
    if item.stash[FAILED] and _has_second_try(item):
        item.session._setupstate.teardown_exact(None)
        # Of the first try; the second one would write over it.
        kept = _kept(item.config)
        picture = kept.parent / f"{item.name}.png"
        if picture.exists():
            shutil.move(picture, kept / picture.name)
    try:
        yield
    except BaseException:
        # A fixture failed to end: the second try gets none of the others either.
        if _has_second_try(item):
            item.session._setupstate.teardown_exact(None)
        raise


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    first_tries = terminalreporter.stats.get("rerun", [])
    if not first_tries:
        return
    terminalreporter.section("tests that needed a second try")
    kept = _kept(terminalreporter.config)
    passed = {report.nodeid for report in terminalreporter.stats.get("passed", [])}
    for report in first_tries:
        log = kept / (re.sub(r"[^\w.-]+", "-", report.nodeid) + ".log")
        sections = [report.longreprtext, *(f"{name}\n{text}" for name, text in report.sections)]
        log.write_text("\n\n".join(sections), encoding="utf-8")
        outcome = "passed" if report.nodeid in passed else "failed again"
        error = getattr(getattr(report.longrepr, "reprcrash", None), "message", "").partition("\n")[
            0
        ]
        terminalreporter.line(f"{report.nodeid} {outcome}; the first try: {log}")
        terminalreporter.line(f"    {error[:300]}")
