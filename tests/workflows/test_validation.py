"""All problems of a workflow are reported at once, with their places and fixes."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlws.core.errors import WorkflowProblemsError
from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Problem
from jupyter_mlws.workflows.tracking import metrics
from mlws.core.errors import MLWSError
from mlws.core.i18n import CHINESE
from mlws.core.project import Project
from mlws.document.parse import parse
from mlws.document.terms import Severity

PATH = "workflows/wine/dvc.yaml"
OUT = "workflows/wine/out"
FOREST = f"node train_classifier --data {OUT}/load.table.parquet --model {OUT}/forest.model.skops"
DRAW = (
    f"jupyter mlws node plot_metrics --metrics {OUT}/forest.model.skops"
    f" --figure {OUT}/plot.figure.png"
)
GOOD = f"""\
vars:
  - workflow: {{name: Wine}}
  - forest: {{n_estimators: 10}}
stages:
  load:
    wdir: ../..
    cmd: jupyter mlws node load_table --file data/wine.csv --table {OUT}/load.table.parquet
    deps:
    - data/wine.csv
    outs:
    - {OUT}/load.table.parquet
  forest:
    wdir: ../..
    cmd: jupyter mlws {FOREST} ${{forest}}
    deps:
    - {OUT}/load.table.parquet
    outs:
    - {OUT}/forest.model.skops
"""
PLOT = f"""\
  plot:
    wdir: ../..
    cmd: {DRAW}
    deps:
    - {OUT}/forest.model.skops
    outs:
    - {OUT}/plot.figure.png
