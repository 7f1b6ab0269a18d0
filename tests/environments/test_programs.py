"""The program of a command is found without running the command."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlws.environments.programs import Language, Program, find_program

RELOCATABLE = """\
#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")"/'python' "$0" "$@"
' '''
"""


@pytest.fixture
def programs(tmp_path: Path) -> dict[str, str]:
    """Variables with a path of programs that do nothing."""
    folder = tmp_path / "bin"
    folder.mkdir()
    scripts = {
        "python": "#!/bin/sh\n",
        "python3.12": "#!/bin/sh\n",
        "Rscript": "#!/bin/sh\n",
        "julia": "#!/bin/sh\n",
        "cp": "#!/bin/sh\n",
        "tool": f"#!{folder}/python\n",
        "env-tool": "#!/usr/bin/env python3.12\n",
        "moved-tool": RELOCATABLE,
        "long-tool": f"#!/bin/sh\n'''exec' '{folder}/python' \"$0\" \"$@\"\n' '''\n",
        "jupyter": f"#!{folder}/python\n",
        "binary": "\0\1\2",
    }
    for name, text in scripts.items():
        file = folder / name
        file.write_text(text)
        file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return {"PATH": str(folder), "HOME": str(tmp_path)}


PYTHON = "{bin}/python"


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("python train.py --epochs 3", PYTHON),
        ("python3.12 -m train", "{bin}/python3.12"),
        ("cd sub && env A=b 'C=d e' python train.py > log 2>&1", PYTHON),
        ("A=b timeout -k 1 5 nice -n python train.py", None),
        ("timeout 5 python train.py", PYTHON),
        ("cp a b && python train.py | cp c d", PYTHON),
        ("cp a b; tool --verbose", PYTHON),
        ("env-tool", "{bin}/python3.12"),
        ("long-tool x", PYTHON),
        ("moved-tool x", PYTHON),
        ("jupyter mlws node train --data x", PYTHON),
        ("Rscript fit.R", "{bin}/Rscript"),
        ("julia fit.jl", "{bin}/julia"),
        ("conda run -p envs/torch python a.py", "{root}/envs/torch/bin/python"),
        ("cp a b", None),
        ("binary", None),
        ("missing a", None),
        ("python 'unclosed", None),
        ("", None),
        ("&& ||", None),
        ("> out", None),
        ("trap '' TERM; python ''", PYTHON),
        ("'' python", None),
        ("cd '' && python a.py", PYTHON),
    ],
)
def test_of_a_command(
    programs: dict[str, str], tmp_path: Path, command: str, path: str | None
) -> None:
    program = find_program(command, str(tmp_path), programs)
    expected = path and path.format(bin=programs["PATH"], root=tmp_path)
    assert (program and program.path) == expected


WORDS = """\
python uv run --project -p conda docker jupyter mlws notebook a.ipynb cd env A=b timeout 5 pixi -e
'' "" ' " && | ; ( ) < > $( ` # é - -- =
"""
SIGNS = st.sampled_from([*WORDS.split(), "\\", "\n", "\0", " "])


@given(st.lists(SIGNS).map(" ".join) | st.text(max_size=40))
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=300
)
def test_any_command_can_be_read(programs: dict[str, str], tmp_path: Path, command: str) -> None:
    find_program(command, str(tmp_path), programs)


def test_uv_and_pixi_run_in_the_environment_of_their_project(
    programs: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "envs/torch").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "pixi.toml").write_text("")
    found = {
        command: find_program(command, str(tmp_path / "envs"), programs)
        for command in (
            "uv run --frozen python a.py",
            "uv run --project torch python a.py",
            "uv run --script a.py",
            "pixi run -e gpu python a.py",
        )
    }
    assert [program and (program.path, program.syncs) for program in found.values()] == [
        (f"{tmp_path}/.venv/bin/python", True),
        (f"{tmp_path}/envs/torch/.venv/bin/python", True),
        None,
        (f"{tmp_path}/.pixi/envs/gpu/bin/python", True),
    ]


def test_a_container_runs_in_its_image(programs: dict[str, str], tmp_path: Path) -> None:
    command = "docker run --rm -it -v a:b --name=x registry.example/torch:2 python a.py"
    assert find_program(command, str(tmp_path), programs) == Program(
        Language.CONTAINER, "registry.example/torch:2", str(tmp_path)
    )


def test_a_notebook_runs_in_its_kernel(
    programs: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "share"))
    kernel = tmp_path / "share/kernels/other"
    kernel.mkdir(parents=True)
    python = f"{programs['PATH']}/python3.12"
    (kernel / "kernel.json").write_text(json.dumps({"argv": [python, "-m", "ipykernel"]}))
    metadata = {"kernelspec": {"name": "other"}}
    (tmp_path / "a.ipynb").write_text(json.dumps({"metadata": metadata, "cells": []}))
    (tmp_path / "b.ipynb").write_text("no JSON")
    command = "jupyter mlws notebook {}.ipynb --out out.ipynb"
    program = find_program(command.format("a"), str(tmp_path), programs)
    assert program is not None
    assert program.path == python
    for name in ("b", "missing"):
        assert find_program(command.format(name), str(tmp_path), programs) is None
