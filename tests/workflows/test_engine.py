"""Runs: in parallel, through DVC's own hashes, cache and lock, and what is left when they fail."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.cli.console import Lines
from jupyter_mlws.cli.views import Views
from jupyter_mlws.cli.workflow_views import run_end
from jupyter_mlws.workflows.journal.store import RunRequest, run_folder
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import PlanQuery, Run
from mlws.core.errors import MLWSError, OperationInProgressError
from mlws.core.project import DATABASE, Project
from mlws.engine.node_logs import LOG_CUT, MAX_LOG_BYTES, log_path
from mlws.engine.processes import alive, bearers
from tests.workflows.conftest import COLD, LIMIT, PATH, dvc

DIAMOND = """\
stages:
  last:
    cmd: cat left.txt right.txt > last.txt
    deps: [left.txt, right.txt]
    outs: [last.txt]
  left:
    cmd: sed s/^/left/ first.txt > left.txt
    deps: [first.txt]
    outs: [left.txt]
  right:
    cmd:
      - sed s/^/right/ first.txt > right.txt
      - 'echo "{\\"lines\\": 1, \\"deep\\": {\\"er\\": 2.5}}" > right.json'
    deps: [first.txt]
    outs: [right.txt]
    metrics: [right.json]
  first:
    cmd: cp data.txt first.txt
    deps: [data.txt]
    outs: [first.txt]
"""


@pytest.fixture
def diamond(write: Callable[..., Path]) -> None:
    write("data.txt", "1\n")
    write(PATH, DIAMOND)


def test_a_run_leaves_what_dvc_would_leave(
    project: Project, diamond: None, run: Callable[..., Run], tmp_path: Path, git
) -> None:
    twin = tmp_path / "twin"
    shutil.copytree(project.root, twin, symlinks=True)
    ended = run(jobs=2)
    assert ended.status == "COMPLETED"
    assert ended.counts == {"COMPLETED": 4}
    assert (project.root / "last.txt").read_text() == "left1\nright1\n"
    assert "up to date" in dvc(project.root, "status")
    assert "Running stage" not in dvc(project.root, "repro", "--dry")
    dvc(twin, "repro")
    for name in ("dvc.lock", ".gitignore", PATH):
        assert (project.root / name).read_bytes() == (twin / name).read_bytes(), name


def test_a_second_run_is_cached_and_a_lost_output_comes_back(
    project: Project, diamond: None, run: Callable[..., Run], states
) -> None:
    first = run()
    again = run()
    assert set(states(again).values()) == {"CACHED"}
    (project.root / "left.txt").unlink()
    shutil.rmtree(project.state / "runs" / first.id)
    restored = run()
    assert set(states(restored).values()) == {"CACHED"}
    assert (project.root / "left.txt").read_text() == "left1\n"
    reasons = {node.id: [*map(str, node.reasons)] for node in restored.nodes}
    assert reasons["left"] == ["restored from the run cache"]
    assert reasons["right"] == ["up to date"]


def test_only_what_changed_runs_again_and_an_equal_result_stops_the_change(
    write, diamond: None, run: Callable[..., Run], states
) -> None:
    run()
    write(PATH, DIAMOND.replace("cp data.txt first.txt", "cp data.txt first.txt && true"))
    assert states(run()) == {
        "first": "COMPLETED",
        "left": "CACHED",
        "right": "CACHED",
        "last": "CACHED",
    }
    write("data.txt", "2\n")
    assert set(states(run()).values()) == {"COMPLETED"}
    write("data.txt", "1\n")
    assert set(states(run()).values()) == {"CACHED"}


def test_a_failed_node_skips_what_depends_on_it_and_leaves_no_half_output(
    project: Project, diamond: None, write, run: Callable[..., Run], states
) -> None:
    write(
        PATH,
        DIAMOND.replace(
            "sed s/^/left/ first.txt > left.txt", "echo half > left.txt; echo oh no >&2; exit 3"
        ),
    )
    failed = run(jobs=1)
    assert failed.status == "FAILED"
    assert states(failed)["left"] == "FAILED"
    assert states(failed)["last"] == "SKIPPED"
    assert not (project.root / "left.txt").exists()
    assert failed.error is not None
    assert (failed.error.code, failed.error.node) == ("40101", "left")
    assert failed.error.details["exit_code"] == 3
    assert failed.error.details["log"][-1] == "oh no"
    write(PATH, DIAMOND)
    mended = run()
    assert mended.status == "COMPLETED"
    assert states(mended)["first"] == "CACHED"


def test_keep_going_runs_what_does_not_depend_on_the_failure(
    write, run: Callable[..., Run], states
) -> None:
    write(
        PATH,
        "stages:\n"
        "  bad:\n    cmd: exit 1\n    outs: [bad.txt]\n"
        "  after:\n    cmd: cp bad.txt after.txt\n    deps: [bad.txt]\n    outs: [after.txt]\n"
        "  good:\n    cmd: echo 1 > good.txt\n    outs: [good.txt]\n"
        "  better:\n    cmd: cp good.txt better.txt\n"
        "    deps: [good.txt]\n    outs: [better.txt]\n",
    )
    expected = {"bad": "FAILED", "after": "SKIPPED", "good": "COMPLETED", "better": "COMPLETED"}
    assert states(run(keep_going=True, jobs=1)) == expected


def test_an_output_that_does_not_come_is_told(write, run: Callable[..., Run]) -> None:
    write(PATH, "stages:\n  empty:\n    cmd: 'true'\n    outs: [never.txt]\n")
    failed = run()
    assert failed.error is not None
    assert failed.error.code == "40104"
    assert "never.txt" in failed.error.message.en


def test_nodes_that_are_ready_run_side_by_side(write, run: Callable[..., Run]) -> None:
    # Each waits for the other's file: one after the other, they would never end.
    meet = (
        "touch {me}.here; for i in $(seq 200); do test -e {other}.here && break; sleep 0.05; done;"
        " test -e {other}.here && echo met > {me}.txt"
    )
    one, two = meet.format(me="one", other="two"), meet.format(me="two", other="one")
    write(
        PATH,
        f"stages:\n  one:\n    cmd: {one}\n    outs: [one.txt]\n"
        f"  two:\n    cmd: {two}\n    outs: [two.txt]\n",
    )
    assert run(jobs=2).status == "COMPLETED"


SLOW = """\
stages:
  slow:
    cmd: echo half > slow.txt; (setsid sleep 300 &); echo started; sleep 300
    outs: [slow.txt]
  after:
    cmd: cp slow.txt after.txt
    deps: [slow.txt]
    outs: [after.txt]
