"""Notebooks as nodes, run in real kernels."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from keyword import iskeyword
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_mlws.workflows.document.definition import WorkflowChange
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from jupyter_mlws.workflows.notebook.command import clean, inject
from jupyter_mlws.workflows.notebook.parameters import NotebookError, convert_options, read, schema
from jupyter_mlws.workflows.notebook.reading import as_node
from mlws.core.i18n import CHINESE
from mlws.core.project import Project
from tests import python
from tests.workflows.conftest import dvc
from tests.workflows.notebooks import cell, notebook, outputs

pytestmark = pytest.mark.kernel

PARAMETERS = """\
%matplotlib inline
epochs: int = 3  # how often
rate = 1
name = "x"
optim = {"lr": 0.1, "decay": 0.5}
layers = [1, 2]
out = 3
"""
TRAIN = notebook(
    cell(PARAMETERS, "parameters"),
    "import os\nprint(epochs, rate, name, optim, layers)\nprint(os.path.basename(os.getcwd()))",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nobject()",
    "open('made.txt', 'w').write(str(epochs * rate))",
)
R = {"name": "ir", "language": "R", "display_name": "R"}
MISSING = {**R, "name": "no-such-kernel"}
FLOW = """\
vars:
  - train: {epochs: 5, rate: 0.5}
stages:
  train:
    cmd: jupyter mlws notebook nb/train.ipynb --out out/train.ipynb ${train}
    deps: [nb/train.ipynb]
    outs: [out/train.ipynb, nb/made.txt]
  show:
    cmd: cp nb/made.txt shown.txt
    deps: [nb/made.txt]
    outs: [shown.txt]
"""


@pytest.fixture
def call(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run the command: ``call("a.ipynb", "--out", "b.ipynb")``."""

    def run(*words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = python.run(python.MLWS, "notebook", *words, cwd=tmp_path)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return run


@pytest.mark.exhaustive
@pytest.mark.slow(reason="a kernel for each run, and DVC")
def test_equal_runs_give_equal_bytes_and_the_source_stays(call, tmp_path: Path) -> None:
    source = tmp_path / "nb" / "train.ipynb"
    source.parent.mkdir()
    source.write_text(TRAIN)
    words = ["nb/train.ipynb", "--epochs", "7", "--name", "5", "--optim.lr", "2", "--layers", "3"]
    said = call(*words, "--out", "out/a.ipynb").stdout
    assert said.startswith("7 1 5 {'lr': 2, 'decay': 0.5} [3]\nnb\n")
    call(*words, "--out", "b.ipynb")
    assert (tmp_path / "out/a.ipynb").read_bytes() == (tmp_path / "b.ipynb").read_bytes()
    assert source.read_text() == TRAIN
    assert (tmp_path / "nb/made.txt").read_text() == "7"
    made = json.loads((tmp_path / "b.ipynb").read_text())
    assert made["cells"][1]["metadata"]["tags"] == ["injected-parameters"]
    assert "execution" not in str([c["metadata"] for c in made["cells"]])
    assert "image/png" in str(outputs(tmp_path / "b.ipynb"))


def test_a_failing_cell_is_named_and_leaves_nothing(call, tmp_path: Path) -> None:
    text = notebook(cell("# A title", kind="markdown"), "print('begun')", "1 / 0", "print('never')")
    (tmp_path / "bad.ipynb").write_text(text)
    done = call("bad.ipynb", "--out", "out.ipynb", code=1)
    assert done.stdout == "begun\n"
    assert "bad.ipynb: cell 3: ZeroDivisionError: division by zero" in done.stderr
    assert "----> 1 1 / 0" in done.stderr
    assert not (tmp_path / "out.ipynb").exists()


def test_a_result_that_cannot_be_displayed_is_named(call, tmp_path: Path) -> None:
    code = "class A:\n    def _repr_html_(self):\n        raise ValueError('no html')\nA()"
    (tmp_path / "bad.ipynb").write_text(notebook(code))
    said = call("bad.ipynb", "--out", "out.ipynb", code=1).stderr
    assert "bad.ipynb: cell 1: ValueError: no html" in said
    assert "NoneType" not in said


def test_a_kernel_that_dies_is_told(call, tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").write_text(notebook("x = 1", "import os\nos._exit(3)"))
    assert "cell 2: DeadKernelError" in call("a.ipynb", "--out", "b.ipynb", code=1).stderr


@pytest.mark.parametrize(("starts", "code"), [(2, 0), (3, 2)])
def test_a_kernel_that_dies_while_it_starts_is_started_once_more(
    call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, starts: int, code: int
) -> None:
    kernel = {"name": "fragile", "language": "python", "display_name": "Fragile"}
    script = f"echo >> {tmp_path}/starts; [ $(wc -l < {tmp_path}/starts) -ge {starts} ] || exit 1"
    program = f"{script}; exec {sys.executable} -m ipykernel_launcher -f $0"
    folder = tmp_path / "share" / "kernels" / "fragile"
    folder.mkdir(parents=True)
    specification = {**kernel, "argv": ["sh", "-c", program, "{connection_file}"]}
    (folder / "kernel.json").write_text(json.dumps(specification))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    (tmp_path / "a.ipynb").write_text(notebook("print('begun')", kernel=kernel))
    process = call("a.ipynb", "--out", "b.ipynb", code=code)
    assert len((tmp_path / "starts").read_text()) == 2
    if code:
        assert "a.ipynb: Could not start the kernel 'fragile': Kernel died" in process.stderr
        assert "Traceback" not in process.stderr
    else:
        assert process.stdout == "begun\n"


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("{", ["--out", "b.ipynb"], "line 1: it is not valid JSON"),
        ("[]", ["--out", "b.ipynb"], "it has no `nbformat`"),
        ('{"nbformat": 4, "cells": [{}]}', ["--out", "b.ipynb"], "`cells.0` is not a cell"),
        (notebook("1"), [], "--out needs the path"),
        (notebook("1"), ["--out", "a.ipynb"], "must not be the notebook itself"),
        (notebook("1"), ["--out", "b.ipynb", "--n", "1"], "has no cell tagged 'parameters'"),
        (TRAIN, ["--out", "b.ipynb", "--epochs", "many"], "'many' is not a valid integer"),
        (TRAIN, ["--out", "b.ipynb", "--epoch", "1"], "parameters are: epochs, rate"),
        (notebook("1", kernel=MISSING), ["--out", "b.ipynb"], "'no-such-kernel'"),
    ],
)
def test_what_cannot_be_run_is_code_2_with_the_reason(
    call, tmp_path: Path, text: str, words: list[str], said: str
) -> None:
    (tmp_path / "a.ipynb").write_text(text)
    assert said in call("a.ipynb", *words, code=2).stderr
    assert sorted(p.name for p in tmp_path.glob("*.ipynb")) == ["a.ipynb"]


