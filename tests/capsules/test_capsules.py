"""Capsules: what is in them, and that they reproduce a snapshot elsewhere."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from jupyter_mlws.core.errors import (
    AlreadyExistsError,
    CapsuleDataMissingError,
    ShallowHistoryError,
    VersionItemNotFoundError,
    of_system,
)
from jupyter_mlws.projects.setup import initialize
from mlws.core.errors import DiskFullError
from mlws.core.project import Project
from tests import disks, python
from tests.capsules.conftest import commit, create, names_in, write_project
from tests.command_line import call

DVC = "import sys; from dvc.cli import main; sys.exit(main(sys.argv[1:]))"
Graph = dict[str, dict[str, Any]]


def graph_of(archive: Path) -> Graph:
    """Return the entities of a capsule's metadata by their IDs."""
    with zipfile.ZipFile(archive) as file:
        document = json.loads(file.read("ro-crate-metadata.json"))
    return {entity["@id"]: entity for entity in document["@graph"]}


def of_kind(graph: Graph, kind: str) -> list[dict[str, Any]]:
    return [one for one in graph.values() if kind in str(one["@type"])]


def clean_environment(home: Path) -> dict[str, str]:
    """Return the environment of a user who has nothing but the programs."""
    home.mkdir()
    return {
        "HOME": str(home),
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
    }