"""


def started(workflows: WorkflowManager, identifier: str) -> Run:
    """The run once its node has printed something."""
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        if "started\n" in workflows.results.log(PATH, identifier, "slow").text:
            return Run(**workflows.runs.status(PATH, identifier))
        time.sleep(0.02)
    raise AssertionError("the node did not start")


def test_cancel_ends_the_whole_tree_and_leaves_nothing_half(
    project: Project, workflows: WorkflowManager, write, states
) -> None:
    write(PATH, SLOW)
    execution = workflows.runs.execute(PATH, RunRequest())
    assert states(started(workflows, execution["id"]))["slow"] == "RUNNING"
    assert len(list(bearers(execution["id"]))) >= 2
    workflows.runs.cancel(PATH, execution["id"])
    ended = Run(**workflows.runs.wait(PATH, execution["id"], LIMIT, recorded=False))
    assert ended.status == "CANCELLED"
    assert states(ended) == {"slow": "CANCELLED", "after": "CANCELLED"}
    assert list(bearers(execution["id"])) == []
    assert not (project.root / "slow.txt").exists()


@COLD
def test_a_killed_run_is_interrupted_and_the_next_one_goes_on(
    project: Project, workflows: WorkflowManager, write, run: Callable[..., Run], states
) -> None:
    write("data.txt", "1\n")
    before = (
        "  before:\n    cmd: date +%N > before.txt\n    deps: [data.txt]\n    outs: [before.txt]\n"
    )
    slow = SLOW.replace("stages:\n", f"stages:\n{before}").replace(
        "outs: [slow", "deps: [before.txt]\n    outs: [slow"
    )
    write(PATH, slow)
    execution = workflows.runs.execute(PATH, RunRequest())
    assert states(started(workflows, execution["id"]))["before"] == "COMPLETED"
    made = (project.root / "before.txt").read_text()
    record = workflows.runs.journal.record(execution["id"])
    os.kill(record["pid"], signal.SIGKILL)
    while alive(record["pid"], record["pid_start"]):
        time.sleep(0.01)
    ended = Run(**workflows.runs.status(PATH, execution["id"]))
    assert ended.status == "INTERRUPTED"
    assert states(ended) == {"before": "COMPLETED", "slow": "INTERRUPTED", "after": "INTERRUPTED"}
    assert ended.error is not None
    assert ended.error.code == "40105"
    assert list(bearers(execution["id"])) == []
    write(
        PATH, slow.replace("(setsid sleep 300 &); echo started; sleep 300", "echo whole > slow.txt")
    )
    mended = run()
    assert states(mended) == {"before": "CACHED", "slow": "COMPLETED", "after": "COMPLETED"}
    assert (project.root / "before.txt").read_text() == made
    assert (project.root / "after.txt").read_text() == "whole\n"


@COLD
def test_cancel_before_the_process_is_up_is_a_cancel(workflows: WorkflowManager, write) -> None:
    write(PATH, SLOW)
    execution = workflows.runs.execute(PATH, RunRequest())
    workflows.runs.cancel(PATH, execution["id"])
    assert (
        Run(**workflows.runs.wait(PATH, execution["id"], LIMIT, recorded=False)).status
        == "CANCELLED"
    )


@COLD
def test_runs_go_on_after_their_history_was_deleted(
    project: Project, diamond: None, run: Callable[..., Run], states
) -> None:
    run()
    (project.state / DATABASE).unlink()
    ended = run(force=True)
    assert (ended.status, set(states(ended).values())) == ("COMPLETED", {"COMPLETED"})


def test_a_log_is_cut_at_its_limit(
    project: Project, workflows: WorkflowManager, write, run: Callable[..., Run]
) -> None:
    lines = f"yes line | head -c {MAX_LOG_BYTES + 1}; echo; echo the last"
    write(PATH, f"stages:\n  a: {{cmd: {lines}}}\n")
    ended = run()
    log = log_path(run_folder(project, ended.id), "a").read_bytes()
    assert len(log) < MAX_LOG_BYTES / 4
    assert log.startswith(b"> yes line")
    assert log.endswith(b"the last\n")
    assert log.count(LOG_CUT) == 1
    # A reader who has come further than the log is long now goes on with its end.
    part = workflows.results.log(PATH, ended.id, "a", MAX_LOG_BYTES)
    assert part.text.endswith("the last\n")
    assert part.complete


def test_one_run_of_a_file_at_a_time(workflows: WorkflowManager, write, run) -> None:
    write(PATH, SLOW)
    write("other/dvc.yaml", "stages:\n  a:\n    cmd: echo 1 > a.txt\n    outs: [a.txt]\n")
    execution = workflows.runs.execute(PATH, RunRequest(origin="cli"))
    with pytest.raises(OperationInProgressError) as refused:
        workflows.runs.execute(PATH, RunRequest())
    assert execution["id"] in refused.value.facts["operation"]
    assert refused.value.facts["who"] == "cli"
    assert run("other/dvc.yaml").status == "COMPLETED"


def test_a_broken_file_elsewhere_stops_nothing(
    workflows: WorkflowManager, diamond: None, write, run: Callable[..., Run]
) -> None:
    write("broken/dvc.yaml", "stages:\n  a: [\n")
    write("doubled/dvc.yaml", "stages:\n  a:\n    cmd: 'true'\n    outs: [../last.txt]\n")
    assert run().status == "COMPLETED"
    rows = {row["path"]: row for row in workflows.runs.workflows()}
    assert rows["broken/dvc.yaml"]["error"]["line"] == 2
    assert rows[PATH]["error"] is None
    assert rows[PATH]["run"] is not None


def test_targets_run_with_what_they_need(diamond: None, run: Callable[..., Run], states) -> None:
    assert set(states(run(targets=["left"]))) == {"first", "left"}


def test_force_runs_what_is_up_to_date(diamond: None, run: Callable[..., Run], states) -> None:
    run()
    forced = run(force=True)
    assert set(states(forced).values()) == {"COMPLETED"}
    assert [*map(str, forced.nodes[0].reasons)] == ["forced"]


@COLD
def test_a_run_outlives_the_process_that_began_it(
    project: Project, workflows: WorkflowManager, write
) -> None:
    write(PATH, "stages:\n  a:\n    cmd: sleep 1; echo 1 > a.txt\n    outs: [a.txt]\n")
    code = (
        "import os, sys; from pathlib import Path\n"
        "from jupyter_mlws.workspace import Workspace\n"
        "from jupyter_mlws.workflows.journal.store import RunRequest\n"
        "runs = Workspace.open(Path(sys.argv[1])).runs\n"
        "print(runs.execute('dvc.yaml', RunRequest())['id'], flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, str(project.root)], capture_output=True, text=True, check=False
    )
    assert answer.returncode == -signal.SIGKILL
    ended = Run(**workflows.runs.wait(PATH, answer.stdout.strip(), LIMIT, recorded=False))
    assert ended.status == "COMPLETED"


def test_variants_and_templates_are_dvcs(
    project: Project, workflows: WorkflowManager, write, run: Callable[..., Run], states
) -> None:
    write("params.yaml", "base: out\n")
    write(
        PATH,
        "stages:\n"
        "  each:\n    matrix:\n      n: [1, 2]\n"
        "    cmd: echo ${item.n} > ${base}${item.n}.txt\n    outs: ['${base}${item.n}.txt']\n"
        "  all:\n    cmd: cat out1.txt out2.txt > all.txt\n"
        "    deps: [out1.txt, out2.txt]\n    outs: [all.txt]\n",
    )
    assert {e.source for e in workflows.get(PATH).edges} == {"each@1", "each@2"}
    assert set(states(run())) == {"each@1", "each@2", "all"}
    assert (project.root / "all.txt").read_text() == "1\n2\n"


def test_below_a_shim_of_pyenv_stages_run_as_ever(
    project: Project,
    write: Callable[..., Path],
    run: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = "/opt/pyenv"
    shims = f"{root}/versions/3.12/bin:{root}/libexec:{root}/plugins/python-build/bin"
    for name in ("DIR", "VERSION", "HOOK_PATH", "ROOT"):
        monkeypatch.setenv(f"PYENV_{name}", root)
    monkeypatch.setenv("PATH", f"{shims}:{os.environ['PATH']}")
    write(PATH, "stages:\n  a: {cmd: echo $PATH > path.txt, outs: [path.txt]}\n")
    ended = run()
    assert ended.status == "COMPLETED"
    assert [node.dvc_reason for node in ended.nodes] == [None]
    assert root not in (project.root / "path.txt").read_text()


def test_a_run_names_the_stages_that_used_dvcs_own_code(
    project: Project, write: Callable[..., Path], run: Callable[..., Run]
) -> None:
    write("conf.py", "a = (1, 2)\n")
    write(
        PATH,
        "stages:\n"
        "  slow: {cmd: echo 1 > slow.txt, params: [conf.py: [a]], outs: [slow.txt]}\n"
        "  plain: {cmd: echo 1 > plain.txt, outs: [plain.txt]}\n"
        "  broken: {cmd: 'false', params: [conf.py: [a]]}\n",
    )
    ended = run(keep_going=True)
    why = "parameters that JSON does not have"
    reasons = {node.id: node.dvc_reason and node.dvc_reason.en for node in ended.nodes}
    assert reasons == {"slow": why, "plain": None, "broken": why}
    last = run_end(Views("en"), ended.model_dump(mode="json"))[-1]
    assert isinstance(last, Lines)
    assert last.lines[0][0].text == (
        f"Stages run by DVC itself, which is slower ({why}): slow, broken"
    )
    config = project.root / ".dvc" / "config"
    config.write_text(config.read_text() + "[cache]\n    verify = true\n")
    (plain,) = run(targets=["plain"]).nodes
    assert plain.dvc_reason.en == "DVC setting cache.verify"


@pytest.fixture
def slow(project: Project, write: Callable[..., Path]) -> Path:
    """Write a workflow that DVC's own code runs; return the path of DVC's list of locked paths."""
    write(PATH, "stages:\n  slow: {cmd: echo 1 > slow.txt, outs: [slow.txt]}\n")
    config = project.root / ".dvc" / "config"
    config.write_text(config.read_text() + "[cache]\n    type = hardlink\n")
    (project.root / ".dvc" / "tmp").mkdir(exist_ok=True)
    return project.root / ".dvc" / "tmp" / "rwlock"


@pytest.mark.exhaustive
@pytest.mark.parametrize("left", [b"", b'{"write": {"/a/old.txt": {"pid": 4', b"[1]"])
def test_a_list_of_locked_paths_that_dvc_was_killed_in_stops_no_run(
    project: Project, slow: Path, run: Callable[..., Run], left: bytes
) -> None:
    slow.write_bytes(left)
    ended = run()
    assert (ended.status, ended.error) == ("COMPLETED", None)
    assert "up to date" in dvc(project.root, "status")


@pytest.mark.parametrize("holder", ["a zombie", "another process with its pid", "itself"])
def test_paths_are_locked_while_the_process_that_locked_them_runs(
    project: Project, slow: Path, run: Callable[..., Run], holder: str
) -> None:
    with subprocess.Popen(["true" if holder == "a zombie" else "sleep", "60"]) as process:
        info = {"pid": process.pid, "cmd": "dvc repro"}
        output = str(project.root / "slow.txt")
        elsewhere = {str(project.root / "else.txt"): {"pid": os.getpid(), "cmd": "dvc repro"}}
        slow.write_text(
            json.dumps({"write": {output: info, **elsewhere}, "read": {output: [info]}})
        )
        if holder == "another process with its pid":
            os.utime(slow, (1, 1))
        ended = run()
        process.kill()
    if holder == "itself":
        assert "is busy" in str(ended.error)
    else:
        assert ended.status == "COMPLETED"
    if holder == "a zombie":
        assert json.loads(slow.read_text()) == {"write": elsewhere, "read": {}}


def test_changed_source_data_is_taken_in_as_dvc_repro_does(
    project: Project, diamond: None, run: Callable[..., Run]
) -> None:
    dvc(project.root, "add", "data.txt")
    run()
    (project.root / "data.txt").write_text("2\n")
    run()
    assert "up to date" in dvc(project.root, "status")
    (project.root / "data.txt").unlink()
    assert run().status == "COMPLETED"
    assert (project.root / "data.txt").read_text() == "2\n"


def test_changed_data_in_a_folder_is_taken_in_as_dvc_repro_does(
    project: Project, write, run: Callable[..., Run]
) -> None:
    write("data/a.txt", "1\n")
    write("data/deep/b.txt", "1\n")
    write(
        PATH,
        "stages:\n"
        "  make: {cmd: echo 1 > data/made.txt, outs: [data/made.txt]}\n"
        "  read: {cmd: cat data/*.txt > all.txt, deps: [data], outs: [all.txt]}\n",
    )
    dvc(project.root, "add", "data/a.txt", "data/deep/b.txt")
    assert run().status == "COMPLETED"
    write("data/a.txt", "2\n")
    (project.root / "data" / "deep" / "b.txt").unlink()
    assert run().status == "COMPLETED"
    assert "up to date" in dvc(project.root, "status")
    assert (project.root / "data" / "deep" / "b.txt").read_text() == "1\n"


UNPULLED = """\
stages:
  part:
    cmd: cp data/part.txt part.txt
    deps: [data/part.txt]
    outs: [part.txt]
  other:
    cmd: cp other.txt made.txt
    deps: [other.txt]
    outs: [made.txt]
