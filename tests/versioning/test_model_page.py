"""The page of a model: its card, what its versions read and return, and where it is used."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from jupyter_mlws.versioning.model_registry.models import ModelChange, ModelCreate, ModelSignature
from jupyter_mlws.workflows.model_page import list_uses, read_signature
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError

LOGGED = """
import mlflow, numpy
from mlflow.models import infer_signature
import pandas
mlflow.set_tracking_uri("sqlite:///mlflow.db")

class Twice(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input):
        return model_input

table = pandas.DataFrame({"height": [1.5], "words": [["a", "b"]]})
for example in (table, numpy.zeros((3, 4), "float32")):
    with mlflow.start_run():
        mlflow.pyfunc.log_model(
            name="twice", python_model=Twice(), signature=infer_signature(example, example),
            registered_model_name="twice",
        )
"""
WORKFLOW = """\
vars:
  - old: {name: wine, version: 2}
  - other: {name: beer, version: 1}
stages:
  old:
    cmd: jupyter mlws node load_model --model old.skops ${old}
    outs: [old.skops]
  other:
    cmd: jupyter mlws node load_model --model other.skops ${other}
    outs: [other.skops]
"""
FITTED = """
import sys, pathlib, pandas
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from jupyter_mlws.components.values import write_model
table = pandas.DataFrame({"高さ": [1.0, 2, 3, 4], "<b>": [1, 2, 3, 4]})
model = make_pipeline(StandardScaler(), RandomForestClassifier(n_estimators=2))
for name, classes in (("numbers", [0, 1, 0, 1]), ("words", ["yes", "no", "yes", "no"])):
    write_model(model.fit(table, classes), pathlib.Path(sys.argv[1], f"{name}.skops"))
"""


HEADERS = {
    "large.npy": b"{'descr': '<f8', 'fortran_order': False, 'shape': (10000000000000,), }\n",
    "objects.npy": b"{'descr': '|O', 'fortran_order': False, 'shape': (2,), }\n",
}
"""Arrays whose size is a lie, and whose values would be unpickled."""


def run(root: Path, code: str) -> None:
    command = [sys.executable, "-c", code, str(root)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


def signature_of(versions: Workspace, name: str, number: int = 1) -> ModelSignature:
    return read_signature(versions.models, name, str(number))


def test_a_scikit_learn_model_says_its_columns_and_classes_unloaded(versions: Workspace) -> None:
    root = versions.project.root
    run(root, FITTED)
    for name, classes in (("numbers", ["0", "1"]), ("words", ["no", "yes"])):
        versions.models.register(ModelCreate(name=name, artifacts=[f"{name}.skops"]))
        signature = signature_of(versions, name)
        assert signature.file == f"{name}.skops"
        assert [column.name for column in signature.inputs] == ["高さ", "<b>"]
        assert [column.values for column in signature.outputs] == [classes]


@pytest.mark.parametrize(
    "schema",
    [
        b"",
        b"[",
        b"[" * 100_000,
        b'{"feature_names_in_": {"file": "no"}}',
        b'{"classes_": {"content": 1}}',
        b'{"classes_": {"file": "large.npy"}}',
        b'{"classes_": {"file": "objects.npy"}}',
    ],
)
def test_a_damaged_model_says_nothing(versions: Workspace, schema: bytes) -> None:
    with zipfile.ZipFile(versions.project.root / "m.skops", "w") as archive:
        archive.writestr("schema.json", schema)
        for name, header in HEADERS.items():
            archive.writestr(
                name, b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
            )
    versions.models.register(ModelCreate(name="m", artifacts=["m.skops"]))
    assert signature_of(versions, "m") == ModelSignature(file=None)
    (versions.project.root / "MLmodel").write_text("signature: {inputs: '[{}]'}")
    versions.models.register(ModelCreate(name="m", artifacts=["MLmodel"]))
    assert signature_of(versions, "m", 2) == ModelSignature(file=None)


@pytest.mark.slow(reason="imports MLflow's model flavors")
def test_a_model_that_mlflow_logged_says_its_types(versions: Workspace) -> None:
    run(versions.project.root, LOGGED)
    table, tensor = (signature_of(versions, "twice", number) for number in (1, 2))
    assert (table.file or "").endswith("MLmodel")
    assert [(column.name, column.type) for column in table.inputs] == [
        ("height", "double"),
        ("words", "array of string"),
    ]
    assert [(column.name, column.type) for column in tensor.outputs] == [
        (None, "tensor float32 (-1, 4)")
    ]


def test_nodes_and_lines_that_name_a_model_are_its_uses(versions: Workspace) -> None:
    root = versions.project.root
    (root / "dvc.yaml").write_text(WORKFLOW)
    (root / "serve.py").write_text('load("models:/wine/3")\nload("models:/wine-2/1")\n')
    (root / "notes.md").write_text("`models:/wine@production`, as models:/wines/1 was\n")
    (root / "a\nb.py").write_text("models:/wine/1\r\n")
    (root / "late.txt").write_bytes(b"x" * 9000 + b"\nmodels:/wine\0models:/wine/7\r\0\n")
    (root / "latin.R").write_bytes(b"# mod\xe8le models:/wine/1\n")
    (root / "broken").mkdir()
    (root / "broken" / "dvc.yaml").write_text("stages: [")
    documents = versions.workflows.documents
    uses = list_uses(documents, versions.models, "wine").items
    assert [(one.path, one.node, one.line, one.version) for one in uses] == [
        ("dvc.yaml", "old", None, "2"),
        ("a\nb.py", None, 1, "1"),
        ("late.txt", None, 2, None),
        ("latin.R", None, 1, "1"),
        ("notes.md", None, 1, "production"),
        ("serve.py", None, 1, "3"),
    ]
    assert list_uses(documents, versions.models, "tea").items == []


def test_a_description_is_changed_and_removed(versions: Workspace) -> None:
    versions.models.register(ModelCreate(name="m"))
    for text in ("# 卡片\n\n<script>", ""):
        assert versions.models.describe("m", ModelChange(description=text)).description == text
        assert versions.models.get("m").description == text
    with pytest.raises(MLWSError) as refused:
        versions.models.describe("gone", ModelChange(description="x"))
    assert refused.value.code == "30404"