def shell(script: str, folder: Path, environment: dict[str, str]) -> str:
    result = subprocess.run(
        ["bash", "-ec", script], cwd=folder, env=environment, check=False, capture_output=True,
        text=True,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def check_reproduced(project: Path, original: Path, environment: dict[str, str]) -> None:
    """Check that a project has the results of another one, byte for byte."""
    assert shell("git diff --exit-code; git status --short", project, environment) == ""
    for name in ("dvc.lock", "out/sorted.txt", "out/metrics.json", "out/model/第二.txt"):
        assert (project / name).read_bytes() == (original / name).read_bytes()


@pytest.mark.exhaustive
@pytest.mark.slow("runs two workflows in new processes")
def test_two_commands_reproduce_the_results_for_a_user_with_an_empty_home(
    capsule: Path, ran: Project, tmp_path: Path
) -> None:
    environment = clean_environment(tmp_path / "home")
    shell(
        f"jupyter mlws capsule open --trust {capsule} demo\n"
        "jupyter mlws -C demo run --pull dvc.yaml",
        tmp_path,
        environment,
    )
    check_reproduced(tmp_path / "demo", ran.root, environment)
    history = shell("git log --format=%s", tmp_path / "demo", environment)
    assert "Sorted" in history


@pytest.mark.exhaustive
@pytest.mark.slow("runs DVC")
def test_git_and_dvc_alone_reproduce_the_results_as_the_readme_says(
    capsule: Path, ran: Project, tmp_path: Path
) -> None:
    with zipfile.ZipFile(capsule) as file:
        readme = file.read("README.md").decode()
    script = re.findall(r"```sh\n(.*?)```", readme, re.DOTALL)[1]
    environment = clean_environment(tmp_path / "home")
    # Where there is no unzip, Python has one.
    script = script.replace("unzip CAPSULE.zip -d", f"python -m zipfile -e {capsule}")
    shell(script, tmp_path, environment)
    check_reproduced(tmp_path / "project", ran.root, environment)


def test_a_capsule_has_what_no_step_makes_and_nothing_else(capsule: Path, ran: Project) -> None:
    names = names_in(capsule)
    data = [name for name in names if name.startswith("data/")]
    pointer = (ran.root / "data/数据.txt.dvc").read_text()
    md5 = re.search(r"md5: (\w{32})", pointer)
    assert md5 is not None
    assert data == [f"data/files/md5/{md5[1][:2]}/{md5[1][2:]}"]
    for name in ("project.bundle", "README.md", "CITATION.cff", "ro-crate-metadata.json"):
        assert name in names
    assert {"project/dvc.yaml", "project/dvc.lock", "project/笔记 notes.ipynb"} <= set(names)


def test_the_metadata_names_the_run_its_steps_and_files_by_hash(capsule: Path) -> None:
    graph = graph_of(capsule)
    root = graph["./"]
    assert root["name"] == "Sorted lines"
    assert root["mainEntity"] == {"@id": "project/dvc.yaml"}
    steps = of_kind(graph, "HowToStep")
    assert [(one["name"], one["position"]) for one in steps] == [("prepare", "1"), ("train", "2")]
    actions = {
        graph[one["instrument"]["@id"]]["name"]: one for one in of_kind(graph, "CreateAction")
    }
    assert set(actions) == {"Sorted lines", "prepare", "train"}
    for action in actions.values():
        assert action["actionStatus"] == "http://schema.org/CompletedActionStatus"
        assert action["startTime"] <= action["endTime"]
    inputs = [graph[one["@id"]] for one in actions["prepare"]["object"]]
    assert {one["name"] for one in inputs} == {"prepare.py", "data/数据.txt", "prepare.reverse"}
    data = next(one for one in inputs if one["name"] == "data/数据.txt")
    assert len(data["md5"]) == 32
    assert len(data["sha256"]) == 64
    artifact = graph[actions["prepare"]["result"]["@id"]]
    assert artifact["@id"].startswith("#md5/")
    assert artifact["name"] == "out/sorted.txt"
    scores = [graph[one["@id"]] for one in actions["Sorted lines"]["result"]]
    assert {"accuracy"} == {one["name"].rpartition(".")[2] for one in scores if "value" in one}
    environment = graph[steps[0]["buildInstructions"]["@id"]]
    assert environment["@id"].startswith("project/.mlws/environments/")


def test_each_reference_of_the_metadata_has_an_entity_or_is_an_address(capsule: Path) -> None:
    graph = graph_of(capsule)
    names = set(names_in(capsule))

    def references(value: Any) -> list[str]:
        if isinstance(value, list):
            return [one for item in value for one in references(item)]
        return [value["@id"]] if isinstance(value, dict) else []

    for entity in graph.values():
        for key, value in entity.items():
            for reference in references(value) if not key.startswith("@") else ():
                assert reference in graph or reference.startswith("https://"), reference
    from urllib.parse import unquote

    for part in graph["./"]["hasPart"]:
        assert unquote(part["@id"]) in names


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("choice", "count"), [(["all"], 5), (["none"], 0), (["data"], 1), (["out/model"], 3)]
)
def test_data_can_be_chosen(choice: list[str], count: int, ran: Project, tmp_path: Path) -> None:
    create(ran.root, tmp_path / "x.zip", *choice)
    data = [name for name in names_in(tmp_path / "x.zip") if name.startswith("data/")]
    assert len(data) == count


def test_a_directory_is_a_collection_of_its_files(ran: Project, tmp_path: Path) -> None:
    create(ran.root, tmp_path / "x.zip", "all")
    graph = graph_of(tmp_path / "x.zip")
    [collection] = of_kind(graph, "Collection")
    assert collection["name"] == "out/model"
    parts = {graph[one["@id"]]["name"] for one in collection["hasPart"]}
    assert parts == {"out/model/weights.txt", "out/model/第二.txt"}


@pytest.mark.exhaustive
def test_unknown_snapshots_and_data_are_named_and_nothing_is_written(
    ran: Project, tmp_path: Path
) -> None:
    for snapshot, data in (("nowhere", ()), ("HEAD", ("data/other",)), ("--output=x", ())):
        with pytest.raises(VersionItemNotFoundError):
            create(ran.root, tmp_path / "x.zip", *data, snapshot=snapshot)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_exists_is_not_replaced(ran: Project, tmp_path: Path) -> None:
    target = tmp_path / "x.zip"
    target.write_text("mine")
    with pytest.raises(AlreadyExistsError):
        create(ran.root, target)
    assert target.read_text() == "mine"


