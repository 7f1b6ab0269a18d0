"""Snapshots on real git and DVC: what goes in, what stays out, what can be said of them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from jupyter_mlws.core.errors import (
    BranchMovedError,
    FileTooLargeError,
    GitIdentityMissingError,
    HookRejectedError,
    ManyNewFilesError,
    NothingToCommitError,
    SecretsFoundError,
    SigningFailedError,
    UnfinishedOperationError,
    VersionItemNotFoundError,
)
from jupyter_mlws.git.adapter import Git
from jupyter_mlws.git.commits import set_identity
from jupyter_mlws.projects.manager import ProjectManager
from jupyter_mlws.projects.models import Template
from jupyter_mlws.versioning.experiments.run_commits import commit_worktree
from jupyter_mlws.versioning.models import HiddenText, HistoryQuery
from jupyter_mlws.versioning.snapshots import run_selection
from jupyter_mlws.versioning.snapshots.manager import SnapshotManager
from jupyter_mlws.workflows.journal.store import RunRequest
from mlws.core.errors import DataDamagedError, DataMissingError, MLWSError, OutsideWorkspaceError
from mlws.core.i18n import CHINESE
from mlws.core.project import Project
from mlws.core.secrets import find_secret, find_secrets
from mlws.engine.processes import start_time
from tests.versioning.working_trees import add_data, log_run, tag_of

Command = Callable[..., str]
MESSAGE = '训练：第一版 "quoted"'


def _status(manager: SnapshotManager) -> dict[str, str]:
    return {change.path: change.state.value for change in manager.status().changes}


def test_a_clean_workspace_has_nothing_to_commit(manager: SnapshotManager) -> None:
    assert _status(manager) == {}
    with pytest.raises(NothingToCommitError):
        manager.create("x")


def test_code_and_data_go_into_one_commit(
    manager: SnapshotManager, git: Command, dvc: Command
) -> None:
    root = manager.project.root
    base = git(root, "rev-parse", "HEAD").strip()
    (root / "train.py").write_text("print('two')\n")
    (root / "new file.txt").write_text("new\n")
    (root / "data" / "wine.csv").write_text("a,b\n3,4\n")
    (root / "data" / "images" / "deep" / "0.bin").unlink()
    changes = manager.status().changes
    assert {c.path: (c.kind.value, c.state.value) for c in changes} == {
        "train.py": ("code", "modified"),
        "new file.txt": ("code", "untracked"),
        "data/wine.csv": ("data", "modified"),
        "data/images": ("data", "modified"),
    }

    made = manager.create(f"{MESSAGE}\n\nA body.")

    assert made.subject == MESSAGE
    assert made.parents == [base]
    assert made.current
    assert made.refs == ["main"]
    assert made.message.endswith("A body.\n\nMlws-Snapshot: v1")
    assert {item.path: item.files for item in made.data} == {
        "data/wine.csv": None,
        "data/images": 2,
    }
    assert made.stats.model_dump() == {"code": 2, "data": 2, "notebook": 0}
    assert made.proof is not None
    assert (made.proof.code, made.proof.data_local, made.proof.data_remote) == (True, True, None)
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "log", "-1", "--format=%s").strip() == MESSAGE
    assert "up to date" in dvc(root, "status")
    assert git(root, "for-each-ref", "refs/mlws") == ""
    assert list(manager.project.state.glob("*snapshot*")) == []
    git(root, "fsck", "--strict")
    listed = manager.list().items
    assert [s.subject for s in listed] == [MESSAGE, "Code and data", "Begin"]
    detail = manager.get(made.short)
    assert {c.path for c in detail.changes} == {
        "train.py", "new file.txt", "data/wine.csv.dvc", "data/images.dvc",
    }  # fmt: skip
    assert detail.proof is not None
    assert detail.proof.code
    assert detail.proof.data_local


def test_chosen_paths_alone_are_committed_and_partial_staging_survives(
    manager: SnapshotManager, git: Command
) -> None:
    root = manager.project.root
    (root / "other.py").write_text("one\n")
    git(root, "add", "other.py")
    (root / "other.py").write_text("one\ntwo\n")
    (root / "train.py").write_text("print('two')\n")
    (root / "data" / "wine.csv").write_text("changed\n")
    (root / "data" / "images" / "deep" / "0.bin").write_text("changed\n")
    made = manager.create("Only these", ["train.py", "data/wine.csv"])
    assert {c.path for c in manager.get(made.id).changes} == {"train.py", "data/wine.csv.dvc"}
    assert git(root, "status", "--porcelain") == "AM other.py\n"
    assert git(root, "show", ":other.py") == "one\n"
    assert _status(manager) == {"other.py": "added", "data/images": "modified"}
    made = manager.create("A folder", ["data"])
    assert {c.path for c in manager.get(made.id).changes} == {"data/images.dvc"}


def test_deletions_renames_links_and_modes_are_committed(
    manager: SnapshotManager, git: Command
) -> None:
    root = manager.project.root
    git(root, "mv", "train.py", "训练.py")
    (root / "训练 笔记.ipynb").unlink()
    (root / "link").symlink_to("训练.py")
    (root / "run.sh").write_text("#!/bin/sh\n")
    (root / "run.sh").chmod(0o755)
    made = manager.create("Moves")
    changes = {c.path: (c.state.value, c.old_path) for c in manager.get(made.id).changes}
    assert changes == {
        "训练.py": ("renamed", "train.py"),
        "训练 笔记.ipynb": ("deleted", None),
        "link": ("added", None),
        "run.sh": ("added", None),
    }
    modes = git(root, "ls-tree", "HEAD", "link", "run.sh").split()
    assert modes[0::4] == ["120000", "100755"]
    assert git(root, "status", "--porcelain") == ""


def test_the_first_commit_and_a_detached_head(tmp_path: Path, git: Command) -> None:
    git(tmp_path, "init", "-q")
    manager = SnapshotManager(Project.open(tmp_path))
    assert manager.list().items == []
    assert manager.status().head is None
    (tmp_path / "a.txt").write_text("a\n")
    first = manager.create("First")
    assert first.parents == []
    assert first.proof is not None
    assert first.proof.data_local is None
    git(tmp_path, "checkout", "-q", "--detach")
    (tmp_path / "a.txt").write_text("b\n")
    second = manager.create("Second")
    assert git(tmp_path, "rev-parse", "HEAD").strip() == second.id
    assert git(tmp_path, "rev-parse", "main").strip() == first.id
    assert git(tmp_path, "status", "--porcelain") == ""
    manager.close()


def test_without_a_name_there_is_no_commit(
    manager: SnapshotManager, git: Command, home: Path
) -> None:
    (manager.project.root / "train.py").write_text("x\n")
    (home / ".gitconfig").write_text("")
    with pytest.raises(GitIdentityMissingError) as error:
        manager.create("x")
    assert "user.name" in error.value.solution.en
    set_identity(Git(manager.project.root), "Ann 安", "ann@example.com")
    manager.create("x")
    assert git(manager.project.root, "log", "-1", "--format=%an <%ae>").strip() == (
        "Ann 安 <ann@example.com>"
    )
    # Others who work in this folder have their own names.
    assert "Ann" not in (manager.project.root / ".git/config").read_text()


def test_unfinished_merges_are_refused(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    git(root, "checkout", "-qb", "other")
    (root / "train.py").write_text("other\n")
    git(root, "commit", "-qam", "other")
    git(root, "checkout", "-q", "main")
    (root / "train.py").write_text("main\n")
    git(root, "commit", "-qam", "main")
    with pytest.raises(Exception, match="merge"):
        git(root, "merge", "other")
    for call in (lambda: manager.create("x"), lambda: manager.restore("HEAD~1")):
        with pytest.raises(UnfinishedOperationError):
            call()
    assert manager.status().operation == "merge"
    assert _status(manager) == {"train.py": "conflicted"}


def test_secrets_are_refused_unless_allowed(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    (root / "key.pem").write_text("-----BEGIN RSA PRIVATE KEY-----\nMII\n")
    (root / "cloud.py").write_text("KEY = 'AKIA" + "ABCDEFGHIJKLMNOP'\n")
    (root / "train.py").write_text("print('fine: sk-learn, AKIA')\n")
    with pytest.raises(SecretsFoundError) as error:
        manager.create("x")
    assert error.value.facts["paths"] == ["cloud.py", "key.pem"]
    assert "cloud.py:1 (aws-access-token)" in error.value.facts["places"]
    assert git(root, "log", "-1", "--format=%s").strip() == "Code and data"
    manager.create("Fine", leave_out=["cloud.py", "key.pem"])
    assert _status(manager) == {"cloud.py": "untracked", "key.pem": "untracked"}
    manager.create("Allowed", allow_secrets=True)
    assert _status(manager) == {}


LETTERS = "aB3dE5gH7jK9mN2pQ4sT6vW8xY1zC0fR" * 4
HEX = "0123456789abcdef" * 8
VALUE = "tR7kQ2" + "mX9pL4wZ"
# Put together here: the text of a test is searched, too, wherever it is committed.
SECRETS = {
    "openssh": "-----BEGIN OPENSSH PRIVATE " + "KEY-----",
    "pgp": "-----BEGIN PGP PRIVATE " + "KEY BLOCK-----",
    "putty": "PuTTY-User-Key-" + "File-2: ssh-rsa",
    "age": "AGE-SECRET-" + "KEY-1" + "Q" * 58,
    "aws id": "AK" + "IA" + "ABCDEFGHIJKLMNOP",
    "aws secret": "AWS_SECRET_ACCESS_KEY=" + LETTERS[:40],
    "github": "gh" + "p_" + LETTERS[:36],
    "github pat": "github_" + "pat_" + LETTERS[:22] + "_" + LETTERS[:59],
    "gitlab": "gl" + "pat-" + LETTERS[:20],
    "hugging face": "h" + "f_" + LETTERS[:34],
    "openai": "s" + "k-proj-" + LETTERS[:60],
    "anthropic": "s" + "k-ant-api03-" + LETTERS[:95],
    "slack": "xo" + "xb-123456789012-123456789012-" + LETTERS[:24],
    "slack webhook": "https://hooks.slack" + ".com/services/T0123ABCD/B0123ABCD/" + LETTERS[:24],
    "google": "AI" + "za" + LETTERS[:35],
    "azure": "ACCOUNTKEY=" + LETTERS[:86] + "==",
    "stripe": "sk_" + "live_" + LETTERS[:24],
    "twilio": "S" + "K" + HEX[:32],
    "sendgrid": "S" + "G." + LETTERS[:22] + "." + LETTERS[:43],
    "npm": "np" + "m_" + LETTERS[:36],
    "pypi": "pypi-" + "AgEIcHlwaS5vcmc" + LETTERS[:80],
    "jwt": "ey" + "J" + LETTERS[:20] + ".ey" + "J" + LETTERS[:30] + "." + LETTERS[:43],
    "url": "postgresql://admin:" + LETTERS[:14] + "@db.example.com/x",
    "telegram": "123456789" + ":A" + "A" + LETTERS[:33],
    "password": 'Password = "' + LETTERS[:14] + '"',
    "api key": "api_key: '" + HEX[:32] + "'",
    "discord": "DISCORD_TOKEN=M" + LETTERS[:23] + "." + LETTERS[:6] + "." + LETTERS[:27],
    "mailchimp": HEX[:32] + "-us" + "12",
    "databricks": "da" + "pi" + HEX[:32],
    "wandb": "export WANDB_API_KEY=" + HEX[:40],
    "kaggle": '{"username":"me","key":"' + HEX[:32] + '"}',
    "digitalocean": "do" + "p_v1_" + HEX[:64],
    "vault": "hv" + "s." + LETTERS[:95],
    "docker": "dc" + "kr_pat_" + LETTERS[:27],
    "grafana": "gl" + "sa_" + LETTERS[:32] + "_" + HEX[:8],
    "shopify": "sh" + "pat_" + HEX[:32],
    "square": "sq" + "0csp-" + LETTERS[:43],
}


@pytest.mark.parametrize("kind", SECRETS)
def test_secrets_of_many_kinds_are_known_in_every_encoding(kind: str) -> None:
    text = f"key\n{SECRETS[kind]}\nend\n"
    for encoding in ("utf-8", "utf-16", "utf-16-be"):
        assert find_secret("a.txt", text.encode(encoding))


def test_secrets_are_found_anywhere_in_large_files(tmp_path: Path) -> None:
    secret = SECRETS["github"].encode()
    block = 1024 * 1024
    for at in (block - 10, block - len(secret), 3 * block):
        (tmp_path / "large.txt").write_bytes(b" " * at + secret + b" " * block)
        assert [one.path for one in find_secrets(tmp_path, ["large.txt"])] == ["large.txt"]


@pytest.mark.parametrize(
    ("path", "text", "line"),
    [
        (".env", f"DEBUG=1\nDB_PASSWORD={VALUE}\n", 2),
        ("config.yaml", f"database:\n  host: db\n  password: {VALUE}\n", 3),
        ("run.sh", f"#!/bin/sh\nexport API_TOKEN={VALUE}\npython train.py\n", 2),
        ("train.py", f'x = 1\n\npassword = "{VALUE}"\n', 3),
        ("settings.json", f'{{\n"api_key": "{VALUE}"}}', 2),
        ("deploy.tf", f'access_token = "{VALUE}"', 1),
    ],
)
def test_values_are_found_quoted_or_not(path: str, text: str, line: int) -> None:
    secret = find_secret(path, text.encode())
    assert secret is not None
    assert secret.place == f"{path}:{line}"
    assert find_secret(path, text.replace(VALUE, "${VALUE}").encode()) is None


def test_cells_of_notebooks_and_their_outputs_are_searched_as_their_reader_sees_them() -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["fine\n", f"token={VALUE}\n"]},
        {"output_type": "display_data", "data": {"text/html": f"<b>{SECRETS['github']}</b>"}},
        {"output_type": "error", "traceback": [f"Error: {SECRETS['url']}"]},
    ]
    picture = {"output_type": "display_data", "data": {"image/png": SECRETS["aws id"]}}

    def notebook(source: object, output: object = picture) -> bytes:
        cells = [
            {"cell_type": "markdown", "source": "# Title"},
            {"cell_type": "code", "source": source, "outputs": [output]},
        ]
        return json.dumps({"cells": cells, "metadata": {}, "nbformat": 4}).encode()

    for source in (f'x = 1\npassword = "{VALUE}"', ["x = 1\n", f"password = '{VALUE}'"]):
        secret = find_secret("a.ipynb", notebook(source))
        assert secret is not None
        assert secret.place == "a.ipynb:[2]:2"
    for output in outputs:
        secret = find_secret("a.ipynb", notebook("x = 1", output))
        assert secret is not None
        assert secret.cell == 2
    assert find_secret("a.ipynb", notebook("x = 1")) is None
    # What only looks like a notebook is searched, too.
    for content in (b"[]", b'{"cells": 1}', b'{"cells": []}', b"{", b'{"cells": [{}]}'):
        assert find_secret("a.ipynb", content + SECRETS["aws id"].encode()) is not None


def test_notebooks_locks_and_placeholders_are_no_secrets() -> None:
    drawn = random.Random(3)
    picture = base64.b64encode(drawn.randbytes(300_000)).decode()
    hashes = "\n".join(f"  md5: {drawn.randbytes(16).hex()}" for _ in range(5000))
    for text in (
        f'{{"image/png": "{picture}"}}',
        f"outs:\n{hashes}\n",
        'password = os.environ["PASSWORD"]\napi_key: "${API_KEY}"\n',
        "postgresql://user:{password}@host https://me:password@host http://u:pw@host",
        'token = "YOUR_API_KEY"\nmy_task-us12 sk-learn risk-averse desk-1',
    ):
        assert find_secret("a.txt", text.encode()) is None


def test_large_untracked_files_stay_out_of_git(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    (root / "big.bin").write_bytes(b"x" * (10 * 1024 * 1024))
    with pytest.raises(FileTooLargeError):
        manager.create("x")
    (root / "train.py").write_text("x\n")
    # It is known before the commit.
    changes = {one.path: one.too_large for one in manager.status().changes}
    assert changes == {"big.bin": True, "train.py": False}
    made = manager.create("x")
    assert (len(made.warnings), made.left_out) == (1, ["big.bin"])
    assert "big.bin" in made.warnings[0].in_(CHINESE)
    assert "jupyter mlws data add big.bin" in made.warnings[0].in_(CHINESE)
    assert _status(manager) == {"big.bin": "untracked"}
    git(root, "config", "mlws.largefile", "20m")
    assert not any(one.too_large for one in manager.status().changes)
    assert manager.create("Now").warnings == []


def test_hooks_run_may_change_the_commit_and_may_refuse(
    manager: SnapshotManager, git: Command
) -> None:
    root = manager.project.root
    hooks = root / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    (hooks / "pre-commit").write_text("#!/bin/sh\necho added > hooked.txt\ngit add hooked.txt\n")
    (hooks / "commit-msg").write_text('#!/bin/sh\nsed -i "s/draft/final/" "$1"\n')
    (hooks / "post-commit").write_text("#!/bin/sh\ngit rev-parse HEAD > .git/seen\nexit 1\n")
    for name in ("pre-commit", "commit-msg", "post-commit"):
        (hooks / name).chmod(0o755)
    (root / "train.py").write_text("x\n")
    made = manager.create("draft")
    assert made.subject == "final"
    assert {c.path for c in manager.get(made.id).changes} == {"train.py", "hooked.txt"}
    assert (root / ".git" / "seen").read_text().strip() == made.id
    assert git(root, "status", "--porcelain") == ""

    (hooks / "pre-commit").write_text("#!/bin/sh\necho no good >&2\nexit 1\n")
    (root / "train.py").write_text("y\n")
    with pytest.raises(HookRejectedError) as error:
        manager.create("again")
    assert error.value.facts == {"hook": "pre-commit", "reason": "no good"}
    assert git(root, "rev-parse", "HEAD").strip() == made.id
    assert _status(manager) == {"train.py": "modified"}
    assert list(manager.project.state.glob("*index*")) == []


def test_signing_that_fails_is_told(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    git(root, "config", "commit.gpgsign", "true")
    git(root, "config", "gpg.program", "/bin/false")
    (root / "train.py").write_text("x\n")
    with pytest.raises(SigningFailedError):
        manager.create("x")
    assert git(root, "log", "-1", "--format=%s").strip() == "Code and data"


def test_signing_as_configured(manager: SnapshotManager, signing: None, git: Command) -> None:
    root = manager.project.root
    (root / "train.py").write_text("x\n")
    manager.create("Signed")
    assert "SSH SIGNATURE" in git(root, "cat-file", "commit", "HEAD")


def test_a_branch_that_moved_meanwhile_is_left_alone(
    manager: SnapshotManager, git: Command
) -> None:
    root = manager.project.root
    (root / "train.py").write_text("mine\n")

    def interfere(step: str) -> None:
        if step == "publish":
            git(root, "commit", "-q", "--allow-empty", "-m", "Somebody else's")

    with pytest.raises(BranchMovedError):
        manager.create("Mine", on_step=interfere)
    assert git(root, "log", "-1", "--format=%s").strip() == "Somebody else's"
    assert _status(manager) == {"train.py": "modified"}
    assert git(root, "for-each-ref", "refs/mlws") == ""
    assert manager.create("Mine").parents == [git(root, "rev-parse", "HEAD~1").strip()]


def test_a_broken_dvc_yaml_elsewhere_stops_nothing(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    (root / "broken").mkdir()
    (root / "broken" / "dvc.yaml").write_text("stages: [not: a: mapping\n")
    (root / "broken" / "dvc.lock").write_text("{{{\n")
    (root / "data" / "wine.csv").write_text("a,b\n5,6\n")
    made = manager.create("In spite of it")
    assert _status(manager) == {}
    (root / "data" / "wine.csv").write_text("damaged\n")
    manager.restore(made.id)
    assert (root / "data" / "wine.csv").read_text() == "a,b\n5,6\n"
    assert _status(manager) == {}


def test_a_commit_on_no_branch_warns(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    (root / "train.py").write_text("on main\n")
    assert manager.create("On main").warnings == []
    git(root, "checkout", "-q", "--detach")
    (root / "train.py").write_text("detached\n")
    (warning,) = manager.create("Detached").warnings
    assert "jupyter mlws branch" in warning.en


def test_many_new_files_are_committed_only_when_allowed(manager: SnapshotManager) -> None:
    folder = manager.project.root / "raw"
    folder.mkdir()
    for number in range(1000):
        (folder / f"{number}.txt").write_text("data")
    with pytest.raises(ManyNewFilesError) as error:
        manager.create("Many")
    assert (error.value.facts["count"], error.value.facts["paths"]) == (1000, ["raw/"])
    manager.create("One", ["raw/1.txt"])
    assert len(_status(manager)) == 999
    (folder / "large.bin").write_bytes(b"\0" * 1024)
    assert manager.create("Many", allow_many=True).stats.code == 1000
    assert _status(manager) == {}


def test_data_that_no_store_has_is_not_named(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    (root / "lost.csv.dvc").write_text(
        f"outs:\n- md5: {'f' * 32}\n  size: 3\n  hash: md5\n  path: lost.csv\n"
    )
    with pytest.raises(DataMissingError) as error:
        manager.create("x")
    assert error.value.facts["paths"] == "lost.csv"
    assert git(root, "log", "-1", "--format=%s").strip() == "Code and data"


def test_a_damaged_cache_object_is_noticed(manager: SnapshotManager) -> None:
    root = manager.project.root
    (root / "new.csv").write_text("new\n")
    add_data(root, "new.csv")
    md5 = next(line for line in (root / "new.csv.dvc").read_text().split() if len(line) == 32)
    stored = root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
    stored.chmod(0o644)
    stored.write_text("bad\n")
    with pytest.raises(DataDamagedError):
        manager.create("x")
    # The damaged object was put aside, so the working tree's good copy is stored again.
    manager.create("Again")
    assert stored.read_text() == "new\n"


FLOW = """\
vars:
- workflow: {name: Wine}
- settings.yaml
stages:
  train:
    cmd: python train.py ${rate}
    deps: [train.py, lib, data/wine.csv, clean.csv]
    params: [depth]
    outs: [model.txt]
    meta: {at: [0, 0]}
  clean:
    cmd: cp data/wine.csv clean.csv
    deps: [data/wine.csv]
    outs: [clean.csv]
