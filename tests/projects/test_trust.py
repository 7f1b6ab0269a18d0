"""Before its authors are trusted, nothing of a project runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.project import Project
from jupyter_mlws.projects.manager import ProjectManager
from jupyter_mlws.projects.models import Template
from jupyter_mlws.projects.trust import is_trusted, trust, withdraw_trust
from tests import python
from tests.api.test_contract import REST, STREAMS

OF_SERVER = (
    r"(openapi|components$|projects|operations|notebooks|logs|metrics|containers|resources"
    r"|images|volumes|environments|usage|me$|team)"
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


@pytest.fixture
def marker(tmp_path: Path) -> Path:
    """The file that exists once anything of the project has run."""
    return tmp_path / "ran"


def ran(marker: Path) -> str:
    return marker.read_text() if marker.exists() else ""


@pytest.fixture
def hostile(project: Project, marker: Path, git: Callable[..., str]) -> Project:
    """An untrusted project with a program wherever git, DVC or this product would run one."""
    root = project.root
    (root / "components").mkdir()
    (root / "components" / "clean.py").write_text(COMPONENT.format(marker=str(marker)))
    for module in ("traceback.py", "json.py", "sitecustomize.py", "jupyter_mlws.py"):
        (root / module).write_text(f"open({str(marker)!r}, 'w').write('module')\n")
    (root / "dvc.yaml").write_text(f"stages:\n  a:\n    cmd: touch {marker}\n")
    (root / "data.bin").write_bytes(b"\0")
    (root / ".gitattributes").write_text("* filter=run diff=run\n")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "Files")
    program = root / ".git" / "program"
    program.write_text(PROGRAM.format(marker=marker))
    program.chmod(0o755)
    for hook in ("pre-commit", "post-checkout", "post-index-change", "reference-transaction"):
        (root / ".git" / "hooks").mkdir(exist_ok=True)
        (root / ".git" / "hooks" / hook).symlink_to(program)
    for key in ("core.fsmonitor", "filter.run.clean", "filter.run.smudge", "diff.run.command"):
        git(root, "config", key, str(program))
    (root / "data.bin").write_bytes(b"\1")
    marker.unlink(missing_ok=True)
    withdraw_trust(root)
    return project


async def test_no_endpoint_of_the_project_answers(
    hostile: Project, fetch: Callable[..., Any], marker: Path
) -> None:
    asked = 0
    for pattern, verb in REST:
        if re.match(OF_SERVER, pattern):
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


def test_a_new_project_is_trusted_and_a_clone_is_not(project: Project, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    projects = ProjectManager(root)
    assert projects.create("mine", Template.EMPTY).trusted
    trust(root / "copy")
    assert not projects.clone(str(project.root), "copy").trusted
    assert not is_trusted((root / "copy").resolve())
