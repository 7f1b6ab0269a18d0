"""A setting given to a run changes exactly its own place in the file."""

from __future__ import annotations

import difflib

import pytest
from ruamel.yaml import YAML

from jupyter_mlws.core.errors import InvalidRunParameterError
from jupyter_mlws.workflows.document.authoring import with_settings
from jupyter_mlws.workflows.document.parse import parse

TEXT = """\
# A comment that stays
vars:
  - workflow: {name: 酒}   # and this
  - forest: {n_estimators: 10, optim: {lr: 0.1}}
  - linear:
      algorithm: 'ridge'    # quoted
      alpha: 1

stages:
  forest:
    cmd: jupyter mlws node train --data a ${forest}
    meta: {at: [1, 2]}
  linear:
    cmd: "jupyter mlws node train --data b ${linear}"
  plain:
    cmd: jupyter mlws node train --data c    # trailing
  quoted:
    cmd: "jupyter mlws node train --data d"
  folded:
    cmd: >
      jupyter mlws node train
      --data e
"""


def set_setting(text: str, node: str, key: str, value: object) -> str:
    document = parse("dvc.yaml", text)
    stages = {stage.id: stage for stage in document.stages()}
    return with_settings(document, stages, {f"{node}.{key}": value})


def changed(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in list(lines)[2:] if not line.startswith("@@")]


@pytest.mark.parametrize(
    ("node", "key", "value", "expected"),
    [
        ("forest", "n_estimators", 50, ["- 10", "+ 50"]),
        ("forest", "optim.lr", 0.5, ["- 0.1", "+ 0.5"]),
        ("forest", "optim.decay", True, ["+ lr: 0.1, decay: true}"]),
        ("forest", "title", "a: b", ['+ "a: b"']),
        ("linear", "algorithm", "lasso", ["- 'ridge'    # quoted", "+ 'lasso'    # quoted"]),
        ("linear", "on", "on", ['+ "on": "on"']),
    ],
)
def test_one_line_changes(node: str, key: str, value: object, expected: list[str]) -> None:
    after = set_setting(TEXT, node, key, value)
    lines = changed(TEXT, after)
    assert 1 <= len(lines) <= 2
    for part in expected:
        assert any(line[0] == part[0] and part[2:] in line for line in lines), lines
    assert _setting(after, node, key) == value


@pytest.mark.parametrize("node", ["plain", "quoted", "folded"])
def test_a_node_without_settings_gets_an_entry_and_its_place_in_the_command(node: str) -> None:
    after = set_setting(TEXT, node, "alpha", 2)
    lines = changed(TEXT, after)
    assert next(line for line in lines if line.startswith("+")) == f"+  - {node}: {{alpha: 2}}"
    assert sum(line.startswith("-") for line in lines) == (3 if node == "folded" else 1)
    data = YAML(typ="safe", pure=True).load(after)
    assert data["stages"][node]["cmd"].endswith(f"${{{node}}}")
    assert "# trailing" in after


def test_a_file_without_vars_gets_them() -> None:
    text = "# top\nstages:\n  a:\n    cmd: jupyter mlws node x\n"
    assert set_setting(text, "a", "k", [1, "b"]) == (
        "# top\nvars:\n  - a: {k: [1, b]}\nstages:\n  a:\n    cmd: jupyter mlws node x ${a}\n"
    )


def test_a_setting_written_in_the_command_moves_to_the_variables() -> None:
    text = "stages:\n  a:\n    cmd: jupyter mlws node x --k 1 --data d --no-scale\n"
    after = set_setting(text, "a", "k", 2)
    assert after == f"vars:\n  - a: {{k: 2}}\n{text.replace('--k 1 ', '').rstrip()} ${{a}}\n"


@pytest.mark.parametrize(
    "command",
    ["jupyter mlws node x ${other}", "jupyter mlws node x ${a}", "jupyter mlws node x | cat"],
)
def test_what_has_no_safe_place_is_refused(command: str) -> None:
    with pytest.raises(InvalidRunParameterError) as refused:
        set_setting(f"stages:\n  a:\n    cmd: {command}\n", "a", "alpha", 2)
    assert refused.value.faults[0].field == "params.a.alpha"


def _setting(text: str, node: str, key: str) -> object:
    data = YAML(typ="safe", pure=True).load(text)
    value = next(entry[node] for entry in data["vars"] if node in entry)
    for part in key.split("."):
        value = value[part]
    return value
