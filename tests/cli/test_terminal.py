"""Results on a terminal: tables that fit, times in words, and a pager for what is long."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from jupyter_mlws.cli.console import Cell, Table, shorten
from jupyter_mlws.cli.views import relative_time
from mlws.core.project import Project
from mlws.repro.live import text_width
from tests.command_line import call, in_terminal, written_to_terminal

SUBJECT = "训练：一个很长的提交说明，它在四十列的终端里放不下 and goes on in English"
COLUMNS = 60
Git = Callable[..., str]


@pytest.fixture
def commits(project: Project, git: Git) -> list[str]:
    """The short IDs of two snapshots, newest first."""
    for text in ("one", "two"):
        git(project.root, "commit", "--allow-empty", "-m", f"{SUBJECT} {text}")
    return git(project.root, "log", "-2", "--format=%h", "--abbrev=8").split()


def test_a_table_fits_a_terminal_and_ids_are_whole(project: Project, commits: list[str]) -> None:
    shown = in_terminal(project.root, COLUMNS, "log", "-n", "2")
    assert [line.split()[0] for line in shown[1:]] == commits
    assert all(text_width(line.rstrip()) <= COLUMNS for line in shown)
    assert all("…" in line and "just now" in line for line in shown[1:])
    # Cut in the middle: the ends of the two differ.
    assert "two" in shown[1].partition("…")[2]


def test_wide_and_other_outputs_cut_nothing_and_have_exact_times(
    project: Project, commits: list[str]
) -> None:
    wide = [line.rstrip() for line in in_terminal(project.root, COLUMNS, "log", "-n2", "--wide")]
    piped = call(project.root, "log", "-n2").stdout.splitlines()
    assert wide == piped
    assert f"{SUBJECT} two" in piped[1]
    assert datetime.now().astimezone().strftime("%Y-%m-%d ") in piped[1]


def test_columns_that_are_not_ids_are_cut_the_widest_first() -> None:
    row = [Cell("0123456789abcdef0123"), Cell("words " * 10), Cell("short")]
    table = Table(["ID", "Text", "More"], [row], whole=frozenset({0})).fit(50)
    (cells,) = table.rows
    assert (cells[0], cells[2]) == (row[0], row[2])
    assert "…" in cells[1].text
    assert sum(table.widths) - 2 <= 50
    assert shorten("one\ntwo and more", 6) == "one\ntwo…re"


def test_a_narrow_terminal_keeps_a_part_of_each_text() -> None:
    row = [Cell("0123456789abcdef0123"), Cell("words " * 10)]
    (cells,) = Table(["ID", "Text"], [row], whole=frozenset({0})).fit(10).rows
    assert cells[0] == row[0]
    assert len(cells[1].text) == 8


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (5, "just now"),
        (200, "3 min ago"),
        (-60, None),
        (40 * 86400, None),
        (5 * 86400, "5 days ago"),
    ],
)
def test_times_are_relative_for_some_weeks(seconds: float, text: str | None) -> None:
    moment = time.time() - seconds
    date = datetime.fromtimestamp(moment, UTC).astimezone().strftime("%Y-%m-%d")
    assert relative_time(moment).en == (text or date)
    assert relative_time(datetime.fromtimestamp(moment, UTC).isoformat()).en == (text or date)


def test_hours_become_days() -> None:
    hours = relative_time(time.time() - 3 * 3600).en
    assert hours == "3 h ago"
    assert relative_time(time.time() - 30 * 3600).en in ("yesterday", "2 days ago")
    assert relative_time(None).en == "–"


def test_a_long_list_goes_through_the_pager(project: Project, git: Git) -> None:
    for number in range(25):
        git(project.root, "commit", "--allow-empty", "-m", f"number {number}")
    words = ("log", "-n", "25")
    paged = {"MLWS_PAGER": "sed 's/^/paged /'", "PAGER": "false"}

    def shown(*line: str, **variables: str) -> str:
        return written_to_terminal(project.root, 80, *line, variables=paged | variables)

    assert shown(*words).count("paged ") == 26
    assert "paged" not in shown("--no-pager", *words)
    assert "number 24" in shown("--no-pager", *words)
    assert "paged" not in shown("log", "-n", "3")
    for pager in ("", "cat", "no-such-pager --option"):
        assert "number 24" in shown(*words, MLWS_PAGER=pager)
    piped = call(project.root, *words).stdout
    assert "paged" not in piped
    assert "number 24" in piped