def test_a_full_disk_leaves_nothing(ran: Project, tmp_path: Path) -> None:
    with disks.small_disk(tmp_path / "disk", "64k") as disk:
        fill = disks.fill(disk)
        os.truncate(fill, fill.stat().st_size - 12_000)
        with pytest.raises((OSError, DiskFullError)) as caught:
            create(ran.root, disk / "x.zip")
        error = caught.value
        assert isinstance(error, DiskFullError) or isinstance(of_system(error), DiskFullError)
        assert [path.name for path in disk.iterdir()] == [fill.name]


@pytest.fixture
def copy(ran: Project, tmp_path: Path) -> Path:
    """A copy of the project, to change."""
    root = tmp_path / "copy"
    shutil.copytree(ran.root, root, symlinks=True)
    return root


@pytest.mark.exhaustive
def test_data_that_no_store_has_is_named_with_what_to_do(copy: Path, tmp_path: Path) -> None:
    shutil.rmtree(copy / ".dvc/cache")
    with pytest.raises(CapsuleDataMissingError) as caught:
        create(copy, tmp_path / "x.zip")
    assert caught.value.paths == ["data/数据.txt"]
    assert "jupyter mlws data pull" in caught.value.solution.en
    assert not (tmp_path / "x.zip").exists()
    create(copy, tmp_path / "x.zip", "none")


@pytest.mark.exhaustive
def test_data_that_only_the_remote_has_is_fetched(copy: Path, tmp_path: Path) -> None:
    (copy / ".dvc/config").write_text(
        f'[core]\nremote = store\n["remote \\"store\\""]\nurl = {tmp_path}/store\n'.replace(
            '["remote \\"store\\""]', "['remote \"store\"']"
        )
    )
    python.run(DVC, "push", "data/数据.txt.dvc", cwd=copy, check=True)
    commit(copy, "Remote")
    shutil.rmtree(copy / ".dvc/cache")
    create(copy, tmp_path / "x.zip")
    assert len([name for name in names_in(tmp_path / "x.zip") if name.startswith("data/")]) == 1


@pytest.mark.exhaustive
def test_a_project_of_git_and_dvc_alone_has_the_runs_of_its_lock(tmp_path: Path) -> None:
    root = tmp_path / "plain"
    write_project(root)
    python.run(DVC, "repro", cwd=root, check=True)
    commit(root)
    result = create(root, tmp_path / "x.zip")
    assert result.runs == 0
    assert result.warnings == []
    assert not (root / "mlflow.db").exists()
    graph = graph_of(tmp_path / "x.zip")
    actions = of_kind(graph, "CreateAction")
    assert {one["description"] for one in actions} == {"As recorded by dvc.lock."}
    assert len(actions) == 3
    value = next(one for one in of_kind(graph, "PropertyValue"))
    assert (value["name"], value["value"]) == ("prepare.reverse", "true")


def test_a_project_without_dvc_or_workflow_has_a_capsule_too(tmp_path: Path, git: Any) -> None:
    root = tmp_path / "notes"
    root.mkdir()
    git(root, "init", "-q")
    (root / "笔记.ipynb").write_text('{"cells": []}')
    (root / "empty 空.txt").write_bytes(b"")
    commit(root)
    create(root, tmp_path / "x.zip")
    graph = graph_of(tmp_path / "x.zip")
    assert "mainEntity" not in graph["./"]
    call(tmp_path, "capsule", "open", "x.zip", "again")
    assert (tmp_path / "again/笔记.ipynb").exists()
    assert git(tmp_path / "again", "status", "--short") == ""


def test_a_workflow_that_never_ran_claims_no_runs(tmp_path: Path) -> None:
    root = tmp_path / "new"
    write_project(root)
    commit(root)
    create(root, tmp_path / "x.zip")
    assert of_kind(graph_of(tmp_path / "x.zip"), "CreateAction") == []


