"""Our engine leaves what `dvc repro` leaves: lock, cache, run cache, `.gitignore`, to the byte."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mlws.dvc.native.commands import remove_shim_directories
from tests.series import length
from tests.workflows import twins
from tests.workflows.twins import Twins

PARAMS = "lr: 0.1\nopt: {b: [1, 2], c: x, size: 3}\nwords: a longer text\nnames: [a, b]\n"
TOML = "[tool]\nk = 1.5\nlist = ['a', 'b']\n[[rows]]\nx = 1\n[[rows]]\nx = 2\n"
CODE = """\
lr: float = 1e-3
class Net:
    layers = [1, 2]
    bias = not True
    def __init__(self):
        self.name = "a b"
"""
CONFIG = '{"z": {"q": 1, "r": null}, "n": 1e3}'
FILES = {
    "data.txt": "1\n",
    "params.yaml": PARAMS,
    "conf.json": CONFIG,
    "conf.toml": TOML,
    "conf.py": CODE,
    "conf.txt": PARAMS,
    "sub/.keep": "",
}
GRAPHS = length(2, 8, "MLWS_GRAPHS")
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
    if draw(st.integers(0, 6)) == 0:
        flags["push"] = False
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
            ["opt.b.0", "names.1"],
            ["opt.s*"],
            [{"conf.toml": ["tool.k", "tool.list.1"]}],
            [{"conf.toml": None}],
            [{"conf.py": ["lr", "Net.layers", "Net.name"]}],
            [{"conf.py": None}],
            [{"conf.txt": ["lr"]}],
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
    for path, text in FILES.items():
        pair.change(path, text)
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
    next(iter(pipeline["stages"].values()))["frozen"] = True
    _write(pair, pipeline)
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
        unsupported = "" if fast else "[cache]\n    verify = true\n"
        config.write_text(config.read_text() + unsupported)
    pair.change("values.py", "LR = (0.1,)\n")
    document = {
        "stages": {
            "a": {"cmd": "sleep 1.5; echo a > a.txt", "outs": ["a.txt"]},
            # Tuples are left to DVC.
            "b": {
                "cmd": "echo b > b.txt",
                "params": [{"values.py": ["LR"]}],
                "outs": ["b.txt"],
            },
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
            config.write_text(config.read_text() + "[cache]\n    verify = true\n")
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


def test_a_parameter_of_several_stages_is_written_in_full(template: Path, tmp_path: Path) -> None:
    pair = _fresh(template, tmp_path / "pair")
    stages = {
        name: {"cmd": f"echo {name} > {name}", "params": ["opt"], "outs": [name]} for name in "xyz"
    }
    pair.change("dvc.yaml", yaml.safe_dump({"stages": stages}))
    # With a comment, the file is updated in place of written anew.
    pair.change("dvc.lock", "schema: '2.0'\n# mine\nstages: {}\n")
    assert pair.run()
    assert pair.differences() == {}
    pair.change(PARAMS_FILE, PARAMS.replace("size: 3", "size: 4"))
    assert pair.run()
    assert pair.differences() == {}
    assert (pair.fast, pair.slow) == (6, 0)


@pytest.mark.parametrize(
    "variables",
    [
        {"PATH": "/r/versions/3/bin:/r/libexec:/r/plugins/a/bin:/r/plugins/b/bin:/usr/bin:/bin"},
        {"PATH": "/r/versions/3/bin:/r/libexec:/usr/bin"},
        {"PATH": "/usr/bin:/bin:/r/plugins/a"},
        {"PATH": "/usr/bin"},
        {"PATH": "/r/versions/3/bin:/r/libexec:/usr/bin", "PYENV_DIR": ""},
        {},
    ],
)
def test_a_shim_of_pyenv_leaves_the_path_as_with_dvc(variables: dict[str, str]) -> None:
    from dvc.utils import fix_env

    shim = {"PYENV_DIR": "/w", "PYENV_HOOK_PATH": "/h", "PYENV_VERSION": "3", "PYENV_ROOT": "/r"}
    environment = {**shim, **variables}
    assert remove_shim_directories(environment) == fix_env(environment)


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


FROZEN = """\
stages:
  last:
    cmd: cat middle.txt > last.txt; echo last >> order.log
    deps: [middle.txt]
    outs: [last.txt]
  middle:
    cmd: cat first.txt > middle.txt
    deps: [first.txt, given.csv]
    outs: [middle.txt]
    frozen: true
  first:
    cmd: cat data.txt > first.txt; echo first >> order.log
    deps: [data.txt]
    outs: [first.txt]
