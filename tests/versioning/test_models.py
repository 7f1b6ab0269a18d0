"""Models in MLflow's registry: what is recorded is found again, with its files."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.mlflow.store import tracking_uri
from jupyter_mlws.versioning.model_registry.models import BestQuery, ModelCreate, ModelsQuery
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from tests import python

Command = Callable[..., str]


def refused(call: Callable[[], object]) -> MLWSError:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value


@pytest.fixture
def files(workspace: Project) -> Path:
    """Outputs that git does not version: a file, and a folder with another in it."""
    root = workspace.root
    (root / "out" / "模型").mkdir(parents=True)
    (root / "out" / "wine.bin").write_bytes(b"weights" * 100)
    (root / "out" / "模型" / "card.md").write_text("# Wine\n")
    (root / ".git" / "info" / "exclude").write_text("/out\n/mlruns\n/mlflow.db*\n")
    return root


def downloaded(root: Path, uri: str, target: Path) -> dict[str, bytes]:
    """What MLflow itself, in a process of its own, has at ``uri``."""
    code = (
        "import sys, mlflow\nmlflow.artifacts.download_artifacts(sys.argv[1], dst_path=sys.argv[2])"
    )
    address = tracking_uri(root)
    environment = {"MLFLOW_TRACKING_URI": address, "MLFLOW_REGISTRY_URI": address}
    python.run(code, uri, str(target), check=True, env={**os.environ, **environment})
    found = [path for path in target.rglob("*") if path.is_file()]
    return {path.relative_to(target).as_posix(): path.read_bytes() for path in found}


def call_mlflow(root: Path, code: str) -> None:
    """Run ``code`` with a ``client`` of MLflow, as another program does."""
    begin = "import sys, mlflow\nclient = mlflow.MlflowClient(sys.argv[1], sys.argv[1])\n"
    python.run(begin + code, tracking_uri(root), check=True)


def test_a_model_is_found_again_with_its_files(
    versions: Workspace, files: Path, git: Command, tmp_path: Path
) -> None:
    (files / "train.py").write_text("print('not committed')\n")
    made = versions.models.register(
        ModelCreate(
            name="葡萄酒 forest",
            params={"depth": 3, "kind": "forest", "rate": 0.1},
            metrics={"accuracy": 0.9, "loss": 1},
            artifacts=["out/wine.bin", "out/模型"],
            tags={"stage": "trial"},
        )
    )
    assert (made.version, made.id) == (1, "葡萄酒 forest:1")
    assert made.params == {"depth": "3", "kind": "forest", "rate": "0.1"}
    assert made.metrics == {"accuracy": 0.9, "loss": 1.0}
    assert made.artifacts == ["out/wine.bin", "out/模型/card.md"]
    assert made.timestamp.endswith("Z")
    assert made.tags == {"stage": "trial"}
    # The commit is the code as it was, committed or not.
    assert made.commit is not None
    assert git(files, "show", f"{made.commit}:train.py") == "print('not committed')\n"
    assert git(files, "status", "--porcelain") == " M train.py\n"

    got = versions.models.get("葡萄酒 forest")
    assert got.versions == [made]
    assert got.newest == made
    assert downloaded(files, made.uri, tmp_path / "got") == {
        "out/wine.bin": b"weights" * 100,
        "out/模型/card.md": b"# Wine\n",
    }
    # The run of a version has ended: files of the working tree are another run's.
    (files / "out" / "wine.bin").write_bytes(b"new")
    error = refused(
        lambda: versions.models.register(
            ModelCreate(name="葡萄酒 forest", artifacts=["out/wine.bin"], run_id=made.run_id)
        )
    )
    assert (error.code, error.faults[0].field) == ("50201", "artifacts.0")
    assert downloaded(files, made.uri, tmp_path / "old")["out/wine.bin"] == b"weights" * 100


def test_a_folder_that_mlflow_can_load_is_loaded_by_its_version(
    versions: Workspace, files: Path, tmp_path: Path
) -> None:
    (files / "out" / "模型" / "MLmodel").write_text("flavors: {}\n")
    made = versions.models.register(ModelCreate(name="m", artifacts=["out/模型"]))
    assert made.artifacts == ["out/模型/MLmodel", "out/模型/card.md"]
    assert set(downloaded(files, made.uri, tmp_path / "got")) >= {"MLmodel", "card.md"}


def test_models_are_listed_paged_and_searched(versions: Workspace, workspace: Project) -> None:
    for name in ("wine-a", "Beer", "wine-b", "wine-a"):
        versions.models.register(ModelCreate(name=name, metrics={"accuracy": 0.5}))
    first = versions.models.list(ModelsQuery(limit=2))
    assert [model.name for model in first.items] == ["Beer", "wine-a"]
    newest = first.items[1].newest
    assert newest is not None
    assert (newest.version, newest.metrics) == (2, {"accuracy": 0.5})
    second = versions.models.list(ModelsQuery(limit=2, cursor=first.next_cursor))
    assert [model.name for model in second.items] == ["wine-b"]
    assert second.next_cursor is None
    assert [m.name for m in versions.models.list(ModelsQuery(q="WINE")).items] == [
        "wine-a",
        "wine-b",
    ]
    page = versions.models.get("wine-a", limit=1)
    assert ([v.version for v in page.versions], page.next_cursor) == ([2], "2")
    page = versions.models.get("wine-a", limit=1, cursor=page.next_cursor)
    assert ([v.version for v in page.versions], page.next_cursor) == ([1], None)


def test_versions_are_compared_and_named(versions: Workspace, workspace: Project) -> None:
    for depth in (3, 5):
        versions.models.register(
            ModelCreate(name="m", params={"depth": depth, "kind": "f"}, metrics={"a": depth / 10})
        )
    found = versions.models.compare(["m:1", "m:2"])
    assert [(row.name, row.values, row.differs) for row in found.params] == [
        ("depth", ["3", "5"], True),
        ("kind", ["f", "f"], False),
    ]
    assert found.metrics[0].values == [0.3, 0.5]
    assert versions.models.set_alias("m", "champion", 1).aliases == {"champion": 1}
    assert versions.models.version("m", "1").aliases == ["champion"]
    assert versions.models.set_alias("m", "champion", 2).aliases == {"champion": 2}
    assert versions.models.delete_alias("m", "champion").aliases == {}
    assert refused(lambda: versions.models.delete_alias("m", "champion")).facts["kind"] == "alias"
    error = refused(lambda: versions.models.set_alias("m", "latest", 1))
    assert (error.code, error.faults[0].field) == ("50201", "alias")
    assert refused(lambda: versions.models.set_alias("m", "x", 9)).code == "30404"


def test_every_field_at_fault_is_named_and_nothing_is_logged(
    versions: Workspace, files: Path
) -> None:
    error = refused(
        lambda: versions.models.register(
            ModelCreate(
                name="a/b", artifacts=["out/wine.bin", "no-such", "gone/x"], run_id="0" * 32
            )
        )
    )
    assert error.code == "50201"
    assert [fault.field for fault in error.faults] == [
        "name", "artifacts.1", "artifacts.2", "run_id"
    ]  # fmt: skip
    error = refused(
        lambda: versions.models.register(ModelCreate(name="m", artifacts=["../x", "no-such"]))
    )
    assert error.code == "50302"
    assert [fault.field for fault in error.faults] == ["artifacts.0", "artifacts.1"]
    assert versions.models.list().items == []
    assert refused(lambda: versions.models.get("m")).code == "30404"
    assert refused(lambda: versions.models.version("m", "1")).facts["name"] == "m:1"
    assert refused(lambda: versions.models.compare(["m:1", "x"])).code == "30404"


def test_neither_the_project_nor_a_store_is_a_models_file(versions: Workspace, files: Path) -> None:
    made = versions.models.register(ModelCreate(name="first", artifacts=["out"]))
    (files / "link").symlink_to("mlruns")
    paths = [
        "",
        ".",
        "out/..",
        "mlruns",
        "mlruns/first",
        "mlflow.db",
        "link",
        ".dvc",
        ".dvc/config",
    ]
    error = refused(lambda: versions.models.register(ModelCreate(name="m", artifacts=paths)))
    assert error.code == "50201"
    assert [fault.field for fault in error.faults] == [f"artifacts.{n}" for n in range(len(paths))]
    assert versions.models.list().items[0].newest == made
    assert [model.name for model in versions.models.list().items] == ["first"]


def test_a_value_that_a_run_has_already_is_not_changed(
    versions: Workspace, workspace: Project
) -> None:
    made = versions.models.register(ModelCreate(name="m", params={"depth": 3}))
    error = refused(
        lambda: versions.models.register(
            ModelCreate(name="m", params={"depth": 4}, run_id=made.run_id)
        )
    )
    assert (error.code, error.faults[0].field) == ("50201", "params")
    assert len(versions.models.get("m").versions) == 1


def test_models_that_others_registered_are_shown(versions: Workspace, workspace: Project) -> None:
    run = versions.tracking.ask(
        "log_run", experiment="Wine", params={"a": 1}, metrics={"nan": float("nan")}, tags={},
        start=1.0, end=2.0, status="COMPLETED",
    )  # fmt: skip
    call_mlflow(
        workspace.root,
        "client.create_registered_model('theirs')\n"
        f"client.create_model_version('theirs', '{workspace.root}/nowhere', '{run}')",
    )
    (got,) = versions.models.get("theirs").versions
    assert (got.params, got.metrics, got.artifacts) == ({"a": "1"}, {"nan": None}, [])
    assert got.commit is None


def test_what_an_alias_meant_is_remembered(versions: Workspace, workspace: Project) -> None:
    for _ in range(2):
        versions.models.register(ModelCreate(name="wine"))
    versions.models.set_alias("wine", "champion", 1)
    versions.models.set_alias("wine", "champion", 2)
    versions.models.set_alias("wine", "champion", 2)
    versions.models.delete_alias("wine", "champion")
    # Another program sets one, which MLflow does not tell the time of.
    call_mlflow(workspace.root, "client.set_registered_model_alias('wine', 'other', '1')")
    told = versions.models.alias_history("wine").items
    assert [(row.alias, row.version, row.before) for row in told] == [
        ("other", 1, None),
        ("champion", None, 2),
        ("champion", 2, 1),
        ("champion", 1, None),
    ]
    assert told[0].timestamp is None
    assert all(row.timestamp and row.by for row in told[1:])
    assert versions.models.get("wine").tags == {}
    assert refused(lambda: versions.models.alias_history("nobody")).code == "30404"


def test_the_best_version_is_found_by_a_metric(versions: Workspace) -> None:
    for name, accuracy in (("a", 0.7), ("b", 0.9), ("a", 0.9), ("a", 0.8)):
        metrics = {"accuracy": accuracy, "loss": 1 - accuracy}
        versions.models.register(ModelCreate(name=name, metrics=metrics))
    versions.models.register(ModelCreate(name="c"))

    def ranked(**asked: object) -> list[tuple[str, int]]:
        found = versions.models.best(BestQuery.model_validate(asked))
        return [(row.version.name, row.version.version) for row in found.items]

    assert ranked(metric="accuracy") == [("b", 1), ("a", 2), ("a", 3), ("a", 1)]
    assert ranked(metric="loss", limit=1) == [("b", 1)]
    assert ranked(metric="loss", mode="max", limit=1) == [("a", 1)]
    assert ranked(metric="accuracy", name="a", limit=1) == [("a", 2)]
    assert ranked(metric="unknown") == []
