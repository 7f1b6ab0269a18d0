"""Our engine leaves what `dvc repro` leaves: lock, cache, run cache, `.gitignore`, to the byte."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.workflows import twins
from tests.workflows.twins import Twins

PARAMS = "lr: 0.1\nopt: {b: [1, 2], c: x, size: 3}\nwords: a longer text\nnames: [a, b]\n"
CONFIG = '{"z": {"q": 1, "r": null}, "n": 1e3}'
GRAPHS = int(os.environ.get("MLWS_GRAPHS", "8"))
SAME = "MLWS_GRAPHS" not in os.environ
"""The same graphs every time, unless some are asked for: then others."""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A pair of empty projects; git wants a person's name for one."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("AUTHOR", "COMMITTER"):
            patch.setenv(f"GIT_{name}_NAME", "Test Person")
            patch.setenv(f"GIT_{name}_EMAIL", "person@example.com")
        folder = tmp_path_factory.mktemp("template")
        twins.make(folder)
        yield folder


@pytest.fixture(autouse=True)
def shell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHELL", "/bin/bash")


@st.composite
def pipelines(draw: st.DrawFn) -> dict[str, Any]:
    """A pipeline of commands in all the forms that DVC knows."""
    made = ["data.txt"]
    stages: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 7))):
        name = f"{draw(st.sampled_from('abcdef'))}{number}"
        stages[name] = _stage(draw, number, made)
    order = draw(st.permutations(list(stages)))
    document: dict[str, Any] = {"stages": {name: stages[name] for name in order}}
    if draw(st.booleans()):
        document["vars"] = [{"greeting": "hello world"}, {"n": {"epochs": 3, "fast": True}}]
        last = document["stages"][order[-1]]
        last["cmd"] = [*_commands(last["cmd"]), "true ${greeting} ${n}"]
    _generate(draw, document["stages"], made)
    return document


def _stage(draw: st.DrawFn, number: int, made: list[str]) -> dict[str, Any]:
    wdir = draw(st.sampled_from([None, None, None, "sub"]))
    up = "../" if wdir else ""
    deps = draw(st.lists(st.sampled_from(made), unique=True, max_size=2))
    read = " ".join(f"{up}{dep}" for dep in deps)
    kind = draw(
        st.sampled_from(["file", "file", "folder", "exec", "two", "metric", "plot", "none"])
    )
    out = f"{up}made/{number}.{kind}"
    everything = f"find {read or '/dev/null'} -type f | sort | xargs cat"
    commands = {
        "folder": [
            f"mkdir -p {out}/deep",
            f"{everything} > {out}/a && echo {number} > {out}/deep/b && chmod 755 {out}/a",
        ],
        "none": [f"{everything} > /dev/null"],
    }.get(kind, [f"{everything} > {out}", f"echo {number} >> {out}"])
    flags: dict[str, Any] = {}
    if draw(st.integers(0, 5)) == 0:
        flags["cache"] = False
    if draw(st.integers(0, 6)) == 0:
        flags["persist"] = True
    stage: dict[str, Any] = {}
    outs = [] if kind == "none" else [{out: flags} if flags else out]
    if kind == "exec":
        commands.append(f"chmod 755 {out}")
    elif kind == "two":
        commands.append(f"echo two > {up}second{number}")
        outs.append(f"{up}second{number}")
    elif kind == "metric":
        commands.append(f"echo '{{\"a\": {number}}}' > {up}m{number}.json")
        metrics = f"{up}m{number}.json"
        stage["metrics"] = [draw(st.sampled_from([metrics, {metrics: {"cache": False}}]))]
    elif kind == "plot":
        commands.append(f"printf 'a,b\\n1,2\\n' > {up}p{number}.csv")
        stage["plots"] = [{f"{up}p{number}.csv": {"x": "a", "cache": draw(st.booleans())}}]
    if draw(st.integers(0, 4)) == 0:
        commands.append("true " + "word " * draw(st.integers(1, 40)) + "end")
    stage["cmd"] = commands if draw(st.booleans()) else " && ".join(commands)
    if wdir:
        stage["wdir"] = wdir
    elif draw(st.integers(0, 2)) == 0:
        choices = [
            ["lr"],
            ["opt.b", "lr"],
            [{PARAMS_FILE: None}],
            [{"conf.json": ["z"]}, "words"],
            ["opt"],
        ]
        stage["params"] = draw(st.sampled_from(choices))
    if deps:
        stage["deps"] = [f"{up}{dep}" for dep in deps]
    if outs:
        stage["outs"] = outs
        made.append(out.removeprefix("../"))
    if draw(st.integers(0, 9)) == 0:
        stage["always_changed"] = True
    if draw(st.integers(0, 2)) == 0:
        stage["meta"] = {"at": [1, 2]}
    return stage


PARAMS_FILE = "params.yaml"


def _generate(draw: st.DrawFn, stages: dict[str, Any], made: list[str]) -> None:
    """Stages made from others by DVC, and one whose words need quotes."""
    if draw(st.booleans()):
        stages["each"] = {
            "foreach": ["x", "y z"],
            "do": {
                "cmd": "echo '${item}' > 'each-${item}.txt'",
                "deps": [draw(st.sampled_from(made))],
                "outs": ["each-${item}.txt"],
            },
        }
    if draw(st.booleans()):
        stages["grid"] = {
            "matrix": {"one": [1, 2], "two": ["a"]},
            "cmd": "echo ${item.one} ${item.two} ${lr} > grid-${item.one}-${item.two}",
            "outs": ["grid-${item.one}-${item.two}"],
            "params": ["lr"],
        }
    if draw(st.booleans()):
        stages["quoted"] = {
            "cmd": "echo 'it''s: #1'\necho 数据 > quoted.txt",
            "outs": ["quoted.txt"],
        }


def _commands(cmd: Any) -> list[str]:
    return cmd if isinstance(cmd, list) else [cmd]


def _fresh(template: Path, folder: Path) -> Twins:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder, symlinks=True)
    pair = Twins(folder / "theirs", folder / "ours")
    pair.change("data.txt", "1\n")
    pair.change(PARAMS_FILE, PARAMS)
    pair.change("conf.json", CONFIG)
    pair.change("sub/.keep", "")
    return pair


def _write(pair: Twins, pipeline: dict[str, Any]) -> None:
    pair.change("dvc.yaml", yaml.safe_dump(pipeline, sort_keys=False, allow_unicode=True))
    for root in (pair.theirs, pair.ours):
        (root / "made").mkdir(exist_ok=True)


@pytest.mark.timeout(3600)
@settings(
    max_examples=GRAPHS, deadline=None, derandomize=SAME, suppress_health_check=list(HealthCheck)
)
@given(pipeline=pipelines())
@pytest.mark.slow(reason="DVC runs each pipeline as well")
def test_any_pipeline_leaves_the_same(
    template: Path, tmp_path: Path, pipeline: dict[str, Any]
) -> None:
    pair = _fresh(template, tmp_path / "pair")
    _write(pair, pipeline)
    assume(pair.run())
    assert pair.differences() == {}
    assert pair.run()
    assert pair.differences() == {}
    pair.change("data.txt", "2\n")
    pair.change(PARAMS_FILE, PARAMS.replace("0.1", "0.2"))
    assert pair.run()
    assert pair.differences() == {}
    pair.change("data.txt", "1\n")
    for root in (pair.theirs, pair.ours):
        shutil.rmtree(root / "made")
        (root / "made").mkdir()
    if pair.run():
        assert pair.differences() == {}
    assert pair.fast > 0 or pair.slow == 0


@pytest.mark.timeout(3600)
@settings(
    max_examples=max(1, GRAPHS // 6),
    deadline=None,
    derandomize=SAME,
    suppress_health_check=list(HealthCheck),
)
@given(pipeline=pipelines())
def test_run_caches_are_interchangeable(
    template: Path, tmp_path: Path, pipeline: dict[str, Any]
) -> None:
    """Each restores the results of the other, without running a command again."""
    pair = _fresh(template, tmp_path / "pair")
    _write(pair, pipeline)
    assume(pair.run())
    assume((pair.theirs / ".dvc" / "cache").is_dir())
    for source, run in ((pair.theirs, twins.execute), (pair.ours, twins.repro)):
        other = _fresh(template, tmp_path / "other")
        _write(other, pipeline)
        shutil.copytree(source / ".dvc" / "cache", other.ours / ".dvc" / "cache")
        before = {path for path in twins.left(other.ours) if path.startswith(".dvc/cache/runs")}
        assert run(other.ours)
        after = {path for path in twins.left(other.ours) if path.startswith(".dvc/cache/runs")}
        assert after == before
        assert (other.ours / "dvc.lock").read_bytes() == (source / "dvc.lock").read_bytes()


FOLDER = {
    "stages": {
        "z": {"cmd": "echo 1 > made/z.txt", "outs": ["made/z.txt"]},
        "m": {"cmd": "echo 2 > made/m.txt", "outs": ["made/m.txt"]},
        "reads": {"cmd": "cat made/*.txt > read.txt", "deps": ["made"], "outs": ["read.txt"]},
    }
}
"""A folder of outputs that another stage reads: its `.gitignore` counts as a file of it."""


@pytest.mark.parametrize("fast", [True, False])
def test_stages_that_end_in_another_order_are_ignored_in_that_of_dvc(
    fast: bool, template: Path, tmp_path: Path
) -> None:
    pair = _fresh(template, tmp_path / "pair")
    for root in (pair.theirs, pair.ours):
        config = root / ".dvc" / "config"
        remote = f"['remote \"far\"']\n    url = {tmp_path}/far\n"
        autostage = "" if fast else "[core]\n    autostage = false\n"
        config.write_text(config.read_text() + autostage + remote)
    document = {
        "stages": {
            "a": {"cmd": "sleep 1.5; echo a > a.txt", "outs": ["a.txt"]},
            # Of an output with a remote of its own only DVC knows.
            "b": {"cmd": "echo b > b.txt", "outs": [{"b.txt": {"remote": "far"}}]},
            "c": {"cmd": "echo c > c.txt", "outs": ["c.txt"]},
        }
    }
    _write(pair, document)
    for root in (pair.theirs, pair.ours):
        with (root / ".gitignore").open("a") as file:
            file.write("# mine\n")
    assert pair.run(jobs=3)
    assert pair.differences() == {}
    assert (pair.fast, pair.slow) == ((2, 1) if fast else (0, 0))


@pytest.mark.parametrize("fast", [True, False])
def test_a_folder_of_outputs_has_its_ignore_file(
    fast: bool, template: Path, tmp_path: Path
) -> None:
    pair = _fresh(template, tmp_path / "pair")
    if not fast:
        for root in (pair.theirs, pair.ours):
            config = root / ".dvc" / "config"
            config.write_text(config.read_text() + "[core]\n    autostage = false\n")
    _write(pair, FOLDER)
    assert pair.run(jobs=1)
    assert pair.differences() == {}
    assert bool(pair.fast) is fast


def test_the_lock_file_keeps_its_mode(template: Path, tmp_path: Path) -> None:
    pair = _fresh(template, tmp_path / "pair")
    _write(pair, FOLDER)
    assert pair.run()
    for root in (pair.theirs, pair.ours):
        (root / "dvc.lock").chmod(0o664)
    pair.change("dvc.yaml", yaml.safe_dump(FOLDER).replace("echo 2", "echo 3"))
    assert pair.run()
    assert pair.differences() == {}


def test_outputs_that_git_tracks_are_refused_before_they_run(
    template: Path, tmp_path: Path
) -> None:
    pair = _fresh(template, tmp_path / "pair")
    _write(pair, FOLDER)
    pair.change("made/z.txt", "by hand\n")
    for root in (pair.theirs, pair.ours):
        twins.git(root, "add", "-f", "made/z.txt")
    assert not pair.run()
    assert (pair.ours / "made" / "z.txt").read_text() == "by hand\n"
