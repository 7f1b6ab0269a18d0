"""Nodes use MLflow if their command names a file with the word in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_mlws.workflows.tracking.mlflow_use import use_of
from mlws.document.parse import parse
from mlws.engine.tracker import Use


def use(root: Path, stage: str) -> Use:
    text = f"stages:\n  node: {stage}\n"
    return use_of(root, parse("dvc.yaml", text).stages()[0])


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ("{cmd: python plain.py}", Use.NONE),
        ("{cmd: python -u code/uses.py --out x}", Use.PLAIN),
        ("{cmd: cd code && python uses.py, deps: [code/uses.py]}", Use.PLAIN),
        ("{cmd: python uses.py, wdir: code}", Use.PLAIN),
        ("{cmd: python -m code.uses}", Use.PLAIN),
        ("{cmd: jupyter mlws notebook 'code/book.ipynb' --out o.ipynb}", Use.PLAIN),
        ("{cmd: jupyter mlws node fitted --data x}", Use.PLAIN),
        ("{cmd: jupyter mlws node plain --data x}", Use.NONE),
        ("{cmd: python code/own.py}", Use.OWN_PLACE),
        ("{cmd: python plain.py, meta: {mlflow: true}}", Use.PLAIN),
        ("{cmd: python code/uses.py, meta: {mlflow: false}}", Use.NONE),
        ("{cmd: python gone.py}", Use.NONE),
        ("{cmd: [echo 1, python code/uses.py]}", Use.PLAIN),
    ],
)
def test_use(tmp_path: Path, stage: str, expected: Use) -> None:
    files = {
        "plain.py": "print(1)",
        "code/uses.py": "import mlflow",
        "code/own.py": "import mlflow\nmlflow.set_tracking_uri('x')",
        "code/book.ipynb": '{"cells": [{"source": "import mlflow"}]}',
        "components/mine.py": "import mlflow\ndef fitted(data): pass",
        "components/other.py": "def plain(data): pass",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert use(tmp_path, stage) is expected
