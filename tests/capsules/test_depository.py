"""Deposits of capsules at a server that speaks the REST API of InvenioRDM."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pexpect
import pytest

from jupyter_mlws.capsules.depository import publish_capsule
from jupyter_mlws.core.errors import (
    CitationUnreadableError,
    DepositError,
    DepositLeftError,
    DepositTokenError,
)
from jupyter_mlws.core.trust import trust
from mlws.core.errors import InvalidRequestError, MLWSError
from mlws.core.project import Project
from tests import python
from tests.capsules import invenio
from tests.capsules.invenio import TOKEN, Instance

STEPS = [
    "POST records",
    "POST files",
    "PUT content",
    "POST commit",
    "POST pids",
]


@pytest.fixture
def instance() -> Iterator[Instance]:
    with invenio.running() as server:
        yield server


@pytest.fixture
def project(ran: Project, tmp_path: Path) -> Project:
    """A copy of the project of the capsule, to change."""
    root = tmp_path / "copy"
    shutil.copytree(ran.root, root, symlinks=True)
    trust(root)
    return Project.open(root)


def publish(capsule: Path, instance: Instance, token: str = TOKEN, **options: Any) -> Any:
    return publish_capsule(capsule, instance.url, lambda: token, **options)


@pytest.mark.exhaustive
def test_a_draft_has_the_file_the_metadata_and_a_reserved_doi(
    capsule: Path, instance: Instance
) -> None:
    result = publish(capsule, instance)
    assert instance.requests == STEPS
    draft = instance.drafts["rec1"]
    assert draft["files"]["sorted.zip"] == {"content": capsule.read_bytes(), "committed": True}
    assert draft["metadata"]["title"] == "Sorted lines"
    [creator] = draft["metadata"]["creators"]
    assert creator["person_or_org"] == {
        "type": "personal", "given_name": "Test", "family_name": "Person",
    }  # fmt: skip
    assert "published" not in draft
    assert result.url == f"{instance.url}/uploads/rec1"
    assert result.doi == "10.5072/zenodo.rec1"
    assert not result.published


def test_only_an_explicit_wish_publishes(capsule: Path, instance: Instance) -> None:
    result = publish(capsule, instance, publish=True)
    assert instance.drafts["rec1"]["published"]
    assert result.published
    assert result.url == f"{instance.url}/records/rec1"


def test_the_doi_is_added_to_the_citation_of_the_project(
    capsule: Path, instance: Instance, project: Project
) -> None:
    file = project.root / "CITATION.cff"
    assert publish(capsule, instance, project=project).citation == "CITATION.cff"
    first = file.read_text()
    assert "title: Sorted lines" in first
    assert first.count("10.5072/zenodo.rec1") == 1
    file.write_text("# Mine\n" + first)
    publish(capsule, instance, project=project)
    second = file.read_text()
    assert second.startswith("# Mine\n" + first.rstrip("\n"))
    assert "10.5072/zenodo.rec2" in second


def test_a_project_without_the_snapshot_gets_no_doi(
    capsule: Path, instance: Instance, tmp_path: Path, git: Any
) -> None:
    git(tmp_path, "init", "-q", "other")
    trust(tmp_path / "other")
    other = Project.open(tmp_path / "other")
    assert publish(capsule, instance, project=other).citation is None
    assert not (other.root / "CITATION.cff").exists()


def test_a_citation_that_cannot_be_read_is_left_as_it_is(
    capsule: Path, instance: Instance, project: Project
) -> None:
    (project.root / "CITATION.cff").write_text("title: [\n")
    with pytest.raises(CitationUnreadableError):
        publish(capsule, instance, project=project)
    assert (project.root / "CITATION.cff").read_text() == "title: [\n"


@pytest.mark.parametrize("token", ["wrong", "", "with space", "line\nbreak", "钥匙"])
def test_a_wrong_token_is_refused_and_never_quoted(
    token: str, capsule: Path, instance: Instance
) -> None:
    with pytest.raises(DepositTokenError) as caught:
        publish(capsule, instance, token)
    assert not token or token not in str(caught.value.as_dict("en"))
    assert instance.drafts == {}


@pytest.mark.parametrize("step", STEPS)
def test_an_error_of_the_server_leaves_no_draft(
    step: str, capsule: Path, instance: Instance
) -> None:
    instance.failures[step] = 500
    with pytest.raises(DepositError) as caught:
        publish(capsule, instance)
    # A server that rejects an upload may close the connection before its answer is read.
    reasons = ("HTTP 500: Failed with ***", "closed the connection")
    assert any(reason in caught.value.message.en for reason in reasons)
    assert TOKEN not in str(caught.value.as_dict("en"))
    assert instance.drafts == {}


def test_a_draft_that_cannot_be_deleted_is_named(capsule: Path, instance: Instance) -> None:
    instance.failures |= {"PUT content": 503, "DELETE draft": 503}
    with pytest.raises(DepositLeftError) as caught:
        publish(capsule, instance)
    assert f"{instance.url}/uploads/rec1" in caught.value.solution.en


def test_an_upload_that_arrives_changed_is_not_published(capsule: Path, instance: Instance) -> None:
    instance.spoil = True
    with pytest.raises(DepositError, match="checksum"):
        publish(capsule, instance, publish=True)
    assert instance.drafts == {}


def test_no_server_is_an_error(capsule: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(DepositError):
            publish_capsule(capsule, url, lambda: TOKEN)


def test_a_server_that_goes_away_during_the_upload_is_an_error(capsule: Path) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        script = (
            "import socket,sys; s=socket.socket(fileno=int(sys.argv[1]));"
            "c,_=s.accept(); c.recv(10); c.close()"
        )
        process = subprocess.Popen(
            [sys.executable, "-c", script, str(listener.fileno())], pass_fds=[listener.fileno()]
        )
        with pytest.raises(DepositError, match="closed"):
            publish_capsule(capsule, f"http://127.0.0.1:{listener.getsockname()[1]}", lambda: TOKEN)
        process.wait(30)


@pytest.mark.parametrize(
    "url",
    ["http://example.org", "ftp://example.org", "https://user:pw@example.org", "", "https://[",
     "https://example.org/?access_token=x"],
)  # fmt: skip
def test_the_token_is_sent_only_to_safe_addresses(url: str, capsule: Path) -> None:
    def ask() -> str:
        raise AssertionError("asked for the token")

    with pytest.raises(InvalidRequestError):
        publish_capsule(capsule, url, ask)


def test_the_address_of_the_api_is_accepted(capsule: Path, instance: Instance) -> None:
    publish_capsule(capsule, f"{instance.url}/api/", lambda: TOKEN)
    assert instance.requests == STEPS


def test_what_is_no_capsule_is_not_uploaded(instance: Instance, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_text("text")
    with pytest.raises(MLWSError):
        publish(tmp_path / "x.zip", instance)
    assert instance.requests == []


def test_the_command_reads_the_token_from_the_standard_input(
    capsule: Path, instance: Instance, project: Project
) -> None:
    words = ["capsule", "publish", str(capsule), "--to", instance.url]
    result = subprocess.run(
        [sys.executable, "-c", python.MLWS, *words], cwd=project.root, input=f"{TOKEN}\n",
        text=True, capture_output=True, check=True, env={**os.environ, "LANG": "C.UTF-8"},
    )  # fmt: skip
    assert f"{instance.url}/uploads/rec1" in result.stdout
    assert "10.5072/zenodo.rec1" in result.stdout
    assert TOKEN not in result.stdout + result.stderr
    assert "10.5072/zenodo.rec1" in (project.root / "CITATION.cff").read_text()
    for path in [path for path in project.root.rglob("*") if path.is_file()]:
        assert TOKEN.encode() not in path.read_bytes(), path


def test_a_terminal_is_asked_for_the_token_which_is_not_shown(
    capsule: Path, instance: Instance, project: Project
) -> None:
    words = ["-c", python.MLWS, "capsule", "publish", str(capsule), "--to", instance.url]
    child = pexpect.spawn(
        sys.executable, words, cwd=str(project.root), encoding="utf-8", timeout=120,
        env={**os.environ, "LANG": "C.UTF-8", "TERM": "dumb"},
    )  # fmt: skip
    child.expect("Token of")
    child.waitnoecho()
    # Who lists the processes of this machine sees no token either.
    assert TOKEN not in Path(f"/proc/{child.pid}/cmdline").read_text()
    child.sendline(TOKEN)
    child.expect(pexpect.EOF)
    child.close()
    assert child.exitstatus == 0
    assert TOKEN not in child.before
    assert "10.5072/zenodo.rec1" in child.before
