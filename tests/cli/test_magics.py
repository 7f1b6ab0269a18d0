"""``%mlws`` in a real kernel, as a notebook uses it."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking import BlockingKernelClient
from jupyter_client.connect import write_connection_file

from mlws.core.project import Project
from tests.python import Python

WORKFLOW = """\
stages:
  first:
    cmd: echo hello > first.txt
    outs: [first.txt]
"""
KERNEL = "from ipykernel.kernelapp import launch_new_instance; launch_new_instance()"
"""The code that ``python -m ipykernel_launcher`` runs."""
LIMIT = 120


class Notebook:
    """A kernel, which is a fork with the libraries imported, and what its front end would see."""

    def __init__(self, folder: Path, file: Path, language: str) -> None:
        write_connection_file(str(file))
        environment = {**os.environ, "LANG": language, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        self._kernel = Python(KERNEL, "-f", str(file), cwd=folder, env=environment)
        self.client = BlockingKernelClient(connection_file=str(file))
        self.client.load_connection_file()
        # A busy machine delays heartbeats, and the client takes that for a kernel that died.
        self.client.start_channels(hb=False)
        self.client.wait_for_ready(timeout=LIMIT)

    def interrupt(self) -> None:
        assert self._kernel.pid
        os.kill(self._kernel.pid, signal.SIGINT)

    def close(self) -> None:
        self.client.stop_channels()
        self._kernel.kill()
        self._kernel.communicate()

    def run(self, code: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """(reply, messages to the front end)."""
        seen: list[dict[str, Any]] = []
        reply = self.client.execute_interactive(
            code, timeout=LIMIT, output_hook=seen.append, allow_stdin=False
        )
        return reply["content"], seen

    def good(self, code: str) -> list[dict[str, Any]]:
        reply, seen = self.run(code)
        assert reply["status"] == "ok", seen
        return seen


@pytest.fixture(params=["C.UTF-8"])
def notebook(
    project: Project, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Notebook]:
    opened = Notebook(project.root, tmp_path / "kernel.json", request.param)
    opened.good("%load_ext jupyter_mlws")
    try:
        yield opened
    finally:
        opened.close()


def shown(messages: list[dict[str, Any]], mime: str) -> str:
    """Everything of one kind that the cell shows, updates included."""
    return "\n".join(
        message["content"]["data"].get(mime, "")
        for message in messages
        if "data" in message["content"]
    )


def test_a_message_arrives_exactly(notebook: Notebook, project: Project, git: Any) -> None:
    (project.root / "train.py").write_text("print(1)\n")
    seen = notebook.good(r'%mlws commit -m "训练：第一版 \"quoted\""')
    assert git(project.root, "log", "-1", "--format=%s").strip() == '训练：第一版 "quoted"'
    assert '训练：第一版 "quoted"' in shown(seen, "text/plain")

    (project.root / "train.py").write_text("print(2)\n")
    notebook.good("x = 3\n%mlws commit -m '$HOME {x} *'")
    assert git(project.root, "log", "-1", "--format=%s").strip() == "$HOME {x} *"


def test_results_are_tables_with_a_plain_fallback(notebook: Notebook, project: Project) -> None:
    (project.root / "a.py").write_text("a = 1\n")
    seen = notebook.good("%mlws status")
    assert "<table>" in shown(seen, "text/html")
    assert "a.py" in shown(seen, "text/plain")


def test_json_is_the_value_of_the_magic(notebook: Notebook, project: Project) -> None:
    (project.root / "a.py").write_text("a = 1\n")
    seen = notebook.good("state = %mlws status --json\nstate['changes'][0]['path']")
    assert shown(seen, "text/plain") == "'a.py'"


def test_a_run_is_shown_live_and_says_where_it_came_from(
    notebook: Notebook, project: Project
) -> None:
    (project.root / "dvc.yaml").write_text(WORKFLOW)
    seen = notebook.good("%mlws run")
    kinds = [message["msg_type"] for message in seen]
    assert "update_display_data" in kinds
    assert "COMPLETED" in shown(seen, "text/html")
    assert (project.root / "first.txt").read_text() == "hello\n"
    seen = notebook.good("runs = %mlws runs --json\nruns[0]['status']")
    assert shown(seen, "text/plain") == "'COMPLETED'"


def test_a_failure_marks_the_cell_without_a_traceback(notebook: Notebook) -> None:
    reply, seen = notebook.run("%mlws restore feedbeef")
    assert reply["status"] == "error"
    error = next(m["content"] for m in seen if m["msg_type"] == "error")
    text = "\n".join(error["traceback"])
    assert "30404" in text
    assert "File" not in text
    assert "Traceback" not in text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("%mlws stauts", "没有命令"),
        ("%mlws commit", "缺少参数"),
        ("%mlws commit -m 'open", "quotation"),
        ("%mlws plan nowhere", "40401"),
    ],
)
@pytest.mark.parametrize("notebook", ["zh_CN.UTF-8"], indirect=True)
def test_wrong_lines_are_told_in_the_readers_language(
    notebook: Notebook, line: str, said: str
) -> None:
    reply, _ = notebook.run(line)
    assert reply["status"] == "error"
    assert said in reply["evalue"]


def test_a_failed_run_marks_the_cell(notebook: Notebook, project: Project) -> None:
    (project.root / "dvc.yaml").write_text(WORKFLOW.replace("echo hello", "exit 3; echo"))
    reply, seen = notebook.run("%mlws run")
    assert reply["status"] == "error"
    assert "FAILED" in shown(seen, "text/plain")


def test_completion(notebook: Notebook, project: Project) -> None:
    (project.root / "dvc.yaml").write_text(WORKFLOW)

    def offered(code: str) -> list[str]:
        reply = notebook.client.complete(code, reply=True, timeout=LIMIT)
        matches: list[str] = reply["content"]["matches"]
        return matches

    assert "commit" in offered("%mlws com")
    assert "--message" in offered("%mlws commit --mess")
    assert "dvc.yaml" in offered("%mlws run dv")
    assert "create" in offered("%mlws projects cr")


def test_the_manual_is_behind_the_question_mark(notebook: Notebook) -> None:
    reply = notebook.client.inspect("%mlws", reply=True, timeout=LIMIT)
    text = reply["content"]["data"]["text/plain"]
    for word in ("commit", "--keep-going", "restore", "NODE.KEY=VALUE", "%%mlws component"):
        assert word in text


@pytest.mark.slow(reason="MLflow is imported in a kernel")
def test_interrupting_the_kernel_cancels_the_run(
    project: Project, notebook: Notebook, wait_for: Callable[..., None]
) -> None:
    (project.root / "dvc.yaml").write_text(WORKFLOW.replace("echo hello", "sleep 60; echo"))
    # Otherwise the kernel drops what is asked right after an error, and the test asks right then.
    notebook.client.execute("%mlws run", stop_on_error=False)
    seen: list[str] = []

    def running() -> bool:
        message = notebook.client.get_iopub_msg(timeout=LIMIT)
        seen.append(str(message["content"].get("data", {}).get("text/plain", "")))
        return "RUNNING" in seen[-1]

    wait_for(running)
    notebook.interrupt()
    reply = notebook.client.get_shell_msg(timeout=LIMIT)
    assert reply["content"]["status"] == "error"
    runs = notebook.good("runs = %mlws runs --json\nruns[0]['status']")
    assert shown(runs, "text/plain") == "'CANCELLED'"


@pytest.fixture
def wait_for() -> Callable[..., None]:
    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + LIMIT
        while not condition():
            assert time.monotonic() < deadline

    return wait


CELL = """\
from jupyter_mlws.components import Table, component

