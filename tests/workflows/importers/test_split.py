"""Notebooks split into nodes: what comes of them equals what the notebook itself gives."""

from __future__ import annotations

import contextlib
import io
import json
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from IPython.core.interactiveshell import InteractiveShell

from jupyter_mlws.core.errors import ImportFailedError
from jupyter_mlws.workflows.importers.models import Imported, ImportRequest
from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.core.i18n import CHINESE
from mlws.core.project import Project
from tests.series import length
from tests.workflows.conftest import dvc
from tests.workflows.notebooks import cell, notebook

Split = Callable[..., Imported]

ANALYSIS = [
    cell("# Analysis", kind="markdown"),
    """\
%matplotlib inline
import numpy as np
import pandas as pd
import matplotlib.pyplot as plt
from sklearn.linear_model import LogisticRegression
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler
np.random.seed(3)""",
    cell("test_size = 0.25  # the part held back\nseed = 42", "parameters"),
    cell("## Load", kind="markdown"),
    "df = pd.read_csv('data.csv')\ndf.head()",
    "df.describe()",
    cell("## Prepare", kind="markdown"),
    """\
SCALE = 1.5
def with_ratio(frame):
    out = frame.copy()
    out['ratio'] = out['a'] / (out['b'].abs() + SCALE)
    return out""",
    """\
df = with_ratio(df)
X = df.drop(columns=['target'])
y = df['target']
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=test_size, random_state=seed)
X_train.shape""",
    "scaler = StandardScaler()\nXs_train = scaler.fit_transform(X_train)",
    cell("## Logistic", kind="markdown"),
    """\
logit = LogisticRegression()
logit.fit(Xs_train, y_train)
logit_score = accuracy_score(y_test, logit.predict(scaler.transform(X_test)))
logit_score""",
    cell("## Forest", kind="markdown"),
    """\
forest = RandomForestClassifier(n_estimators=5, random_state=seed).fit(X_train, y_train)
forest_score = accuracy_score(y_test, forest.predict(X_test))
print(forest_score)""",
    cell("## Compare", kind="markdown"),
    "scores = {'logit': logit_score, 'forest': forest_score}\nscores",
    "fig, ax = plt.subplots()\nax.bar(list(scores), list(scores.values()))",
    "ax.set_title('Scores')\nfig.savefig('scores.png')\nfig",
    cell("That is all.", kind="markdown"),
]


@pytest.fixture
def split(workflows: WorkflowManager, project: Project) -> Split:
    """Import cells as a workflow: ``split("a = 1", "print(a)", dry_run=True)``."""

    def call(*cells: Any, path: str = "nb/a.ipynb", **asked: Any) -> Imported:
        file = project.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(notebook(*cells))
        return workflows.import_file(ImportRequest(file=path, **asked))

    return call


def groups(imported: Imported) -> list[list[int]]:
    """The numbers of the cells (from 1) in each node."""
    found = []
    for file in imported.files:
        ids = [one["id"] for one in json.loads(file.text)["cells"]]
        found.append([int(name[5:]) for name in ids if name.startswith("cell-")])
    return found


