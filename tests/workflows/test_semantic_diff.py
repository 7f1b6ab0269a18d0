"""An edit of looks alone is recognised, and accepted where that is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from jupyter_mlws.workflows.document.semantic_diff import same_meaning
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import PlanQuery, Run
from mlws.core.project import Project
from tests.workflows.conftest import dvc

PATH = "dvc.yaml"
CODE = "import sys\n\n\ndef double(x):\n    return 2 * x\n\n\nprint(double(21))\n"
TEXT = """\
stages:
  train:
    cmd: python train.py > out.txt
    deps: [train.py]
    outs: [out.txt]
  report:
    cmd: cat report.yaml out.txt > report.txt
    deps: [out.txt, report.yaml]
    outs: [report.txt]
"""


def notebook(*cells: tuple[str, str], **metadata: object) -> bytes:
    kinds = {"code": {"outputs": [], "execution_count": None}, "markdown": {}}
    made = [
        {"cell_type": kind, "source": source, "metadata": {}, **kinds[kind]}
        for kind, source in cells
    ]
    return json.dumps(
        {"nbformat": 4, "nbformat_minor": 5, "metadata": metadata, "cells": made}
    ).encode()


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [
        ("a.py", "x = 1", "# one\nx  =  1\n", True),
        ("a.py", "x = 1", "x = 2", False),
        ("a.py", "x = 1", "x = True", False),
        ("a.py", '"""Doc."""\nx = 1', "x = 1", False),
        ("a.py", "x = (", "x = ( # y", False),
        ("a.py", "#!/usr/bin/python3\nx = 1", "#!/opt/python\nx = 1", False),
        ("a.py", "# /// script\n# ///\nx = 1", "# /// script\n#\n# ///\nx = 1", False),
        ("a.py", "x = 1\n", "x = 1\r\n", True),
        ("a.py", "\0", "\0\0", False),
        ("a.yaml", "a: 1\nb: [1, 2]", "# c\nb:\n- 1\n- 2\na: 1", True),
        ("a.yaml", "a: 1", "a: 1.0", False),
        ("a.yaml", "a: 1", "a: true", False),
        ("a.yaml", "a: yes", "a: 'yes'", False),
        ("a.yaml", "1: a", "'1': a", False),
        ("a.yml", "a: [1, 2]", "a: [2, 1]", False),
        ("a.yaml", "a: !x 1", "a:  !x 1", False),
        ("a.yaml", "a: &a [*a]", "a: &b [*b]", False),
        ("a.json", '{"a": 1, "b": null}', '{ "b": null,\n "a": 1 }', True),
        ("a.json", '{"a": 1}', '{"a": "1"}', False),
        ("a.json", "{", "{ ", False),
        ("a.csv", "a,b", "a, b", False),
    ],
)
def test_python_yaml_and_json_are_told_by_their_meaning(
    name: str, old: str, new: str, expected: bool
) -> None:
    assert same_meaning(name, old.encode(), new.encode()) is expected


def test_many_values_of_few_bytes_are_not_compared() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    bomb = "\n".join(lines).encode()
    assert same_meaning("a.yaml", bomb, b"# c\n" + bomb) is False


def test_of_a_notebook_the_code_counts_and_its_kernel() -> None:
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    old = notebook(("markdown", "# A"), ("code", "x = 1"), **kernel)
    new = json.loads(old)
    new["cells"][1] |= {"outputs": [{"output_type": "stream", "text": "1"}], "execution_count": 3}
    new["cells"][1]["source"] = ["x = 1"]
    new["cells"][0]["source"] = "# B"
    new["metadata"]["language_info"] = {"version": "3.13.1"}
    assert same_meaning("n.ipynb", old, json.dumps(new).encode())
    new["cells"][1]["metadata"] = {"tags": ["parameters"]}
    assert not same_meaning("n.ipynb", old, json.dumps(new).encode())
    assert not same_meaning("n.ipynb", old, notebook(("code", "x = 2"), **kernel))
    assert not same_meaning("n.ipynb", old, notebook(("code", "x = 1"), kernelspec={"name": "r"}))
    assert not same_meaning("n.ipynb", b"{}", b"{ }")


@pytest.fixture
def ran(write, run: Callable[..., Run], project: Project, git) -> Run:
    """A run whose code is in git."""
    write("train.py", CODE)
    write("report.yaml", "title: A\nrows: 3\n")
    write(PATH, TEXT)
    git(project.root, "add", "-A")
    git(project.root, "commit", "-q", "-m", "code")
    return run()


def told(workflows: WorkflowManager, **asked: object) -> dict[str, tuple[str, bool, list[str]]]:
    nodes = workflows.plan(PATH, PlanQuery(**asked)).nodes
    return {
        node.id: (node.action.value, node.cosmetic, [*map(str, node.reasons)]) for node in nodes
    }


def test_a_comment_is_told_from_a_change(ran: Run, workflows: WorkflowManager, write) -> None:
    write("train.py", f"# Doubles.\n{CODE}")
    plan = told(workflows)
    assert plan["train"] == ("run", True, ["only comments changed in train.py"])
    assert plan["report"] == ("run", False, ["upstream train will run"])
    accepted = told(workflows, accept_cosmetic=True)
    assert accepted["train"][:2] == ("cached", True)
    assert accepted["report"] == ("cached", False, ["up to date"])
    write("train.py", CODE.replace("21", "22"))
    assert told(workflows)["train"] == ("run", False, ["train.py changed"])
    assert workflows.plan(PATH).summary.cosmetic == 0


def test_nothing_is_accepted_without_being_asked_for(
    ran: Run, write, run: Callable[..., Run], states
) -> None:
    write("train.py", f"# Doubles.\n{CODE}")
    assert states(run()) == {"train": "COMPLETED", "report": "CACHED"}


def test_what_is_asked_for_is_accepted_for_good(
    ran: Run, workflows: WorkflowManager, write, run: Callable[..., Run], states
) -> None:
    write("train.py", f"# Doubles.\n{CODE}")
    write("report.yaml", "rows: 3  # three\ntitle: A\n")
    plan = told(workflows)
    assert plan["report"][1:] == (
        True,
        ["only the formatting changed in report.yaml", "upstream train will run"],
    )
    ended = run(accept_cosmetic=True)
    assert states(ended) == {"train": "CACHED", "report": "CACHED"}
    assert {node.reasons[-1].en for node in ended.nodes} == {"accepted as is"}
    assert {action for action, _, _ in told(workflows).values()} == {"cached"}
    assert states(run()) == {"train": "CACHED", "report": "CACHED"}


def test_a_node_below_a_real_change_is_not_accepted(
    ran: Run, workflows: WorkflowManager, write, run: Callable[..., Run], states, project: Project
) -> None:
    write("train.py", CODE.replace("21", "22"))
    write("report.yaml", "rows: 3  # three\ntitle: A\n")
    assert told(workflows)["report"][:2] == ("run", False)
    assert states(run(accept_cosmetic=True)) == {"train": "COMPLETED", "report": "COMPLETED"}
    assert (project.root / "report.txt").read_text().splitlines()[-1] == "44"


def test_what_was_never_stored_is_taken_as_changed(
    write, run: Callable[..., Run], workflows: WorkflowManager
) -> None:
    # Else the commit that each run keeps of its workspace would have it.
    write(".gitignore", "/train.py\n")
    write("train.py", CODE)
    write("report.yaml", "a: 1\n")
    write(PATH, TEXT)
    run()
    write("train.py", f"# Doubles.\n{CODE}")
    assert told(workflows)["train"] == ("run", False, ["train.py changed"])


def test_data_is_found_in_the_cache(
    write, run: Callable[..., Run], workflows: WorkflowManager, project: Project
) -> None:
    write("a.json", '{"a": 1}')
    write(PATH, "stages:\n  used: {cmd: cp a.json b.json, deps: [a.json], outs: [b.json]}\n")
    dvc(project.root, "add", "-q", "a.json")
    run()
    (project.root / "a.json").unlink()
    write("a.json", '{\n  "a": 1\n}\n')
    assert told(workflows)["used"] == ("run", True, ["only the formatting changed in a.json"])


def test_dvcs_own_lane_knows_it_too(
    ran: Run, workflows: WorkflowManager, write, run: Callable[..., Run], states, project: Project
) -> None:
    with (project.root / ".dvc" / "config").open("a") as config:
        config.write("[cache]\n    type = hardlink,copy\n")
    write("train.py", f"# Doubles.\n{CODE}")
    assert told(workflows)["train"][1] is True
    assert states(run(accept_cosmetic=True))["train"] == "CACHED"
    assert {action for action, _, _ in told(workflows).values()} == {"cached"}


def test_an_old_version_need_not_be_the_last_of_the_branch(
    ran: Run, workflows: WorkflowManager, write, project: Project, git
) -> None:
    write("train.py", f"# Doubles.\n{CODE}")
    git(project.root, "commit", "-q", "-am", "a comment")
    assert told(workflows)["train"][1] is True


def test_the_command_line_offers_it(
    ran: Run, write, project: Project, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    from jupyter_mlws.cli.main import main

    monkeypatch.chdir(project.root)
    write("train.py", f"# Doubles.\n{CODE}")
    assert _call(main, ["plan"]) == 0
    said = capsys.readouterr().out
    assert "only comments changed in train.py" in said
    assert "--accept-cosmetic" in said
    assert "About " in said
    assert _call(main, ["run", "--accept-cosmetic", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"CACHED": 2}


def _call(main: Callable[..., object], words: list[str]) -> object:
    try:
        return main(words) or 0
    except SystemExit as ended:
        return ended.code or 0
