"""The command line, as a person in a terminal and a program in a script use it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import pytest

from jupyter_mlws import __version__
from jupyter_mlws.cli.console import Cell, Lines, NotebookScreen, Table, TerminalScreen, plain
from jupyter_mlws.cli.declared import COMMANDS, DATA_COMMANDS, PROJECT_COMMANDS
from jupyter_mlws.cli.main import SECTIONS, build, manual
from jupyter_mlws.workflows.run.runs import Runs
from mlws.core.command_help import usage_message
from mlws.core.errors import LIST_COMMANDS
from mlws.core.i18n import CHINESE, environment_language
from mlws.core.project import Project
from mlws.repro.live import text_width
from mlws.repro.program import create_program
from tests.command_line import call, in_terminal

MESSAGE = '训练：第一版 "quoted" $HOME {x}'
WORKFLOW = """\
vars:
  - workflow: {name: Small}
  - second: {text: hello}
stages:
  first:
    cmd: cp data.txt first.txt && echo copied
    deps: [data.txt]
    outs: [first.txt]
  second:
    cmd: cp first.txt second.txt && echo ${second.text} >> second.txt
    deps: [first.txt]
    outs: [second.txt]
"""
LOADING = """\
stages:
  load:
    cmd: jupyter mlws node load_table --file data.csv --table table.parquet
    deps: [data.csv]
    outs: [table.parquet]
"""
Git = Callable[..., str]


class Command:
    """Calls the command line in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self, *words: str, code: int = 0, language: str = "C.UTF-8"
    ) -> subprocess.CompletedProcess[str]:
        return call(self.folder, *words, code=code, language=language)

    def start(self, *words: str, **more: Any) -> subprocess.Popen[str]:
        """Start ``python -m jupyter_mlws``, with nothing imported before."""
        # The jobs of a script's background ignore Ctrl-C, and so do their children.
        heeding = ["env", "--default-signal=INT"]
        return subprocess.Popen(
            [*heeding, sys.executable, "-m", "jupyter_mlws", *words],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **more,
        )

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code).stdout)


@pytest.fixture
def mlws(project: Project) -> Command:
    return Command(project.root)


@pytest.fixture
def workflow(project: Project, mlflow_store: None) -> Path:
    (project.root / "data.txt").write_text("1\n")
    file = project.root / "dvc.yaml"
    file.write_text(WORKFLOW)
    return file


def test_every_word_is_in_the_help_of_each_language(mlws: Command) -> None:
    english = mlws("--help").stdout
    chinese = mlws("--help", language="zh_CN.UTF-8").stdout
    for word in COMMANDS:
        assert f"  {word.name} " in english
        assert f"  {word.name} " in chinese
    assert "Commands:" in mlws("runs", "--help").stdout
    assert "命令:" in mlws("runs", "--help", language="zh_CN.UTF-8").stdout
    assert "Other commands:" not in english
    assert "Commands" not in chinese
    assert "Show this message" not in chinese
    assert mlws("-h").stdout == english
    for words in (["data"], ["data", "add"], ["run"], ["track"]):
        assert mlws(*words, "-h").stdout == mlws(*words, "--help").stdout


def test_the_manual_tells_every_word_and_option() -> None:
    for language in ("en", "zh-CN"):
        text = manual(language)
        for word in COMMANDS + PROJECT_COMMANDS + DATA_COMMANDS:
            assert word.about.in_(language).split()[0] in text
            for parameter in (make(language) for make in word.parameters):
                for name in parameter.opts:
                    assert name in text or not name.startswith("-")


@pytest.mark.parametrize("create", [build, create_program])
@pytest.mark.parametrize("language", ["en", CHINESE])
def test_the_help_names_each_command_in_one_line_of_80_columns(
    create: Callable[[str], click.Group], language: str
) -> None:
    top = create(language)
    groups = [top, *(one for one in top.commands.values() if isinstance(one, click.Group))]
    for group in groups:
        context = group.context_class(group, info_name=group.name, terminal_width=80)
        formatter = context.make_formatter()
        group.format_commands(context, formatter)
        rows = [line for line in formatter.getvalue().splitlines() if line.startswith("  ")]
        assert sorted(line.split()[0] for line in rows) == sorted(group.commands)
        assert [line for line in rows if text_width(line) > 80] == []
        assert "..." not in formatter.getvalue()