@component
def tenfold(data: Table, *, by: int = 10) -> Table:
    \"\"\"Multiply everything.\"\"\"
    return data * by
"""


def test_a_cell_becomes_a_component_and_runs_here_as_well(
    notebook: Notebook, project: Project
) -> None:
    seen = notebook.good(f"%%mlws component scaling\n{CELL}")
    assert "components/scaling.py" in shown(seen, "text/plain")
    assert (project.root / "components" / "scaling.py").read_text().startswith(CELL)
    seen = notebook.good("tenfold(3, by=2)")
    assert shown(seen, "text/plain") == "6"
    seen = notebook.good(
        "rows = %mlws components --json\n[r['path'] for r in rows if r['name'] == 'tenfold']"
    )
    assert shown(seen, "text/plain") == "['components/scaling.py']"
    notebook.good(f"%%mlws component scaling\n{CELL.replace('10', '20')}")
    assert "by: int = 20" in (project.root / "components" / "scaling.py").read_text()


def test_without_a_name_the_file_has_the_components(notebook: Notebook, project: Project) -> None:
    notebook.good(f"%%mlws component\n{CELL}")
    assert (project.root / "components" / "tenfold.py").is_file()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("%%mlws component a\nx = 1\n", "defines no component"),
        (f"%%mlws component a\n{CELL.replace('-> Table', '')}", "declare its return type"),
        (f"%%mlws component a\n{CELL}\nraise OSError('no')\n", "line 9: OSError: no"),
        ("%%mlws component a\n@component\ndef x(): ...\n", "import what they need in the cell"),
        (f"%%mlws component a\n{CELL.replace('tenfold', 'split')}", "library has a component"),
        (f"%%mlws component a/b\n{CELL}", "can't be a file name"),
        (f"%%mlws component own\n{CELL}", "is not overwritten"),
        ("%%mlws status\nx = 1\n", "%%mlws component [NAME]"),
    ],
)
def test_a_cell_that_is_no_component_writes_nothing(
    notebook: Notebook, project: Project, code: str, said: str
) -> None:
    own = project.root / "components" / "own.py"
    own.parent.mkdir()
    own.write_text("# mine\n")
    reply, _ = notebook.run(code)
    assert reply["status"] == "error"
    assert said in reply["evalue"]
    assert [file.name for file in own.parent.iterdir() if file.is_file()] == ["own.py"]
    assert own.read_text() == "# mine\n"
    assert notebook.run("tenfold")[0]["status"] == "error"


@pytest.mark.slow(reason="MLflow is imported in a kernel")
def test_a_cell_is_tracked_with_a_true_commit(notebook: Notebook, project: Project) -> None:
    (project.root / "train.py").write_text("print('not committed')\n")
    body = "import mlflow\nmlflow.log_metric('accuracy', 0.5)\nkept = 7"
    seen = notebook.good(f"%%mlws track first\n{body}")
    assert "COMPLETED" in shown(seen, "text/plain")
    assert not [message for message in seen if message["msg_type"] == "stream"]
    # The cell ran here.
    assert shown(notebook.good("kept"), "text/plain") == "7"
    (run,) = runs_of(notebook)
    assert (run["name"], run["metrics"], run["dirty"]) == ("first", {"accuracy": 0.5}, True)
    assert run["commit"]
    reply, _ = notebook.run("%%mlws track\n1 / 0")
    assert reply["status"] == "error"
    assert [run["status"] for run in runs_of(notebook)] == ["FAILED", "COMPLETED"]

    # What follows, until it is ended.
    notebook.good("%mlws track --name second")
    reply, _ = notebook.run("%mlws track")
    assert reply["status"] == "error"
    notebook.good("mlflow.log_param('depth', 3)")
    # A command's run comes and goes beside the one that is open.
    notebook.good("%mlws track --name third true")
    notebook.good("%mlws track --end")
    third, newest = runs_of(notebook)[:2]
    assert (third["name"], third["status"]) == ("third", "COMPLETED")
    assert (newest["name"], newest["params"]) == ("second", {"depth": "3"})
    assert newest["status"] == "COMPLETED"
    reply, _ = notebook.run("%mlws track --end")
    assert reply["status"] == "error"
    # A store of the person's own choice is not left behind their back.
    notebook.good("mlflow.set_tracking_uri('sqlite:////other.db')")
    notebook.good("import os\ndel os.environ['MLFLOW_TRACKING_URI']")
    _, seen = notebook.run("%%mlws track\npass")
    assert "set_tracking_uri" in str(seen)
    # And no run is left that nobody ends.
    assert {run["status"] for run in runs_of(notebook)} <= {"COMPLETED", "FAILED", "CANCELLED"}


def runs_of(notebook: Notebook) -> list[dict[str, Any]]:
    seen = notebook.good(RUNS)
    text = "".join(m["content"].get("text", "") for m in seen if m["msg_type"] == "stream")
    found: list[dict[str, Any]] = json.loads(text)
    return found


RUNS = "rows = %mlws runs --json\nimport json\nprint(json.dumps(rows))"


def test_doctor_prints_its_findings_below_the_cell(notebook: Notebook, project: Project) -> None:
    lock = project.root / ".git" / "index.lock"
    notebook.good("%mlws doctor git disk")
    lock.touch()
    os.utime(lock, (time.time() - 600,) * 2)
    reply, messages = notebook.run("%mlws doctor git")
    lock.unlink()
    assert reply["status"] == "error"
    texts = [one["content"]["text"] for one in messages if one["msg_type"] == "stream"]
    assert f"→ Run `rm {lock}`." in " ".join("".join(texts).split())
