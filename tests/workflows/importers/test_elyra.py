"""Elyra's pipelines, of every version that is read, become workflows that run."""

from __future__ import annotations

import contextlib
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyter_mlws.core.errors import ImportFailedError, WorkflowCycleError
from jupyter_mlws.workflows.importers.models import Imported, ImportRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.core.errors import MLWSError
from mlws.core.i18n import CHINESE
from mlws.core.project import Project
from tests import python
from tests.series import length
from tests.workflows.conftest import dvc
from tests.workflows.importers.pipelines import link, node, pipeline
from tests.workflows.notebooks import notebook

Import = Callable[..., Imported]
WRITER = "import os\nopen('made.csv', 'w').write(os.environ['WORD'] + open('in.txt').read())\n"
READER = "open('seen.txt', 'w').write(open('made.csv').read().upper())\n"
LATER = "import pathlib\nassert pathlib.Path('seen.txt').exists()\n"


@pytest.fixture
def bring(workflows: WorkflowManager, write) -> Import:
    """Import a pipeline that stands in ``flows/``."""

    def call(data: dict[str, Any], **asked: Any) -> Imported:
        write("flows/a.pipeline", json.dumps(data))
        request = ImportRequest(file="flows/a.pipeline", **asked)
        return workflows.import_file(request)

    return call


@pytest.fixture
def code(write) -> None:
    write("flows/src/write.ipynb", notebook(WRITER))
    write("flows/src/read.py", READER)
    write("flows/later.py", LATER.replace("seen.txt", "src/seen.txt"))
    write("flows/src/in.txt", "abc\n")


def example(version: int) -> dict[str, Any]:
    variables = {"WORD": 'it\'s ${HOME} $x "q" ', "BLANK": ""}
    return pipeline(
        node(
            "n1",
            "src/write.ipynb",
            version=version,
            env_vars=variables,
            outputs=["made.csv"],
            dependencies=["in.txt"],
        ),
        node("n2", "src/read.py", "n1", version=version, place=(200.4, 20)),
        node("n3", "later.py", "n2", "n2", version=version),
        version=version,
    )


@pytest.mark.parametrize("version", [3, 4, 5, 6, 7, 8])
def test_every_version_gives_the_same_workflow(bring: Import, code: None, version: int) -> None:
    made = bring(example(version), dry_run=True)
    assert made.format.value == "elyra"
    assert not made.workflow.problems
    assert [(n.id, n.kind.value, n.at) for n in made.workflow.nodes] == [
        ("write", "notebook", (10, 20)),
        ("read", "script", (200, 20)),
        ("later", "script", (10, 20)),
    ]
    assert [(e.source, e.target, e.path) for e in made.workflow.edges] == [
        ("write", "read", "flows/src/made.csv"),
        ("read", "later", "workflows/flow/out/read.done"),
    ]
    assert ["has no value" in note.reason.en for note in made.notes] == [True]


def test_it_runs_and_dvc_repro_gives_the_same(
    bring: Import, code: None, run: Callable[..., Run], states, project: Project
) -> None:
    made = bring(example(8))
    path = made.workflow.path
    assert set(states(run(path)).values()) == {"COMPLETED"}
    text = (project.root / "flows/src/seen.txt").read_text()
    assert text == 'IT\'S ${HOME} $X "Q" ABC\n'
    folder = (project.root / path).parent
    lock = (folder / "dvc.lock").read_bytes()
    dvc(project.root, "repro", "-f", "-q", path)
    assert (folder / "dvc.lock").read_bytes() == lock
    assert set(states(run(path)).values()) == {"CACHED"}
    # What changed before runs again what comes behind, also where no file goes between them.
    (project.root / "flows/src/in.txt").write_text("new\n")
    assert set(states(run(path)).values()) == {"COMPLETED"}
    (project.root / "flows/later.py").write_text("print('changed')\n")
    assert states(run(path)) == {"write": "CACHED", "read": "CACHED", "later": "COMPLETED"}