def test_the_help_of_both_programs_is_in_sections(mlws: Command) -> None:
    headings = [line for line in mlws("--help").stdout.splitlines() if line.endswith(":")]
    assert headings[1:] == [f"{heading.en}:" for heading, _ in SECTIONS]
    names = [name for _, names in SECTIONS for name in names]
    assert len(names) == len(set(names))
    said = create_program("en").get_help(click.Context(create_program("en"), info_name="mlws"))
    assert "Pipelines:" in said
    assert "Commands:" not in said


def test_no_words_at_all_is_a_question_for_help(mlws: Command) -> None:
    assert "status" in mlws().stdout
    assert "create" in mlws("projects").stdout


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh-CN"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "C", "LC_MESSAGES": "zh_TW"}, "zh-CN"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_locale_decides_the_language(environment: dict[str, str], language: str) -> None:
    assert environment_language(environment) == language


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stauts"], "没有命令 stauts。是否指 status, stash？"),
        (["add"], "没有命令 add。是否指 data add, env add？"),
        (["data", "lst"], "没有命令 lst。是否指 list？"),
        (["it's"], "没有命令 it's"),
        (["commit"], "缺少参数 '-m'"),
        (["log", "-n", "none"], "参数 '-n' / '--number' 的值无效"),
        (["commit", "-m", " "], "参数 '-m' / '--message' 的值无效：不能为空白"),
        (["data", "import", "", "data.csv"], "参数 'URL' 的值无效"),
        (["runs", "--sort", "nothing"], "参数 '-s' / '--sort' 的值无效"),
        (["status", "--jsn"], "选项 --jsn 不存在"),
    ],
)
def test_a_wrong_line_is_code_2_and_says_what_is_wrong(
    mlws: Command, words: list[str], said: str
) -> None:
    english = mlws(*words, code=2).stderr
    assert "Usage: jupyter-mlws" in english
    assert said in mlws(*words, code=2, language="zh_CN.UTF-8").stderr


def test_an_invalid_value_is_json_for_programs(mlws: Command) -> None:
    body = json.loads(mlws("commit", "-m", "", "--json", code=1).stderr)
    assert (body["code"], body["errors"][0]["field"]) == ("50201", "message")


def test_the_version_is_shown(mlws: Command) -> None:
    assert mlws("--version").stdout == f"jupyter-mlws {__version__}\n"


@pytest.mark.slow(reason="real programs, one after the other")
def test_a_narrow_terminal_shows_fewer_columns_of_runs_and_whole_ids(
    mlws: Command, workflow: Path
) -> None:
    mlws("run")
    while (run := mlws.json("runs")[0])["id"] is None:
        # The run's process records it in MLflow after its end.
        time.sleep(0.1)
    wide, narrow, all_columns = (
        [line.rstrip() for line in in_terminal(mlws.folder, columns, "runs", *options)]
        for columns, options in ((120, ()), (24, ()), (24, ("--wide",)))
    )
    assert wide[0].split() == ["ID", "Run", "Status", "Started", "Time", "Commit", "Workflow"]
    assert wide[1].startswith(f"{run['id'][:6]}  {run['title']}  COMPLETED  ")
    assert all_columns[0].split() == wide[0].split()
    assert all_columns[1].split()[:3] == wide[1].split()[:3]
    assert narrow[0].split() == ["ID", "Run"]
    assert narrow[1].startswith(f"{run['id'][:6]}  {run['title'][:6]}")
    assert len(narrow[1]) <= 24
    assert narrow[2].startswith("Some columns are hidden. Use `runs --wide`")


def test_usage_words_have_both_languages_for_every_kind_of_click() -> None:
    parameter = click.Argument(["file"])
    for error in (
        click.UsageError("odd"),
        click.BadParameter("odd", param=parameter),
        click.MissingParameter(param=parameter),
        click.NoSuchOption("--odd"),
    ):
        words = usage_message(error)
        assert words.en
        assert words.in_(CHINESE) != words.en or isinstance(error, click.UsageError)


def test_outside_a_project_the_error_names_the_way_out(tmp_path: Path) -> None:
    mlws = Command(tmp_path)
    said = mlws("status", code=1).stderr
    assert "50402" in said
    assert "→" in said
    assert "项目" in mlws("status", code=1, language="zh_CN.UTF-8").stderr
    body = json.loads(mlws("status", "--json", code=1).stderr)
    assert body["code"] == "50402"
    assert body["solution"]