@pytest.mark.exhaustive
def test_inputs_that_no_version_has_are_named(copy: Path, tmp_path: Path) -> None:
    (copy / "extra.txt").write_text("1")
    (copy / ".gitignore").write_text((copy / ".gitignore").read_text() + "/extra.txt\n")
    text = (copy / "dvc.yaml").read_text()
    (copy / "dvc.yaml").write_text(text.replace("[prepare.py, ", "[prepare.py, extra.txt, "))
    python.run(DVC, "repro", cwd=copy, check=True)
    commit(copy)
    [warning] = create(copy, tmp_path / "x.zip").warnings
    assert "extra.txt" in warning.en


def test_the_project_s_own_citation_and_license_are_used(tmp_path: Path, git: Any) -> None:
    root = tmp_path / "cited"
    root.mkdir()
    git(root, "init", "-q")
    citation = (
        "cff-version: 1.2.0\nmessage: Cite\ntitle: The wine\nlicense: MIT\nauthors:\n"
        "- given-names: Ada\n  family-names: Lovelace\n  affiliation: Analytical Society\n"
        "  orcid: https://orcid.org/0000-0002-1825-0097\n"
    )
    (root / "CITATION.cff").write_text(citation)
    commit(root)
    create(root, tmp_path / "x.zip")
    graph = graph_of(tmp_path / "x.zip")
    assert graph["./"]["name"] == "The wine"
    assert graph["./"]["license"] == {"@id": "https://spdx.org/licenses/MIT"}
    person = graph["https://orcid.org/0000-0002-1825-0097"]
    assert person["name"] == "Ada Lovelace"
    assert graph[person["affiliation"]["@id"]]["name"] == "Analytical Society"
    with zipfile.ZipFile(tmp_path / "x.zip") as file:
        assert file.read("CITATION.cff").decode() == citation


def test_a_shallow_clone_is_refused(ran: Project, tmp_path: Path, git: Any) -> None:
    (ran.root / ".git/shallow-test").unlink(missing_ok=True)
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{ran.root}", "shallow")
    if git(tmp_path / "shallow", "rev-parse", "--is-shallow-repository").strip() == "false":
        # A history of one commit is complete.
        root = tmp_path / "two"
        shutil.copytree(ran.root, root, symlinks=True)
        git(root, "commit", "-q", "--allow-empty", "-m", "Second")
        shutil.rmtree(tmp_path / "shallow")
        git(tmp_path, "clone", "-q", "--depth=1", f"file://{root}", "shallow")
    with pytest.raises(ShallowHistoryError):
        create(tmp_path / "shallow", tmp_path / "x.zip", "none")


def test_an_older_snapshot_has_its_own_files_and_history(tmp_path: Path, git: Any) -> None:
    root = tmp_path / "older"
    root.mkdir()
    initialize(root)
    (root / "one.txt").write_text("1")
    commit(root, "One")
    (root / "one.txt").write_text("2")
    commit(root, "Two")
    create(root, tmp_path / "x.zip", snapshot="HEAD~1")
    call(tmp_path, "capsule", "open", "x.zip", "again")
    assert (tmp_path / "again/one.txt").read_text() == "1"
    assert git(tmp_path / "again", "log", "--format=%s").split() == ["One"]


def test_the_command_prints_what_it_wrote_and_the_word_create_may_be_left_out(
    trusted: Project, tmp_path: Path
) -> None:
    result = call(trusted.root, "capsule", "HEAD", str(tmp_path / "x.zip"))
    assert "x.zip" in result.stdout
    assert "data/数据.txt" in result.stdout
    result = call(trusted.root, "capsule", "create", "HEAD", str(tmp_path / "y.zip"), "--json")
    assert json.loads(result.stdout)["runs"] == 1
    result = call(trusted.root, "capsule", "HEAD", str(tmp_path / "y.zip"), code=1)
    assert "already exists" in result.stderr
