"""Command lines that may run warm, compared with what a real shell makes of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_mlws.forkserver import eligible
from jupyter_mlws.forkserver.fingerprint import can_be_warm, fingerprint
from jupyter_mlws.forkserver.job import Job, Kind

BIN = str(Path(sys.executable).parent)
ENVIRONMENT = {"PATH": f"{BIN}:/usr/bin:/bin", "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.py", "b c.py", "sub/d.py"):
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text("")
    (tmp_path / "python").write_text("#!/bin/sh\n")
    return tmp_path


def read(command: str, folder: Path, **more: str) -> Job | None:
    return eligible.read(command, str(folder), {**ENVIRONMENT, **more}, sys.executable)


@pytest.mark.parametrize(
    ("command", "kind", "target", "arguments"),
    [
        ("python a.py", Kind.SCRIPT, "a.py", ()),
        ("  python3   ./sub/d.py x ", Kind.SCRIPT, "./sub/d.py", ("x",)),
        ("python 'b c.py' --x=1 \"y z\" ''", Kind.SCRIPT, "b c.py", ("--x=1", "y z", "")),
        ("python -u a.py", Kind.SCRIPT, "a.py", ()),
        ("python -m pkg.mod -c 1", Kind.MODULE, "pkg.mod", ("-c", "1")),
        ("python -c 'print(\"$HOME\", `1`)' -m", Kind.TEXT, 'print("$HOME", `1`)', ("-m",)),
        ("python a.py 数据 --学习率 0.1", Kind.SCRIPT, "a.py", ("数据", "--学习率", "0.1")),
        (f"{sys.executable} a.py", Kind.SCRIPT, "a.py", ()),
        (f"{BIN}/python3 a.py", Kind.SCRIPT, "a.py", ()),
    ],
)
def test_plain_calls_of_python(
    command: str, kind: Kind, target: str, arguments: tuple[str, ...], folder: Path
) -> None:
    job = read(command, folder)
    assert job is not None
    assert (job.kind, job.target, job.arguments) == (kind, target, arguments)
    assert job.environment == {**ENVIRONMENT, "PWD": str(folder)}


@pytest.mark.parametrize(
    "command",
    [
        *("python a.py > log", "python a.py | cat", "python a.py; true", "python a.py && true"),
        *("python a.py &", "python a.py $HOME", 'python a.py "$HOME"', "python a.py `pwd`"),
        *('python a.py "`pwd`"', "python a.py *.csv", "python a.py ?", "python a.py [ab]"),
        *("python a.py {a,b}", "python a.py ~/x", "python a.py # more", "python a.py !x"),
        *("A=1 python a.py", "python a.py \\\nx", "python a.py\npython a.py", "(python a.py)"),
        *(
            "python a.py 'x",
            'python a.py "x',
            "python a.py x\\",
            "python a.py <in",
            "! python a.py",
        ),
        *("python a.py =ls", "python a.py ^x", 'python a.py "\\$x"', "python a.py $'x'"),
        *("exec python a.py", "env python a.py", "time python a.py", "python", "", "   "),
        *(
            "python -",
            "python -i a.py",
            "python -O a.py",
            "python -X dev a.py",
            "python -W error a.py",
        ),
        *("python -m", "python -c", "python -mpkg", "python -V", "python --help", "python -um pkg"),
        *("python missing.py", "python sub", "python a.pyc", "python2 a.py", "pythonw a.py"),
        *(
            "./python a.py",
            "/usr/bin/python3 a.py",
            "sub/python a.py",
            f"{BIN}/../bin/python a.py",
            "conda run python a.py",
        ),
        *(
            "jupyter nbconvert a",
            "jupyter mlws run",
            "jupyter mlws",
            "jupyter-mlws run",
            "bash a.sh",
        ),
    ],
)
def test_what_must_be_fresh(command: str, folder: Path) -> None:
    assert read(command, folder) is None


@pytest.mark.parametrize(
    "words",
    [
        *("a b", "'a  b' c", '"a \'b" c', "a'b'\"c\"", "a\\ b", "a\\'b", '"a\\"b\\\\c"', "'a\\b'"),
        *("''", '""', "a=b", "--a=1,2", "a:b@c%d+e", '"a\\nb"', "é 'ü'", "\\$a", "\\~", "a\\\\b"),
        *("'$(x)'", "'a\nb'", '"a\nb"', "\\*", "x\t y", "a#b", "-1.5e3", '"!a"', "a=~"),
    ],
)
@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_words_are_cut_as_a_shell_cuts_them(words: str, shell: str) -> None:
    told = subprocess.run(
        [shell, "-c", f"{sys.executable} -c 'import sys; print(sys.argv[1:])' {words}"],
        capture_output=True,
        text=True,
        check=True,
    )
    cut = eligible.split(words)
    assert cut is None or str(cut) == told.stdout.strip()


def test_the_node_command_is_the_console_script(folder: Path) -> None:
    script = f"{BIN}/jupyter-mlws"
    if not Path(script).exists():
        pytest.skip("the command line is not installed")
    for command in ("jupyter mlws node x --a 1", "jupyter-mlws node x --a 1"):
        job = read(command, folder)
        assert job is not None
        assert (job.kind, job.target) == (Kind.SCRIPT, script)
        assert job.arguments == ("node", "x", "--a", "1")


@pytest.mark.parametrize(
    "variable",
    [
        *("PYTHONINSPECT", "PYTHONDEVMODE", "COVERAGE_PROCESS_START", "DEBUGPY_RUNNING"),
        *("BASH_ENV", "BASH_FUNC_python%%", "SHELLOPTS"),
    ],
)
def test_environments_that_watch_python_or_change_the_shell(variable: str, folder: Path) -> None:
    assert read("python a.py", folder, **{variable: "1"}) is None


@pytest.mark.parametrize("path", ["src", "/a:", ".", "/a:b"])
def test_a_path_that_depends_on_the_folder(path: str) -> None:
    assert not can_be_warm({"PYTHONPATH": path})
    assert can_be_warm({"PYTHONPATH": "/a:/b"})


def test_a_path_whose_python_is_another(folder: Path) -> None:
    (folder / "python").chmod(0o755)
    assert read("python a.py", folder, PATH=f"{folder}:{BIN}") is None
    assert read("python a.py", folder, PATH="") is None


def test_what_is_read_at_the_start_makes_the_fingerprint() -> None:
    names = ("PYTHONHASHSEED", "OMP_NUM_THREADS", "MKL_X", "CUDA_VISIBLE_DEVICES", "LC_ALL", "TZ")
    for name in names:
        assert fingerprint({name: "1"}) != fingerprint({name: "2"}) != fingerprint({})
    assert fingerprint({"MLWS_RUN_ID": "1", "A": "2"}) == fingerprint({})


def test_a_job_goes_over_the_wire_as_it_is(folder: Path) -> None:
    job = read("python a.py 'a\nb' ü", folder, ODD="\udcff")
    assert job is not None
    assert Job.unpack(job.pack()) == job