"""
"""For the frozen `middle` DVC neither runs `first` nor stores `given.csv`, which has changed."""


@pytest.mark.parametrize(
    ("targets", "inputs"),
    [([], "old"), (["last"], "old"), (["first", "last"], "old"), ([], "missing")],
)
def test_a_frozen_stage_needs_nothing(
    targets: list[str], inputs: str, template: Path, tmp_path: Path
) -> None:
    pair = _fresh(template, tmp_path / "pair")
    pair.change("dvc.yaml", FROZEN)
    pair.change("middle.txt", "as it was\n")
    if inputs == "old":
        pair.change("first.txt", "as it was\n")
    pair.change("given.csv", "as it was not\n")
    pair.change("given.csv.dvc", f"outs:\n- md5: {'a' * 32}\n  hash: md5\n  path: given.csv\n")
    assert pair.run(1, targets) is (inputs == "old")
    assert pair.differences() == {}


@pytest.mark.parametrize("middle", ["cat first.txt", "cat first.txt first.txt"])
def test_a_frozen_stage_goes_on_after_the_failure_of_what_it_reads(
    middle: str, template: Path, tmp_path: Path
) -> None:
    """Unless it is new, so that its inputs must be noted in the lock file."""
    pair = _fresh(template, tmp_path / "pair")
    stages = yaml.safe_load(FROZEN)["stages"]
    document = {"stages": dict(reversed(stages.items()))}
    stages["middle"] |= {"frozen": False, "deps": ["first.txt"]}
    _write(pair, document)
    assert pair.run()
    stages["first"]["cmd"] = "false"
    stages["last"]["cmd"] += "; true"
    stages["middle"] |= {"frozen": True, "cmd": f"{middle} > middle.txt"}
    _write(pair, document)
    assert not pair.run(keep_going=True)
    assert pair.differences() == {}
    ran = (pair.ours / "order.log").read_text().split()
    assert ran == ["first", "last", *(["last"] if middle == "cat first.txt" else [])]


IMPORTS = """\
stages:
  reads:
    cmd: cat given/*.csv > read.txt
    deps: [given, later.csv]
    outs: [read.txt]
  frozen:
    cmd: cat not.csv > kept.txt
    deps: [not.csv]
    outs: [kept.txt]
    frozen: true
"""


def test_imports_are_downloaded_as_inputs(template: Path, tmp_path: Path) -> None:
    """Those that were left for later, and those that follow their source; no others."""
    from dvc.repo import Repo

    pair = _fresh(template, tmp_path / "pair")
    source = tmp_path / "pair" / "source"
    (source / "given").mkdir(parents=True)
    for name in ("given/a.csv", "later.csv", "not.csv"):
        (source / name).write_text("1\n")
    for root in (pair.theirs, pair.ours):
        with twins.within(root), Repo(str(root)) as repo:
            repo.imp_url("../source/given", no_download=True)
            repo.imp_url("../source/later.csv", frozen=False)
            repo.imp_url("../source/not.csv", no_download=True)
    pair.change("kept.txt", "as it was\n")
    pair.change("dvc.yaml", IMPORTS.replace(", later.csv", ""))
    pair.change("not.csv", "2\n")
    assert pair.run()
    assert pair.differences() == {}
    assert (pair.ours / "read.txt").read_text() == "1\n"
    (source / "later.csv").write_text("1\n2\n")
    (source / "given" / "a.csv").write_text("not imported again\n")
    pair.change("dvc.yaml", IMPORTS)
    assert pair.run()
    assert pair.differences() == {}
    assert (pair.ours / "later.csv").read_text() == "1\n2\n"
    (source / "later.csv").unlink()
    assert not pair.run()
    assert pair.differences() == {}


DATASET = "{name: faces, type: dvc, url: ../source, path: faces"
DATASETS = f"""\
datasets:
- {DATASET}}}
stages:
  reads:
    cmd: cat ../data.txt > read.txt
    wdir: sub
    deps: [ds://faces, ../data.txt]
    outs: [read.txt]
  plain:
    cmd: cat data.txt > plain.txt
    deps: [data.txt]
    outs: [plain.txt]
  after:
    cmd: cat plain.txt > after.txt
    deps: [ds://faces, plain.txt]
    outs: [after.txt]
"""
LOCKED = f"schema: '2.0'\ndatasets:\n- {DATASET}, rev_lock: VERSION}}\n"


def test_a_dataset_is_a_dependency_of_its_version(template: Path, tmp_path: Path) -> None:
    pair = _fresh(template, tmp_path / "pair")
    pair.change("dvc.yaml", DATASETS)
    # Without a version in the lock file, as `dvc ds add` writes it, DVC does not run it.
    assert not pair.run(1)
    pair.change("dvc.lock", LOCKED.replace("VERSION", "a" * 40))
    assert pair.run()
    assert pair.differences() == {}
    assert pair.run()
    assert pair.differences() == {}
    lock = (pair.ours / "dvc.lock").read_text()
    pair.change("dvc.lock", lock.replace("a" * 40, "b" * 40, 1))
    pair.change("data.txt", "2\n")
    assert pair.run()
    assert pair.differences() == {}
    assert "a" * 40 not in (pair.ours / "dvc.lock").read_text()


def _logged(name: str, deps: list[str], out: str, end: str = "") -> dict[str, Any]:
    command = (
        f"mkdir -p $(dirname {out}) && echo {name} >> order.log && cat {' '.join(deps)} > {out}"
    )
    return {"cmd": f"{command}{end}", "deps": deps, "outs": [out]}


ORDER = {
    "reads": {"cmd": "find made -type f > read.txt", "deps": ["made"], "outs": ["read.txt"]},
    "one": _logged("one", ["data.txt"], "made/x/1"),
    "two": _logged("two", ["data.txt"], "made/y/1"),
    "three": _logged("three", ["data.txt"], "made/x/2"),
    "short": _logged("short", ["conf.json"], "short.txt"),
    "end": _logged("end", ["middle.txt"], "end.txt"),
    "middle": _logged("middle", ["start.txt"], "middle.txt"),
    "start": _logged("start", ["data.txt"], "start.txt"),
}
"""The longest path is the last one."""


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("failing", "keep_going"), [(None, False), ("two", False), ("short", True), ("middle", True)]
)
def test_with_one_job_the_order_is_that_of_dvc(
    failing: str | None, keep_going: bool, template: Path, tmp_path: Path
) -> None:
    pair = _fresh(template, tmp_path / "pair")
    stages = {name: dict(stage) for name, stage in ORDER.items()}
    if failing is not None:
        stages[failing]["cmd"] += f"; rm {stages[failing]['outs'][0]}; false"
    _write(pair, {"stages": stages})
    assert pair.run(1, keep_going=keep_going) is (failing is None)
    different = {path for path in pair.differences() if failing is None or ".gitignore" not in path}
    assert different == set()


@pytest.mark.parametrize("fast", [True, False])
def test_what_a_failure_leaves_differs_as_documented(
    fast: bool, template: Path, tmp_path: Path
) -> None:
    """In docs/explanation/engine.md."""
    pair = _fresh(template, tmp_path / "pair")
    if not fast:
        for root in (pair.theirs, pair.ours):
            config = root / ".dvc" / "config"
            config.write_text(config.read_text() + "[cache]\n    verify = true\n")
    stages = {
        "good": {"cmd": "echo > good.txt", "outs": ["good.txt"]},
        "half": {"cmd": "echo > half.txt; false", "outs": ["half.txt"]},
        "lacks": {"cmd": "cat no.txt > old.txt", "deps": ["no.txt"], "outs": ["old.txt"]},
        "params": {"cmd": "echo > p.txt", "params": [{"no.yaml": ["a"]}], "outs": ["p.txt"]},
    }
    _write(pair, {"stages": stages})
    pair.change("old.txt", "by hand\n")
    pair.change("p.txt", "by hand\n")
    assert not pair.run(1, keep_going=True)
    names = {".gitignore", "half.txt", "old.txt", "p.txt"}
    assert pair.differences().keys() == {f"./{name}" for name in names}
    assert (pair.theirs / "half.txt").exists()
    assert not (pair.ours / "half.txt").exists()
    for name in ("old.txt", "p.txt"):
        assert not (pair.theirs / name).exists()
        assert (pair.ours / name).read_text() == "by hand\n"
    assert "/good.txt" in (pair.ours / ".gitignore").read_text()


SETUPS = {
    "default": "",
    "another cache": "[cache]\n    dir = ../../../cache-of-{name}\n",
    "a cache on another file system": "[cache]\n    dir = {memory}\n    type = copy\n",
    "a linked cache": "",
    "explicit defaults": "[core]\n    autostage = false\n[cache]\n    type = reflink,copy\n",
    "autostage": "[core]\n    autostage = true\n[hydra]\n    enabled = False\n",
    "no git": "[core]\n    no_scm = True\n",
    "a folder of a repository": "",
}
SETUP_PIPELINE = """\
stages:
  folder:
    cmd: mkdir -p d/e && echo 1 > d/x && cp data.txt d/e/y
    deps: [data.txt]
    outs: [d]
  reads:
    cmd: cat d/e/y > out.txt; echo '[1]' > m.json
    deps: [d]
    outs: [{out.txt: {push: false}}]
    metrics: [{m.json: {cache: false}}]
"""


@pytest.fixture
def memory() -> Iterator[Path]:
    """A folder on another file system."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.mark.parametrize("setup", SETUPS)
def test_other_setups_of_a_repository_are_run_natively(
    setup: str, template: Path, tmp_path: Path, memory: Path
) -> None:
    pair = _fresh(template, tmp_path / "pair")
    caches = []
    for name in ("theirs", "ours"):
        root: Path = getattr(pair, name)
        cache = root / ".dvc" / "cache"
        if setup == "another cache":
            cache = tmp_path / f"cache-of-{name}"
        elif setup == "a cache on another file system":
            cache = memory / name
        elif setup == "a linked cache":
            cache.symlink_to(tmp_path / name)
            (tmp_path / name).mkdir()
        elif setup == "no git":
            shutil.rmtree(root / ".git")
        elif setup == "a folder of a repository":
            outer = tmp_path / f"outer-{name}"
            outer.mkdir()
            twins.git(outer, "init", "--quiet")
            shutil.rmtree(root / ".git")
            root = root.rename(outer / "project")
            setattr(pair, name, root)
            cache = root / ".dvc" / "cache"
        with (root / ".dvc" / "config").open("a") as file:
            file.write(SETUPS[setup].format(name=name, memory=cache))
        caches.append(cache)
    pair.change("dvc.yaml", SETUP_PIPELINE)

    def is_same() -> bool:
        theirs, ours = (twins.left(cache) for cache in caches)
        if (pair.ours / ".git").exists():
            staged = [twins.git(root, "ls-files", "--stage") for root in (pair.theirs, pair.ours)]
            assert staged[0] == staged[1].replace("/ours", "/theirs")
            assert ("dvc.lock" in staged[1]) == (setup == "autostage")
        return theirs == ours and not set(pair.differences()) - {".dvc/config"}

    assert pair.run()
    assert is_same()
    first = dict(twins.left(caches[1]))
    pair.change("data.txt", "2\n")
    assert pair.run()
    assert is_same()
    assert len(twins.left(caches[1])) > len(first)
    pair.change("data.txt", "1\n")
    for root in (pair.theirs, pair.ours):
        shutil.rmtree(root / "d")
    # Restored from the cache.
    assert pair.run()
    assert is_same()
    assert (pair.fast, pair.slow) == (6, 0)


OLD_PIPELINE = """\
stages:
  folder:
    cmd: mkdir -p d/e && cp data.txt d/x && echo 1 > d/e/y
    deps: [data.txt, given]
    outs: [d]
  reads:
    cmd: cat d/x windows.txt | tr -d '\\r' > out.txt; echo '[1]' > m.json
    deps: [windows.txt, d]
    outs: [out.txt]
    metrics: [{m.json: {cache: false}}]
  constant:
    cmd: printf '5\\r\\n' > c.txt; mkdir -p cd; echo 1 > cd/x
    deps: [d]
    outs: [cd, c.txt]
"""
TEXT_OF_WINDOWS = "a\r\nb\r\n"


def _age(root: Path) -> None:
    """Give a repository the lock file and the cache that DVC 2 would have left."""
    cache = root / ".dvc" / "cache"
    shutil.rmtree(cache / "runs")
    renamed = {}
    for path in ("windows.txt", "c.txt"):
        content = (root / path).read_bytes()
        old, new = (
            hashlib.md5(text, usedforsecurity=False).hexdigest()
            for text in (content, content.replace(b"\r\n", b"\n"))
        )
        renamed[old] = new
    for file in list((cache / "files" / "md5").glob("*/*")):
        name = file.parent.name + file.name
        name = renamed.get(name, name)
        place = cache / name[:2] / name[2:]
        place.parent.mkdir(exist_ok=True)
        file.rename(place)
    shutil.rmtree(cache / "files")
    lock = root / "dvc.lock"
    text = lock.read_text(encoding="utf-8").replace("      hash: md5\n", "")
    for old, new in renamed.items():
        text = text.replace(old, new)
    lock.write_text(text, encoding="utf-8")