"""


@pytest.mark.parametrize("is_retried", [False, True])
def test_data_that_was_not_pulled_is_named_and_pulled_on_request(
    project: Project,
    workflows: WorkflowManager,
    write,
    run: Callable[..., Run],
    states,
    tmp_path,
    is_retried: bool,
) -> None:
    """As after a clone; `dvc repro` ends with an error too."""
    write("data/part.txt", "1\n")
    write("other.txt", "2\n")
    write(PATH, UNPULLED)
    dvc(project.root, "add", "-q", "data")
    dvc(project.root, "remote", "add", "-q", "-d", "far", str(tmp_path / "far"))
    dvc(project.root, "push", "-q")
    shutil.rmtree(project.root / ".dvc" / "cache")
    shutil.rmtree(project.root / "data")
    with pytest.raises(subprocess.CalledProcessError):
        dvc(project.root, "repro", "-q", "part")
    with pytest.raises(MLWSError) as refused:
        workflows.runs.execute(PATH, RunRequest())
    assert (refused.value.code, refused.value.facts["paths"]) == ("40212", ["data"])
    assert workflows.runs.page(PATH) == ([], None)
    assert states(run(targets=["other"])) == {"other": "COMPLETED"}
    # What does not need it goes on if that is wanted, and the log says what is missing.
    failed = run(keep_going=True)
    assert states(failed) == {"part": "FAILED", "other": "CACHED"}
    assert "the data 'data/part.txt' has not been pulled" in str(failed.nodes[0].error)
    if is_retried:
        again = workflows.runs.retry(PATH, failed.id, "part", pull=True)
        pulled = Run(**workflows.runs.wait(PATH, again["id"], 60))
        assert states(pulled) == {"part": "COMPLETED"}
    else:
        pulled = run(pull=True)
        assert states(pulled) == {"part": "COMPLETED", "other": "CACHED"}
    assert (project.root / "part.txt").read_text() == "1\n"
    assert "up to date" in dvc(project.root, "status")
    # A run that goes on from one that pulled does so, too.
    options = workflows.runs.journal.record(pulled.id)["request"]
    again = workflows.runs.retry(PATH, pulled.id, "part")
    workflows.runs.wait(PATH, again["id"], 60)
    assert options["pull"] is workflows.runs.journal.record(again["id"])["request"]["pull"] is True
    # Without the remote the run says what it could not have.
    for folder in (project.root / ".dvc" / "cache", project.root / "data", tmp_path / "far"):
        shutil.rmtree(folder)
    gone = run(pull=True)
    assert gone.error is not None
    assert (gone.status.value, gone.error.code) == ("FAILED", "30402")


HALF = """\
stages:
  whole: {cmd: cp data.txt whole.txt, deps: [data.txt], outs: [whole.txt]}
  lacking: {cmd: cp away.txt lacking.txt, deps: [away.txt], outs: [lacking.txt]}
  after: {cmd: cp lacking.txt after.txt, deps: [lacking.txt], outs: [after.txt]}
