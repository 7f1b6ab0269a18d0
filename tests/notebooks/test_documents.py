"""Notebooks as documents: made, listed, read, renamed and removed."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.services.contents.fileio import atomic_writing

from jupyter_mlws.core.errors import NotebookUnreadableError
from jupyter_mlws.notebooks import server
from jupyter_mlws.notebooks.server import parse_notebook
from mlws.core.project import Project

pytestmark = pytest.mark.kernel

CHINESE = {"Accept-Language": "zh-CN"}


async def test_a_notebook_is_made_listed_and_read(create, call) -> None:
    status, made, headers = await call("POST", "")
    assert status == 201
    assert headers["Location"].endswith(f"/mlws/api/v1/notebooks/{made['id']}")
    assert (made["path"], made["status"], made["container_id"]) == (
        "Untitled.ipynb",
        "IDLE",
        "local",
    )
    assert made["kernel_info"]["name"] == "python3"
    assert made["created_at"]
    assert (await create())["path"] == "Untitled1.ipynb"
    named = await create(path="实验 1.ipynb", kernel="python3", container_id="local")
    _, page, _ = await call("GET", "", limit=2)
    assert [item["path"] for item in page["items"]] == ["Untitled.ipynb", "Untitled1.ipynb"]
    _, rest, _ = await call("GET", "", limit=2, cursor=page["next_cursor"])
    assert [item["id"] for item in rest["items"]] == [named["id"]]
    assert (rest["next_cursor"], rest["complete"]) == (None, True)
    _, page, _ = await call("GET", "", path="实验 1.ipynb")
    assert [item["id"] for item in page["items"]] == [named["id"]]
    _, page, _ = await call("GET", "", path="none.ipynb")
    assert page["items"] == []


async def test_cells_have_the_fields_of_the_specification(opened, run, call) -> None:
    notebook = await opened("a.ipynb", one="print(1)", two="2")
    await run(notebook, cells=["one"])
    _, detail, _ = await call("GET", notebook)
    assert detail["cells"][0] == {
        "id": "one",
        "notebook_id": notebook,
        "type": "code",
        "content": "print(1)",
        "outputs": [{"output_type": "stream", "name": "stdout", "text": "1\n"}],
        "execution_count": 1,
    }
    assert detail["cells"][1]["outputs"] == []
    assert detail["kernel_info"]["execution_state"]


async def test_a_name_that_is_taken(create, call, project: Project) -> None:
    await create(path="a.ipynb")
    before = (project.root / "a.ipynb").read_bytes()
    status, said, _ = await call("POST", "", {"path": "a.ipynb"})
    assert (status, said["code"]) == (409, "50203")
    assert (project.root / "a.ipynb").read_bytes() == before


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"path": "a.txt", "kernel": "", "extra": 1}, {"path", "kernel", "extra"}),
        ({"path": "../a.ipynb"}, {"path"}),
        ({"path": ".hidden/a.ipynb"}, {"path"}),
        ({"path": "a\u0000.ipynb"}, {"path"}),
        ({"path": "no/such/folder.ipynb", "kernel": "klingon"}, {"path", "kernel"}),
        ({"path": 5, "container_id": []}, {"path", "container_id"}),
    ],
)
async def test_creation_refuses_with_every_fault(body, fields, call, project: Project) -> None:
    for headers in (None, CHINESE):
        status, said, _ = await call("POST", "", body, headers)
        assert (status, said["code"]) == (400, "50201")
        assert {row["field"] for row in said["errors"]} == fields
        assert all(not row["message"].startswith("无效：") for row in said["errors"])
    assert not list(project.root.rglob("*.ipynb"))


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"code", "cells", "all", "up_to"}),
        ({"code": "1", "all": True}, {"code", "all"}),
        ({"code": "1", "cells": ["a"], "all": True}, {"code", "cells", "all"}),
        ({"cells": []}, {"cells"}),
        ({"timeout": -1, "save": "perhaps"}, {"code", "cells", "all", "up_to", "timeout", "save"}),
        ({"code": 5, "wait": "x", "no": 1}, {"code", "wait", "no"}),
        ({"code": "1", "save": True}, {"save"}),
    ],
)
async def test_execution_refuses_with_every_fault(body, fields, create, call) -> None:
    notebook = await create()
    for headers in (None, CHINESE):
        status, said, _ = await call("POST", f"{notebook['id']}/execute", body, headers)
        assert (status, said["code"]) == (400, "50201")
        assert {row["field"] for row in said["errors"]} == fields
        assert all(not row["message"].startswith("无效：") for row in said["errors"])


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "no-such"),
        ("DELETE", "no-such"),
        ("GET", "no-such/status"),
        ("POST", "no-such/interrupt"),
        ("POST", "no-such/restart"),
        ("GET", "no-such/executions"),
        ("GET", "no-such/executions/x"),
    ],
)
async def test_what_is_not_there(method: str, path: str, call) -> None:
    status, said, _ = await call(method, path)
    assert (status, said["code"]) == (404, "20401")
    _, said, _ = await call(method, path, None, CHINESE)
    assert said["message"] == "找不到笔记本 'no-such'。"


async def test_no_such_cell_or_execution(opened, run, call) -> None:
    notebook = await opened("a.ipynb", one="1")
    status, said = await run(notebook, cells=["one", "nine"])
    assert (status, said["code"], said["details"]["name"]) == (404, "20401", "nine")
    status, said, _ = await call("GET", f"{notebook}/executions/none")
    assert (status, said["code"]) == (404, "20401")
    status, said, _ = await call("GET", f"{notebook}/executions", cursor="x")
    assert (status, said["errors"][0]["field"]) == (400, "cursor")


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": '
        + b'{"a": ' * 900
        + b"1"
        + b"}" * 901,
        b'{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": NaN}',
        b'{"cells": 5}',
        b'{"cells": [], "metadata": {}, "nbformat": 99, "nbformat_minor": 5}',
        b'{"cells": [{"source": 1}], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
        b'{"cells": [{"cell_type": "code", "id": "a", "source": "\\ud800", "metadata": {},'
        b' "outputs": [], "execution_count": null}],'
        b' "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    ],
)
async def test_a_file_that_is_no_notebook(content: bytes, call, run, project: Project) -> None:
    (project.root / "a.ipynb").write_bytes(content)
    _, page, _ = await call("GET")
    (notebook,) = (item["id"] for item in page["items"])
    for status, said, _ in (
        await call("GET", notebook),
        await call("POST", f"{notebook}/execute", {"all": True}),
    ):
        assert (status, said["code"]) == (422, "20402")
        assert "a.ipynb" in said["message"]
        assert str(project.root) not in json.dumps(said)
    assert (project.root / "a.ipynb").read_bytes() == content


async def test_a_notebook_that_a_tab_is_saving(opened, run, project: Project) -> None:
    notebook = await opened("a.ipynb", one="1")
    file = project.root / "a.ipynb"
    whole = file.read_text()
    started, written = threading.Event(), threading.Event()

    def save() -> None:
        with atomic_writing(str(file)) as opened_file:
            started.set()
            written.wait(2)
            opened_file.write(whole)

    saving = asyncio.create_task(asyncio.to_thread(save))
    await asyncio.to_thread(started.wait)
    assert file.read_text() == ""
    running = asyncio.create_task(run(notebook, cells=["one"]))
    done, _ = await asyncio.wait([running], timeout=0.5)
    assert not done
    written.set()
    await saving
    assert (await running)[0] == 200


async def test_a_save_that_ends_right_after_the_file_was_read(
    opened, run, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    notebook = await opened("a.ipynb", one="1")
    file = project.root / "a.ipynb"
    whole = file.read_text()
    failures = []
    with ExitStack() as save:
        opened_file = save.enter_context(atomic_writing(str(file)))

        def parse(base64_text: str, path: str) -> Any:
            try:
                return parse_notebook(base64_text, path)
            except NotebookUnreadableError as error:
                failures.append(error)
                # The same error twice, and now no copy of the old file.
                if len(failures) == 2:
                    opened_file.write(whole)
                    save.close()
                raise

        monkeypatch.setattr(server, "parse_notebook", parse)
        assert (await run(notebook, cells=["one"]))[0] == 200
    assert len(failures) == 2


async def test_old_documents_have_cells_by_number(call, run, project: Project) -> None:
    cell = {"cell_type": "code", "source": ["print(", "1)"], "metadata": {}, "outputs": []}
    content = {
        "cells": [
            {"cell_type": "markdown", "source": "x", "metadata": {}},
            {**cell, "execution_count": None},
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 2,
    }
    (project.root / "old.ipynb").write_text(json.dumps(content))
    _, page, _ = await call("GET")
    status, result = await run(page["items"][0]["id"], cells=["#2"])
    assert (status, result["output"], result["saved"]) == (200, "1\n", True)
    assert json.loads((project.root / "old.ipynb").read_text())["nbformat_minor"] == 2


async def test_a_rename_keeps_id_kernel_and_history(
    create, run, call, jp_fetch, project: Project
) -> None:
    (project.root / "sub").mkdir()
    notebook = (await create(path="a.ipynb"))["id"]
    await run(notebook, code="kept = 5")
    for target in ("b.ipynb", "sub/c.ipynb"):
        _, detail, _ = await call("GET", notebook)
        await jp_fetch(
            "api", "contents", detail["path"], method="PATCH", body=json.dumps({"path": target})
        )
        _, detail, _ = await call("GET", notebook)
        assert detail["path"] == target
        status, result = await run(notebook, code="print(kept)")
        assert (status, result["output"]) == (200, "5\n")
    sessions = json.loads((await jp_fetch("api", "sessions")).body)
    assert [session["path"] for session in sessions] == ["sub/c.ipynb"]
    _, page, _ = await call("GET", f"{notebook}/executions")
    assert [row["path"] for row in page["items"]] == ["sub/c.ipynb", "b.ipynb", "a.ipynb"]


async def test_an_open_tab_shares_the_kernel(create, run, call, jp_fetch) -> None:
    notebook = await create(path="a.ipynb")
    body = {"path": "a.ipynb", "name": "a.ipynb", "type": "notebook", "kernel": {"name": "python3"}}
    tab = json.loads((await jp_fetch("api", "sessions", method="POST", body=json.dumps(body))).body)
    status, _ = await run(notebook["id"], code="1")
    assert status == 200
    _, report, _ = await call("GET", f"{notebook['id']}/status")
    assert report["kernel_info"]["id"] == tab["kernel"]["id"]
    assert len(json.loads((await jp_fetch("api", "sessions")).body)) == 1


async def test_deletion_ends_the_session(create, run, call, jp_fetch, project: Project) -> None:
    notebook = (await create())["id"]
    await run(notebook, code="1")
    status, data, _ = await call("DELETE", notebook)
    assert (status, data) == (200, None)
    assert json.loads((await jp_fetch("api", "sessions")).body) == []
    assert json.loads((await jp_fetch("api", "kernels")).body) == []
    assert not (project.root / "Untitled.ipynb").exists()
    assert (await call("GET", notebook))[0] == 404


async def test_the_list_leaves_out_what_is_hidden_or_of_tools(call, project: Project) -> None:
    for folder in (".ipynb_checkpoints", "node_modules", "venv", "deep/er", "x"):
        (project.root / folder).mkdir(parents=True)
        (project.root / folder / "n.ipynb").write_text("{}")
    (project.root / "venv" / "pyvenv.cfg").touch()
    (project.root / "x" / "loop").symlink_to(project.root)
    (project.root / os.fsdecode(b"caf\xe9.ipynb")).write_text("{}")
    os.mkfifo(project.root / "pipe.ipynb")
    _, page, _ = await call("GET")
    assert [item["path"] for item in page["items"]] == ["deep/er/n.ipynb", "x/n.ipynb"]


async def test_links_that_lead_outside(call, project: Project, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "n.ipynb").write_text("{}")
    (project.root / "out").symlink_to(outside)
    (project.root / "link.ipynb").symlink_to(outside / "n.ipynb")
    status, said, _ = await call("POST", "", {"path": "out/new.ipynb"})
    assert (status, said["code"]) == (403, "50302")
    _, page, _ = await call("GET")
    assert page["items"] == []
    assert [file.name for file in outside.iterdir()] == ["n.ipynb"]


async def test_a_large_tree_is_not_walked_to_its_end(tmp_path: Path) -> None:
    from jupyter_mlws.notebooks.discovery import find

    for number in range(30):
        (tmp_path / f"f{number}").mkdir()
        (tmp_path / f"f{number}" / "n.ipynb").touch()
    found = find(tmp_path, most=45)
    assert not found.complete
    assert len(found.paths) < 30
    assert find(tmp_path).complete


@pytest.fixture
def on_a_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    monkeypatch.setenv("JUPYTERHUB_SERVER_NAME", "gpu")


@pytest.mark.parametrize(
    ("identifier", "expected"),
    [
        ("ada--gpu", (201, None)),
        ("ada--default", (404, "10404")),
        ("bob--default", (403, "10301")),
        ("nonsense", (404, "10404")),
    ],
)
async def test_notebooks_belong_to_the_servers_container(
    on_a_hub: None, identifier: str, expected: Any, call
) -> None:
    status, said, _ = await call("POST", "", {"container_id": identifier})
    assert (status, said.get("code")) == expected
    if status == 201:
        assert said["container_id"] == "ada--gpu"
