"""A notebook that several people edit at once, while the API runs its cells."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import pytest
from watchfiles import awatch

from mlws.core.project import Project
from tests.notebooks.conftest import of

pytestmark = pytest.mark.kernel


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    extensions = {"jupyter_mlws": True, "jupyter_server_ydoc": True}
    return {
        "ServerApp": {"jpserver_extensions": extensions},
        "YDocExtension": {"document_save_delay": 0.2, "disable_rtc": False},
    }


async def test_edits_stay_and_outputs_come(
    opened, call, listen, jp_serverapp, project: Project
) -> None:
    notebook = await opened("a.ipynb", one="print(1)", two="words")
    (sharing,) = jp_serverapp.extension_manager.extension_apps["jupyter_server_ydoc"]
    live = await sharing.get_document(
        path="a.ipynb", content_type="notebook", file_format="json", copy=False, create=True
    )
    gate = project.root / "go"
    wait = f"import pathlib, time\nwhile not pathlib.Path({str(gate)!r}).exists(): time.sleep(0.01)"
    # What is typed a moment before the call is what runs.
    one, two = (cell["source"] for cell in live.ycells)
    one += f"\n{wait}\nprint(2)"
    until = await listen(notebook)
    _, job, _ = await call("POST", f"{notebook}/execute", {"cells": ["one"], "wait": False})
    await until(of("execution", "RUNNING"))
    # Typed while it runs, in the very cell and in another.
    one += "  # edited"
    two += " of another"
    gate.touch()
    await until(of("request", "SUCCESS"))
    _, result, _ = await call("GET", f"{notebook}/executions/{job['id']}")
    assert (result["saved"], result["output"]) == (True, "1\n2\n")
    first, second = live.get()["cells"]
    assert first["source"].endswith("print(2)  # edited")
    assert first["execution_count"] == 1
    assert second["source"] == "words of another"

    changes = awatch(project.root, recursive=False, yield_on_timeout=True, rust_timeout=500)
    cells: list[dict[str, Any]] = []
    while not (cells and cells[0]["outputs"]):
        await anext(changes)
        with suppress(ValueError):  # Jupyter writes it in place
            cells = json.loads((project.root / "a.ipynb").read_text())["cells"]
    assert "".join(cells[0]["outputs"][0]["text"]) == "1\n2\n"
    assert "".join(cells[1]["source"]) == "words of another"