"""


def test_a_missing_input_keeps_its_own_node_alone_from_running(
    workflows: WorkflowManager, write, run: Callable[..., Run], states
) -> None:
    write("data.txt", "1\n")
    write(PATH, HALF)
    with pytest.raises(MLWSError) as error:
        run()
    assert [fault.field for fault in error.value.faults] == ["lacking.deps"]
    assert states(run(targets=["whole"])) == {"whole": "COMPLETED"}
    assert [node.id for node in workflows.plan(PATH, PlanQuery(targets=["whole"])).nodes] == [
        "whole"
    ]
    with pytest.raises(MLWSError):
        run(targets=["after"])
    ended = run(keep_going=True, force=True)
    assert ended.status == "FAILED"
    assert states(ended) == {"whole": "COMPLETED", "lacking": "FAILED", "after": "SKIPPED"}
    assert ended.error is not None
    assert ended.error.details["reason"] == "dependency 'away.txt' does not exist"


def test_commands_take_the_python_of_an_activated_environment(
    project: Project,
    write: Callable[..., Path],
    run: Callable[..., Run],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    write("where.py", "import pathlib, sys\npathlib.Path('where.txt').write_text(sys.prefix)\n")
    write(PATH, "stages:\n  a: {cmd: python where.py, deps: [where.py], outs: [where.txt]}\n")
    assert run().status == "COMPLETED"
    assert (project.root / "where.txt").read_text() == sys.prefix
    monkeypatch.setenv("VIRTUAL_ENV", str(environment))
    monkeypatch.setenv("PATH", f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}")
    assert run(force=True).status == "COMPLETED"
    assert (project.root / "where.txt").read_text() == str(environment)
