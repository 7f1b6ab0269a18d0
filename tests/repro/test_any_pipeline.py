"""Pipelines of all forms, edits, failures, interrupts: both programs leave the same."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.repro.test_repro import Pair, template
from tests.series import length
from tests.workflows.test_same_as_dvc import FILES, pipelines

__all__ = ["template"]

OPTIONS = (
    (),
    ("-k",),
    ("--ignore-errors",),
    ("--force-downstream",),
    ("-P",),
    ("--allow-missing",),
)
LOCK = "./dvc.lock"


@pytest.mark.timeout(7200)
@pytest.mark.slow(reason="both programs run five times for each pipeline")
@settings(
    max_examples=length(1, 20, "MLWS_GRAPHS"),
    deadline=None,
    derandomize="MLWS_GRAPHS" not in os.environ,
    suppress_health_check=list(HealthCheck),
)
@given(pipeline=pipelines(), choices=st.data())
def test_both_programs_leave_the_same(
    template: Path, tmp_path: Path, pipeline: dict[str, Any], choices: st.DataObject
) -> None:
    shutil.rmtree(tmp_path / "pair", ignore_errors=True)
    shutil.copytree(template, tmp_path / "pair", symlinks=True)
    pair = Pair(tmp_path / "pair" / "theirs", tmp_path / "pair" / "ours")
    for path, text in {**FILES, "made/.keep": ""}.items():
        pair.change(path, text)

    def repro(*options: str, interrupt_at: Path | None = None) -> None:
        pair.change("dvc.yaml", yaml.safe_dump(pipeline, sort_keys=False, allow_unicode=True))
        # Several stages that are interrupted together have no order to compare.
        jobs = 1 if interrupt_at else choices.draw(st.sampled_from([1, 1, 3]))
        theirs, _ = pair.repro(*options, jobs=jobs, interrupt_at=interrupt_at)
        differing = set(pair.differences())
        if theirs.code:
            # DVC takes the lines of stored outputs out; with several jobs more comes to its end.
            differing = {path for path in differing if not path.endswith(".gitignore")}
            if jobs > 1 and "-k" not in options:
                return
        assert differing == set()
        mine, yours = pair.status()
        assert mine == yours

    repro()
    pair.change("data.txt", "2\n")
    repro(*choices.draw(st.sampled_from(OPTIONS)))
    name = choices.draw(st.sampled_from(sorted(pipeline["stages"])))
    stage = pipeline["stages"][name]
    target = stage.get("do", stage)
    before = target["cmd"]
    commands = before if isinstance(before, list) else [before]
    if choices.draw(st.booleans()):
        target["cmd"] = [*commands, "exit 3"]
        repro(*choices.draw(st.sampled_from(OPTIONS)))
    else:
        started = tmp_path / "started"
        target["cmd"] = [*commands, f"touch {started}; sleep 100"]
        repro(interrupt_at=started)
    target["cmd"] = before
    repro()
    pair.change("data.txt", "1\n")
    repro(*choices.draw(st.sampled_from(OPTIONS)))