def told(cells: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The outputs of the cells of a notebook, by what ids they have in a split one."""
    return {
        f"cell-{n}": [
            {key: value for key, value in output.items() if key != "execution_count"}
            for output in one["outputs"]
        ]
        for n, one in enumerate(cells, 1)
        if one["cell_type"] == "code"
    }


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
@pytest.mark.slow(reason="runs the notebook, its nodes and DVC")
def test_results_equal_the_notebooks_own_and_dvc_gives_the_same(
    split: Split, project: Project, workflows: WorkflowManager, states, tmp_path: Path
) -> None:
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(0)
    data = {"a": random.normal(size=80), "b": random.normal(size=80)}
    (project.root / "nb").mkdir()
    frame = pd.DataFrame({**data, "target": random.integers(0, 2, 80)})
    frame.to_csv(project.root / "nb" / "data.csv", index=False)
    made = split(*ANALYSIS)
    assert [node.id for node in made.workflow.nodes] == [
        "Load",
        "Prepare",
        "Logistic",
        "Forest",
        "Compare",
    ]
    assert not made.workflow.problems
    after = {(edge.source, edge.target) for edge in made.workflow.edges}
    assert after == {
        ("Load", "Prepare"),
        ("Prepare", "Logistic"),
        ("Prepare", "Forest"),
        ("Logistic", "Compare"),
        ("Forest", "Compare"),
    }
    prepare = next(node for node in made.workflow.nodes if node.id == "Prepare")
    assert prepare.parameters == {"test_size": 0.25, "seed": 42}
    outs = {Path(out).name for node in made.workflow.nodes for out in node.outs}
    assert {"Load.df.parquet", "Prepare.Xs_train.npy", "Prepare.scaler.skops"} <= outs
    assert {"Logistic.logit_score.json", "scores.png"} <= outs

    path = made.workflow.path
    # Five kernels that import scikit-learn: on a busy machine that is more than a minute.
    ended = Run(
        **workflows.runs.wait(
            path, workflows.runs.execute(path, RunRequest())["id"], 600, recorded=False
        )
    )
    assert set(states(ended).values()) == {"COMPLETED"}
    picture = (project.root / "nb/scores.png").read_bytes()
    lock = (project.root / path).with_name("dvc.lock").read_bytes()
    dvc(project.root, "repro", "-f", "-q", path)
    assert (project.root / path).with_name("dvc.lock").read_bytes() == lock

    whole = tmp_path / "whole.ipynb"
    command = ["jupyter", "mlws", "notebook", "nb/a.ipynb", "--out", str(whole)]
    subprocess.run(command, cwd=project.root, check=True, capture_output=True)
    expected = told(json.loads(whole.read_text())["cells"])
    got: dict[str, Any] = {}
    for file in (project.root / path).with_name("out").glob("*.ipynb"):
        for one in json.loads(file.read_text())["cells"]:
            if one["cell_type"] == "code":
                got |= {one["id"]: told([one])["cell-1"]}
    assert {name: got[name] for name in expected if expected[name]} == {
        name: outputs for name, outputs in expected.items() if outputs
    }
    assert (project.root / "nb/scores.png").read_bytes() == picture


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        # What goes by file is split, in order and side by side.
        (["a = [1]", "b = a + [2]\nprint(b)", "c = a * 2\nprint(c)"], [[1], [2], [3]]),
        # What only shows stands with its maker.
        (["a = [1]", "a"], [[1, 2]]),
        # Code is carried: no node of its own.
        (["import json", "def f(x):\n    return [x]", "N = 3", "a = f(N)", "b = f(a)"], [[4], [5]]),
        # What cannot be stored stays with its maker.
        (["a = open('x.txt')", "b = [1]", "c = a.read()"], [[1, 3], [2]]),
        (["g = (n for n in [1])", "b = list(g)"], [[1, 2]]),
        (["class A:\n    pass", "a = A()", "a.x = 1\nb = [1]", "print(b)"], [[2, 3, 4]]),
        # A change of an object is a new version of it.
        (["a = [1]", "a.append(2)", "b = len(a)"], [[1], [2], [3]]),
        # What may be one object stays together when it changes.
        (["a = [1]\nb = a", "b.append(2)", "print(a)\nc = [a]"], [[1, 2], [3]]),
        (["a = [1]", "b = a", "b.append(2)", "c = a + b"], [[1, 2, 3], [4]]),
        # A function of the notebook that changes what it gets, or the notebook's own names.
        (["def f(x):\n    x.append(1)", "a = [0]", "f(a)", "b = len(a)"], [[2], [3], [4]]),
        (["r = [0]\ndef f():\n    r.append(1)", "f()", "b = len(r)"], [[1], [2], [3]]),
        (["n = 0\ndef f():\n    global n\n    n = 1", "f()", "b = [n]"], [[2, 3]]),
        # One random state, drawn from in turn; numbers without a seed are as they are.
        (
            [
                "import numpy as np\nnp.random.seed(1)",
                "a = np.random.rand(2)",
                "b = [1]",
                "c = np.random.rand(2)",
            ],
            [[1, 2, 4], [3]],
        ),
        (["import numpy as np", "a = np.random.rand(2)", "b = np.random.rand(2)"], [[2], [3]]),
        # Files: by name from node to node, without a name together.
        (["open('a.txt', 'w').write('1')", "b = open('a.txt').read()"], [[1], [2]]),
        (
            [
                "import pandas as pd\nt = pd.DataFrame({'a': [1]})\nt.to_csv('a.csv')",
                "u = pd.read_csv('a.csv')",
            ],
            [[1], [2]],
        ),
        (["!touch a", "import os\nb = [1]", "t = open('a').read()"], [[1, 3], [2]]),
        # What cannot be followed keeps everything together.
        (["a = [1]", "exec('b = 2')", "c = [3]"], [[1, 2, 3]]),
        (["a = [1]", "_", "c = [3]"], [[1, 2, 3]]),
        (["%%perhaps\nx", "c = [3]"], [[1, 2]]),
        # Magics that run Python are seen through.
        (["%%time\na = [1]", "%time b = a + [1]", "%timeit sum(a)"], [[1, 3], [2]]),
    ],
)
def test_what_stays_together(split: Split, cells: list[str], expected: list[list[int]]) -> None:
    found = groups(split(*cells, dry_run=True))
    assert sorted(found) == sorted(expected)


def test_code_brings_what_it_needs_to_where_it_is_copied(
    split: Split, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = [
        "import warnings, random as r\nimport math\nwarnings.simplefilter('ignore')\nr.seed(3)",
        "N = 2\ndef half(x, n=N):\n    return math.floor(x / n)\nclass Base:\n    k = N",
        "class Inner(Base):\n    def f(self):\n        return half(self.k * 5)",
        "a = [half(9)]\nprint(a, warnings.filters[0][0])",
        "b = [Inner().f()]\nprint(b, r.random())",
        "print(a + b)",
    ]
    _compare(sources, split, project, monkeypatch)
    assert groups(split(*sources, dry_run=True, path="nb/b.ipynb")) == [[1, 5, 6], [4]]


def test_headings_make_nodes_of_their_cells(split: Split) -> None:
    made = split(
        cell("## 1. Make it", kind="markdown"),
        "a = [1]",
        "b = [2]",
        cell("## 使用 it, later", kind="markdown"),
        "c = a + b",
        "d = c + c",
        dry_run=True,
    )
    assert groups(made) == [[2, 3], [5, 6]]
    assert [node.id for node in made.workflow.nodes] == ["Make-it", "使用-it-later"]
    assert "1. Make it" in made.files[0].text


def test_a_dry_run_writes_nothing_and_tells_everything(split: Split, project: Project, git) -> None:
    before = git(project.root, "status", "--porcelain", "-uall")
    made = split("!pip install x", "a = open('x')", "b = a.read()", dry_run=True)
    assert not made.written
    assert not (project.root / made.workflow.path).exists()
    assert "stages:" in made.text
    assert [(note.place, note.reason.en[:25]) for note in made.notes] == [
        ("cell 1", "'!pip install x' was not "),
        ("cells 2, 3", "kept in one node: a, b ma"),
    ]
    after = git(project.root, "status", "--porcelain", "-uall")
    assert after.replace("?? nb/a.ipynb\n", "") == before


def test_notes_speak_chinese(split: Split, workflows: WorkflowManager) -> None:
    split("a = open('x')", "b = a.read()", dry_run=True)
    request = ImportRequest(file="nb/a.ipynb", dry_run=True)
    [note] = workflows.import_file(request).notes
    assert "保留在同一节点中" in note.reason.in_(CHINESE)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "line 1: it is not valid JSON"),
        (notebook("a = 1", "b = (\n1"), "cells.1: line "),
        (notebook(cell("Only text", kind="markdown")), "it contains no code"),
        ('{"nbformat": 4, "cells": 3}', "`cells` must be a list"),
        ('{"nbformat": 4, "cells": [{"cell_type": "code", "source": 1}]}', "`cells.0.source`"),
    ],
)
def test_what_is_no_notebook_is_refused_and_nothing_is_written(
    workflows: WorkflowManager, write, project: Project, content: str, said: str
) -> None:
    write("a.ipynb", content)
    with pytest.raises(ImportFailedError) as caught:
        workflows.import_file(ImportRequest(file="a.ipynb"))
    assert said in caught.value.message.en
    assert not (project.root / "workflows").exists()


def test_another_language_is_one_node_and_says_so(
    workflows: WorkflowManager, write, project: Project
) -> None:
    kernel = {"name": "ir", "language": "R", "display_name": "R"}
    write("a.ipynb", notebook("x <- 1", kernel=kernel))
    made = workflows.import_file(ImportRequest(file="a.ipynb"))
    assert [node.id for node in made.workflow.nodes] == ["a"]
    assert "only Python notebooks can be split" in made.notes[0].reason.en


def test_what_is_written_into_git_is_no_output(split: Split, project: Project, git, write) -> None:
    write("nb/kept.csv", "a\n1\n")
    git(project.root, "add", "-A")
    made = split(
        "import pandas as pd\nt = pd.DataFrame({'a': [1]})\nt.to_csv('kept.csv')", dry_run=True
    )
    assert "nb/kept.csv" not in made.workflow.nodes[0].outs
    assert "tracked by git" in made.notes[0].reason.en


# Any notebook of plain values


NAMES = st.sampled_from("abc")
VALUES = st.one_of(st.integers(0, 9).map(str), st.sampled_from(["[1]", "[2, 3]", "{'k': 1}"]))
STATEMENTS = st.one_of(
    st.builds("{} = {}".format, NAMES, VALUES),
    st.builds("{} = {}".format, NAMES, NAMES),
    st.builds("{} = [{}]".format, NAMES, NAMES),
    st.builds("{} = [{}, {}]".format, NAMES, NAMES, NAMES),
    st.builds("{} = keep({})".format, NAMES, NAMES),
    st.builds("grow({})".format, NAMES),
    st.builds("if isinstance({0}, list): {0}.append({1})".format, NAMES, st.integers(0, 9)),
    st.builds("if isinstance({0}, list): {0} += [0]".format, NAMES),
    st.builds("for {} in range(2): pass".format, NAMES),
    st.builds("{} = str({})".format, NAMES, NAMES),
)
CELLS = st.lists(st.lists(STATEMENTS, min_size=1, max_size=2).map("\n".join), max_size=6)
BEGIN = """\
a = 1
b = [0]
c = [b]
def keep(x):
    return x
def grow(x):
    if isinstance(x, list): x.append(7)
    total.append(1)
total = []"""
SHOW = "\nprint(repr((a, b, c, total)))"


SHOWING = """\
class Show:
    def __init__(self, *names):
        self.names = names
    def show(self):
        for name in self.names:
            print(name, eval(name))
def look(name):
    return eval(name)"""


@pytest.mark.parametrize(
    "last",
    ["Show('a', 'b + [c]').show()", "print(look('c'))", "shown = Show('c')\nshown.show()"],
)
def test_names_that_a_function_or_class_evaluates_are_there(
    split: Split, project: Project, monkeypatch: pytest.MonkeyPatch, last: str
) -> None:
    cells = [SHOWING, "a = 1\nb = [a]", "c = a + 1", last, "print(a)"]
    _compare(cells, split, project, monkeypatch)


def test_names_in_texts_that_pandas_evaluates_are_there(
    split: Split, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells = [
        "import pandas as pd",
        "t = pd.DataFrame({'x': [1, 2, 3]})",
        "limit = len(t) - 1",
        "print(t.query('x > @limit').to_dict())",
        "print(pd.eval('t.x + limit').tolist())",
        "print(t.eval('y = x * @limit').to_dict())",
    ]
    _compare(cells, split, project, monkeypatch)


@given(cells=CELLS)
@settings(
    max_examples=length(30, 120),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_any_notebook_prints_the_same_when_it_is_split(
    split: Split, project: Project, monkeypatch: pytest.MonkeyPatch, cells: list[str]
) -> None:
    sources = [BEGIN, *(one + (SHOW if n % 2 else "") for n, one in enumerate(cells)), SHOW[1:]]
    _compare(sources, split, project, monkeypatch)


LIBRARIES = st.sampled_from(
    [
        *("t = t[t['x'] > 0]", "t['y'] = t['x'] + 1", "t = t.assign(z=len(t))", "u = t"),
        *("u['w'] = 1", "t.sort_values('x', inplace=True)", "u = t[['x']].copy()", "s = t['x']"),
        *("s = s + 1", "s = s.rename('q')", "m = s.mean()", "m = [m, n.sum()]", "d = {'n': n}"),
        *("d['n'][0] = 4", "n = np.asarray([3.0, 1.0, 2.0])", "v = n[:2]", "v[0] = 9"),
        *("n[1] += 1", "n = n * 2", "v = n.reshape(3, 1)", "n.sort()", "n = np.sort(n)"),
        *("m = float(n[0])", "scale(n)", "v = passed(n)", "t = pd.concat([t, u])", "d = {'t': t}"),
    ]
)
WITH_LIBRARIES = """\
import numpy as np
import pandas as pd
t = pd.DataFrame({'x': [3, -1, 2]})
u = t.copy()
s = t['x']
n = np.arange(3.0)
v = n[:2]
d = {'n': 1}
m = 0
def scale(array):
    array *= 2
def passed(array):
    return array"""
SHOW_ALL = (
    "\nprint(t.to_dict(), u.to_dict(), s.tolist(), s.name, n.tolist(), v.tolist(), m, repr(d))"
)


@given(cells=st.lists(st.lists(LIBRARIES, min_size=1, max_size=2).map("\n".join), max_size=6))
@settings(
    max_examples=length(15, 60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_tables_and_arrays_print_the_same_when_they_are_split(
    split: Split, project: Project, monkeypatch: pytest.MonkeyPatch, cells: list[str]
) -> None:
    shown = [one + (SHOW_ALL if n % 2 else "") for n, one in enumerate(cells)]
    _compare([WITH_LIBRARIES, *shown, SHOW_ALL[1:]], split, project, monkeypatch)


def _compare(
    sources: list[str], split: Split, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected: dict[str, str] = {}
    space: dict[str, Any] = {}
    for number, source in enumerate(sources, 1):
        try:
            expected[f"cell-{number}"] = _printed(source, space)
        except (KeyError, ValueError, TypeError, AttributeError, IndexError):
            # A notebook that fails has no results.
            return
    made = split(*sources, dry_run=True)
    got = _run_in_order(made, project.root, monkeypatch)
    said = {name: text for name, text in expected.items() if text}
    assert {name: text for name, text in got.items() if text} == said


def _run_in_order(made: Imported, root: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Return the output of each cell of the nodes' notebooks, each node in its own namespace."""
    found: dict[str, str] = {}
    texts = {Path(file.path).stem: file for file in made.files}
    for name in _in_order(made):
        space: dict[str, Any] = {}
        folder = (root / texts[name].path).parent
        folder.mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(folder)
        for one in json.loads(texts[name].text)["cells"]:
            if one["cell_type"] == "code":
                found[one["id"]] = _printed("".join(one["source"]), space)
    monkeypatch.chdir(root)
    return found


def _in_order(made: Imported) -> Iterator[str]:
    waiting = [node.id for node in made.workflow.nodes]
    while waiting:
        ready = [
            name
            for name in waiting
            if not any(e.source in waiting for e in made.workflow.edges if e.target == name)
        ]
        assert ready, "the nodes need each other"
        yield ready[0]
        waiting.remove(ready[0])


def _printed(source: str, space: dict[str, Any]) -> str:
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(source, space)
    return out.getvalue()


def test_the_shells_own_words_are_those_that_are_known() -> None:
    from jupyter_mlws.workflows.importers.notebook_split.code import (
        CONFIGURATION_MAGICS,
        SHOWING,
        TIMING_MAGICS,
    )

    shell = InteractiveShell.instance()
    try:
        known = {*shell.magics_manager.magics["line"], *shell.magics_manager.magics["cell"]}
    finally:
        InteractiveShell.clear_instance()
    assert known >= CONFIGURATION_MAGICS - {"autoreload", "matplotlib"}
    assert known >= SHOWING - {"hist"}
    assert known >= TIMING_MAGICS
