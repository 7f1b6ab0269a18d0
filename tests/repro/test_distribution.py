"""The engine's own distribution, installed alone: small, without DVC, with the same lock."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import jupyter_mlws
import mlws

ROOT = Path(__file__).parents[2]
UV = str(Path(sys.executable).with_name("uv"))
MAX_PACKAGES = 15
MAX_BYTES = 25_000_000
PIPELINE = """\
stages:
  write:
    cmd: python write.py ${name}
    deps: [write.py]
    outs: [out.txt]
  count:
    cmd: wc -c < out.txt > count.txt
    deps: [out.txt]
    metrics:
    - count.txt:
        cache: false
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in an environment that has the engine's wheel and what that names."""
    folder = tmp_path_factory.mktemp("engine")
    call = [UV, "build", "--quiet", "--wheel", "--out-dir", str(folder), str(ROOT / "engine")]
    subprocess.run(call, check=True)
    subprocess.run([UV, "venv", "--quiet", "--python", sys.executable, folder / "venv"], check=True)
    (wheel,) = folder.glob("*.whl")
    python = str(folder / "venv" / "bin" / "python")
    subprocess.run([UV, "pip", "install", "--quiet", "--python", python, wheel], check=True)
    return folder / "venv" / "bin" / "mlws"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", folder], check=True)
    subprocess.run([sys.executable, "-m", "dvc", "init", "--quiet"], cwd=folder, check=True)
    (folder / "dvc.yaml").write_text(PIPELINE.replace("${name}", "text"))
    (folder / "write.py").write_text("import sys; open('out.txt', 'w').write(sys.argv[1])\n")
    return folder


def run(
    program: Path, folder: Path, *words: str, language: str = "C"
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": language}
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        [program, *words], cwd=folder, env=environment, capture_output=True, text=True
    )


def test_it_is_small_and_brings_no_lab_and_no_dvc(program: Path) -> None:
    python = program.with_name("python")
    listed = subprocess.run(
        [UV, "pip", "list", "--quiet", "--format", "json", "--python", python],
        check=True,
        capture_output=True,
        text=True,
    )
    names = {package["name"].lower() for package in json.loads(listed.stdout)}
    assert len(names) <= MAX_PACKAGES
    assert not names & {"dvc", "jupyter-server", "jupyter-mlws", "mlflow", "pandas", "pydantic"}
    (packages,) = program.parents[1].glob("lib/python*/site-packages")
    assert sum(file.stat().st_size for file in packages.rglob("*") if file.is_file()) <= MAX_BYTES


def test_its_lock_is_that_of_dvc(program: Path, project: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    shutil.copytree(project, theirs)
    subprocess.run([sys.executable, "-m", "dvc", "repro"], cwd=theirs, check=True)
    result = run(program, project, "repro")
    assert result.returncode == 0, result.stderr
    assert (project / "dvc.lock").read_bytes() == (theirs / "dvc.lock").read_bytes()
    again = run(program, project, "repro")
    assert again.stdout.endswith("Data and pipelines are up to date.\n")
    status = subprocess.run(
        [sys.executable, "-m", "dvc", "status"],
        cwd=project,
        check=True,
        capture_output=True,
        text=True,
    )
    assert status.stdout == "Data and pipelines are up to date.\n"
    assert run(program, project, "status").stdout == status.stdout
    assert run(program, project, "metrics", "show").stdout.split() == ["Path", "count.txt", "4"]
    assert run(program, project, "dag").stdout == "write\n└── count\n"
    doctor = run(program, project, "doctor", "dvc")
    assert (doctor.returncode, doctor.stderr) == (0, ""), doctor.stdout


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["repro", "--pull"], 255, "pip install 'mlws[dvc]'"),
        (["repro", "nowhere"], 255, "nowhere"),
        (["add", "write.py"], 255, "pip install 'mlws[dvc]'"),
        (["dag", "nothing"], 255, "nothing"),
        (["repro", "-j", "0"], 2, "-j"),
        (["repo"], 2, "repro"),
        (["-C", "nowhere", "repro"], 2, "nowhere"),
    ],
)
def test_what_it_cannot_do_is_a_sentence(
    program: Path, project: Path, words: list[str], code: int, text: str
) -> None:
    result = run(program, project, *words)
    assert result.returncode == code, (result.stdout, result.stderr)
    assert text in result.stderr
    assert "Traceback" not in result.stderr
    assert not (project / "dvc.lock").exists()


def test_its_help_is_in_the_users_language(program: Path, project: Path) -> None:
    english, chinese = (run(program, project, "-h", language=one) for one in ("C", "zh_CN.UTF-8"))
    assert "repro" in english.stdout
    assert "\u547d\u4ee4" in chinese.stdout
    assert run(program, project).stdout == english.stdout
    assert run(program, project, "--version").stdout == f"mlws {mlws.__version__}\n"


def test_both_distributions_have_one_version() -> None:
    assert mlws.__version__ == jupyter_mlws.__version__
