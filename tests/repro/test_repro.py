"""`jupyter mlws repro` does what `dvc repro` does: same files, exit codes and words."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.workflows import twins

PROGRAMS = Path(sys.executable).parent
CHAIN = {
    "a": {"cmd": "cat data.txt > a; echo said by a", "deps": ["data.txt"], "outs": ["a"]},
    "b": {"cmd": ["cat a a > b", "echo second"], "deps": ["a"], "outs": ["b"]},
    "c": {"cmd": "cat b > c", "deps": ["b"], "outs": ["c"]},
    "alone": {"cmd": "echo alone > alone", "outs": ["alone"]},
}
FAILING = {
    "wrong": {"cmd": "cat data.txt > w && exit 7", "deps": ["data.txt"], "outs": ["w"]},
    "after": {"cmd": "cat w > after", "deps": ["w"], "outs": ["after"]},
    "other": {"cmd": "echo other > other", "outs": ["other"]},
}
RESTS = ("Generating lock", "Updating lock", "Adding stage", "To enable auto", "\tdvc config")
"""Beginnings of lines that differ: ours writes the lock file less often."""


class Answer(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What was printed; in the advice to add files to git, these are in no order."""
        lines = (line for line in self.out.splitlines() if line and not line.startswith(RESTS))
        return [" ".join(sorted(one.split())) if "git add" in one else one for one in lines]


