"""What a person saves, or another package brings, is in the palette: over HTTP and the stream."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlws.core.project import Project

OWN = """\
from jupyter_mlws.components import Table, component

@component
def keep_rows(data: Table, *, count: int = 3) -> Table:
    \"\"\"Keep the first rows.\"\"\"
    return data.head(count)
"""
LIMIT = 20
"""Seconds: the machines that test are slow and shared. What is usual is told in the output."""


@pytest.fixture
def palette(fetch) -> Callable[[], Any]:
    async def read() -> dict[str, Any]:
        answer = await fetch("mlws/api/v1/components")
        return {row["name"]: row for row in json.loads(answer.body)["data"]["items"]}

    return read


async def told(socket: Any, area: str) -> None:
    while True:
        message = json.loads(await asyncio.wait_for(socket.read_message(), LIMIT))
        if area in message.get("areas", ()):
            return


async def watched(socket: Any, root: Path) -> None:
    """The watch begins in a thread: it is there when a change of ours is told."""
    for attempt in range(LIMIT * 10):
        (root / "mark").write_text(str(attempt))
        try:
            await asyncio.wait_for(socket.read_message(), 0.1)
        except TimeoutError:
            continue
        return


async def test_a_saved_file_is_told_and_listed(project: Project, palette, ws_fetch) -> None:
    folder = project.root / "components"
    folder.mkdir()
    socket = await ws_fetch("mlws", "api", "v1", "workspace", "status")
    await watched(socket, project.root)
    await palette()
    begun = time.monotonic()
    (folder / "own.py").write_text(OWN)
    await told(socket, "components")
    assert (await palette())["keep_rows"]["path"] == "components/own.py"
    took = time.monotonic() - begun
    print(f"from saving to the palette: {took:.2f} s")
    assert took < LIMIT

    (folder / "own.py").write_text(OWN.replace("def keep_rows", "def keep_rows("))
    await told(socket, "components")
    found = await palette()
    assert found["own"]["error"].startswith("line 4: SyntaxError")
    assert found["split"]["error"] is None
    socket.close()


async def test_broken_files_hide_no_others(project: Project, palette) -> None:
    folder = project.root / "components"
    folder.mkdir()
    (folder / "good.py").write_text(OWN)
    (folder / "leaves.py").write_text("import os\nos._exit(3)\n")
    (folder / "raises.py").write_text("\nimport no_such_module\n")
    found = await palette()
    assert found["keep_rows"]["error"] is None
    assert "exit status 3" in found["leaves"]["error"]
    assert found["raises"]["error"].startswith("line 2: ModuleNotFoundError")
    (folder / "raises.py").unlink()
    (folder / "no_such_module.py").write_text("")
    (folder / "raises.py").write_text("\nimport no_such_module\n")
    assert "raises" not in await palette()


@pytest.fixture
def installed(tmp_path: Path) -> Callable[..., str]:
    """Install a package as pip lays it out, and run Python where it is found."""
    site = tmp_path / "site"

    def run(name: str, text: str, *command: str) -> str:
        package = site / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(text)
        record = site / f"{name}-1.0.dist-info"
        record.mkdir()
        (record / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (record / "entry_points.txt").write_text(f"[jupyter_mlws.components]\n{name} = {name}\n")
        paths = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
        done = subprocess.run(
            [sys.executable, *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


LIST = """\
import json, pathlib
from jupyter_mlws.components.registry import Registry
found = Registry(pathlib.Path()).all().values()
print(json.dumps({one.name: [one.source, one.path, one.error] for one in found}))
"""


def test_another_package_brings_components(installed, tmp_path: Path) -> None:
    found = json.loads(installed("tiny", OWN, "-c", LIST))
    assert found["keep_rows"] == ["library", None, None]
    (tmp_path / "a.csv").write_text("a\n1\n2\n3\n4\n")
    node = "-m jupyter_mlws.components.node keep_rows --data a.csv --table b.csv --count 2"
    installed("broken", "\nraise RuntimeError('not today')\n", *node.split())
    assert (tmp_path / "b.csv").read_text() == "a\n1\n2\n"


def test_a_broken_package_says_so_and_hides_nothing(installed, tmp_path: Path) -> None:
    installed("tiny", OWN, "-c", "")
    found = json.loads(installed("broken", "\nraise RuntimeError('not today')\n", "-c", LIST))
    assert found["broken"][2] == "RuntimeError: not today"
    assert found["keep_rows"][2] is None
    assert found["split"][2] is None