def test_groups_are_looked_into_and_comments_kept(bring: Import, code: None) -> None:
    group = {
        "id": "group",
        "type": "super_node",
        "subflow_ref": {"pipeline_id_ref": "inner"},
        "app_data": {"ui_data": {"label": "The group", "x_pos": 100, "y_pos": 50}},
        "inputs": [{"id": "into", "subflow_node_ref": "b1", "links": [link("n1")]}],
        "outputs": [{"id": "out", "subflow_node_ref": "b2"}],
    }
    last = node("n3", "later.py")
    last["inputs"][0]["links"] = [link("group", "out")]
    inner = (
        {"id": "b1", "type": "binding", "outputs": [{"id": "o"}]},
        {**node("n2", "src/read.py", "b1", place=(7, 8))},
        {"id": "b2", "type": "binding", "inputs": [{"id": "i", "links": [link("n2")]}]},
    )
    comment = {"id": "c", "content": "注意\nthis", "x_pos": 1.6, "y_pos": 2,
               "associated_id_refs": [{"node_ref": "n1"}]}  # fmt: skip
    data = pipeline(
        node("n1", "src/write.ipynb", outputs=["made.csv"]), group, last,
        inner=inner, comments=(comment,), description="What it is for",
    )  # fmt: skip
    made = bring(data)
    assert [(e.source, e.target) for e in made.workflow.edges] == [
        ("write", "read"),
        ("read", "later"),
    ]
    assert [n.at for n in made.workflow.nodes] == [(10, 20), (100, 50), (10, 20)]
    assert "'The group' was not kept" in made.notes[0].reason.en
    assert "What it is for" in made.text
    assert '{text: "注意\\nthis", at: [2, 2], nodes: [write]}' in made.text


def test_what_is_not_carried_over_is_listed_with_its_place(
    bring: Import, code: None, write, project: Project, git
) -> None:
    write("flows/src/kept.csv", "1\n")
    git(project.root, "add", "flows/src/kept.csv")
    custom = {**node("x", "src/read.py", "n1"), "op": "catalog:123"}
    data = pipeline(
        node(
            "n1",
            "src/write.ipynb",
            runtime_image="image:1",
            cpu=2,
            memory=4,
            mounted_volumes=[{"path": "/x", "pvc_name": "y"}],
            kubernetes_secrets=[{"env_var": "KEY", "name": "a", "key": "b"}],
            outputs=["*.csv", "kept.csv", "../../../x"],
            dependencies=["*.txt"],
            env_vars={"LINES": "a\nb", "no-name": "1"},
        ),
        custom,
        node("n2", "later.py", "x"),
        pipeline_defaults={"env_vars": [{"env_var": "BASE", "value": "1"}], "runtime_image": "i"},
    )
    made = bring(data, dry_run=True)
    assert [(e.source, e.target) for e in made.workflow.edges] == [("write", "later")]
    first = "pipelines.0.nodes.0.app_data.component_parameters"
    assert {note.place for note in made.notes} == {
        "pipelines.0.nodes.1",
        "pipelines.0.app_data.properties.pipeline_defaults.runtime_image",
        f"{first}.runtime_image",
        f"{first}.cpu",
        f"{first}.memory",
        f"{first}.mounted_volumes",
        f"{first}.kubernetes_secrets",
        f"{first}.outputs.0",
        f"{first}.outputs.1",
        f"{first}.outputs.2",
        f"{first}.dependencies.0",
        f"{first}.env_vars.0",
        f"{first}.env_vars.1",
    }
    write_ = made.workflow.nodes[0]
    assert "env BASE=1 jupyter mlws notebook" in write_.config["cmd"]
    assert write_.deps == ["flows/src/write.ipynb", "flows/src/in.txt"]
    assert write_.outs == ["workflows/flow/out/write.ipynb", "workflows/flow/out/write.done"]
    reasons = {note.place: note.reason for note in made.notes}
    assert reasons[f"{first}.memory"].en == (
        "memory was not imported: imported nodes have no resource limits"
    )
    chinese = [reason.in_(CHINESE) for reason in reasons.values()]
    assert all(any(sign >= "一" for sign in reason) for reason in chinese)


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"pipelines": []}, "pipelines"),
        ({"pipelines": {}}, "pipelines"),
        ({"pipelines": [3]}, "pipelines.0"),
        ({"pipelines": [{"id": "a"}], "primary_pipeline": "b"}, "primary_pipeline"),
        (pipeline(node("n", "a.py"), version=2), "pipelines.0.app_data.version"),
        (pipeline(node("n", "a.py"), version=9), "pipelines.0.app_data.version"),
        (pipeline(), "pipelines"),
        (
            pipeline(node("n", "../../a.py")),
            "pipelines.0.nodes.0.app_data.component_parameters.filename",
        ),
        (
            pipeline(node("n", "a.py", outputs="a")),
            "pipelines.0.nodes.0.app_data.component_parameters.outputs",
        ),
        (
            pipeline(node("n", "a.py", dependencies=["/../../x"])),
            "pipelines.0.nodes.0.app_data.component_parameters.dependencies.0",
        ),
        (
            pipeline(node("n", "a.py", "nobody")),
            "pipelines.0.nodes.0.inputs.0.links.0.node_id_ref",
        ),
        (pipeline(node("n", "a.py"), node("n", "b.py")), "pipelines.0.nodes.1.id"),
    ],
)
def test_what_cannot_be_read_names_the_field_and_writes_nothing(
    bring: Import, project: Project, data: dict[str, Any], field: str
) -> None:
    with pytest.raises(ImportFailedError) as caught:
        bring(data)
    assert [fault.field for fault in caught.value.faults] == [field]
    assert not (project.root / "workflows").exists()