def test_output_comes_while_it_runs_and_a_signal_ends_the_kernel(tmp_path: Path) -> None:
    text = "import os, time\nprint(os.getpid(), flush=True)\ntime.sleep(600)"
    (tmp_path / "a.ipynb").write_text(notebook(text))
    command = [sys.executable, "-m", "jupyter_mlws", "notebook", "a.ipynb", "--out", "b.ipynb"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        kernel = int(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 128 + signal.SIGTERM
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.kill(kernel, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    raise AssertionError("the kernel lives on")


def test_another_language_gets_its_own_assignments() -> None:
    node = as_node(read(notebook(cell("n <- 1", "parameters"), kernel=R).encode()))
    assert schema(node)["additionalProperties"] is True
    inject(node, convert_options({}, {"n": ["3"], "flag": ["true"], "name": ["a b"]}))
    assert node.cells[1].source == '# Parameters\nn = 3\nflag = TRUE\nname = "a b"\n'


def test_ids_and_texts_do_not_differ_from_read_to_read() -> None:
    old = json.loads(notebook("print(1)"))
    first, second = as_node(read(json.dumps(old).encode())), as_node(read(json.dumps(old).encode()))
    assert first == second
    assert first.cells[0].id == "cell-1"
    kept = as_node(read(notebook("1", minor=5).encode()))
    assert kept.cells[0].id == "c0"


def test_addresses_and_process_numbers_are_taken_out() -> None:
    node = as_node(read(notebook("x").encode()))
    node.cells[0].outputs = [
        {"output_type": "stream", "name": "stderr", "text": "/tmp/ipykernel_12/345.py:1: W 0xff\n"},
        {
            "output_type": "execute_result",
            "execution_count": 1,
            "metadata": {},
            "data": {"text/plain": "<A at 0x7f637293b360>"},
        },
    ]
    node = as_node(json.loads(json.dumps(node)))
    clean(node)
    assert node.cells[0].outputs[0].text == "ipykernel/345.py:1: W 0xff\n"
    assert node.cells[0].outputs[1].data["text/plain"] == "<A at 0x…>"


VALUES = st.one_of(
    st.integers(-(10**9), 10**9),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.text(st.characters(exclude_categories=["C", "Z"]), max_size=8),
)


NAMES = st.from_regex(r"\A[a-z][a-z_]{0,5}\Z").filter(lambda name: not iskeyword(name))


@given(st.dictionaries(NAMES, VALUES, max_size=4))
def test_values_arrive_as_they_were_written(values: dict[str, Any]) -> None:
    values.pop("out", None)
    kept = {name: value for name, value in values.items() if not name.startswith("no_")}
    text = "\n".join(f"{name} = {value!r}" for name, value in kept.items())
    properties = schema({"cells": [cell(text, "parameters")], "nbformat": 4})["properties"]
    assert {name: known["default"] for name, known in properties.items()} == kept
    assert convert_options(properties, {name: [str(value)] for name, value in kept.items()}) == kept


@pytest.mark.slow(reason="a kernel for each run, and DVC")
@pytest.mark.exhaustive
def test_a_workflow_runs_notebooks_as_dvc_does(
    write, run: Callable[..., Run], states, project: Project, workflows: WorkflowManager
) -> None:
    write("nb/train.ipynb", TRAIN)
    write("dvc.yaml", FLOW)
    ended = run()
    assert states(ended) == {"train": "COMPLETED", "show": "COMPLETED"}
    assert (project.root / "shown.txt").read_text() == "2.5"
    assert "5 0.5 x" in workflows.results.log("dvc.yaml", ended.id, "train").text
    lock = (project.root / "dvc.lock").read_bytes()
    assert states(run()) == {"train": "CACHED", "show": "CACHED"}
    dvc(project.root, "repro", "-f", "-q")
    assert (project.root / "dvc.lock").read_bytes() == lock
    again = run(params={"train.epochs": 6})
    assert states(again)["train"] == "COMPLETED"
    assert (project.root / "shown.txt").read_text() == "3.0"


def test_a_node_tells_its_notebook_and_parameters(
    write, workflows: WorkflowManager, project: Project
) -> None:
    write("nb/train.ipynb", TRAIN)
    file = write("dvc.yaml", FLOW)
    got = workflows.get("dvc.yaml")
    train = got.nodes[0]
    assert (train.type, train.kind.value) == ("notebook", "notebook")
    assert train.inputs == {"notebook": ["nb/train.ipynb"]}
    assert train.outputs == {"out": "out/train.ipynb"}
    assert train.parameters["epochs"] == 5
    assert train.parameters["name"] == "x"
    assert "out" not in train.parameters
    assert not got.problems
    answer = got.model_dump(mode="json")
    before = file.read_bytes()
    change = WorkflowChange(nodes=answer["nodes"], edges=answer["edges"])
    workflows.change("dvc.yaml", change)
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        (("epochs: 5", "epoch: 5"), "40201", "has no setting 'epoch'. Did you mean 'epochs'?"),
        (("epochs: 5", "epochs: many"), "40201", "must be an integer"),
        (("--out out/train.ipynb ", ""), "40201", "Specify where to save"),
        (("outs: [out/train.ipynb, ", "outs: ["), "40202", "not listed in its outputs"),
        (("deps: [nb/train.ipynb]", "deps: [other.txt]"), "40202", "listed in its dependencies"),
    ],
)
def test_faults_of_a_notebook_node_are_found(
    write, workflows: WorkflowManager, change: tuple[str, str], code: str, said: str
) -> None:
    write("nb/train.ipynb", TRAIN)
    write("other.txt", "")
    write("dvc.yaml", FLOW.replace(*change))
    found = [(p.code, p.message.en) for p in workflows.validate("dvc.yaml") if p.node == "train"]
    assert any(c == code and said in message for c, message in found), found


def test_a_file_that_is_no_notebook_is_a_problem(write, workflows: WorkflowManager) -> None:
    write("nb/train.ipynb", "{")
    write("dvc.yaml", FLOW)
    [problem] = workflows.validate("dvc.yaml")
    assert "不是有效的笔记本" in problem.message.in_(CHINESE)
    with pytest.raises(NotebookError):
        read(b"\xff")
