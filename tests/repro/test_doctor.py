"""`mlws doctor` names the cause of what is wrong, and how to repair it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import dvc
import pytest
import yaml

import mlws
from mlws.repro.doctor import report
from mlws.repro.doctor.git import MIN_GIT, compare_version
from tests.disks import read_only, small_disk
from tests.repro.test_repro import Answer, call

NOBODY = 65534
LOOK = {"NO_COLOR": "1", "COLUMNS": "80"}
STAGES = {
    "copy": {"cmd": "cp data.txt copy.txt", "deps": ["data.txt"], "outs": ["copy.txt"]},
    "count": {
        "cmd": "wc -c < copy.txt > count.json",
        "deps": ["copy.txt"],
        "metrics": [{"count.json": {"cache": False}}],
    },
}
ENGINE = Path(mlws.__file__).parents[1]
WITHOUT_DVC = (
    "click", "configobj", "dpath", "pathspec", "platformdirs", "polib", "psutil", "ruamel",
    "validate", "yaml",
)  # fmt: skip
"""The packages that the engine needs."""


def git(root: Path, *arguments: str, check: bool = True) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=root, check=check, capture_output=True, text=True
    )
    return done.stdout.strip()


def append(file: Path, text: str) -> None:
    with file.open("a", encoding="utf-8") as opened:
        opened.write(text)


def doctor(root: Path, *arguments: str, program: str = "mlws", **variables: str) -> Answer:
    answer = call(program, root, "doctor", *arguments, **{**LOOK, **variables})
    assert "Traceback" not in answer.err, answer.err
    if "--json" not in arguments:
        for line in answer.out.splitlines():
            # Only a command or path that would be broken is longer.
            assert len(line) <= 80 or "`" in line or "/" in line, line
    return answer


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with data, two stages that ran, a remote with the data, and a commit."""
    root = tmp_path_factory.mktemp("doctor") / "project"
    root.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "Ada")
    git(root, "config", "user.email", "ada@example.com")
    assert call("dvc", root, "init", "--quiet").code == 0
    (root / "data.txt").write_text("1\n")
    assert call("dvc", root, "add", "--quiet", "data.txt").code == 0
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}, sort_keys=False))
    assert call("mlws", root, "repro").code == 0
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "Begin")
    return root


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    root = tmp_path / "project"
    shutil.copytree(template, root, symlinks=True)
    return root


class SetUp(NamedTuple):
    """What to break, and what must then be said: of the cause, and of the repair."""

    name: str
    break_it: Callable[[Path], Any]
    cause: Sequence[str]
    repair: str
    variables: Mapping[str, str] = {}
    code: int = 1


def merge_with_conflict(root: Path) -> None:
    git(root, "checkout", "-q", "-b", "side")
    for branch, text in (("side", "a\n"), ("main", "b\n")):
        git(root, "checkout", "-q", branch)
        (root / "notes.txt").write_text(text)
        git(root, "add", "notes.txt")
        git(root, "commit", "-qm", branch)
    git(root, "merge", "side", check=False)


def lose_commit(root: Path) -> None:
    (root / "more.txt").write_text("more\n")
    git(root, "add", "more.txt")
    git(root, "commit", "-qm", "more")
    sha = git(root, "rev-parse", "HEAD")
    (root / ".git" / "objects" / sha[:2] / sha[2:]).unlink()


def leave_old_lock(root: Path) -> None:
    lock = root / ".git" / "index.lock"
    lock.touch()
    os.utime(lock, (time.time() - 7200,) * 2)


def lock_by_dead_process(root: Path) -> None:
    process = subprocess.Popen(["true"])
    process.wait()
    locks = {"write": {str(root / "data.txt"): {"pid": process.pid, "cmd": "dvc pull"}}, "read": {}}
    (root / ".dvc" / "tmp").mkdir(exist_ok=True)
    (root / ".dvc" / "tmp" / "rwlock").write_text(json.dumps(locks))


def write_same_output(root: Path) -> None:
    twice = {**STAGES, "again": {"cmd": "date > copy.txt", "outs": ["copy.txt"]}}
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": twice}, sort_keys=False))


def lose_data(root: Path) -> None:
    shutil.rmtree(root / ".dvc" / "cache")
    (root / "data.txt").unlink()


def ignore_pipeline(root: Path) -> None:
    (root / "sub").mkdir()
    (root / "sub" / "dvc.yaml").write_text("stages: {}\n")
    append(root / ".gitignore", "/sub/*.yaml\n")