"""


ALIASES = "x0: &x0 {a: 1, b: 2}\n" + "".join(
    f"x{n}: &x{n} {{{', '.join(f'k{k}: *x{n - 1}' for k in range(9))}}}\n" for n in range(1, 10)
)
"""A few lines that expand to billions of values."""


@pytest.fixture
def problems(workflows: WorkflowManager, write) -> Callable[[str], list[Problem]]:
    write("data/wine.csv", "a,target\n1,0\n2,1\n")
    return lambda text: workflows.validate(PATH, text)


def told(found: list[Problem]) -> list[tuple[str, str | None, str | None, int | None]]:
    return [(p.code, p.node, p.field, p.line) for p in found]


def test_a_good_workflow_has_none(problems) -> None:
    assert problems(GOOD) == []


def test_all_problems_come_in_one_answer(problems) -> None:
    text = GOOD.replace("n_estimators: 10", "n_estimators: 0, depth: 3") + PLOT
    text = text.replace("data/wine.csv", "data/none.csv")
    assert told(problems(text)) == [
        ("40202", "load", "file", 5),
        ("40202", "plot", "metrics", 19),
        ("40201", "forest", "n_estimators", 3),
        ("40201", "forest", "depth", 3),
    ]


def test_a_frozen_stage_may_lack_an_input(problems) -> None:
    """As for `dvc repro`, which only verifies its outputs and refuses cycles through it."""
    frozen = "    cmd: cp c a\n    deps: [c]\n    outs: [a]\n    frozen: true\n"
    assert problems(f"stages:\n  a:\n{frozen}") == []
    (cycle,) = problems(
        f"stages:\n  a:\n{frozen}  c:\n    cmd: cp a c\n    deps: [a]\n    outs: [c]\n"
    )
    assert cycle.code == "40203"


def test_a_dependency_that_is_no_file_is_left_to_dvc(workflows: WorkflowManager, write) -> None:
    """Such as a dataset, also one whose version is not known yet."""
    text = (
        "datasets:\n- {name: faces, type: dvc, url: ../source, path: faces}\n"
        "stages:\n  a: {wdir: sub, cmd: 'python ../a.py --data ds://faces', deps: [DEPS]}\n"
    )
    write("sub/.keep", "")
    urls = "ds://faces, s3://bucket/a.csv, 'https://example.org/a.csv', remote://far/a"
    assert workflows.validate("dvc.yaml", text.replace("DEPS", urls)) == []
    write("dvc.yaml", text.replace("DEPS", "ds://faces"))
    assert workflows.get("dvc.yaml").nodes[0].inputs == {"data": ["ds://faces"]}
    assert [node.action.value for node in workflows.plan("dvc.yaml").nodes] == ["run"]


def test_a_cycle_is_named_in_order(problems) -> None:
    text = (
        "stages:\n"
        "  a:\n    cmd: cp c a\n    deps: [c]\n    outs: [a]\n"
        "  b:\n    cmd: cp a b\n    deps: [a]\n    outs: [b]\n"
        "  c:\n    cmd: cp b c\n    deps: [b]\n    outs: [c]\n"
    )
    (cycle,) = problems(text)
    assert cycle.code == "40203"
    assert "a → b → c → a" in cycle.message.en
    assert cycle.edge == "c->a"
    assert cycle.fix.en == "Remove the connection from c to a."


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (("node train_classifier", "node train_clasifier"), ("40201", "forest", "cmd", 14)),
        ((f" --data {OUT}/load.table.parquet", ""), ("40202", "forest", "data", 14)),
        (("    outs:\n    - " + OUT + "/forest", "    out:\n    - " + OUT + "/forest"),
         ("40205", "forest", "out", 17)),
        ((f"{OUT}/forest.model.skops", f"{OUT}/load.table.parquet/x"),
         ("40202", "load", "outs", 5)),
        (("${forest}", "--n_estimators ten"), ("40201", "forest", "n_estimators", 14)),
    ],
)  # fmt: skip
def test_each_fault_is_found_where_it_is(problems, change, expected) -> None:
    assert expected in told(problems(GOOD.replace(*change)))


@pytest.mark.parametrize(
    ("component", "options", "message"),
    [
        ("split", "--test_size 1.5", "Test size must be greater than 0 and less than 1."),
        ("sample_rows", "--size share --share 0", "Share must be greater than 0 and at most 1."),
        ("sample_rows", "--random_state 4294967296",
         "Random seed must be between 0 and 4294967295."),
        ("load_table", "--limit 0", "Maximum rows must be at least 1."),
        ("train_network", "--dropout 1",
         "Dropout rate must be at least 0 and less than 1."),
    ],
)  # fmt: skip
def test_a_setting_out_of_its_range_names_the_range(problems, component, options, message) -> None:
    text = f"stages:\n  a:\n    cmd: jupyter mlws node {component} {options}\n"
    field = options.split()[-2].removeprefix("--")
    found = [one for one in problems(text) if one.field == field]
    assert [(one.node, one.message.en) for one in found] == [("a", message)]


def test_text_that_is_no_yaml_names_its_line(problems) -> None:
    (problem,) = problems(GOOD + "  x: [\n")
    assert (problem.code, problem.line) == ("40205", 19)


def test_problems_speak_chinese(workflows: WorkflowManager, write) -> None:
    (problem,) = workflows.validate(PATH, "stages:\n  a:\n    cmd: x\n    deps: [b]\n")
    assert "不存在" in problem.message.in_(CHINESE)


def test_a_faulty_workflow_is_not_run_and_changes_nothing(
    project: Project, workflows: WorkflowManager, write
) -> None:
    file = write(PATH, GOOD)
    with pytest.raises(WorkflowProblemsError) as refused:
        workflows.runs.execute(PATH, RunRequest(params={"forest.n_estimators": 5}))
    assert [fault.field for fault in refused.value.faults] == ["load.file"]
    assert file.read_text() == GOOD
    assert workflows.runs.page(PATH) == ([], None)


@pytest.mark.parametrize(
    "path",
    ["../dvc.yaml", "data/wine.csv", "nowhere/dvc.yaml", "", "/etc/dvc.yaml", "x\0/dvc.yaml"],
)
def test_a_path_that_is_no_workflow_is_refused(workflows: WorkflowManager, path: str) -> None:
    with pytest.raises(MLWSError) as refused:
        workflows.get(path)
    assert refused.value.code in ("40401", "50302")


def test_a_false_setting_that_dvc_would_drop_is_told(
    project: Project, workflows: WorkflowManager, write
) -> None:
    write("data/wine.csv", "a,target\n1,0\n2,1\n")
    text = GOOD.replace("n_estimators: 10", "scale: false")
    assert workflows.validate(PATH, text) == []
    write(".dvc/config", "")
    (problem,) = workflows.validate(PATH, text)
    assert (problem.code, problem.node, problem.field, problem.line) == (
        "40201",
        "forest",
        "scale",
        3,
    )


def test_edges_carry_their_ports(workflows: WorkflowManager, write) -> None:
    write(PATH, GOOD + PLOT)
    workflow = workflows.get(PATH)
    assert workflow.name == "Wine"
    assert [(e.source, e.source_port, e.target, e.target_port) for e in workflow.edges] == [
        ("load", "table", "forest", "data"),
        ("forest", "model", "plot", "metrics"),
    ]
    node = workflow.nodes[1]
    assert (node.type, node.config) == ("train_classifier", {"n_estimators": 10})
    assert node.inputs == {"data": [f"{OUT}/load.table.parquet"], "steps": []}
    assert node.outputs == {"model": f"{OUT}/forest.model.skops"}


def test_files_by_hand_open_as_well(workflows: WorkflowManager, write: Callable[..., Path]) -> None:
    write("train.py", "")
    write("folder/a.txt", "")
    write(
        "dvc.yaml",
        "stages:\n"
        "  prepare:\n    cmd: mkdir made; touch made/x\n    deps: [folder]\n    outs:\n"
        "    - made:\n        cache: false\n"
        "  train:\n    cmd: python train.py made/x\n    deps: [made/x, train.py]\n"
        "    outs: [model.bin]\n",
    )
    workflow = workflows.get("dvc.yaml")
    assert workflow.problems == []
    assert [node.kind.value for node in workflow.nodes] == ["shell", "script"]
    assert [(e.source, e.target, e.path) for e in workflow.edges] == [
        ("prepare", "train", "made/x")
    ]


@pytest.mark.parametrize("tracked", ["data/out", "data"])
def test_an_output_that_is_tracked_data_is_refused(
    workflows: WorkflowManager, write, tracked: str
) -> None:
    write(f"{tracked}.dvc", "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  path: x\n")
    write(PATH, "stages:\n  a: {wdir: ../.., cmd: echo 1 > data/out, outs: [data/out]}\n")
    (problem,) = workflows.validate(PATH)
    assert (problem.node, problem.field, problem.severity) == ("a", "outs", Severity.ERROR)
    assert problem.message.en == f"The output 'data/out' is already tracked by {tracked}.dvc."
    with pytest.raises(MLWSError) as refused:
        workflows.runs.execute(PATH, RunRequest())
    assert [fault.field for fault in refused.value.faults] == ["a.outs"]


def test_a_file_that_two_workflows_write_is_reported(workflows: WorkflowManager, write) -> None:
    write("dvc.yaml", "stages:\n  whole: {cmd: mkdir out, outs: [out]}\n")
    write("broken/dvc.yaml", "stages: [\n")
    write(PATH, "stages:\n  a: {wdir: ../.., cmd: echo 1 > out/a, outs: [out/a]}\n")
    (problem,) = workflows.validate(PATH)
    assert (problem.node, problem.field, problem.severity) == ("a", "outs", Severity.WARNING)
    assert "'out/a' is also an output of whole in dvc.yaml (out)" in problem.message.en
    (problem,) = workflows.get("dvc.yaml").problems
    assert "'out' is also an output of a in workflows/wine/dvc.yaml (out/a)" in problem.message.en
    write("dvc.yaml", "stages:\n  whole: {cmd: mkdir other, outs: [other]}\n")
    assert workflows.validate(PATH) == []


VARIANTS = f"""\
stages:
  train:
    matrix:
      x: [{", ".join(map(str, range(10)))}]
      y: [{", ".join(map(str, range(10)))}]
    cmd: jupyter mlws node sample_data --table out/t.parquet
    outs: [out/t.parquet]
  reads:
    foreach: [a, b, c]
    do:
      cmd: jupyter mlws node plot_metrics --metrics out/t.parquet --figure out/${{item}}.png
      deps: [out/t.parquet]
      outs: ["out/${{item}}.png"]
  whole: {{cmd: mkdir out, outs: [out]}}