def test_a_commit_keeps_its_message_exactly(mlws: Command, git: Git) -> None:
    (mlws.folder / "train.py").write_text("print(1)\n")
    assert "train.py" in mlws("status").stdout
    snapshot = mlws.json("commit", "-m", MESSAGE)
    assert git(mlws.folder, "log", "-1", "--format=%s").strip() == MESSAGE
    assert snapshot["subject"] == MESSAGE
    assert mlws.json("log")[0]["id"] == snapshot["id"]
    assert snapshot["short"] in mlws("log").stdout
    assert mlws.json("status")["changes"] == []
    assert "没有更改" in mlws("status", language="zh_CN.UTF-8").stdout


def test_full_folders_of_new_files_are_one_line(mlws: Command) -> None:
    folder = mlws.folder / "raw" / "images"
    folder.mkdir(parents=True)
    for number in range(30):
        (folder / f"{number}.png").write_text("pixel")
    (mlws.folder / "raw" / "labels.csv").write_text("a\n")
    shown = mlws("status").stdout
    assert [line.split()[-3:] for line in shown.splitlines()[-3:-1]] == [
        ["raw/labels.csv", "2", "B"],
        ["raw/images/", "150", "B"],
    ]
    assert "30 files" in shown
    assert "jupyter mlws data add" in shown
    assert len(mlws.json("status")["changes"]) == 31


def test_a_commit_of_paths_leaves_the_rest(mlws: Command) -> None:
    folder = mlws.folder / "inner"
    folder.mkdir()
    (folder / "a.py").write_text("a = 1\n")
    (mlws.folder / "b.py").write_text("b = 1\n")
    # Paths are relative to where the person is.
    Command(folder)("commit", "-m", "a", "a.py")
    assert [change["path"] for change in mlws.json("status")["changes"]] == ["b.py"]
    assert "50302" in mlws("commit", "-m", "x", "../outside.py", code=1).stderr


def test_nothing_to_commit_is_an_error_with_a_code(mlws: Command) -> None:
    assert "30203" in mlws("commit", "-m", "nothing", code=1).stderr


def test_diff_lists_files_and_shows_one(mlws: Command) -> None:
    file = mlws.folder / "a.txt"
    file.write_text("one\n")
    first = mlws.json("commit", "-m", "one")
    file.write_text("two\n")
    assert "a.txt" in mlws("diff").stdout
    lines = mlws("diff", "-p", "a.txt").stdout.splitlines()
    assert "-one" in lines
    assert "+two" in lines
    second = mlws.json("commit", "-m", "two")
    both = mlws.json("diff", first["id"], second["id"])
    assert [row["path"] for row in both["files"]] == ["a.txt"]
    assert "a.txt" in mlws("diff", first["id"], second["id"]).stdout
    assert mlws.json("diff", f"{first['id']}..") == both
    assert mlws.json("diff", f"{second['id']}...{first['id']}")["files"] == []
    assert "no-such" in mlws("diff", "HEAD...no-such", code=1).stderr


def test_restore_shows_its_plan_and_asks_before_it_replaces_work(mlws: Command) -> None:
    file = mlws.folder / "a.txt"
    file.write_text("one\n")
    first = mlws.json("commit", "-m", "one")
    file.write_text("damaged\n")
    assert "a.txt" in mlws("restore", first["id"], "--dry-run").stdout
    assert "--yes" in mlws("restore", first["id"], code=2).stderr
    assert file.read_text() == "damaged\n"
    result = mlws.json("restore", first["id"], "--yes")
    assert file.read_text() == "one\n"
    assert result["restored"] == ["a.txt"]
    assert result["safety"]
    assert mlws.json("restore", first["id"])["nothing"]


def test_an_unknown_snapshot_is_named(mlws: Command) -> None:
    assert "`jupyter mlws log` lists" in mlws("restore", "feedbeef", code=1).stderr
    assert "`jupyter mlws runs` lists" in mlws("logs", "feedbeef", "a", code=1).stderr
    said = mlws("restore", "feedbeef", code=1).stderr
    assert "30404" in said
    assert "feedbeef" in said


def test_the_commands_that_errors_name_exist() -> None:
    commands = build("en").commands
    for words in map(str.split, LIST_COMMANDS.values()):
        group = commands[words[0]]
        if isinstance(group, click.Group):
            assert (words[1:] or [getattr(group, "default", "")])[0] in group.commands


