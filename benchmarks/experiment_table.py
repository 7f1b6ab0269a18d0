"""What a page of the experiment table costs: ``python benchmarks/experiment_table.py [RUNS]``.

Makes runs with ten parameters and five metrics each, asks for 50 of them as our endpoint does, and
for 100 by MLflow's own search, as its page asks it; prints the medians.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from jupyter_mlws.mlflow.search import MLflowSearch
from jupyter_mlws.mlflow.store import tracking_uri
from jupyter_mlws.projects.setup import initialize
from jupyter_mlws.versioning.experiments.models import RunsQuery
from jupyter_mlws.workspace import Workspace

TIMES = 20
QUERIES = {
    "the newest": {},
    "by a metric": {"sort": "metrics.m1 DESC"},
    "by a parameter": {"sort": "params.p1 DESC"},
    "filtered, by a metric": {
        "filter": "metrics.m1 > 0.5 AND params.p1 LIKE '0.1%'",
        "sort": "metrics.m1 DESC",
    },
    "the 90th page by a metric": {"sort": "metrics.m1 DESC", "cursor": "4450"},
}


def main(runs: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        initialize(root)
        store = MLflowSearch(tracking_uri(root))
        fill(store, runs)
        workspace = Workspace.open(root)
        begun = time.perf_counter()
        workspace.experiments.search()
        print(f"{runs} runs; the very first page, MLflow's process started for it: ", end="")
        print(f"{time.perf_counter() - begun:.2f} s")
        print(f"{'ms, median (slowest)':30} {'ours, 50':>16} {'MLflow, 100':>16}")
        client = store._client
        experiments = [one.experiment_id for one in client.search_experiments()]
        for name, asked in QUERIES.items():
            query = RunsQuery.model_validate(asked)
            ours = measure(lambda query=query: workspace.experiments.search(query))
            shown = ""
            if "cursor" not in asked:
                order = [asked["sort"]] if "sort" in asked else ["attributes.start_time DESC"]
                theirs = measure(
                    lambda asked=asked, order=order: client.search_runs(
                        experiments, asked.get("filter", ""), max_results=100, order_by=order
                    )
                )
                shown = told(theirs)
            print(f"{name:30} {told(ours):>16} {shown:>16}")
        workspace.close()


def fill(store: MLflowSearch, runs: int) -> None:
    chance = random.Random(0)
    for number in range(runs):
        store.log_run(
            "e",
            params={f"p{place}": chance.random() for place in range(10)},
            metrics={f"m{place}": chance.random() for place in range(5)},
            tags={"mlflow.source.git.commit": "a" * 40},
            start=1.7e9 + number,
            end=1.7e9 + number + 1,
            status="COMPLETED",
            name=f"run {number}",
        )


def measure(work: Callable[[], object]) -> list[float]:
    work()
    times = []
    for _ in range(TIMES):
        begun = time.perf_counter()
        work()
        times.append((time.perf_counter() - begun) * 1000)
    return times


def told(times: list[float]) -> str:
    return f"{statistics.median(times):.0f} ({max(times):.0f})"


if __name__ == "__main__":
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5000)
