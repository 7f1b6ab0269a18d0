"""The code of a node: created, checked and changed by its ports, and never run by that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.components.code import Code, CodePort, CodePorts, CodeRequest, create, edit
from jupyter_mlws.components.registry import Registry
from jupyter_mlws.core.trust import trust

PLAIN = """\
from jupyter_mlws.components import Table, component


@component
def area(data: Table) -> Table:
    return data
"""
TWO = """\
from typing import NamedTuple

from jupyter_mlws.components import Metrics, Model, Table, component, like


class Outputs(NamedTuple):
    table: Table
    sizes: Metrics


@component(columns=like("rows"))
def area(rows: Table, model: Model) -> Outputs:
    return Outputs(table=rows, sizes=None)
"""


def ports(*rows: tuple[str, str, str | None]) -> list[CodePort]:
    return [CodePort(name=name, type=kind, previous=old) for name, kind, old in rows]  # type: ignore[arg-type]


def changed(text: str, inputs: Any, outputs: Any, columns: str | None = None) -> Code:
    request = CodePorts(inputs=ports(*inputs), outputs=ports(*outputs), columns=columns)
    return edit(CodeRequest(name="area", text=text, ports=request))


def test_ports_are_added_renamed_and_removed_with_their_imports() -> None:
    two = changed(
        PLAIN,
        [("rows", "Table", "data"), ("model", "Model", None)],
        [("table", "Table", "table"), ("sizes", "Metrics", None)],
        "rows",
    )
    assert two == Code(text=TWO, problem=None)
    back = changed(TWO, [("data", "Table", "rows")], [("table", "Table", "table")])
    assert back.text == PLAIN.replace("component\n\n\n@", "component\n\n\n@")


def test_what_is_not_about_ports_stays_as_it_was_written() -> None:
    text = '''\
"""Sizes of things."""

import numpy as np  # for later
from jupyter_mlws.components import Model, Table, component, like

FACTOR = 2  # äöü


@component(title="Area", columns=like("data", add={"area": "number"}))
def area(
    data: Table,
    model: Model | None = None,
    *,
    factor: float = 2.0,  # in metres
) -> Table:
    """Add the area.

    factor: of the area.
    """

    def inner(data):
        return data

    data["ärea"] = np.sum(data.a) * factor; data["b"] = 1
    if model is None:
        return inner(data)
    return data.assign(c=1)
'''
    same = [("data", "Table", "data"), ("model", "Model", "model")]
    assert changed(text, same, [("table", "Table", "table")], "data").text == text
    result = changed(text, same, [("areas", "Table", "table"), ("plot", "Figure", None)], "data")
    assert result.problem is None
    assert "return Outputs(areas=inner(data), plot=None)" in result.text
    assert "return Outputs(areas=data.assign(c=1), plot=None)" in result.text
    assert "        return data\n" in result.text
    assert "*,\n    factor: float = 2.0,  # in metres" in result.text
    assert 'like("data", add={"area": "number"})' in result.text


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("def area(:\n", 1, "invalid syntax"),
        (PLAIN + "\nreturn 3\n", 8, "'return' outside function"),
        (PLAIN.replace("def area", "def other"), None, "does not define the function 'area'"),
        ("x = '\0'", None, "null bytes"),
    ],
)
def test_problems_have_their_line_and_change_nothing(
    text: str, line: int | None, words: str
) -> None:
    result = changed(text, [], [("table", "Table", "table")])
    assert result.problem
    assert result.problem.line == line
    assert words in str(result.problem.message.en)
    assert result.text == text


def test_ports_have_names_of_their_own() -> None:
    for names in (("a", "a"), ("a", "class"), ("a", "1b")):
        with pytest.raises(ValueError, match=r"two ports|reserved|pattern"):
            changed(PLAIN, [(names[0], "Table", None)], [(names[1], "Table", None)])
    text = PLAIN.replace("data: Table", "data: Table, *, size: int = 1")
    result = changed(text, [("size", "Table", "data")], [("table", "Table", "table")])
    assert result.problem
    assert result.text == text


def test_neither_a_check_nor_a_change_runs_the_code(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    text = f"open({str(trap)!r}, 'w')\n{PLAIN}"
    assert changed(text, [("rows", "Table", "data")], [("table", "Table", "table")]).problem is None
    assert not trap.exists()


def test_code_of_an_untrusted_project_is_not_imported(tmp_path: Path) -> None:
    trap = tmp_path / "ran"
    name, file = create(tmp_path, [])
    file.write_text(f"open({str(trap)!r}, 'w')\n{file.read_text()}")
    assert "not trusted" in str(Registry(tmp_path).all()[name].error)
    assert not trap.exists()
    (tmp_path / ".git").mkdir()
    trust(tmp_path)
    assert Registry(tmp_path).all()[name].error is None
    assert trap.exists()


def test_new_code_gets_a_free_name_and_is_a_component(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    trust(tmp_path)
    registry = Registry(tmp_path)
    assert [create(tmp_path, registry.all())[0] for _ in range(2)] == [
        "python_code",
        "python_code_2",
    ]
    component = registry.all()["python_code_2"]
    assert [(port.name, port.type) for port in component.inputs] == [("data", "Table")]
    # Columns are unknown unless the code declares them.
    assert component.columns is None
