"""A Hub that gets another version by one command, and its version before by another."""

from __future__ import annotations

import os
import secrets
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hub_config.engine import Engine
from hub_config.settings import ROOT, Settings
from tests.hub.installation import ADMINISTRATOR, PASSWORD, Hub, free_slot

pytestmark = [pytest.mark.docker, pytest.mark.exhaustive, pytest.mark.timeout(1800)]

MIGRATION = """
from alembic import op
import sqlalchemy as sa

revision = "9999"
down_revision = {before!r}


def upgrade():
    op.create_table("of_the_new_version", sa.Column("name", sa.String))
"""
SIGN_IN = "hub_config/templates/login.html"


class Source:
    """The repository that an installation gets its versions from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        for name in filter(None, names.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, folder / name)
        git(folder, "init", "--quiet", "--initial-branch=main")
        self.commit("first version")

    def commit(self, subject: str) -> str:
        git(self.folder, "add", "--all", "--force")
        author = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        git(self.folder, *author, "commit", "--quiet", "--message", subject)
        return git(self.folder, "rev-parse", "HEAD").strip()

    def change(self, name: str, edit: Callable[[str], str]) -> None:
        file = self.folder / name
        file.write_text(edit(file.read_text()))


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    ).stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return Source(tmp_path_factory.mktemp("source"))


@pytest.fixture(scope="module")
def checkout(source: Source, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout") / "jupyter-mlws"
    git(source.folder, "clone", "--quiet", str(source.folder), str(folder))
    return folder


@pytest.fixture(scope="module")
def upgraded(docker: Engine, checkout: Path) -> Iterator[Hub]:
    """A Hub that `make hub` of the first version started."""
    slot = free_slot(docker)
    environment = {
        **docker.environment,
        **{name: os.environ[name] for name in ("PATH", "HOME")},
        "MLWS_ADMIN_PASSWORD": PASSWORD,
        "HUB_ADMIN": ADMINISTRATOR,
        "HUB_NAME": f"mlws-upgrade-{secrets.token_hex(2)}",
        "HUB_DATA": str(checkout.parent / "data"),
        "HUB_PORT": str(slot.ports[0]),
        "HUB_PROXY_API_PORT": str(slot.ports[1]),
        "HUB_SUBNET": slot.subnet,
        "HUB_CAPACITY": '{"cpu": "8", "memory": "8Gi"}',
    }
    hub = Hub(Settings.read(environment), docker, environment)
    make(checkout, hub, "hub")
    yield hub
    hub.down("--everything", "--yes")
    names = docker.run("images", "--format={{.Repository}}:{{.Tag}}", hub.settings.built_image)
    docker.run("rmi", "--force", *names.split())


def make(checkout: Path, hub: Hub, *arguments: str, fails: bool = False) -> str:
    """What `make` prints in a checkout."""
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=checkout,
        env=hub.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
    )
    assert bool(done.returncode) is fails, done.stdout
    return done.stdout


def sign_in_page(hub: Hub) -> str:
    return hub.request("GET", "/hub/login", None).text


def schema(hub: Hub) -> str:
    with closing(sqlite3.connect(hub.records)) as tables:
        return str(tables.execute("SELECT version_num FROM mlws_version").fetchone()[0])


def test_labs_run_on_while_versions_change(source: Source, checkout: Path, upgraded: Hub) -> None:
    hub = upgraded
    first, before = git(checkout, "rev-parse", "HEAD").strip(), schema(hub)
    hub.sign_up("ada")
    lab = hub.start("ada")["Id"]
    kernel = hub.lab("POST", "ada", "api/kernels").json()["id"]

    def is_as_before() -> bool:
        kernels = hub.lab("GET", "ada", "api/kernels").json()
        return hub.container("ada") == lab and [one["id"] for one in kernels] == [kernel]

    assert "has this version" in make(checkout, hub, "hub-upgrade")
    # A version that differs in its pages only: the databases stay through both ways.
    source.change(SIGN_IN, lambda text: text.replace("{{ super() }}", "<p>second</p>"))
    second = source.commit("second version")
    assert "make hub-rollback" in make(checkout, hub, "hub-upgrade")
    assert "<p>second</p>" in sign_in_page(hub)
    assert is_as_before()
    hub.sign_up("bo")
    make(checkout, hub, "hub-rollback")
    assert git(checkout, "rev-parse", "main").strip() == first
    assert "<p>second</p>" not in sign_in_page(hub)
    assert is_as_before()
    assert hub.api("GET", "users/bo", "bo").ok
    assert "no upgrade to go back from" in make(checkout, hub, "hub-rollback", fails=True)

    # A version that changes the database, which the first one can't read.
    migration = "jupyter_mlws/hub/records/migrations/versions/v9999_new.py"
    (source.folder / migration).write_text(MIGRATION.format(before=before))
    source.commit("third version")
    make(checkout, hub, "hub-upgrade")
    assert schema(hub) == "9999"
    assert is_as_before()
    hub.sign_up("cy")
    assert "ARGS=--yes" in make(checkout, hub, "hub-rollback", fails=True)
    assert schema(hub) == "9999"
    make(checkout, hub, "hub-rollback", "ARGS=--yes")
    assert schema(hub) == before
    assert hub.api("GET", "users/bo", "bo").ok
    assert hub.api("GET", "users/cy").status_code == 404
    assert is_as_before()

    # A version that does not start; the one before runs again without a question.
    source.change("hub_config/jupyterhub_config.py", lambda text: text + "\nthis is not Python\n")
    source.commit("fourth version")
    printed = make(checkout, hub, "hub-upgrade", fails=True)
    assert "The version before is started again" in printed
    assert git(checkout, "rev-parse", "main").strip() == first
    assert is_as_before()
    hub.stop("ada")
    hub.start("ada")

    # Own changes are never lost; a commit by its name.
    (checkout / SIGN_IN).write_text("mine")
    assert "have changes" in make(checkout, hub, "hub-upgrade", fails=True)
    git(checkout, "checkout", SIGN_IN)
    assert "knows no version 'nowhere'" in make(
        checkout, hub, "hub-upgrade", "TO=nowhere", fails=True
    )
    make(checkout, hub, "hub-upgrade", f"TO={second}")
    assert git(checkout, "rev-parse", "HEAD").strip() == second
    make(checkout, hub, "hub-rollback")
    assert git(checkout, "branch", "--show-current").strip() == "main"