def call(program: str, root: Path, *arguments: str, given: str = "", **variables: str) -> Answer:
    done = subprocess.run(
        [PROGRAMS / program, *arguments],
        cwd=root,
        env=environment(**variables),
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def environment(**variables: str) -> dict[str, str]:
    words = {**os.environ, "LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "SHELL": "/bin/bash"}
    words |= {"DVC_NO_ANALYTICS": "1", **variables}
    words.pop("LANGUAGE", None)
    return words


def call_and_interrupt(
    program: str,
    root: Path,
    *arguments: str,
    at: Path,
    number: signal.Signals = signal.SIGINT,
) -> Answer:
    """Call a program; when the file `at` is there, send the signal as Ctrl-C does."""
    at.unlink(missing_ok=True)
    # A shell's background job ignores Ctrl-C and so does all that it starts; with a handler here
    # a child begins with the default.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [PROGRAMS / program, *arguments],
        cwd=root,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        deadline = time.monotonic() + 60
        while not at.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        if process.poll() is None:
            # A shell goes on if the signal comes as its last command ends.
            time.sleep(0.3)
            os.killpg(process.pid, number)
        out, err = process.communicate(timeout=60)
    return Answer(process.returncode, out, err)


class Pair(twins.Twins):
    """Two projects, one for each program."""

    def repro(
        self,
        *arguments: str,
        folder: str = ".",
        jobs: int = 1,
        interrupt_at: Path | None = None,
    ) -> tuple[Answer, Answer]:
        """Call both; `interrupt_at` is a file: Ctrl-C when a stage makes it."""

        def run(program: str, root: Path, *options: str) -> Answer:
            words = ("repro", *options, *arguments)
            if interrupt_at is None:
                return call(program, root / folder, *words)
            return call_and_interrupt(program, root / folder, *words, at=interrupt_at)

        theirs = run("dvc", self.theirs)
        ours = run("jupyter-mlws", self.ours, "-j", str(jobs))
        assert ours.code == theirs.code, (theirs, ours)
        assert "Traceback" not in ours.err
        return theirs, ours

    def write(self, stages: Mapping[str, Any], path: str = "dvc.yaml") -> None:
        self.change(path, yaml.safe_dump({"stages": dict(stages)}, sort_keys=False))

    def status(self) -> tuple[str, str]:
        """Return what DVC says of both; our program says the same."""
        theirs, ours = (call("dvc", root, "status") for root in (self.theirs, self.ours))
        answer = call("mlws", self.ours, "status")
        assert (answer.code, answer.out) == (ours.code, ours.out), answer.err
        assert ("frozen" in answer.err) == ("frozen" in ours.err)
        return theirs.out, ours.out


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template")
    for name in ("theirs", "ours"):
        root = folder / name
        root.mkdir()
        subprocess.run(["git", "init", "--quiet"], cwd=root, check=True)
        assert call("dvc", root, "init", "--quiet").code == 0
    return folder


@pytest.fixture
def pair(template: Path, tmp_path: Path) -> Pair:
    shutil.copytree(template, tmp_path / "pair", symlinks=True)
    made = Pair(tmp_path / "pair" / "theirs", tmp_path / "pair" / "ours")
    made.change("data.txt", "1\n")
    made.write(CHAIN)
    return made


def test_words_files_and_status_are_those_of_dvc(pair: Pair) -> None:
    theirs, ours = pair.repro()
    assert ours.lines == theirs.lines
    assert pair.differences() == {}
    theirs, ours = pair.repro()
    assert ours.lines == theirs.lines
    pair.change("data.txt", "2\n")
    theirs, ours = pair.repro("b")
    assert ours.lines == theirs.lines
    assert pair.differences() == {}
    pair.change("data.txt", "1\n")
    theirs, ours = pair.repro()
    assert ours.lines == theirs.lines
    assert pair.differences() == {}
    theirs_status, ours_status = pair.status()
    assert ours_status == theirs_status


SHORT: Sequence[Sequence[str]] = (
    ("-f", "-s", "c", "a"),
    ("--downstream", "b"),
    ("--glob", "[ab]*"),
    ("--no-commit",),
    ("--dry",),
    ("nothing",),
)
LONG: Sequence[Sequence[str]] = (
    ("-f", "b"),
    ("-s", "c"),
    ("-f", "--downstream", "dvc.yaml:b"),
    ("-p", "a"),
    ("-P",),
    ("--force-downstream",),
    ("--dry", "-f", "c"),
    ("-R", "."),
    ("--no-run-cache",),
    ("--allow-missing",),
    ("dvc.lock",),
    ("nowhere.dvc",),
    ("sub/dvc.yaml:x",),
)


@pytest.mark.slow(reason="both programs run for each call")
@pytest.mark.parametrize(
    "arguments",
    [*SHORT, *(pytest.param(one, marks=pytest.mark.exhaustive) for one in LONG)],
    ids=" ".join,
)
def test_each_option_does_the_same(pair: Pair, arguments: Sequence[str]) -> None:
    pair.repro()
    pair.change("data.txt", "3\n")
    theirs, ours = pair.repro(*arguments)
    # `dvc repro --dry` takes a changed stage for cached: it looks it up by its old inputs.
    dry = [line for line in theirs.lines if "--dry" not in arguments or "is cached" not in line]
    assert ours.lines == dry
    assert pair.differences() == {}


@pytest.mark.parametrize("arguments", [(), ("-k",), ("--ignore-errors",)], ids=str)
@pytest.mark.parametrize("jobs", [1, 3])
def test_failures_have_the_same_effects(pair: Pair, arguments: tuple[str, ...], jobs: int) -> None:
    pair.write(FAILING)
    theirs, ours = pair.repro(*arguments, jobs=jobs)
    if jobs == 1 or arguments:
        # Otherwise what already runs beside the failed stage comes to its end. After a failure
        # DVC takes the lines of stored outputs out of `.gitignore`.
        assert pair.differences().keys() <= {"./.gitignore"}
    last = theirs.err.strip().splitlines()[-1] if theirs.code else ""
    assert (ours.err.strip().splitlines()[-1] if ours.code else "") == last


@pytest.mark.parametrize(
    ("stages", "word"),
    [
        ({"x": {"cmd": "1", "outs": ["o"]}, "y": {"cmd": "2", "outs": ["o"]}}, "specified in"),
        ({"x": {"cmd": "1", "outs": ["o"]}, "y": {"cmd": "2", "outs": ["o/p"]}}, "overlap"),
        (
            {
                "x": {"cmd": "1", "deps": ["q"], "outs": ["o"]},
                "y": {"cmd": "2", "deps": ["o"], "outs": ["q"], "frozen": True},
            },
            "both a dependency and an output",
        ),
        ({"x": {"command": "1"}}, ""),
        ({"x": {"cmd": "${nothing}"}}, "nothing"),
    ],
)
def test_wrong_files_are_refused(pair: Pair, stages: Mapping[str, Any], word: str) -> None:
    pair.write(stages)
    theirs, ours = pair.repro()
    assert theirs.code == 255
    assert word in ours.err


def test_outside_of_a_repository(tmp_path: Path) -> None:
    answer = call("jupyter-mlws", tmp_path, "repro")
    assert answer.code == call("dvc", tmp_path, "repro").code == 253
    assert answer.err.startswith("ERROR: you are not inside of a DVC repository")


@pytest.mark.parametrize("params", [[], [{"given.py": ["x"]}]], ids=["natively", "by DVC"])
def test_what_a_killed_process_left_in_the_run_cache_hides_nothing(
    pair: Pair, params: Sequence[Any]
) -> None:
    pair.change("given.py", "x = 1\n")
    stage = {"cmd": "echo ran >> log; echo 1 > out", "params": params, "outs": ["out"]}
    pair.write({"one": {**stage, "deps": ["data.txt"]}})
    assert call("jupyter-mlws", pair.ours, "repro").code == 0
    [entry] = (path for path in (pair.ours / ".dvc/cache/runs").rglob("*") if path.is_file())
    for times in (1, 2):
        entry.with_name(".begun.tmp").write_bytes(b"cmd: ec")
        (pair.ours / "dvc.lock").unlink()
        if times == 2:
            entry.unlink()
        assert call("jupyter-mlws", pair.ours, "repro").code == 0
        assert (pair.ours / "log").read_text() == "ran\n" * times


def test_several_files_and_folders(pair: Pair) -> None:
    pair.change("sub/in.txt", "in\n")
    pair.write(
        {"inner": {"cmd": "cat in.txt ../c > out", "deps": ["in.txt", "../c"], "outs": ["out"]}},
        "sub/dvc.yaml",
    )
    theirs, ours = pair.repro(folder="sub")
    assert ours.lines == theirs.lines
    assert pair.differences() == {}
    theirs, ours = pair.repro("sub/dvc.yaml:inner", "-f", "-s")
    assert ours.lines == theirs.lines
    theirs, ours = pair.repro("-P", "-f", jobs=2)
    assert sorted(pair.differences()) == []


def test_data_of_dvc_files(pair: Pair) -> None:
    for root in (pair.theirs, pair.ours):
        call("dvc", root, "add", "--quiet", "data.txt")
    theirs, ours = pair.repro()
    assert ours.lines == theirs.lines
    pair.change("data.txt", "changed\n")
    theirs, ours = pair.repro()
    assert ours.lines == theirs.lines
    assert pair.differences() == {}
    (pair.theirs / "data.txt").unlink()
    (pair.ours / "data.txt").unlink()
    theirs, ours = pair.repro("data.txt.dvc")
    assert pair.differences() == {}


@pytest.mark.parametrize("kind", ["subdir", "no scm"])
def test_a_folder_of_a_repository_and_none(kind: str, tmp_path: Path) -> None:
    pair = Pair(tmp_path / "theirs", tmp_path / "ours")
    for top in (pair.theirs, pair.ours):
        top.mkdir()
        if kind == "subdir":
            subprocess.run(["git", "init", "--quiet"], cwd=top, check=True)
            (top / "sub").mkdir()
        root = top / "sub" if kind == "subdir" else top
        assert (
            call("dvc", root, "init", "-q", "--subdir" if kind == "subdir" else "--no-scm").code
            == 0
        )
    folder = "sub" if kind == "subdir" else "."
    pair.change(f"{folder}/data.txt", "1\n")
    pair.change(f"{folder}/params.yaml", "word: hello\n")
    stages = {**CHAIN, "said": {"cmd": "echo ${word} > said", "params": ["word"], "outs": ["said"]}}
    pair.write(stages, f"{folder}/dvc.yaml")
    theirs, ours = pair.repro(folder=folder)
    assert ours.lines == theirs.lines
    assert {path for path in pair.differences() if "/.dvc/tmp" not in path} == set()


def test_frozen_data_and_data_of_dvc_2_are_as_their_files_say(pair: Pair) -> None:
    for root in (pair.theirs, pair.ours):
        assert call("dvc", root, "add", "-q", "data.txt").code == 0
        pointer = root / "data.txt.dvc"
        text = pointer.read_text(encoding="utf-8").replace("  hash: md5\n", "")
        pointer.write_text(f"{text}frozen: true\n", encoding="utf-8")
        objects = root / ".dvc" / "cache" / "files" / "md5"
        for place in objects.iterdir():
            place.rename(root / ".dvc" / "cache" / place.name)
    theirs, ours = pair.repro()
    assert ours.lines == theirs.lines
    assert pair.differences() == {}
    theirs_status, ours_status = pair.status()
    assert ours_status == theirs_status


def test_what_is_written_is_staged_where_dvc_does_so(pair: Pair) -> None:
    for root in (pair.theirs, pair.ours):
        assert call("dvc", root, "config", "core.autostage", "true").code == 0
    pair.change("sub/.keep", "")
    below = {"cmd": "cat ../data.txt > d", "wdir": "sub", "deps": ["../data.txt"], "outs": ["d"]}
    pair.write({**CHAIN, "below": below})
    for text in ("1\n", "2\n"):
        pair.change("data.txt", text)
        theirs, ours = pair.repro()
        assert ours.lines == theirs.lines
        assert pair.differences() == {}
        staged, ours_staged = (
            twins.git(root, "diff", "--cached", "--name-only", "--", "dvc.lock", "*.gitignore")
            for root in (pair.theirs, pair.ours)
        )
        assert ours_staged == staged
        assert {"dvc.lock", "sub/.gitignore"} <= set(staged.split())
    # Nothing is staged after a failure.
    pair.write({"wrong": FAILING["wrong"], **CHAIN})
    pair.repro()
    theirs_status, ours_status = (
        twins.git(root, "status", "--porcelain", "--", "dvc.lock")
        for root in (pair.theirs, pair.ours)
    )
    assert ours_status == theirs_status


def test_stages_run_beside_each_other(pair: Pair) -> None:
    pair.write(
        {
            name: {
                "cmd": f"echo {name}; touch {name}; while ! test -e {other}; do sleep 0.01; done"
            }
            for name, other in (("one", "two"), ("two", "one"))
        }
    )
    answer = call("jupyter-mlws", pair.ours, "repro", "-j2")
    assert answer.code == 0
    assert "Output of stage 'one':\n> echo one; touch" in answer.out


def test_one_stage_at_a_time_has_the_terminal(pair: Pair) -> None:
    pair.write({"asks": {"cmd": "read word; echo got $word"}})
    answer = call("jupyter-mlws", pair.ours, "repro", "-j1", given="hello\n")
    assert "got hello" in answer.out


def test_a_question_before_each_stage(pair: Pair) -> None:
    answer = call("jupyter-mlws", pair.ours, "repro", "-i", given="y\nn\n")
    assert answer.code == 255
    assert "Are you sure you want to continue?" in answer.out
    assert answer.err.endswith("ERROR: failed to reproduce 'b': reproduction aborted by the user\n")
    assert (pair.ours / "a").exists()
    assert not (pair.ours / "b").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_leaves_what_is_done(pair: Pair, jobs: int, number: signal.Signals) -> None:
    pair.write(
        {
            "first": {"cmd": "echo 1 > first", "outs": ["first"]},
            "long": {"cmd": "touch started; sleep 100", "deps": ["first"]},
        }
    )
    answer = call_and_interrupt(
        "jupyter-mlws", pair.ours, "repro", f"-j{jobs}", at=pair.ours / "started", number=number
    )
    assert answer.code in (252, 255), answer.err
    assert "first" in yaml.safe_load((pair.ours / "dvc.lock").read_text())["stages"]
    assert subprocess.run(["pgrep", "-f", "^sleep 100$"], check=False).returncode != 0
    again = call("jupyter-mlws", pair.ours, "repro", "first", "--json")
    assert json.loads(again.out)["unchanged"] == ["first"]


def test_two_commands_do_not_write_the_same(pair: Pair) -> None:
    pair.write({"long": {"cmd": "touch started; sleep 3"}})
    with subprocess.Popen([PROGRAMS / "jupyter-mlws", "repro"], cwd=pair.ours) as process:
        deadline = time.monotonic() + 60
        while not (pair.ours / "started").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        answer = call("jupyter-mlws", pair.ours, "repro")
        assert answer.code == 255
        assert "repro" in answer.err
        process.wait(30)
    assert process.returncode == 0
