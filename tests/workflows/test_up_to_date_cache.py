"""A run without news does not look at stages; whatever is news is seen all the same."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.core.project import Project
from mlws.dvc.native import up_to_date_cache
from tests.workflows.conftest import LIMIT, PATH

TEXT = """\
stages:
  first:
    cmd: cat in.txt > first.txt; echo first >> log.txt
    deps: [in.txt]
    params: [word]
    outs: [first.txt]
  second:
    cmd: cat first.txt > second.txt; echo second >> log.txt; echo 1 > score.json
    deps: [first.txt]
    outs: [second.txt]
    metrics:
    - score.json:
        cache: false
"""


@pytest.fixture
def settle(
    write, run: Callable[..., Run], project: Project
) -> Callable[[], up_to_date_cache.UpToDateEntry]:
    """Run to the end, until the next run has no need to look at stages."""
    write("in.txt", "one\n")
    write("params.yaml", "word: a\n")
    write(PATH, TEXT)

    def call() -> up_to_date_cache.UpToDateEntry:
        run()
        text = (project.root / PATH).read_text()
        deadline = time.monotonic() + LIMIT
        while time.monotonic() < deadline:
            known = up_to_date_cache.find(project.state, PATH, text)
            if known is not None and known.holds(project.root, PATH):
                return known
            time.sleep(0.02)
        raise AssertionError("the run left nothing that the next one could use")

    return call


def test_a_second_run_tells_the_same_without_looking(
    settle, run: Callable[..., Run], states, workflows: WorkflowManager
) -> None:
    known = settle()
    assert known.order == ["first", "second"]
    assert known.sound

    again = run()

    assert states(again) == {"first": "CACHED", "second": "CACHED"}
    assert again.results == known.outputs
    assert [[*map(str, node.reasons)] for node in again.nodes] == [["up to date"]] * 2
    rows, _ = workflows.runs.page(None)
    assert rows[0]["id"] == again.id
    assert rows[0]["metrics"] == rows[1]["metrics"] == {"second": 1}
    events = [e for e in workflows.runs.journal.events_after(0, 500) if e["run"] == again.id]
    assert [e["status"] for e in events if e["type"] == "node"] == ["CACHED", "CACHED"]


@pytest.mark.parametrize(
    ("news", "expected"),
    [
        ("input", {"first": "COMPLETED", "second": "COMPLETED"}),
        ("parameter", {"first": "COMPLETED", "second": "CACHED"}),
        ("output", {"first": "CACHED", "second": "CACHED"}),
        ("lock", {"first": "CACHED", "second": "CACHED"}),
        ("command", {"first": "CACHED", "second": "COMPLETED"}),
        # Both made the same bytes, which the cache has once.
        ("data", {"first": "COMPLETED", "second": "CACHED"}),
    ],
)
def test_news_are_seen(
    news: str, expected: dict[str, str], settle, run: Callable[..., Run], states, project: Project
) -> None:
    known = settle()
    root: Path = project.root
    if news == "input":
        # As long as before, and at a time that only the clock tells apart.
        (root / "in.txt").write_text("two\n")
    elif news == "parameter":
        (root / "params.yaml").write_text("word: b\n")
    elif news == "output":
        (root / "second.txt").unlink()
    elif news == "lock":
        (root / "dvc.lock").unlink()
    elif news == "command":
        text = (root / PATH).read_text()
        (root / PATH).write_text(text.replace("echo second", "echo other"))
    else:
        for md5 in known.objects:
            (root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]).unlink()

    told = run()

    assert told.status == "COMPLETED"
    assert states(told) == expected
    assert (root / "second.txt").read_text() == (root / "in.txt").read_text()


def test_a_value_that_a_template_takes_from_elsewhere_is_news(
    write, run: Callable[..., Run], states, project: Project
) -> None:
    write("params.yaml", "word: a\n")
    write(PATH, "stages:\n  says:\n    cmd: echo ${word} > said.txt\n    outs: [said.txt]\n")
    assert states(run()) == {"says": "COMPLETED"}
    assert states(run()) == {"says": "CACHED"}
    write("params.yaml", "word: b\n")
    assert states(run()) == {"says": "COMPLETED"}
    assert (project.root / "said.txt").read_text() == "b\n"


def test_an_input_that_is_gone_is_refused(
    settle, workflows: WorkflowManager, run: Callable[..., Run], project: Project
) -> None:
    from mlws.core.errors import MLWSError

    settle()
    (project.root / "in.txt").unlink()
    with pytest.raises(MLWSError) as refused:
        run()
    assert refused.value.code in ("40201", "40202")


def test_nodes_that_are_asked_for_run(
    settle, run: Callable[..., Run], states, project: Project
) -> None:
    settle()
    assert states(run(force=True)) == {"first": "COMPLETED", "second": "COMPLETED"}
    settle()
    assert states(run(again=["first"])) == {"first": "COMPLETED", "second": "CACHED"}