def put_another_dvc(root: Path) -> None:
    (root / "bin").mkdir()
    (root / "bin" / "dvc").symlink_to("/bin/true")


SETUPS = [
    SetUp(
        "no git repository",
        lambda root: shutil.rmtree(root / ".git"),
        ["{root} is not in a git repository"],
        "git init {root}",
    ),
    SetUp(
        "no program git",
        lambda root: (root / "empty").mkdir(),
        ["git is not on PATH", "Problems: 1."],
        "apt install git",
        {"PATH": "{root}/empty"},
    ),
    SetUp(
        "another user's repository",
        lambda root: None,
        ["{root}", "dubious ownership"],
        "git config --global --add safe.directory {root}",
        {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"},
    ),
    SetUp(
        "damaged HEAD",
        lambda root: (root / ".git" / "HEAD").write_bytes(b"\0" * 20),
        ["{root}/.git/HEAD is missing or does not name a branch"],
        "echo 'ref: refs/heads/main' > {root}/.git/HEAD",
    ),
    SetUp("lost commit", lose_commit, ["last commit of main can't be read"], "git update-ref"),
    SetUp(
        "damaged index",
        lambda root: (root / ".git" / "index").write_bytes(b"no index"),
        ["The index {root}/.git/index is damaged"],
        "rm {root}/.git/index && git reset",
    ),
    SetUp(
        "no author",
        lambda root: (
            git(root, "config", "--unset", "user.email"),
            git(root, "config", "user.useConfigOnly", "true"),
        ),
        ["Not set in git's settings: user.email."],
        "git config --global user.email you@example.com",
        {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_SYSTEM": "/dev/null", "EMAIL": ""},
    ),
    SetUp("merge", merge_with_conflict, ["A git merge", "notes.txt"], "git merge --continue"),
    SetUp(
        "lock of git",
        leave_old_lock,
        ["{root}/.git/index.lock is 2:00:0", "a killed one left it"],
        "rm {root}/.git/index.lock",
    ),
    SetUp(
        "no DVC repository",
        lambda root: shutil.rmtree(root / ".dvc"),
        ["{root}/dvc.yaml exists", "DVC is not initialized"],
        "dvc init",
    ),
    SetUp(
        "settings of DVC",
        lambda root: (root / ".dvc" / "config").write_text("[core]\n    remote\n"),
        ["{root}/.dvc/config:2"],
        "git checkout -- .dvc/config",
    ),
    SetUp(
        "settings of DVC without a section",
        lambda root: (root / ".dvc" / "config").write_text("remote = store\n"),
        ["{root}/.dvc/config: settings stand outside of a section: remote."],
        "such as [core]",
    ),
    SetUp(
        "dvc.yaml that is not YAML",
        lambda root: (root / "dvc.yaml").write_text("stages:\n  a:\n    cmd: [\n  b: x\n"),
        ["dvc.yaml:4:"],
        "git checkout -- dvc.yaml",
    ),
    SetUp(
        "dvc.yaml with a wrong key",
        lambda root: (root / "dvc.yaml").write_text("stages:\n  a:\n    command: x\n"),
        ["dvc.yaml:2:", "cmd"],
        "git checkout -- dvc.yaml",
    ),
    SetUp(
        "conflict in dvc.lock",
        lambda root: append(root / "dvc.lock", "<<<<<<< HEAD\n=======\n>>>>>>> side\n"),
        ["dvc.lock:", "conflict markers"],
        "git add dvc.lock",
    ),
    SetUp(
        ".dvc file that is not YAML",
        lambda root: (root / "data.txt.dvc").write_text("outs:\n- md5: 'a\n"),
        ["data.txt.dvc:2:"],
        "git checkout -- data.txt.dvc",
    ),
    SetUp(
        "two stages with one output",
        write_same_output,
        ["Two stages write copy.txt: copy and again"],
        "Give the output of one of the two stages another path",
    ),
    SetUp(
        "lock of a dead process",
        lock_by_dead_process,
        ["{root}/data.txt is still locked", "dvc pull", "has ended"],
        "rm {root}/.dvc/tmp/rwlock",
        code=0,
    ),
    SetUp(
        "damaged lock of DVC",
        lambda root: (root / ".dvc" / "tmp" / "rwlock").write_text("{"),
        ["{root}/.dvc/tmp/rwlock is damaged"],
        "rm {root}/.dvc/tmp/rwlock",
    ),
    SetUp(
        "dvc.yaml that git ignores",
        ignore_pipeline,
        [".gitignore:3 (/sub/*.yaml) makes git ignore sub/dvc.yaml"],
        "git add sub/dvc.yaml",
    ),
    SetUp(
        "output that DVC ignores",
        lambda root: (root / ".dvcignore").write_text("# tables\n\ncopy*\n"),
        [".dvcignore:3 makes DVC ignore copy.txt"],
        "Remove that line of .dvcignore",
    ),
    SetUp(
        "cache that is not there",
        lambda root: append(root / ".dvc" / "config", "[cache]\n    dir = /nowhere/cache\n"),
        ["/nowhere/cache, which `cache.dir` names, does not exist"],
        "mkdir -p /nowhere/cache",
    ),
    SetUp(
        "lost data",
        lose_data,
        ["data.txt, which data.txt.dvc names (md5 ", "neither here nor in the cache"],
        "dvc commit data.txt.dvc",
    ),
    SetUp(
        "data in git",
        lambda root: git(root, "add", "-f", "data.txt"),
        ["Both git and DVC version data.txt"],
        "git rm -r --cached data.txt",
    ),
    SetUp(
        "default remote that is none",
        lambda root: append(root / ".dvc" / "config", "[core]\n    remote = store\n"),
        ["{root}/.dvc/config: `core.remote` names 'store'"],
        "dvc remote add store URL",
    ),
    SetUp(
        "folder of a remote that is not there",
        lambda root: append(
            root / ".dvc" / "config", "['remote \"store\"']\n    url = ../../away/store\n"
        ),
        ["the folder of the remote 'store' does not exist", "/away/store"],
        "mkdir -p",
    ),
    SetUp(
        "package of a remote that is missing",
        lambda root: append(root / ".dvc" / "config", "['remote \"g\"']\n    url = gs://b/x\n"),
        ["The remote 'g' (gs) needs the package dvc-gs"],
        "pip install 'dvc[gs]'",
    ),
    SetUp(
        "credential in settings that git versions",
        lambda root: append(
            root / ".dvc" / "config",
            "['remote \"s\"']\n    url = s3://b/x\n    secret_access_key = abcSECRETxyz\n",
        ),
        [".dvc/config:3: `secret_access_key` of the remote 's'"],
        "dvc remote modify --local s secret_access_key SECRET",
    ),
    SetUp(
        "password in the address of a remote",
        lambda root: append(
            root / ".dvc" / "config", "['remote \"s\"']\n    url = https://u:abcSECRETxyz@h/x\n"
        ),
        [".dvc/config:2: `url` of the remote 's'"],
        "dvc remote modify --local s url SECRET",
    ),
    SetUp(
        "file of the future",
        lambda root: os.utime(root / "dvc.yaml", (time.time() + 7200,) * 2),
        ["dvc.yaml: changed", "in the future"],
        "touch dvc.yaml",
        code=0,
    ),
    SetUp(
        "dvc of another environment",
        put_another_dvc,
        ["`dvc` on PATH is {root}/bin/dvc"],
        "bin/activate",
        {"PATH": "{root}/bin:" + os.environ["PATH"]},
        code=0,
    ),
]


@pytest.mark.parametrize("setup", SETUPS, ids=lambda setup: setup.name)
def test_cause_and_repair_are_named(project: Path, setup: SetUp) -> None:
    setup.break_it(project)

    def fill(text: str) -> str:
        return text.replace("{root}", str(project))

    variables = {name: fill(value) for name, value in setup.variables.items()}
    answer = doctor(project, **variables)
    assert answer.code == setup.code, answer.out
    # Lines are broken at 80 columns.
    text = " ".join(answer.out.split())
    for part in setup.cause:
        assert fill(part) in text, answer.out
    assert fill(setup.repair) in text, answer.out
    assert "abcSECRETxyz" not in answer.out
    record = json.loads(doctor(project, "--json", **variables).out)
    assert bool(record["problems"]) == bool(setup.code)
    assert "abcSECRETxyz" not in json.dumps(record)


def test_a_sound_project_has_no_findings(project: Path) -> None:
    answer = doctor(project)
    assert answer.code == 0
    assert "Problems: 0." in answer.out
    states = {line[:9].strip() for line in answer.out.splitlines()[:-2] if line[0] != " "}
    # The disk of the machine may be full.
    assert states <= {"ok"} or "free space" in answer.out
    record = json.loads(doctor(project, "--json").out)
    assert record["folder"] == str(project)
    assert record["problems"] == 0
    assert {check["area"] for check in record["checks"]} == {
        "git", "dvc", "remotes", "versions", "disk", "permissions",
    }  # fmt: skip


def test_each_repair_of_git_and_dvc_repairs(project: Path) -> None:
    lose_commit(project)
    leave_old_lock(project)
    lock_by_dead_process(project)
    (project / ".git" / "index").write_bytes(b"no index")
    for _ in range(3):
        record = json.loads(doctor(project, "--json").out)
        for check in record["checks"]:
            for finding in check["findings"]:
                if check["area"] in ("git", "dvc") and finding["command"]:
                    subprocess.run(finding["command"], shell=True, cwd=project, check=False)
    answer = doctor(project)
    assert answer.code == 0, answer.out
    assert git(project, "log", "--format=%s") == "Begin"


def test_nothing_is_changed(project: Path) -> None:
    def stamps() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in project.rglob("*")}

    before = stamps()
    doctor(project)
    assert stamps() == before


def test_areas_are_chosen_and_others_refused(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages: [\n")
    answer = doctor(project, "git", "disk", "--json")
    assert answer.code == 0
    assert {check["area"] for check in json.loads(answer.out)["checks"]} == {"git", "disk"}
    assert doctor(project, "dvc").code == 1
    answer = doctor(project, "weather")
    assert answer.code == 2
    assert "weather" in answer.err


def test_a_repository_without_git_or_in_a_folder_of_one(tmp_path: Path) -> None:
    alone, inside = tmp_path / "alone", tmp_path / "git" / "inside"
    for root, option in ((alone, "--no-scm"), (inside, "--subdir")):
        root.mkdir(parents=True)
        if option == "--subdir":
            git(root.parent, "init", "--quiet")
            git(root.parent, "config", "user.email", "ada@example.com")
            git(root.parent, "config", "user.name", "Ada")
        assert call("dvc", root, "init", "--quiet", option).code == 0
        (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": STAGES}))
        assert doctor(root).code == 0
        (root / "sub").mkdir()
        assert json.loads(doctor(root / "sub", "--json").out)["folder"] == str(root)


def test_a_lock_that_a_process_holds_is_no_problem(project: Path) -> None:
    with (project / ".dvc" / "tmp" / "lock").open("w+") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        file.write(f" {os.getpid()}\n")
        file.flush()
        answer = doctor(project)
    assert answer.code == 0
    assert f"is held by the process {os.getpid()}" in " ".join(answer.out.split())
    assert f"kill {os.getpid()}" in answer.out


def test_a_path_without_text_is_printed(project: Path) -> None:
    (project / os.fsdecode(b"\xff.dvc")).write_text("outs: [\n")
    answer = doctor(project)
    assert answer.code == 1
    assert "\\udcff.dvc" in answer.out


@pytest.fixture
def ordinary(project: Path) -> Callable[[], Answer]:
    """What the program says to a user who can't write the files of others."""
    limits = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can give files to another user")

    def run() -> Answer:
        done = subprocess.run(
            [*limits, sys.executable, "-m", "mlws.repro.program", "doctor"],
            cwd=project,
            env={**os.environ, **LOOK},
            capture_output=True,
            text=True,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    assert run().code == 0
    return run


def test_files_of_another_user_are_named(project: Path, ordinary: Callable[[], Answer]) -> None:
    objects = project / ".git" / "objects"
    for folder in (objects, *objects.glob("??")):
        os.chown(folder, NOBODY, NOBODY)
    answer = ordinary()
    assert answer.code == 1
    text = " ".join(answer.out.split())
    assert f"can't write {objects}, which belongs to nobody (mode 755)" in text
    assert f"sudo chown -R root {objects}`" in text
    assert f"sudo chown -R root {project}`" in text


def test_a_cache_without_write_access_is_named(
    project: Path, ordinary: Callable[[], Answer]
) -> None:
    cache = project / ".dvc" / "cache" / "files" / "md5"
    os.chown(cache, NOBODY, NOBODY)
    cache.chmod(0o755)
    answer = ordinary()
    assert answer.code == 1
    assert f"The cache is not writable: {cache}." in " ".join(answer.out.split())


def test_a_file_that_cannot_be_read_is_named(project: Path, ordinary: Callable[[], Answer]) -> None:
    file = project / "dvc.yaml"
    os.chown(file, NOBODY, NOBODY)
    file.chmod(0o600)
    answer = ordinary()
    assert answer.code == 1
    assert f"{file} can't be read: Permission denied." in " ".join(answer.out.split())


def test_a_full_and_a_read_only_disk_are_named(template: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "8m") as disk:
        root = disk / "project"
        shutil.copytree(template, root, symlinks=True)
        answer = doctor(root)
        assert answer.code == 0
        text = " ".join(answer.out.split())
        assert f"are free on the disk of {root}" in text
        assert "dvc gc --workspace --all-commits" in text
        with read_only(disk):
            answer = doctor(root)
        assert answer.code == 1
        assert f"The disk of {root} is read-only" in " ".join(answer.out.split())
        assert "mount -o remount,rw" in answer.out


def test_a_cache_on_another_disk_is_named(project: Path, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "8m") as disk:
        append(project / ".dvc" / "config", f"[cache]\n    dir = {disk}\n")
        answer = doctor(project)
        text = " ".join(answer.out.split())
        assert f"The cache {disk} is on another file system: links (reflink) do not work" in text
        assert "dvc config cache.type symlink" in text


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the engine's packages alone."""
    folder = tmp_path_factory.mktemp("packages")
    site = Path(click.__file__).parents[1]
    for path in site.iterdir():
        name = path.name.removesuffix(".py").split("-")[0].lower()
        if name in WITHOUT_DVC or name.startswith(("ruamel", "_ruamel", "_yaml")):
            (folder / path.name).symlink_to(path)
    return folder


def doctor_with(packages: Path, project: Path) -> Answer:
    """Return what the program says with the packages of a folder alone."""
    done = subprocess.run(
        [sys.executable, "-S", "-m", "mlws.repro.program", "doctor"],
        cwd=project,
        env={**os.environ, **LOOK, "PYTHONPATH": f"{ENGINE}:{packages}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.stderr
    return Answer(done.returncode, " ".join(done.stdout.split()), done.stderr)


def test_a_remote_or_an_import_without_dvc_is_a_problem(project: Path, packages: Path) -> None:
    assert doctor_with(packages, project).code == 0
    append(project / ".dvc" / "config", "['remote \"s\"']\n    url = s3://bucket/x\n")
    (project / "other.dvc").write_text(
        "deps:\n- path: x\n  repo:\n    url: https://example.com/r\nouts:\n- path: other\n"
    )
    answer = doctor_with(packages, project)
    assert answer.code == 1
    assert "The remote 's' (s3) needs DVC, which is not installed" in answer.out
    assert "pip install 'mlws[dvc]' 'dvc[s3]'" in answer.out
    assert "other.dvc is an import, which needs DVC" in answer.out


def test_other_releases_of_dvc_and_of_the_lab_are_named(
    project: Path, packages: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "packages"
    shutil.copytree(packages, folder, symlinks=True)
    (folder / "dvc").symlink_to(Path(dvc.__file__).parent)
    for name, version in (("dvc", "3.60.0"), ("jupyter_mlws", "9.9.9")):
        metadata = folder / f"{name}-{version}.dist-info" / "METADATA"
        metadata.parent.mkdir()
        metadata.write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    answer = doctor_with(folder, project)
    assert answer.code == 1
    assert "dvc 3.60.0 is not a release that mlws is tested with" in answer.out
    assert "pip install 'dvc==3." in answer.out
    assert f"jupyter-mlws is 9.9.9, but the package mlws in {ENGINE}/mlws is" in answer.out
    assert "pip install --upgrade --force-reinstall jupyter-mlws" in answer.out


@pytest.mark.parametrize(
    ("text", "is_old"),
    [("git version 2.20.1", True), ("git version 2.31.0", False), ("git version 3.0 (X)", False)],
)
def test_an_old_git_is_a_problem(text: str, is_old: bool) -> None:
    findings = list(compare_version(text, MIN_GIT))
    assert bool(findings) == is_old
    assert all("2.31 or newer" in one.cause.en and one.command for one in findings)


def count_calls(root: Path, stages: int) -> int:
    """Return how many functions of Python a project with some stages takes."""
    chain = {
        f"s{number}": {
            "cmd": "true",
            "deps": [f"out{number - 1}"] if number else ["data.txt"],
            "outs": [f"out{number}"],
        }
        for number in range(stages)
    }
    entry = {"path": "out", "hash": "md5", "md5": "0" * 32, "size": 1}
    lock = {
        name: {"cmd": "true", "outs": [{**entry, "path": stage["outs"][0]}]}
        for name, stage in chain.items()
    }
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": chain}, sort_keys=False))
    (root / "dvc.lock").write_text(yaml.safe_dump({"schema": "2.0", "stages": lock}))
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        report.run(root, "en")
    finally:
        sys.setprofile(None)
    return calls


def test_work_grows_with_the_number_of_stages_alone(project: Path) -> None:
    count_calls(project, 10)
    few, many = count_calls(project, 100), count_calls(project, 300)
    assert many < 3.3 * few


def test_chinese_text_fits_into_80_columns(project: Path) -> None:
    lose_data(project)
    answer = doctor(project, LC_ALL="zh_CN.UTF-8")
    assert all(report.columns(line) <= 80 or "/" in line for line in answer.out.splitlines())


def lab(root: Path, **variables: str) -> tuple[int, dict[str, Any]]:
    answer = doctor(root, "lab", "--json", program="jupyter-mlws", **variables)
    checks = json.loads(answer.out)["checks"]
    return answer.code, {check["id"]: check for check in checks}


@pytest.fixture
def places(tmp_path: Path) -> dict[str, str]:
    """Folders of Jupyter that no other test changes."""
    names = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_DATA_DIR": "share"}
    return {name: str(tmp_path / folder) for name, folder in names.items()}


def test_the_lab_makes_the_engine_s_checks_and_its_own(
    project: Path, places: dict[str, str]
) -> None:
    answer = doctor(project, "--json", program="jupyter-mlws", **places)
    record = json.loads(answer.out)
    areas = {check["area"] for check in record["checks"]}
    assert {"git", "dvc", "lab"} <= areas
    [trust] = [check for check in record["checks"] if check["id"] == "lab.trust"]
    assert trust["findings"][0]["command"] == f"jupyter mlws -C {project} trust"
    assert call("jupyter-mlws", project, "trust", **places).code == 0
    _, checks = lab(project, **places)
    assert checks["lab.trust"]["state"] == "ok"


def test_a_damaged_or_newer_database_is_named(project: Path, places: dict[str, str]) -> None:
    state = project / ".git" / "mlws"
    state.mkdir(exist_ok=True)
    database = state / "mlws.sqlite"
    database.write_bytes(b"no database" * 100)
    code, checks = lab(project, **places)
    assert code == 1
    [finding] = checks["lab.database"]["findings"]
    assert str(database) in finding["cause"]
    subprocess.run(finding["command"], shell=True, check=True)
    assert lab(project, **places)[1]["lab.database"]["state"] == "ok"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA user_version = 99")
    [finding] = lab(project, **places)[1]["lab.database"]["findings"]
    assert "99" in finding["cause"]


def test_runs_of_a_newer_mlflow_are_named(project: Path, places: dict[str, str]) -> None:
    with sqlite3.connect(project / "mlflow.db") as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
        connection.execute("INSERT INTO alembic_version VALUES ('ffffffffffff')")
    code, checks = lab(project, **places)
    assert code == 1
    [finding] = checks["lab.runs"]["findings"]
    assert "ffffffffffff" in finding["cause"]
    assert finding["command"] == "pip install --upgrade mlflow"


def test_a_disabled_extension_and_wrong_settings_are_named(
    project: Path, places: dict[str, str]
) -> None:
    config = Path(places["JUPYTER_CONFIG_DIR"])
    settings = config / "lab" / "user-settings" / "jupyter-mlws" / "canvas.jupyterlab-settings"
    settings.parent.mkdir(parents=True)
    settings.write_text("{ nothing")
    disabled = {"ServerApp": {"jpserver_extensions": {"jupyter_mlws": False}}}
    (config / "jupyter_server_config.json").write_text(json.dumps(disabled))
    # In an environment, its own settings would come first.
    code, checks = lab(project, JUPYTER_PREFER_ENV_PATH="0", **places)
    assert code == 1
    commands = [finding["command"] for finding in checks["lab.extensions"]["findings"]]
    assert "jupyter server extension enable jupyter_mlws" in commands
    [finding] = checks["lab.settings"]["findings"]
    assert str(config / "lab" / "user-settings") in finding["cause"]
    assert "jupyter-mlws:canvas" in finding["cause"]
