"""How a lab knows that a folder is a shared project, and when it gives its token away."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from jupyter_mlws.mlflow.store import tracking_uri
from mlws.core import hub_environment
from mlws.core.errors import DVCConfigError
from mlws.dvc.repo import initialize, open_repo
from mlws.dvc.settings import DataSettings

SERVICE = "http://198.18.0.1:8082/services/mlws/"
TEAM = "http://198.18.0.1:8088/projects"


@pytest.fixture
def on_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLWS_SERVICE_URL", "http://198.18.0.1:8082")
    monkeypatch.setenv("JUPYTERHUB_BASE_URL", "/")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "secret-of-the-lab")
    monkeypatch.setenv("MLWS_TEAM_URL", TEAM)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    root = tmp_path / "wine"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "remote", "add", "upstream", "https://example.org/services/mlws/git/other.git")
    git(root, "remote", "add", "origin", f"{SERVICE}git/wine.git")
    return root


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, timeout=30)


def test_a_clone_is_known_by_its_remote(on_hub: None, clone: Path) -> None:
    assert hub_environment.shared_name(clone) == "wine"
    assert tracking_uri(clone) == f"{TEAM}/wine/mlflow"
    (clone / "inside").mkdir()
    told = {"MLFLOW_TRACKING_URI": f"{TEAM}/wine/mlflow"}
    assert hub_environment.shared_variables(clone / "inside") == told


def test_so_is_a_worktree_of_it(on_hub: None, clone: Path, tmp_path: Path) -> None:
    git(clone, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--allow-empty", "-m", "x")
    git(clone, "worktree", "add", "--detach", str(tmp_path / "beside"))
    assert hub_environment.shared_name(tmp_path / "beside") == "wine"


def test_other_repositories_track_where_they_did(
    on_hub: None, clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(clone, "remote", "remove", "origin")
    assert hub_environment.shared_variables(clone) == {}
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    assert tracking_uri(clone) == f"sqlite:///{clone}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://elsewhere")
    assert tracking_uri(clone) == "http://elsewhere"


def test_without_a_hub_nothing_is_shared(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLWS_SERVICE_URL", "MLWS_TEAM_URL", "JUPYTERHUB_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    assert hub_environment.shared_name(clone) is None
    assert hub_environment.data_password(f"{SERVICE}data/wine") is None


@pytest.mark.parametrize(
    "url",
    [
        "http://198.18.0.1:8082/services/other/data/wine",
        "http://198.18.0.1:8082.example.org/services/mlws/data/wine",
        "https://198.18.0.1:8082/services/mlws/data/wine",
        "http://example.org/services/mlws/data/wine",
        "",
    ],
)
def test_nobody_else_is_given_the_token(on_hub: None, url: str) -> None:
    assert hub_environment.data_password(url) is None


def test_dvc_has_the_token_in_memory_alone(on_hub: None, clone: Path) -> None:
    initialize(clone)
    options = {
        "url": f"{SERVICE}data/wine",
        "auth": "custom",
        "custom_auth_header": "Authorization",
        "method": "PUT",
    }
    DataSettings(clone).put("team", options, {}, default=True)
    with open_repo(clone) as repo:
        assert repo.cloud.get_remote("team").fs.fs_args["client_kwargs"]["headers"] == {
            "Authorization": "token secret-of-the-lab"
        }
    for path in (clone / ".dvc").rglob("*"):
        assert path.is_dir() or b"secret-of-the-lab" not in path.read_bytes()


def test_settings_with_conflict_markers_stop_no_reader(on_hub: None, clone: Path) -> None:
    initialize(clone)
    (clone / ".dvc" / "config").write_text("<<<<<<< ours\n[core]\n=======\n>>>>>>> theirs\n")
    with open_repo(clone, spare=b"") as repo:
        assert "team" not in repo.config["remote"]
    with pytest.raises(DVCConfigError), open_repo(clone):
        pass
