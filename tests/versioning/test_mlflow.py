"""MLflow: what is written is there, first opens don't race, the helper ends with its owner."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.mlflow import client as client_module
from jupyter_mlws.mlflow.client import TrackingClient
from jupyter_mlws.mlflow.search import MLflowSearch
from jupyter_mlws.mlflow.store import tracking_uri
from mlws.core.errors import MLWSError
from tests import python

LOG = """
import pathlib, sys
from jupyter_mlws.mlflow.store import MLflowStore, tracking_uri
store = MLflowStore(tracking_uri(pathlib.Path(sys.argv[1])))
store.log_run("Wine", {"a": 1}, {"acc": 0.9}, {}, 1, 2, "COMPLETED")
"""


@pytest.fixture
def mlflow_processes() -> None:
    """Start the processes here as a server does."""


def test_a_run_is_logged_tagged_and_finished(tmp_path: Path) -> None:
    client = TrackingClient(tracking_uri(tmp_path), tmp_path)
    params = {f"node.p{n}": n for n in range(150)} | {"森林.深度": "x" * 7000}
    metrics = {"accuracy": 0.75, "recall %": float("nan")}
    try:
        good = client.ask(
            "log_run", experiment="训练/一", params=params, metrics=metrics, tags={"k": "v"},
            start=100.0, end=130.5, status="COMPLETED", name="first",
        )  # fmt: skip
        bad = client.ask(
            "log_run", experiment="训练/一", params={}, metrics={}, tags={},
            start=100.0, end=101.0, status="CANCELLED",
        )  # fmt: skip
        assert client.finished([good, "0" * 32, bad]) == [good, bad]
        client.tag_runs([good], {"mlws.commit": "abc"})
    finally:
        client.close()
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        times = database.execute("SELECT status, start_time, end_time FROM runs ORDER BY status")
        assert times.fetchall() == [("FINISHED", 100000, 130500), ("KILLED", 100000, 101000)]
        assert database.execute("SELECT count(*) FROM params").fetchone()[0] == 151
        keys = {row[0] for row in database.execute("SELECT key FROM metrics")}
        assert keys == {"accuracy", "recall _"}
        tag = database.execute("SELECT value FROM tags WHERE key = 'mlws.commit'").fetchall()
        assert tag == [("abc",)]
        places = [row[0] for row in database.execute("SELECT artifact_uri FROM runs")]
    assert all(place.startswith((tmp_path / "mlruns").as_uri()) for place in places)


def test_first_opens_at_once_do_not_race(tmp_path: Path) -> None:
    processes = [python.Python(LOG, str(tmp_path)) for _ in range(3)]
    errors = [process.communicate()[1].decode() for process in processes]
    assert [process.wait() for process in processes] == [0, 0, 0], errors
    with closing(sqlite3.connect(tmp_path / "mlflow.db")) as database:
        assert database.execute("SELECT count(*) FROM runs").fetchone()[0] == 3
        named = database.execute("SELECT count(*) FROM experiments WHERE name = 'Wine'")
        assert named.fetchone()[0] == 1


def test_the_helper_dies_with_its_owner_and_tells_of_failures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = (
        "import os, sys, pathlib\n"
        "from jupyter_mlws.mlflow.client import TrackingClient\n"
        "client = TrackingClient(sys.argv[1], pathlib.Path(sys.argv[2]))\n"
        "client.finished([])\n"
        "print(client._process.pid, 'mlflow' in sys.modules, flush=True)\n"
        "os._exit(0)\n"
    )
    command = [sys.executable, "-c", code, tracking_uri(tmp_path), str(tmp_path)]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()
    assert said[1] == "False"
    for _ in range(1200):
        stat = Path(f"/proc/{said[0]}/stat")
        if not stat.exists() or stat.read_text().rsplit(")", 1)[1].split()[0] == "Z":
            break
        time.sleep(0.05)
    else:
        pytest.fail("the helper outlives its owner")

    monkeypatch.setattr(TrackingClient, "_start", python.start_mlflow)
    broken = TrackingClient(f"sqlite:///{tmp_path}/no/such/folder/mlflow.db", tmp_path)
    try:
        with pytest.raises(MLWSError) as error:
            broken.finished(["0" * 32])
    finally:
        broken.close()
    assert error.value.code == "30105"


def test_a_read_makes_no_store_and_a_write_makes_one_that_git_does_not_see(
    tmp_path: Path, git, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrackingClient, "_start", python.start_mlflow)
    git(tmp_path, "init", "-q")
    client = TrackingClient(tracking_uri(tmp_path), tmp_path / ".git")
    asked = {"sort": [], "limit": 5, "cursor": None}
    try:
        assert client.ask("search", filter="", **asked) == {"items": [], "next": None}
        assert client.ask("search", filter="params.a >", **asked)["field"] == "filter"
        columns = {"params": [], "metrics": [], "tags": [], "experiments": []}
        assert client.ask("columns") == columns
        assert [path.name for path in tmp_path.iterdir()] == [".git"]
        run = client.ask("begin_run", experiment="e", name=None, tags={}, params={})["id"]
        assert client.ask("find_run", identifier=run)["id"] == run
    finally:
        client.close()
    assert (tmp_path / "mlflow.db").exists()
    (tmp_path / "mlruns").mkdir(exist_ok=True)
    (tmp_path / "mlruns" / "artifact").write_text("a")
    git(tmp_path, "add", "-A")
    assert git(tmp_path, "status", "--porcelain") == ""


def test_a_store_that_was_deleted_is_created_anew(
    tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrackingClient, "_start", python.start_mlflow)
    shutil.copy(empty_store / "mlflow.db", tmp_path)
    client = TrackingClient(tracking_uri(tmp_path), tmp_path)
    new = {"experiment": "e", "name": None, "tags": {}, "params": {}}
    try:
        first = client.ask("begin_run", **new)["id"]
        for file in tmp_path.glob("mlflow.db*"):
            file.unlink()
        assert client.ask("search", filter="", sort=[], limit=5, cursor=None)["items"] == []
        second = client.ask("begin_run", **new)["id"]
        assert client.ask("find_run", identifier=second)
        assert not client.ask("find_run", identifier=first)
    finally:
        client.close()


@pytest.mark.exhaustive
def test_a_store_is_the_same_whether_its_tables_are_kept_or_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "no-folder").touch()
    contents = {}
    for project, cache in (("a", "no-folder"), ("b", "cache"), ("c", "cache")):
        root = tmp_path / project
        root.mkdir()
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / cache))
        python.run(LOG, str(root), check=True)
        with closing(sqlite3.connect(root / "mlflow.db")) as database:
            # MLflow itself writes the constraints of a table in any order.
            schema = database.execute(
                "SELECT t.type, t.name, c.name, c.type, c.'notnull', c.dflt_value, c.pk FROM"
                " sqlite_master t LEFT JOIN pragma_table_xinfo(t.name) c ORDER BY t.name, c.name"
            ).fetchall()
            revision = database.execute("SELECT * FROM alembic_version").fetchall()
            places = database.execute(
                "SELECT experiment_id, name, replace(artifact_location, ?, '') FROM experiments",
                [root.as_uri()],
            ).fetchall()
        contents[project] = schema, revision, places
    assert contents["a"] == contents["b"] == contents["c"]
    assert [path.suffix for path in (tmp_path / "cache" / "jupyter-mlws").iterdir()] == [".db"]


def test_two_processes_at_most_and_none_after_a_while(
    tmp_path: Path, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TrackingClient, "_start", python.start_mlflow)
    clients = [TrackingClient(tracking_uri(empty_store), tmp_path) for _ in range(3)]

    def running() -> list[bool]:
        return [one._process is not None and one._process.poll() is None for one in clients]

    try:
        for one in clients:
            assert one.finished([]) == []
        assert running() == [False, True, True]
        with ThreadPoolExecutor(9) as threads:
            answers = threads.map(lambda number: clients[number % 3].finished([]), range(30))
            assert list(answers) == [[]] * 30
        assert sum(running()) == 2
        monkeypatch.setattr(client_module, "IDLE_TIMEOUT", 0.2)
        assert clients[0].finished([]) == []
        deadline = time.monotonic() + 60
        while any(running()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert clients[0].finished([]) == []
    finally:
        for one in clients:
            one.close()


FIELDS = (
    "metrics.accuracy", "params.kind", "attributes.status", "attributes.run_id",
    "attributes.start_time", "dataset.name", "dataset.context",
)  # fmt: skip
COMPARATORS = ("=", "!=", "<", "LIKE", "ilike", "NOT LIKE", "IN", "not in", "~", "RLIKE")
VALUES = ("0.5", "'forest'", "('forest', 'wine')")
CONDITIONS = [
    *(" ".join(parts) for parts in product(FIELDS, COMPARATORS, VALUES)),
    *(f"{field} IS NULL" for field in FIELDS),
]


def test_a_search_accepts_what_mlflow_accepts_and_finds_the_same(tmp_path: Path) -> None:
    from mlflow.entities import Dataset, DatasetInput, InputTag
    from mlflow.exceptions import MlflowException

    store = MLflowSearch(tracking_uri(tmp_path))
    for number, accuracy in enumerate((0.5, 0.9, float("nan"))):
        run = store.log_run(
            "e", {"kind": "forest"} if number else {}, {"accuracy": accuracy},
            {"team": "forest"}, number + 1.0, number + 2.0, "COMPLETED", name=f"forest {number}",
        )  # fmt: skip
    wine = Dataset("wine", "123", "local", "source")
    store._client.log_inputs(run, [DatasetInput(wine, [InputTag("mlflow.data.context", "forest")])])
    experiments = store._list_experiment_ids()

    def of_mlflow(text: str, order: list[str]) -> list[str] | None:
        try:
            order = order or ["attributes.start_time DESC"]
            found = store._client.search_runs(experiments, text, order_by=order)
        except MlflowException:
            return None
        return [run.info.run_id for run in found]

    def ours(text: str, order: list[str]) -> list[str] | None:
        answer = store.search(text, order, 10, None)
        if "items" in answer:
            return [row["id"] for row in answer["items"]]
        assert answer["field"] == ("sort" if order else "filter")
        return None

    found = {text: of_mlflow(text, []) for text in CONDITIONS}
    assert {text: ours(text, []) for text in CONDITIONS} == found
    assert None in found.values()
    assert len([runs for runs in found.values() if runs]) > 10
    for field in FIELDS:
        assert ours("", [field]) == of_mlflow("", [field]), field
    # The order that is added to every search is left out where a search sorts by that field.
    order = ["attributes.start_time ASC", "metrics.accuracy DESC"]
    assert ours("", order) == of_mlflow("", order)


class ServedSearch(MLflowSearch):
    """A store that is a server, not a database."""

    def _sql_store(self) -> None:
        return None


def test_lists_are_read_without_mlflow_as_mlflow_reads_them(tmp_path: Path) -> None:
    uri = tracking_uri(tmp_path)
    store, served = MLflowSearch(uri), ServedSearch(uri)
    client = store._client
    facts = {"mlws.run": "r1", "mlws.workflow": "dvc.yaml", "mlws.outputs": '{"a": "b"}', "k": "v"}
    ended = {"start": 5.0, "end": 6.5, "status": "COMPLETED"}
    metrics = {"acc": 0.5, "nan": float("nan"), "inf": float("inf")}
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "深.bin").write_text("1")
    whole = store.log_run("E", {"深度": 3}, metrics, facts, **ended, name="whole")
    nested = {**facts, "mlws.node": "train", "mlflow.parentRunId": whole}
    node = store.log_run("E", {}, {}, nested, 4.0, 4.5, "FAILED")
    deleted = store.log_run("E", {}, {}, {}, **ended)
    gone = store.log_run("deleted experiment", {}, {}, {}, **ended)
    store.begin_run("E", None, {}, {})
    for number in range(3):
        files = {"net": str(tmp_path / "net")} if number != 1 else {}
        run = (whole, node, deleted)[number]
        store.register("wine", {}, {}, files, {"stage": str(number)}, run)
    store.register("Beer & more", {}, {"acc": 0.9}, {}, {})
    store.set_alias("wine", "champion", 1, "someone")
    client.update_registered_model("wine", "A description")
    client.delete_model_version("wine", "3")
    client.create_registered_model("empty")
    client.register_prompt("a-prompt", "Hello")
    client.delete_run(deleted)
    client.delete_experiment(client.get_run(gone).info.experiment_id)

    def both(call: str, **arguments: Any) -> Any:
        client = TrackingClient(uri, tmp_path)
        answer = client.ask(call, **arguments)
        assert client._process is None
        assert answer == getattr(store, call)(**arguments)
        return answer

    plain: dict[str, Any] = {"filter": "", "sort": [], "limit": 10, "cursor": None}
    assert len(both("search", **plain)["items"]) == 3
    assert len(both("search", **plain, nested=True)["items"]) == 4
    page = both("search", **{**plain, "limit": 1})
    assert both("search", **{**plain, "limit": 1, "cursor": page["next"]})["items"]
    columns = ["params.深度", "metrics.inf"]
    assert both("search", **plain, columns=columns, tags={"k": "v"})["items"]
    assert both("search", **{**plain, "limit": 0})["items"] == []
    assert [run["id"] for run in both("search", **plain, stage="deleted")["items"]] == [deleted]
    assert whole not in [run["id"] for run in both("search", **plain, lacking=["k"])["items"]]
    assert len(both("search", **plain, experiment="E")["items"]) == 2
    assert both("search", **plain, experiment="nothing")["items"] == []
    for field, count in (("深度", "3"), 1), (("深度", None), 2), (("none", "3"), 0):
        page = both("search", **plain, equal=[("parameter", *field)])
        assert len(page["items"]) == count
    assert both("search", **plain, equal=[("tag", "k", "v")])["items"]
    columns = both("columns")
    assert (columns["tags"], columns["experiments"]) == (["k"], ["Beer & more", "E"])
    for by in (("parameter", "深度"), ("tag", "k"), ("tag", "mlflow.runName"), ("experiment", "")):
        assert both("groups", by=by, filter="", nested=True)["items"]
        assert served.groups(by, "") == store.groups(by, "")
    assert both("groups", by=("tag", "k"), filter="", experiment="nothing") == {"items": []}
    assert served.columns() == columns
    for value in ("3", None):
        query = {**plain, "equal": [("parameter", "深度", value)]}
        assert served.search(**query) == store.search(**query)
    for identifier in (whole, node, "r1", deleted, gone, "nothing", "it's"):
        both("find_run", identifier=identifier)
    assert both("find_run", identifier=deleted, stages=["active", "deleted"])["deleted"]
    for text in ("whole", whole[:6], "r", deleted[:8], "%", "*", "'", '"'):
        both("match_runs", text=text, limit=10, stage="active")
    assert both("match_runs", text="r1", limit=10, stage="active")[0]["id"] == whole
    assert both("match_runs", text=deleted[:8], limit=10, stage="deleted")[0]["id"] == deleted
    models = both("models", text="", after="", limit=10)
    assert [model["name"] for model in models] == ["Beer & more", "empty", "wine"]
    assert [model["name"] for model in both("models", text="WIN", after="b", limit=10)] == ["wine"]
    assert len(both("models", text="", after="Beer & more", limit=1)) == 1