def test_a_workflow_is_planned_and_run_and_then_cached(mlws: Command, workflow: Path) -> None:
    planned = mlws.json("plan")
    assert planned["summary"] == {"run": 2, "cached": 0, "restorable": 0, "cosmetic": 0}
    said = mlws("run").stdout
    assert "first  COMPLETED" in said
    assert "second  COMPLETED" in said
    assert (mlws.folder / "second.txt").read_text() == "1\nhello\n"
    again = mlws.json("run", "dvc.yaml")
    assert again["status"] == "COMPLETED"
    assert again["origin"] == "cli"
    assert {node["status"] for node in again["nodes"]} == {"CACHED"}
    assert "已缓存" in mlws("plan", language="zh_CN.UTF-8").stdout
    assert "copied" in mlws("logs", mlws.json("runs")[-1]["run"], "first").stdout
    assert again["id"].rpartition("-")[2] in mlws("runs").stdout
    cached = mlws("logs", "latest", "first")
    assert "copied" in cached.stdout
    assert f"did not run in {again['id']}" in cached.stderr


def test_a_run_of_targets_leaves_the_rest(mlws: Command, workflow: Path) -> None:
    # The first word is no workflow's file, so that it is a node of the only workflow.
    mlws("run", "first", "-j", "2")
    assert (mlws.folder / "first.txt").exists()
    assert not (mlws.folder / "second.txt").exists()
    assert "nonesuch" in mlws("run", "dvc.yaml", "nonesuch", code=1).stderr


def test_a_run_takes_settings(mlws: Command, mlflow_store: None) -> None:
    (mlws.folder / "data.csv").write_text("a\n1\n2\n3\n")
    (mlws.folder / "dvc.yaml").write_text(LOADING)
    mlws("run", "-p", "load.limit=2")
    assert "limit: 2" in (mlws.folder / "dvc.yaml").read_text()
    run = mlws.json("runs")[0]
    assert run["status"] == "COMPLETED"
    said = mlws("run", "-p", "load.limt=2", "-p", "load.nothing=1", code=1).stderr
    assert "40204" in said
    assert "load.limt" in said
    assert "load.nothing" in said
    assert "40204" in mlws("run", "-p", "bye", code=1).stderr


def test_a_failed_run_is_code_1_with_the_log(mlws: Command, workflow: Path) -> None:
    workflow.write_text(WORKFLOW.replace("echo copied", "echo too bad && exit 3"))
    said = mlws("run", code=1).stdout
    assert "first  FAILED" in said
    assert "too bad" in said
    assert "40101" in said


@pytest.mark.slow(reason="real programs, one after the other")
def test_ctrl_c_asks_the_run_to_stop(mlws: Command, workflow: Path) -> None:
    workflow.write_text(WORKFLOW.replace("echo copied", "sleep 600"))
    running = mlws.start("run")
    assert running.stdout is not None
    for said in running.stdout:
        if "RUNNING" in said:
            break
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=120)
    assert running.returncode == 130
    assert mlws.json("runs")[0]["status"] == "CANCELLED"


def test_cancel_stops_the_run_of_another_terminal(mlws: Command, workflow: Path) -> None:
    workflow.write_text(WORKFLOW.replace("echo copied", "sleep 600"))
    with mlws.start("run") as running:
        assert running.stdout is not None
        for said in running.stdout:
            if "RUNNING" in said:
                break
        mlws("cancel")
        running.communicate(timeout=120)
    assert running.returncode == 130
    refused = mlws("cancel", code=1).stderr
    assert "40401" in refused
    assert "No workflow of this project is running." in refused


def test_a_run_continues_the_one_that_was_interrupted(mlws: Command, workflow: Path) -> None:
    slow = "cp first.txt second.txt; test -e ready || sleep 600;"
    workflow.write_text(WORKFLOW.replace("cp first.txt second.txt &&", slow))
    with closing(Runs(Project(mlws.folder))) as runs, mlws.start("run") as running:
        assert running.stdout is not None
        for said in running.stdout:
            if "second  RUNNING" in said:
                break
        running.kill()
        interrupted = runs.journal.live()[0]
        os.kill(interrupted["pid"], signal.SIGKILL)
    (mlws.folder / "ready").touch()
    done = mlws("run", "dvc.yaml")
    assert f"Continuing run {interrupted['id']}, which was interrupted." in done.stderr
    assert "first  CACHED" in done.stdout
    assert "second  COMPLETED" in done.stdout
    assert "Continuing" not in mlws("run").stderr


