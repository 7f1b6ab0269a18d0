"""Samples of what nodes use: bounded in number, of all processes of a node, in MLflow once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.mlflow.runs import MLflowRuns
from mlws.engine import usage
from mlws.engine.usage import UsageMonitor, read_samples, usage_path

DAY = 86_400


def test_a_days_samples_stay_below_a_thousand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"cpu_time": 1.0, "system_memory_usage_megabytes": 5.0}
    monkeypatch.setattr(usage, "measure", lambda sessions: dict.fromkeys(sessions, values))
    published: list[str] = []
    monitor = UsageMonitor(tmp_path, published.append)
    monitor.add(1, "a/b", {})
    start = time.monotonic()
    while (now := monitor.next_moment()) < start + DAY:
        monitor.poll(now)
    samples = list(read_samples(usage_path(tmp_path, "a/b")))
    assert [sample["step"] for sample in samples] == list(range(len(samples)))
    assert 800 < len(samples) < 1000
    # Hardly anything is sent twice.
    assert 500 < len(published) < len(samples)
    monitor.remove(1)
    assert monitor.next_moment() == float("inf")


def test_all_processes_of_a_node_are_measured_together(tmp_path: Path) -> None:
    code = (
        "import subprocess, sys, time\n"
        "block = bytearray(60_000_000)\n"
        "if len(sys.argv) == 1: subprocess.Popen([sys.executable, __file__, 'child'])\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    script = tmp_path / "node.py"
    script.write_text(code)
    process = subprocess.Popen(
        [sys.executable, script], start_new_session=True, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        assert [process.stdout.readline() for _ in range(2)] == [b"ready\n"] * 2
        (values,) = usage.measure({process.pid: usage.Session("node", None, 0.0, 0.0)}).values()
        assert values["system_memory_usage_megabytes"] > 120
        assert values["cpu_time"] > 0
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def test_samples_are_added_once_and_never_to_those_of_mlflows_own_logger(tmp_path: Path) -> None:
    store = MLflowRuns(f"sqlite:///{tmp_path}/mlflow.db")
    name = "system/cpu_utilization_percentage"

    def record(run: str, count: int) -> Any:
        node: dict[str, Any] = {"node": "", "name": run, "tags": {}, "start": 1.0, "end": None}
        node["samples"] = [
            {"step": step, "time": 100.0 + step, "values": {name: float(step)}}
            for step in range(count)
        ]
        return store.record("e", run, [node])["runs"][""]

    first = record("one", 3)
    record("one", 2500)
    assert [one.step for one in store._client.get_metric_history(first, name)] == [*range(2500)]
    other = store.record(
        "e", "two", [{"node": "", "name": "", "tags": {}, "start": 1, "end": None}]
    )
    store._client.log_metric(other["runs"][""], name, 7.0, step=0)
    record("two", 5)
    assert len(store._client.get_metric_history(other["runs"][""], name)) == 1