"""
"""A hundred variants make one file, and others read it."""


def test_each_output_of_many_variants_is_one_problem(
    workflows: WorkflowManager, write: Callable[..., Path]
) -> None:
    write("other/dvc.yaml", VARIANTS.replace("out/", "../out/").replace("[out]", "[../out]"))
    write("out/t.parquet.dvc", "outs:\n- md5: 0123456789abcdef0123456789abcdef\n  path: x\n")
    problems = workflows.validate("dvc.yaml", VARIANTS)
    found = [one.message.en for one in problems if one.field == "outs"]
    outs = ["out/t.parquet", "out/a.png", "out/b.png", "out/c.png", "out"]
    for out in outs:
        twice = [
            one for one in found if one.startswith(f"The output {out!r} is also an output of ")
        ]
        assert [" in other/dvc.yaml (" in one for one in twice] == [False, True]
    assert len(found) == 2 * len(outs) + 1
    assert (
        found[-1 - len(outs)]
        == "The output 'out/t.parquet' is already tracked by out/t.parquet.dvc."
    )
    names = "train@0-1, train@0-2, train@0-3, … (out/t.parquet)"
    assert f"The output 'out/t.parquet' is also an output of {names}." in found
    # The nodes that read it with the wrong type.
    assert [(one.node, one.field) for one in problems if one.field != "outs"] == [
        (f"reads@{name}", "metrics") for name in "abc"
    ]


def test_a_copy_of_a_stage_whose_ports_were_renamed_is_reported(
    workflows: WorkflowManager, write: Callable[..., Path]
) -> None:
    write("in.csv", "a\n1\n")
    write("a.py", "")
    stage = "cmd: python a.py --{port} in.csv --out {out}, deps: [a.py, in.csv], outs: [{out}]"
    origin = "workflows/source/dvc.yaml"

    def source(port: str, name: str = "make") -> None:
        parts = stage.format(port=port, out="made")
        write(origin, f"stages:\n  {name}: {{wdir: ../.., {parts}}}\n")

    copy = f"{stage.format(port='data', out='copy')}, meta: {{origin: '{origin}:make'}}"
    write(PATH, f"stages:\n  mine: {{wdir: ../.., {copy}}}\n")
    source("data")
    assert workflows.validate(PATH) == []
    source("table")
    (problem,) = workflows.validate(PATH)
    assert (problem.node, problem.severity) == ("mine", Severity.WARNING)
    assert problem.message.en == (
        f"mine is a copy of {origin}:make, which has other ports now: +table, -data."
    )
    assert problem.fix
    assert "Update from File" in problem.fix.en
    source("data", "other")
    (problem,) = workflows.validate(PATH)
    assert problem.message.en == f"mine is a copy of {origin}:make, which no longer exists."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{ALIASES}stages:\n  a:\n    cmd: x\n    deps: [*x9]\n", "its aliases expand to more"),
        (f"{ALIASES}stages:\n  a:\n    <<: [*x9, *x9]\n    cmd: x\n", "its aliases expand to more"),
        ("vars: &v [*v]\nstages:\n  a:\n    cmd: x\n", "its aliases expand to more"),
        ("stages: " + "[" * 5000, "nested deeper than 100 levels"),
        ("stages: " + "{a: " * 500 + "}" * 500, "nested deeper than 100 levels"),
    ],
)
@pytest.mark.timeout(20)
def test_a_text_that_grows_when_it_is_read_is_refused(text: str, reason: str) -> None:
    with pytest.raises(MLWSError, match=reason) as error:
        parse(PATH, text)
    assert error.value.code == "40205"
    with pytest.raises(metrics.UnreadableError, match=reason):
        metrics.read("scores.yaml", text.encode())


@pytest.fixture
def little_memory() -> Iterator[None]:
    """Let this process allocate two more gigabytes."""
    limits = resource.getrlimit(resource.RLIMIT_AS)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * os.sysconf("SC_PAGESIZE") + 2**31, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, limits)


DIGITS = "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9]"
MATRIX = "".join(f"      {name}: {DIGITS}\n" for name in "abcdefghi")


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("text", "params", "reason"),
    [
        (
            f"stages:\n  grid:\n    matrix:\n{MATRIX}    cmd: echo ${{item.a}}\n",
            "",
            "`foreach` and `matrix` make 1000000000 stages, and 10000 are the most; use fewer "
            "values in the stage 'grid'",
        ),
        (
            "stages:\n"
            "  one: {foreach: [1, 2], do: {cmd: 'echo ${item}'}}\n"
            "  each: {foreach: '${rows}', do: {cmd: 'echo ${item.a}'}}\n",
            f"rows: {[*range(10_000)]}\n",
            "`foreach` and `matrix` make 10002 stages, and 10000 are the most; use fewer values "
            "in the stage 'each'",
        ),
        (
            f"stages:\n  long:\n    matrix: {{a: {DIGITS}, b: {DIGITS}, c: {DIGITS}}}\n"
            "    cmd: echo ${item.a} ${text}\n",
            f"text: {'x' * 200_000}\n",
            "with its templates filled in, it has more than 100 MB of text",
        ),
        (
            "stages:\n  a: {cmd: 'echo ${x0.a}'}\n",
            ALIASES,
            "params.yaml', its aliases expand to more than 1000000 values",
        ),
        (
            # What such a stage means is left to DVC, which reads the parameters as well.
            "stages:\n  a: {cmd: echo > b, params: [{v.py: [x]}], outs: [b]}\n",
            ALIASES,
            "params.yaml', its aliases expand to more than 1000000 values",
        ),
    ],
    ids=["matrix", "foreach", "text", "aliases", "aliases-of-dvc"],
)
@pytest.mark.timeout(60)
def test_a_few_lines_that_mean_billions_take_little_memory(
    workflows: WorkflowManager, write, little_memory: None, text: str, params: str, reason: str
) -> None:
    write("dvc.yaml", text)
    write("params.yaml", params)
    if "${" in text:
        (problem,) = workflows.validate("dvc.yaml")
        assert reason in problem.message.en
        with pytest.raises(MLWSError, match=reason) as refused:
            workflows.runs.execute("dvc.yaml", RunRequest())
        assert refused.value.code == "40205"
    if "foreach" in text or "matrix" in text:
        with pytest.raises(MLWSError, match=reason):
            workflows.sweeps.list("dvc.yaml")
    with pytest.raises(MLWSError, match=reason):
        workflows.plan("dvc.yaml")