def test_the_name_is_that_of_the_primary_pipeline(bring: Import, code: None) -> None:
    data = example(8)
    data["pipelines"].insert(0, {"id": "other", "nodes": [], "app_data": {"name": "Other"}})
    assert bring(data).workflow.name == "Flow"


def test_a_cycle_is_named(bring: Import) -> None:
    with pytest.raises(WorkflowCycleError):
        bring(pipeline(node("a", "a.py", "b"), node("b", "b.py", "a")))


def test_a_file_that_is_taken_or_elsewhere_is_refused(
    bring: Import, code: None, workflows: WorkflowManager, project: Project
) -> None:
    made = bring(example(8), path="workflows/mine", name="Mine")
    assert (made.workflow.path, made.workflow.name) == ("workflows/mine/dvc.yaml", "Mine")
    for asked, refused in (
        ({"file": "flows/a.pipeline", "path": "workflows/mine"}, "50203"),
        ({"file": "../a.pipeline"}, "50302"),
        ({"file": "flows/none.pipeline"}, "40401"),
        ({"content": "[1"}, "40211"),
        ({}, "50201"),
    ):
        with pytest.raises(MLWSError) as caught:
            workflows.import_file(ImportRequest(**asked))
        assert caught.value.code == refused


def test_definitions_are_taken_as_posted(workflows: WorkflowManager, write) -> None:
    definition = {
        "name": "Spec",
        "nodes": [{"id": "a", "type": "shell", "config": {"cmd": "echo 1"}, "outs": ["x.txt"]}],
        "edges": [],
        "author": "somebody",
    }
    write("spec.json", json.dumps(definition))
    made = workflows.import_file(ImportRequest(file="spec.json"))
    assert (made.format.value, made.workflow.path) == ("definition", "workflows/spec/dvc.yaml")
    assert [note.place for note in made.notes] == ["author"]
    for content, field in (
        ({"nodes": [{"id": "a"}]}, "nodes.0.type"),
        ({"x": 1}, "nodes"),
        ({"nodes": 3}, "nodes"),
    ):
        with pytest.raises(ImportFailedError) as caught:
            workflows.import_file(ImportRequest(content=content))
        assert caught.value.faults[0].field == field


@given(
    data=st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=3),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    [
                        "pipelines",
                        "nodes",
                        "id",
                        "type",
                        "op",
                        "app_data",
                        "inputs",
                        "links",
                        "version",
                    ]
                ),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
@settings(
    max_examples=length(40, 150),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_nothing_that_is_sent_is_more_than_an_error(
    workflows: WorkflowManager, project: Project, data: Any
) -> None:
    for content in (json.dumps(data), json.dumps({**example(8), "pipelines": data})):
        with contextlib.suppress(MLWSError):
            workflows.import_file(ImportRequest(content=content, format="elyra", dry_run=True))
    assert not (project.root / "workflows").exists()


def test_a_mark_says_what_a_node_was_made_of(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "b").write_text("1")
    (tmp_path / "a").write_text("2")
    words = ["mark", "out/x.done", "a", "data"]
    subprocess.run(["jupyter", "mlws", *words], cwd=tmp_path, check=True)
    first = (tmp_path / "out/x.done").read_text()
    assert [line.split()[1] for line in first.splitlines()] == ["a", "data/b"]
    python.run(python.MLWS, *words, cwd=tmp_path, check=True)
    assert (tmp_path / "out/x.done").read_text() == first
    missing = python.run(python.MLWS, *words, "none", cwd=tmp_path)
    assert missing.returncode == 2
    assert "none" in missing.stderr