"""


def end_run(project: Project, number: int, *, mlflow_run: str | None, **facts: object) -> None:
    """Enter a run of the working tree that has ended into the journal."""
    commit = commit_worktree(project, f"run{number}").sha
    moment = time.time() + number
    record = {"commit": commit, "started": moment, "ended": moment, **facts}
    if mlflow_run:
        record |= {"mlflow_run": mlflow_run, "recorded": True}
    with closing(project.database()) as database:
        row = (f"run{number}", "dvc.yaml", "COMPLETED", moment, json.dumps(record))
        database.execute("INSERT INTO runs VALUES (?, ?, ?, ?, ?)", row)
        inputs = {"data/wine.csv": md5_of(project.root / "data" / "wine.csv")}
        node = (f"run{number}", "train", 0, "COMPLETED", json.dumps({"inputs": inputs}))
        database.execute("INSERT INTO nodes VALUES (?, ?, ?, ?, ?)", node)


def md5_of(file: Path) -> str:
    return hashlib.md5(file.read_bytes()).hexdigest()


def test_ended_runs_of_a_snapshots_workflow_and_inputs_are_named_once_and_tagged(
    manager: SnapshotManager, git: Command
) -> None:
    root, project = manager.project.root, manager.project
    (root / "lib").mkdir()
    files = {
        "dvc.yaml": FLOW, "settings.yaml": "rate: 1\n", "params.yaml": "depth: 3\n",
        "lib/part.py": "1\n", "data/wine.csv": "a,b\n8,9\n",
    }  # fmt: skip
    for path, text in files.items():
        (root / path).write_text(text)
    ids = [log_run(project) for _ in range(3)]
    end_run(project, 0, mlflow_run=ids[0])
    # Each of these makes another workflow, or other inputs, after the run.
    changes = {
        "dvc.yaml": FLOW.replace("python", "python -O"),
        "settings.yaml": "rate: 2\n",
        "params.yaml": "depth: 4\n",
        "train.py": "print('other')\n",
        "lib/part.py": "2\n",
        "lib/new.py": "",
        "data/wine.csv": "a,b\n0,0\n",
    }
    for path, text in changes.items():
        before = (root / path).read_text() if (root / path).exists() else None
        (root / path).write_text(text)
        assert manager.create(f"Other {path}").runs == [], path
        if before is None:
            (root / path).unlink()
        else:
            (root / path).write_text(before)
    # Moved on the canvas, and beside a file that the workflow does not read: still the run's own.
    (root / "dvc.yaml").write_text(FLOW.replace("at: [0, 0]", "at: [9, 9]"))
    (root / "notes.txt").write_text("x\n")
    end_run(project, 1, mlflow_run=ids[1])
    made = manager.create("With runs")
    assert made.runs == ids[:2]
    assert made.proof is not None
    assert made.proof.runs
    assert git(root, "log", "-1", "--format=%(trailers:key=Mlws-Run,valueonly)").split() == ids[:2]
    assert tag_of(root, ids[0], "mlws.snapshot") == made.id
    # A run whose process has not recorded it yet is waited for; after the limit it is named.
    end_run(project, 2, mlflow_run=None, pid=os.getpid(), pid_start=start_time(os.getpid()))
    (root / "notes.txt").write_text("y\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_selection, "TRACKING_TIMEOUT", 0.2)
        late = manager.create("Too early")
    assert late.runs == []
    (warning,) = late.warnings
    assert "Run run2 is not named" in warning.in_("en")

    def record() -> None:
        with closing(project.database()) as database:
            change = "UPDATE runs SET record = json_set(record, '$.recorded', 1, '$.mlflow_run', ?)"
            database.execute(f"{change} WHERE id = 'run2'", (ids[2],))

    timer = threading.Timer(0.3, record)
    timer.start()
    (root / "notes.txt").write_text("z\n")
    assert manager.create("In time").runs == [ids[2]]
    timer.join()
    (root / "notes.txt").write_text("0\n")
    assert manager.create("Without").runs == []


def test_a_commit_without_the_workflow_or_the_data_of_a_run_does_not_name_it(
    manager: SnapshotManager, git: Command
) -> None:
    root = manager.project.root
    (root / "data" / "new.csv").write_text("a\n1\n")
    add_data(root, "data/new.csv")
    (root / "dvc.yaml").write_text(
        "stages:\n  train:\n    cmd: cp data/new.csv model.txt\n    deps: [data/new.csv]\n"
        "    outs: [model.txt]\n"
    )
    (root / "notes.txt").write_text("x\n")
    run = log_run(manager.project)
    end_run(manager.project, 0, mlflow_run=run)
    for path in ("notes.txt", "dvc.yaml"):
        git(root, "add", path)
        snapshot = manager.create(f"Only {path}", staged_only=True)
        assert snapshot.runs == [], path
        assert snapshot.proof is not None
        assert snapshot.proof.runs is None
    assert manager.create("With its data").runs == [run]


def test_the_first_commit_of_a_new_project_holds_its_workflow_and_names_its_run(
    tmp_path: Path, home: Path
) -> None:
    projects = ProjectManager(tmp_path)
    workspace = projects.workspace(projects.create("own", Template.EMPTY).id)
    root = tmp_path / "own"
    (root / "in.txt").write_text("1\n")
    (root / "dvc.yaml").write_text(
        "stages:\n  copy:\n    cmd: cp in.txt out.txt\n    deps: [in.txt]\n    outs: [out.txt]\n"
    )
    run = workspace.runs.execute("dvc.yaml", RunRequest())
    ended = workspace.runs.wait("dvc.yaml", run["id"], 120)
    # As Ctrl+Enter does: what is staged, or else everything.
    staged = any(one.index_state for one in workspace.snapshots.status().changes)
    first = workspace.snapshots.create("First", staged_only=staged)
    assert first.runs == [ended["mlflow_run"]]
    (root / "in.txt").write_text("2\n")
    workspace.snapshots.create("Second")
    workspace.snapshots.restore(first.id)
    assert (root / "in.txt").read_text() == "1\n"
    assert (root / "out.txt").read_text() == "1\n"
    assert (root / "dvc.yaml").exists()
    projects.close()


def test_the_default_remote_gets_the_data_and_is_asked(
    manager: SnapshotManager, dvc: Command, git: Command, tmp_path: Path
) -> None:
    root = manager.project.root
    remote = tmp_path / "remote"
    dvc(root, "remote", "add", "-d", "store", str(remote))
    (root / "data" / "images" / "deep" / "9.bin").write_text("more")
    made = manager.create("Pushed")
    assert made.proof is not None
    assert (made.proof.data_local, made.proof.data_remote) == (True, True)
    assert len([p for p in remote.rglob("*") if p.is_file()]) == 6
    assert "Mlws-Data" not in made.message

    # An object that is gone from the remote is not believed to be there because of its listing.
    md5 = next(item.md5 for item in made.data if item.path == "data/wine.csv")
    assert md5 is not None
    gone = remote / "files" / "md5" / md5[:2] / md5[2:]
    gone.unlink()
    proof = manager.get(made.id).proof
    assert proof is not None
    assert proof.data_remote is False
    (root / "train.py").write_text("x\n")
    manager.create("Pushed again")
    assert gone.exists()


def test_an_unreachable_remote_is_told_by_the_commit(
    manager: SnapshotManager, dvc: Command, tmp_path: Path
) -> None:
    root = manager.project.root
    (tmp_path / "file").write_text("no folder")
    dvc(root, "remote", "add", "-d", "store", str(tmp_path / "file" / "remote"))
    (root / "data" / "wine.csv").write_text("offline\n")
    made = manager.create("Offline")
    assert made.message.splitlines()[-1] == "Mlws-Data: local"
    assert made.proof is not None
    assert (made.proof.data_local, made.proof.data_remote) == (True, False)
    assert len(made.warnings) == 1


def test_history_is_paged_and_filtered(manager: SnapshotManager) -> None:
    root = manager.project.root
    for number in range(5):
        (root / f"f{number % 2}.txt").write_text(str(number))
        manager.create(f"Version {number}")
    first = manager.list(HistoryQuery(limit=2))
    assert [s.subject for s in first.items] == ["Version 4", "Version 3"]
    (root / "f0.txt").write_text("later")
    manager.create("Later")
    second = manager.list(HistoryQuery(limit=2, cursor=first.next_cursor))
    assert [s.subject for s in second.items] == ["Version 2", "Version 1"]
    assert len(manager.list(HistoryQuery(path="f1.txt")).items) == 2
    assert [s.subject for s in manager.list(HistoryQuery(q="version 3")).items] == ["Version 3"]
    assert manager.list(HistoryQuery(author="nobody")).items == []
    assert manager.history(HistoryQuery(limit=1)).items[0].changes[0].path == "f0.txt"
    with pytest.raises(MLWSError):
        manager.list(HistoryQuery(ref="--all"))


def test_what_a_diff_does_not_show_is_named_with_its_sizes(
    manager: SnapshotManager, git: Command
) -> None:
    root = manager.project.root
    # Sparse: 152 MB take no room, and none of it is read.
    for path in ("data/wine.csv", "large.csv"):
        with (root / path).open("r+b" if path.startswith("data") else "wb") as file:
            file.truncate(152_000_000)
    images = root / "data" / "images"
    for number in range(500):
        (images / f"{number}.png").write_bytes(b"\x89PNG")

    def known(path: str, **ends: str) -> tuple[object, ...]:
        diff = manager.comparison.file(path, **ends)
        assert (diff.binary, diff.unified, diff.old, diff.new) == (False, "", None, None)
        assert diff.hidden is not None
        sizes = (diff.old_size, diff.new_size)
        return (diff.hidden.value, *sizes, diff.old_files, diff.new_files)

    assert known("data/wine.csv") == ("too_large", 8, 152_000_000, None, None)
    assert known("large.csv") == ("too_large", None, 152_000_000, None, None)
    assert known("data/images") == ("folder", 300, 2300, 3, 503)
    staged = manager.comparison.staged_file("large.csv", in_index=False)
    assert (staged.hidden, staged.new_size) == (HiddenText.TOO_LARGE, 152_000_000)

    (root / "data" / "wine.csv").write_text("a,b\n3,4\n")
    add_data(root, "data/wine.csv", "data/images")
    git(root, "commit", "-qam", "More")
    assert known("data/images", start="HEAD~1", end="HEAD") == ("folder", 300, 2300, 3, 503)
    shutil.rmtree(root / ".dvc" / "cache" / "files")
    assert known("data/wine.csv", start="HEAD~1", end="HEAD")[0] == "not_stored"
    (root / "blob").write_bytes(b"\0\1")
    blob = manager.comparison.file("blob")
    assert (blob.binary, blob.hidden, blob.new_size) == (True, HiddenText.BINARY, 2)


def test_differences_of_files_and_versions(manager: SnapshotManager, git: Command) -> None:
    root = manager.project.root
    (root / "params.yaml").write_text("train: {depth: 3, rate: 0.1}\n")
    (root / "metrics.json").write_text('{"accuracy": 0.9}')
    (root / "dvc.yaml").write_text(
        "vars:\n- workflow: {name: W}\n- forest: {n: 10}\nstages:\n  s:\n    cmd: x\n"
        "    metrics:\n    - metrics.json: {cache: false}\n"
    )
    (root / "data" / "wine.csv").write_text("a,b\n7,8\n")
    changes = {row.path: row for row in manager.comparison.files()}
    assert changes["params.yaml"].additions == 1
    assert changes["data/wine.csv"].kind.value == "data"
    data = manager.comparison.file("data/wine.csv")
    assert (data.old, data.new, data.binary) == ("a,b\n1,2\n", "a,b\n7,8\n", False)
    assert "+7,8" in data.unified
    first = manager.create("One")
    (root / "params.yaml").write_text("train: {depth: 5, rate: 0.1}\n")
    (root / "metrics.json").write_text('{"accuracy": 0.95}')
    (root / "train.py").write_text("print('two')\nmore\n")
    (root / "blob").write_bytes(b"\0\1")
    (root / "data" / "wine.csv").write_text("a,b\n9,9\n")
    assert manager.comparison.file("blob").binary
    assert manager.comparison.file("train.py").new == "print('two')\nmore\n"
    second = manager.create("Two")
    diff = manager.comparison.versions(first.id, second.id).model_dump(mode="json")
    assert diff["metrics"] == [{"name": "metrics.json:accuracy", "from": 0.9, "to": 0.95}]
    assert diff["params"] == [{"name": "params.yaml:train.depth", "from": 3, "to": 5}]
    assert [(row["path"], row["state"]) for row in diff["data"]] == [("data/wine.csv", "modified")]
    files = {row["path"]: (row["additions"], row["deletions"]) for row in diff["files"]}
    assert files["train.py"] == (2, 1)
    assert files["blob"] == (None, None)
    versions = manager.comparison.file("data/wine.csv", first.id, second.id)
    assert (versions.old, versions.new) == ("a,b\n7,8\n", "a,b\n9,9\n")
    with pytest.raises(OutsideWorkspaceError):
        manager.comparison.file("../outside")


def test_a_comparison_begins_at_the_merge_base_or_names_what_is_unknown(
    manager: SnapshotManager, git: Command
) -> None:
    root = manager.project.root
    git(root, "checkout", "-qb", "topic")
    (root / "theirs.txt").write_text("theirs\n")
    manager.create("Theirs", paths=["theirs.txt"])
    git(root, "checkout", "-q", "-")
    (root / "ours.txt").write_text("ours\n")
    manager.create("Ours", paths=["ours.txt"])
    comparison = manager.comparison

    def names(start: str) -> list[str]:
        return [row.path for row in comparison.versions(start, "topic").files]

    assert names("HEAD") == ["ours.txt", "theirs.txt"]
    assert names("HEAD...topic") == ["theirs.txt"]
    assert comparison.file("theirs.txt", "...topic", "topic").new == "theirs\n"
    for start in ("HEAD...no-such", "no-such...topic", "no-such"):
        with pytest.raises(VersionItemNotFoundError) as error:
            names(start)
        assert error.value.facts["name"] == "no-such"


def test_looking_loads_neither_dvc_nor_mlflow(workspace: Project) -> None:
    code = (
        "import pathlib, sys\n"
        "from mlws.core.project import Project\n"
        "from jupyter_mlws.versioning.snapshots.manager import SnapshotManager\n"
        "manager = SnapshotManager(Project.open(pathlib.Path(sys.argv[1])))\n"
        "manager.status(), manager.list(), manager.comparison.files(), manager.history()\n"
        "print([name for name in ('dvc', 'mlflow', 'pandas') if name in sys.modules])\n"
    )
    (workspace.root / "data" / "wine.csv").write_text("a,b\n9,9\n")
    command = [sys.executable, "-c", code, str(workspace.root)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, cwd="/")
    assert answer.stdout.strip() == "[]"