def test_the_lock_file_of_dvc_2_is_used_and_updated_natively(
    template: Path, tmp_path: Path
) -> None:
    pair = _fresh(template, tmp_path / "pair")
    pair.change("given/a", "a")
    pair.change("given/b/c", "c")
    for root in (pair.theirs, pair.ours):
        (root / "windows.txt").write_bytes(TEXT_OF_WINDOWS.encode())
    pair.change("dvc.yaml", OLD_PIPELINE)
    assert pair.run()
    for root in (pair.theirs, pair.ours):
        _age(root)
    assert pair.differences() == {}
    before = (pair.ours / "dvc.lock").read_text(encoding="utf-8")
    # Nothing runs, and the entries stay as they are.
    assert pair.run()
    assert (pair.ours / "dvc.lock").read_text(encoding="utf-8") == before
    assert pair.differences() == {}
    # The other line ends make no difference for DVC 2.
    for root in (pair.theirs, pair.ours):
        (root / "windows.txt").write_bytes(TEXT_OF_WINDOWS.replace("\r\n", "\n").encode())
    assert pair.run()
    assert (pair.ours / "dvc.lock").read_text(encoding="utf-8") == before
    # What runs gets hashes of DVC 3, but for the files that are the same as before.
    pair.change("data.txt", "2\n")
    pair.change("cd/x", "by hand")
    assert pair.run()
    assert pair.differences() == {}
    after = (pair.ours / "dvc.lock").read_text(encoding="utf-8")
    assert 0 < after.count("hash: md5") < after.count("path:")
    pair.change("given/a", "changed")
    assert pair.run()
    assert pair.differences() == {}
    assert (pair.fast, pair.slow) == (15, 0)


