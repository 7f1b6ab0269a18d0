"""Before its authors are trusted, nothing of a project runs."""

from __future__ import annotations

import asyncio
import io
import json
import os
import pty
import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.components import values
from jupyter_mlws.core.trust import is_trusted, trust, withdraw_trust
from jupyter_mlws.projects.manager import ProjectManager
from jupyter_mlws.projects.models import Template
from mlws.core.project import Project
from tests import python
from tests.api.test_contract import REST, STREAMS
from tests.server import Server

OF_SERVER = (
    r"(openapi|components$|projects|operations|notebooks|logs|metrics|containers|resources"
    r"|images|notices|volumes|environments|usage|me$|reference|team|stale-notebooks"
    r"|pages$|pages/\()"
)
"""What is not of one project, and the components, which are listed without being imported."""
PROGRAM = "#!/bin/sh\necho ran >> {marker}\n"
COMPONENT = """\
import pathlib
pathlib.Path({marker!r}).write_text("ran")
from jupyter_mlws.components import Table, component

@component
def clean(data: Table) -> Table:
    return data
"""
DVC_CONFIG = """\
[core]
    remote = outside
    site_cache_dir = {outside}/site
[cache]
    dir = {outside}/cache
['remote "outside"']
    url = {outside}/remote
['remote "program"']
    url = ssh://-oProxyCommand=touch%20{marker}/data
"""
SUBMODULE = """\
[submodule "library"]
    path = library
    url = ext::sh -c "touch {marker}"
    update = !touch {marker}
"""
BOMB = "x0: &x0 [a, a]\n" + "".join(
    f"x{n}: &x{n} [{', '.join([f'*x{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
"""A few lines that mean billions of values."""
MODEL = {
    "__class__": "system",
    "__module__": "os",
    "__loader__": "FunctionNode",
    "__id__": 1,
    "content": {"module_path": "os", "function": "system"},
    "protocol": 2,
    "_skops_version": "0.14.0",
}
PARTS = (
    ("workflows", "GET"),
    ("workflows/dvc.yaml/plan", "GET"),
    ("git/status", "GET"),
    ("git/diff", "GET"),
    ("git/history", "GET"),
    ("datasets", "GET"),
    ("datasets/remotes", "GET"),
    ("models", "GET"),
    ("runs", "GET"),
    ("snapshots", "POST"),
    ("snapshots", "GET"),
)
"""What is opened, planned, compared and stored of a project."""
NAMES = (
    "new\nline.txt",
    "-rf",
    "'quotes' \"and\" $(touch x).txt",
    "x" * 255,
    "zwölf 数.txt",
    "\\.md",
)
NOTEBOOKS = {
    "code.ipynb": json.dumps(
        {
            "cells": [
                {
                    "cell_type": "code",
                    "id": "a",
                    "source": "open('ran', 'w')",
                    "metadata": {"trusted": True},
                    "outputs": [],
                    "execution_count": None,
                }
            ],
            "metadata": {"kernelspec": {"name": "../../kernel", "display_name": "x"}},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    ),
    "deep.ipynb": '{"nbformat": 4, "cells": ' + "[" * 100_000,
    "deep metadata.ipynb": '{"nbformat": 4, "nbformat_minor": 5, "cells": [], "metadata": '
    + '{"a": ' * 900 + "1" + "}" * 901,
    "nan.ipynb": '{"nbformat": 4, "nbformat_minor": NaN, "cells": [], "metadata": {}}',
}  # fmt: skip


def write_hostile_files(root: Path, outside: Path, marker: Path) -> None:
    """Write what a repository can bring along."""
    (root / "components").mkdir()
    (root / "components" / "clean.py").write_text(COMPONENT.format(marker=str(marker)))
    for module in ("traceback.py", "json.py", "sitecustomize.py", "jupyter_mlws.py"):
        (root / module).write_text(f"open({str(marker)!r}, 'w').write('module')\n")
    (root / "dvc.yaml").write_text(f"stages:\n  a:\n    cmd: touch {marker}\n")
    (root / "data.bin").write_bytes(b"\0")
    (root / ".gitattributes").write_text("* filter=run diff=run merge=run\n")
    (root / ".gitmodules").write_text(SUBMODULE.format(marker=marker))
    (root / ".dvc" / "config").write_text(DVC_CONFIG.format(outside=outside, marker=marker))
    (root / "bomb").mkdir()
    (root / "bomb" / "dvc.yaml").write_text(
        f"{BOMB}stages:\n  a:\n    cmd: x\n    deps: *x9\n    metrics: [m.yaml]\n"
    )
    (root / "deep").mkdir()
    (root / "deep" / "dvc.yaml").write_text("stages: " + "[" * 5000)
    (root / "bomb.dvc").write_text(f"{BOMB}outs: *x9\n")
    for name, text in NOTEBOOKS.items():
        (root / name).write_text(text)
    model = io.BytesIO()
    with zipfile.ZipFile(model, "w") as archive:
        archive.writestr("schema.json", json.dumps(MODEL))
    (root / "model.skops").write_bytes(model.getvalue())
    (root / "passwd.csv").symlink_to("/etc/passwd")
    (root / "loop").symlink_to(".")
    (root / "outside").symlink_to(outside)
    (root / "linked").mkdir()
    (root / "linked" / "dvc.yaml").symlink_to(outside / "dvc.yaml")
    for name in NAMES:
        (root / name).write_text("x\n")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that no project may write to."""
    folder = tmp_path / "outside"
    folder.mkdir()
    return folder


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """The file that exists once anything of the project has run."""
    return tmp_path / "ran"


def ran(marker: Path) -> str:
    return marker.read_text() if marker.exists() else ""


def contents(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def hostile(project: Project, marker: Path, outside: Path, git: Callable[..., str]) -> Project:
    """An untrusted project with a program wherever git, DVC or this product would run one."""
    root = project.root
    write_hostile_files(root, outside, marker)
    git(root, "add", "-A")
    head = git(root, "rev-parse", "HEAD").strip()
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{head},library")
    git(root, "commit", "-q", "-m", "Files")
    program = root / ".git" / "program"
    program.write_text(PROGRAM.format(marker=marker))
    program.chmod(0o755)
    for hook in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction"):
        (root / ".git" / "hooks").mkdir(exist_ok=True)
        (root / ".git" / "hooks" / hook).symlink_to(program)
    programs = ("core.fsmonitor", "filter.run.clean", "filter.run.smudge", "diff.run.command")
    for key in (*programs, "diff.run.textconv", "merge.run.driver"):
        git(root, "config", key, str(program))
    (root / "data.bin").write_bytes(b"\1")
    marker.unlink(missing_ok=True)
    withdraw_trust(root)
    return project


async def test_no_endpoint_of_the_project_answers(
    hostile: Project, fetch: Callable[..., Any], marker: Path, outside: Path
) -> None:
    asked = 0
    for pattern, verb in REST:
        if re.match(OF_SERVER, pattern) and (pattern, verb) != ("components", "post"):
            continue
        path = "mlws/api/v1/" + re.sub(r"\([^)]*\)", "x", pattern).replace("\\", "")
        body = None if verb in ("get", "delete") else "{}"
        answer = await fetch(path, method=verb.upper(), body=body, raise_error=False)
        code = json.loads(answer.body)["code"]
        # Some need a body or a query, which is looked at first.
        assert (answer.code, code) in [(403, "50303"), (400, "50201"), (428, "50204")], path
        asked += code == "50303"
    assert asked > 60
    assert ran(marker) == ""
    assert contents(outside) == []


async def test_no_stream_of_the_project_opens(
    hostile: Project, ws_fetch: Callable[..., Any], marker: Path
) -> None:
    for pattern in STREAMS:
        if re.match(OF_SERVER, pattern):
            continue
        socket = await ws_fetch("mlws/api/v1/" + re.sub(r"\([^)]*\)", "x", pattern))
        said = await socket.read_message()
        assert said is None or json.loads(said)["code"] == "50303", pattern
        socket.close()
    assert ran(marker) == ""


async def test_components_are_listed_and_imported_once_the_project_is_trusted(
    hostile: Project, fetch: Callable[..., Any], marker: Path
) -> None:
    async def components() -> dict[str, Any]:
        rows = json.loads((await fetch("mlws/api/v1/components")).body)["data"]["items"]
        return {row["name"]: row for row in rows}

    before = await components()
    assert "not trusted" in before["clean"]["error"]
    assert before["split"]["error"] is None
    assert ran(marker) == ""

    identifier = f"{hostile.root.parent.name}~1{hostile.root.name}"
    trust = {"params": {"project": identifier}}
    answer = await fetch("mlws/api/v1/projects/trust", method="PUT", body="{}", **trust)
    assert json.loads(answer.body)["data"]["trusted"]
    assert (await components())["clean"]["error"] is None
    # The component itself ran; what shadows a module of Python did not.
    assert ran(marker) == "ran"

    await fetch("mlws/api/v1/projects/trust", method="DELETE", **trust)
    assert not is_trusted(hostile.root)


def test_the_command_line_refuses_and_trusts(hostile: Project, marker: Path) -> None:
    for words in (["status"], ["run"], ["plan"], ["commit", "-m", "x"], ["components"]):
        answer = python.run(python.MLWS, *words, "--json", cwd=hostile.root)
        assert answer.returncode == 1
        assert json.loads(answer.stderr)["code"] == "50303"
    assert ran(marker) == ""
    answer = python.run(python.MLWS, "trust", cwd=hostile.root, check=True)
    assert str(hostile.root) in answer.stdout.replace("\n", "")
    assert is_trusted(hostile.root)
    python.run(python.MLWS, "trust", "--withdraw", cwd=hostile.root, check=True)
    assert not is_trusted(hostile.root)


def in_terminal(answer: str, folder: Path, *words: str) -> tuple[int, str]:
    """Run a command in a terminal, and type an answer: its exit code and what it showed."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="dumb", COLUMNS="200")
        arguments = ["-m", "jupyter_mlws", "-C", str(folder), *words]
        os.execv(sys.executable, [sys.executable, *arguments])
    text = ""
    with os.fdopen(terminal, "r+b", buffering=0) as stream, suppress(OSError):
        # A terminal whose program has ended answers with an error.
        while block := stream.read(4096):
            text += block.decode()
            if text.endswith("[y/N]: "):
                stream.write(f"{answer}\n".encode())
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text


def test_a_terminal_asks_for_trust_and_names_what_would_run(
    hostile: Project, marker: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (hostile.root / ".git" / "hooks" / "a\x1b[2J").symlink_to(hostile.root / ".git" / "program")
    code, text = in_terminal("n", hostile.root, "status")
    assert (code, ran(marker)) == (1, "")
    assert not is_trusted(hostile.root)
    rows = [row.strip() for row in text.splitlines()]
    hooks = "a?[2J, post-checkout, post-index-change, pre-commit, reference-transaction"
    assert f"Git hooks (5): {hooks}" in rows
    settings = "core.fsmonitor, diff.run.command, diff.run.textconv, filter.run.clean"
    named = "Git settings that name programs (6)"
    assert f"{named}: {settings}, filter.run.smudge, merge.run.driver" in rows
    assert "Components (1): clean" in rows
    assert "Workflow stages (1): dvc.yaml:a" in rows
    assert "Trust the authors of project? [y/N]: n" in text
    assert "run `jupyter mlws trust`" in text
    assert in_terminal("y", hostile.root, "--no-pager", "components")[0] == 0
    assert is_trusted(hostile.root)


def test_a_new_project_is_trusted_and_a_clone_is_not(project: Project, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    projects = ProjectManager(root)
    assert projects.create("mine", Template.EMPTY).trusted
    assert projects.create("copy", Template.EMPTY).trusted
    shutil.rmtree(root / "copy")
    assert not projects.clone(str(project.root), "copy").trusted
    assert not is_trusted((root / "copy").resolve())


def test_trust_is_of_the_repository_and_not_of_its_path(project: Project) -> None:
    """Another project at the path of a trusted one is not trusted, whatever it brings along."""
    root, aside = project.root, project.root.with_name("aside")
    assert is_trusted(root)
    [token] = (root / ".git").glob("mlws-trust-*")
    assert token.stat().st_mode & 0o077 == 0
    root.rename(aside)
    shutil.copytree(aside, root, ignore=shutil.ignore_patterns(token.name))
    assert not is_trusted(root)
    os.mkfifo(token)
    assert not is_trusted(root)
    token.unlink()
    token.symlink_to(aside / ".git" / token.name)
    assert not is_trusted(root)
    token.unlink()
    token.write_bytes(b"")
    assert not is_trusted(root)
    # The repository itself, back at its path, is the trusted one.
    shutil.rmtree(root)
    aside.rename(root)
    assert is_trusted(root)


async def test_a_hostile_repository_is_cloned_and_read_and_nothing_of_it_runs(
    hostile: Project, server: Server, fetch: Callable[..., Any], marker: Path, outside: Path
) -> None:
    name = f"{hostile.root.parent.name}-clone"
    body = json.dumps({"url": str(hostile.root), "name": name})
    answer = await fetch("mlws/api/v1/projects/clone", method="POST", body=body)
    operation = json.loads(answer.body)["data"]
    while operation["state"] in ("PENDING", "RUNNING"):
        await asyncio.sleep(0.05)
        answer = await fetch(f"mlws/api/v1/operations/{operation['id']}")
        operation = json.loads(answer.body)["data"]
    assert operation["state"] == "COMPLETED", operation
    assert not operation["result"]["trusted"]
    clone = Project.open(server.root / name)
    for file in ("dvc.yaml", "code.ipynb", "model.skops", *NAMES):
        assert (clone.root / file).is_file()
    assert contents(clone.root / "library") == []

    # As the file browser and the sidebar do.
    assert (await fetch("api", "contents", name)).code == 200
    rows = json.loads((await fetch("mlws/api/v1/projects")).body)["data"]["items"]
    assert [row["trusted"] for row in rows if row["path"] == name] == [False]
    for path, method in PARTS:
        answer = await fetch(
            f"mlws/api/v1/{path}",
            method=method,
            body=None if method == "GET" else json.dumps({"message": "x"}),
            project=clone,
            raise_error=False,
        )
        assert json.loads(answer.body)["code"] == "50303", path
    assert ran(marker) == ""
    assert contents(outside) == []


async def test_a_hostile_repository_fails_with_its_own_faults_once_it_is_trusted(
    hostile: Project, server: Server, fetch: Callable[..., Any], git: Callable[..., str]
) -> None:
    name = f"{hostile.root.parent.name}-clone"
    git(server.root, "clone", "-q", str(hostile.root), name)
    clone = Project.open(server.root / name)
    trust(clone.root)
    answer = await fetch("mlws/api/v1/git/status", project=clone, raise_error=False)
    assert answer.code == 409
    assert ".gitmodules" in json.loads(answer.body)["message"]
    modules = SUBMODULE.replace("    update = !touch {marker}\n", "")
    (clone.root / ".gitmodules").write_text(modules)
    (clone.root / "data.bin").write_bytes(b"\1")
    for file in NAMES:
        (clone.root / file).write_text("y\n")

    async def ask(path: str, method: str = "GET", params: Any = None, **body: Any) -> Any:
        answer = await fetch(
            f"mlws/api/v1/{path}",
            method=method,
            body=None if method == "GET" else json.dumps(body),
            params=params,
            project=clone,
            raise_error=False,
        )
        assert answer.code < 500, (path, answer.body)
        return json.loads(answer.body).get("data")

    for path, method in PARTS:
        await ask(path, method, message="Whatever it holds", allow_many=True)
    for workflow in ("dvc.yaml", "bomb~1dvc.yaml", "deep~1dvc.yaml", "linked~1dvc.yaml"):
        for part in ("", "/plan", "/script", "/sweeps", "/runs"):
            await ask(f"workflows/{workflow}{part}")
    notebooks = (await ask("notebooks", params={"limit": 100}))["items"]
    own = [row["id"] for row in notebooks if row["path"].startswith(f"{name}/")]
    assert own
    for notebook in own:
        for part in ("", "/cells", "/status"):
            await ask(f"notebooks/{notebook}{part}")
    newest = (await ask("snapshots"))["items"][0]
    assert newest["message"].startswith("Whatever it holds")
    assert git(clone.root, "status", "--porcelain") == ""
    await ask(f"snapshots/{newest['id']}")
    await ask("snapshots/diff", params={"from": "HEAD~1", "to": "HEAD"})


def test_a_model_that_names_a_function_is_refused(hostile: Project) -> None:
    with pytest.raises(values.ArtifactError, match=r"untrusted types: os\.system"):
        values.read("Model", hostile.root / "model.skops")