def test_one_of_several_workflows_must_be_named(mlws: Command, workflow: Path) -> None:
    other = mlws.folder / "other"
    other.mkdir()
    (other / "dvc.yaml").write_text("stages:\n  touch:\n    cmd: touch here\n    outs: [here]\n")
    said = mlws("plan", code=2).stderr
    assert "dvc.yaml" in said
    assert "other/dvc.yaml" in said
    assert mlws.json("plan", "other")["summary"]["run"] == 1
    assert mlws.json("plan", "Small")["summary"]["run"] == 2
    assert "40401" in mlws("plan", "nowhere", code=1).stderr


def test_components_are_listed(mlws: Command) -> None:
    names = {component["name"] for component in mlws.json("components")}
    assert "train_classifier" in names
    assert "train_classifier" in mlws("components").stdout


def test_projects_are_made_and_listed(tmp_path: Path, home: Path) -> None:
    mlws = Command(tmp_path)
    assert mlws.json("projects", "list") == []
    assert mlws.json("projects", "create", "wine")["path"] == "wine"
    assert "wine" in mlws("projects", "list").stdout
    assert "50203" in mlws("projects", "create", "wine", code=1).stderr
    assert mlws("-C", "wine", "status").returncode == 0


def test_a_node_starts_without_what_only_people_need() -> None:
    code = (
        "import sys, jupyter_mlws.__main__ as m\n"
        "sys.argv = ['mlws', 'node', '--help']\n"
        "m.main()\n"
        "print([n for n in ('click', 'rich') if n in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "jupyter mlws node" in done.stdout
    assert done.stderr.strip() == "[]"


def test_the_command_line_imports_nothing_heavy(mlws: Command, mlflow_store: None) -> None:
    heavy = ("dvc", "mlflow", "pandas", "tornado", "jupyter_server", "git")
    code = (
        "import sys, jupyter_mlws.cli.main as cli\n"
        "assert cli.main(['--help']) == 0\n"
        f"print([n for n in {(*heavy, 'networkx', 'pydantic')} if n in sys.modules],"
        " file=sys.stderr)\n"
        # Nor is a process started that imports MLflow: this makes its start fail.
        "import jupyter_mlws.mlflow.client as client\n"
        "client.TrackingClient._start = None\n"
        "assert cli.main(['runs']) == cli.main(['models']) == 0\n"
        f"print([n for n in {heavy!r} if n in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=mlws.folder, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.split("\n")[:2]) == (0, ["[]", "[]"]), done.stderr


def test_columns_line_up_by_the_width_that_is_seen() -> None:
    table = Table(["名称", "b"], [[Cell("训练"), Cell("1")], [Cell("evaluate"), Cell("2")]])
    assert plain(table).splitlines() == ["名称      b", "训练      1", "evaluate  2"]


def test_a_table_in_a_pipe_cuts_no_path_and_keeps_its_columns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = "folder/" * 60
    table = Table(
        ["a", "b", "c"],
        [[Cell(path), Cell("one\ntwo"), Cell("z")], [Cell(""), Cell(""), Cell("")]],
    )
    TerminalScreen().show(table)
    gap = " " * len(path)
    said = capsys.readouterr().out
    assert said.splitlines() == [f"a{gap[1:]}  b    c", f"{path}  one  z", f"{gap}  two", ""]


@pytest.mark.parametrize("colours", ["", "1"])
def test_text_is_never_taken_as_markup(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, colours: str
) -> None:
    monkeypatch.setenv("FORCE_COLOR", colours)
    table = Table(["a"], [[Cell("[red]x[/red] :smile: <b>")]])
    TerminalScreen().show(table, Lines([[Cell("[bold]y")]]))
    said = capsys.readouterr().out
    assert "[red]x[/red] :smile: <b>" in said
    assert "[bold]y" in said


def test_html_is_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, str]] = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    NotebookScreen().show(Table(["<a>"], [[Cell("<script>")]]))
    assert "<script>" not in shown[0]["text/html"]
    assert "&lt;script&gt;" in shown[0]["text/html"]
    assert "<script>" in shown[0]["text/plain"]


def test_completion_offers_words_options_and_names(mlws: Command, workflow: Path) -> None:
    shell = {
        "_JUPYTER_MLWS_COMPLETE": "bash_complete",
        "COMP_WORDS": "jupyter-mlws plan dv",
        "COMP_CWORD": "2",
    }
    offered, _ = mlws.start(env=os.environ | shell).communicate(timeout=60)
    assert "plain,dvc.yaml" in offered


def test_both_languages_build_the_same_words() -> None:
    assert set(build("en").commands) == set(build("zh-CN").commands)
