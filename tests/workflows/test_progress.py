"""Progress of a node: printed by `jupyter_mlws.progress` or tqdm, and sent as events."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlws import progress
from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.engine.progress import newest_progress

PATH = "dvc.yaml"
PATIENCE = 60.0
"""Seconds."""
REPORTS = """\
import pathlib, time
from jupyter_mlws import progress

progress(1, 4)
for share in (2, 3):
    # Not before the run has told the last.
    while not pathlib.Path(f"go{share}").exists():
        time.sleep(0.05)
    progress(share, 4)
while not pathlib.Path("go4").exists():
    time.sleep(0.05)
"""


@pytest.mark.parametrize(
    ("log", "share"),
    [
        (b"", None),
        (b"accuracy 12%\n", None),
        (b"\r  3%|\xe2\x96\x88   | 3/100\r 42%|\xe2\x96\x88\xe2\x96\x88  | 42/100", 0.42),
        (b"loss: 0.5 100%|\xe2\x96\x88| 10/10\n", 1.0),
        (b"999%|", 1.0),
        (b"1.50%|", None),
    ],
)
def test_reads_what_tqdm_prints(log: bytes, share: float | None) -> None:
    assert newest_progress(log) == share


def test_what_is_said_is_what_is_read(capsys: pytest.CaptureFixture[str]) -> None:
    for done, total, share in ((3, 10, 0.3), (0, 1, 0.0), (7, 5, 1.0), (-1, 5, 0.0)):
        progress(done, total)
        assert newest_progress(capsys.readouterr().err.encode()) == share


def test_no_total_is_no_progress() -> None:
    with pytest.raises(ValueError, match="total"):
        progress(1, 0)


def told(workflows: WorkflowManager, run: str) -> Iterator[float]:
    """The shares that events of a run tell, one after the other."""
    for event in workflows.runs.journal.events_after(0, limit=1000):
        if event["run"] == run and event["node"] == "slow" and event["data"]["progress"]:
            yield event["data"]["progress"]


def until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < limit, "nothing came"
        time.sleep(0.05)


def test_a_running_node_tells_how_far_it_is(
    workflows: WorkflowManager, write: Callable[..., Path]
) -> None:
    write("slow.py", REPORTS)
    command = json.dumps(f"{sys.executable} slow.py")
    write(PATH, f"stages:\n  slow:\n    cmd: {command}\n    deps: [slow.py]\n")
    run = workflows.runs.execute(PATH, RunRequest())["id"]
    for share in (1, 2, 3):
        until(lambda share=share: share / 4 in told(workflows, run))
        (node,) = Run(**workflows.runs.status(PATH)).nodes
        assert (node.status.value, node.progress) == ("RUNNING", share / 4)
        write(f"go{share + 1}", "")
    ended = Run(**workflows.runs.wait(PATH, run, PATIENCE, recorded=False))
    assert ended.status == "COMPLETED"
    assert ended.nodes[0].progress is None
    assert list(told(workflows, run)) == [0.25, 0.5, 0.75]
    starts = {
        event["data"]["started"]
        for event in workflows.runs.journal.events_after(0, limit=1000)
        if event["node"] == "slow" and event["status"] == "RUNNING"
    }
    assert len(starts) == 1
