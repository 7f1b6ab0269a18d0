"""What was executed is known later, also after the server was killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlws.notebooks import history as module
from jupyter_mlws.notebooks.execution import Outcome
from jupyter_mlws.notebooks.history import ExecutionStart, Histories, History
from jupyter_mlws.notebooks.models import ExecutionStatus
from mlws.core.project import Project

pytestmark = pytest.mark.kernel

BEGIN = """\
import sys
from pathlib import Path
from jupyter_mlws.notebooks.history import ExecutionStart, Histories
root = Path(sys.argv[1])
history = Histories(root, root).of("a.ipynb")
history.begin(ExecutionStart("e1", "e1", "n", "a.ipynb", None, "1 + 1"))
print("begun", flush=True)
sys.stdin.read()
"""


async def test_executions_are_listed_newest_first(opened, run, call) -> None:
    notebook = await opened("a.ipynb", one="x = 1", two="undefined")
    await run(notebook, code="'free'")
    await run(notebook, all=True)
    _, page, _ = await call("GET", f"{notebook}/executions", limit=2)
    assert [row["cell"] for row in page["items"]] == ["two", "one"]
    failed = page["items"][0]
    assert (failed["status"], failed["source"], failed["path"]) == (
        "ERROR",
        "undefined",
        "a.ipynb",
    )
    assert (failed["error"]["ename"], failed["error"]["line"]) == ("NameError", 1)
    assert failed["started"]
    assert failed["duration"] >= 0
    assert failed["request"] == page["items"][1]["request"]
    _, rest, _ = await call("GET", f"{notebook}/executions", cursor=page["next_cursor"])
    assert [(row["source"], row["status"]) for row in rest["items"]] == [("'free'", "SUCCESS")]
    assert rest["next_cursor"] is None
    _, said, _ = await call("GET", f"{notebook}/executions/{failed['request']}")
    assert (said["status"], said["outputs_kept"]) == ("ERROR", True)


async def test_a_call_of_an_earlier_server_is_known_with_its_newest_outputs(
    create, run, call, jp_serverapp, monkeypatch
) -> None:
    monkeypatch.setattr(module, "MAX_EXECUTIONS_WITH_OUTPUTS", 1)
    notebook = (await create())["id"]
    _, old = await run(notebook, code="print(0)")
    _, result = await run(notebook, code="print(1)")
    (app,) = jp_serverapp.extension_manager.extension_apps["jupyter_mlws"]
    app.services.notebooks._runtimes.clear()
    status, said, _ = await call("GET", f"{notebook}/executions/{result['id']}")
    assert (status, said["status"], said["outputs_kept"]) == (200, "SUCCESS", True)
    assert said["output"] == "1\n"
    status, said, _ = await call("GET", f"{notebook}/executions/{old['id']}")
    assert (status, said["status"], said["outputs_kept"]) == (200, "SUCCESS", False)


async def test_an_execution_names_its_environment(opened, run, call) -> None:
    notebook = await opened("a.ipynb", one="import ipykernel; print(ipykernel.__version__)")
    _, result = await run(notebook, all=True)
    _, page, _ = await call("GET", f"{notebook}/executions")
    (row,) = page["items"]
    status, found, _ = await call("GET", f"{notebook}/executions/{row['id']}/environment")
    assert (status, found["id"]) == (200, row["environment"])
    assert found["packages"]["ipykernel"] == result["output"].strip()
    assert (found["language"], found["title"].split()[0]) == ("python", "CPython")
    status, said, _ = await call("GET", f"{notebook}/executions/nothing/environment")
    assert (status, said["code"]) == (404, "20401")


async def test_a_call_that_is_sent_again_runs_once(create, call) -> None:
    notebook = (await create())["id"]
    code = {"code": "n = globals().get('n', 0) + 1; print(n)"}
    key = {"Idempotency-Key": "once"}
    _, first, _ = await call("POST", f"{notebook}/execute", code, key)
    _, again, _ = await call("POST", f"{notebook}/execute", code, key)
    assert again == first
    _, third, _ = await call("POST", f"{notebook}/execute", code)
    assert third["output"] == "2\n"


def test_what_a_killed_server_left_running_is_lost(project: Project) -> None:
    other = subprocess.Popen(
        [sys.executable, "-c", BEGIN, str(project.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "begun\n"
    beside = Histories(project.root, project.root)
    (row,), _ = beside.of("a.ipynb").page("n")
    assert row.status is ExecutionStatus.RUNNING  # its server lives
    beside.close()
    os.kill(other.pid, signal.SIGKILL)
    other.communicate()
    after = Histories(project.root, project.root)
    (row,), _ = after.of("a.ipynb").page("n")
    assert row.status is ExecutionStatus.LOST
    after.close()
    assert list((project.state / "servers").iterdir()) == []


def test_outside_of_projects_it_lies_in_the_data_folder(tmp_path: Path) -> None:
    histories = Histories(tmp_path, tmp_path / "data")
    histories.of("a.ipynb").begin(ExecutionStart("e", "e", "n", "a.ipynb", None, "1"))
    histories.close()
    histories = Histories(tmp_path, tmp_path / "data")
    (row,), _ = histories.of("b.ipynb").page("n")
    assert row.status is ExecutionStatus.LOST
    histories.close()
    assert (tmp_path / "data" / "mlws" / "mlws.sqlite").exists()


def test_the_server_stops_after_a_project_was_deleted(project: Project) -> None:
    histories = Histories(project.root, project.root)
    histories.of("a.ipynb").begin(ExecutionStart("e", "e", "n", "a.ipynb", None, "1"))
    shutil.rmtree(project.root)
    histories.close()
    assert not project.root.exists()


def test_it_keeps_within_its_bound(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_EXECUTIONS", 5)
    history = History(project.history(), project.state)
    for number in range(12):
        history.begin(ExecutionStart(f"e{number}", "r", "n", "a.ipynb", None, "x" * 200_000))
        history.end(f"e{number}", Outcome(ExecutionStatus.SUCCESS, count=number))
    rows, more = history.page("n")
    assert [row.execution_count for row in rows] == [11, 10, 9, 8, 7]
    assert more is None
    assert len(rows[0].source) == module.MAX_SOURCE_LENGTH
    history.close()


async def test_a_run_leads_to_the_execution_that_began_it(create, run, call) -> None:
    notebook = (await create())["id"]
    code = (
        "import mlflow\nmlflow.set_tracking_uri('sqlite:///runs.db')\n"
        "with mlflow.start_run() as run: pass\n"
        "print(mlflow.get_run(run.info.run_id).data.tags['mlws.execution'])"
    )
    status, result = await run(notebook, code=code)
    assert status == 200, result
    _, page, _ = await call("GET", f"{notebook}/executions")
    assert page["items"][0]["message"] == result["output"].strip()