def test_results_of_dvc_2_are_restored_by_dvc(template: Path, tmp_path: Path) -> None:
    pair = _fresh(template, tmp_path / "pair")
    pair.change("given/a", "a")
    for root in (pair.theirs, pair.ours):
        (root / "windows.txt").write_bytes(TEXT_OF_WINDOWS.encode())
    pair.change("dvc.yaml", OLD_PIPELINE)
    assert pair.run()
    for root in (pair.theirs, pair.ours):
        _age(root)
        shutil.rmtree(root / "d")
    assert pair.run()
    assert pair.differences() == {}
    assert pair.slow > 0


IGNORED = """\
stages:
  makes:
    cmd: >-
      mkdir -p d/logs d/keep d/deep/logs && cp data.txt d/keep/x && cp data.txt d/a.tmp &&
      cp data.txt d/logs/x && cp data.txt d/deep/logs && cp data.txt d/deep/b.tmp &&
      cp data.txt d/keep.tmp
    deps: [data.txt, given]
    outs: [d]
  reads:
    cmd: cat d/keep/x > out.txt
    deps: [d]
    outs: [out.txt]
"""


@pytest.mark.parametrize(
    "patterns",
    [
        "*.tmp\n",
        "# a comment\n\nlogs/\n!keep.tmp\n",
        "*.tmp\n!keep.tmp\n/d/logs\n",
        "d/**/logs\n",
        "**/deep\n!d/deep/b.tmp\n",
        "given/*\n!given/b\n",
        "/x\nke?p\n[ab].tmp\n",
    ],
)
def test_ignored_files_are_no_part_of_a_folder(
    patterns: str, template: Path, tmp_path: Path
) -> None:
    pair = _fresh(template, tmp_path / "pair")
    pair.change(".dvcignore", patterns)
    for name in ("a", "b", "logs/c", "d.tmp"):
        pair.change(f"given/{name}", name)
    pair.change("dvc.yaml", IGNORED)
    assert pair.run()
    assert pair.differences() == {}
    # What is ignored changes nothing.
    pair.change("given/d.tmp", "other")
    pair.change("given/logs/c", "other")
    assert pair.run()
    assert pair.differences() == {}
    pair.change("data.txt", "2\n")
    assert pair.run()
    assert pair.differences() == {}
    pair.change("data.txt", "1\n")
    assert pair.run()
    assert pair.differences() == {}
    assert (pair.fast, pair.slow) == (8, 0)


@pytest.mark.parametrize("place", ["data.txt", "d", "out.txt", "given"])
def test_what_is_ignored_altogether_is_left_to_dvc(
    place: str, template: Path, tmp_path: Path
) -> None:
    pair = _fresh(template, tmp_path / "pair")
    pair.change(".dvcignore", f"{place}\n")
    pair.change("given/a", "a")
    pair.change("dvc.yaml", IGNORED)
    # An ignored input counts as missing only where DVC looks for it.
    pair.run()
    # DVC refuses an ignored output before anything runs, we when its turn comes.
    assert place in ("d", "out.txt") or pair.differences() == {}


def test_patterns_of_a_folder_are_left_to_dvc(template: Path, tmp_path: Path) -> None:
    pair = _fresh(template, tmp_path / "pair")
    pair.change("given/.dvcignore", "*.tmp\n")
    pair.change("given/sub/a", "a")
    pair.change("given/sub/b.tmp", "b")
    pair.change("dvc.yaml", IGNORED.replace("given", "given/sub"))
    assert pair.run()
    assert pair.differences() == {}
    assert (pair.fast, pair.slow) == (1, 1)
