"""Remotes for data: set up with credentials that stay here, and what goes wrong with them."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from jupyter_mlws.versioning.data.models import DataRemotePut, DatasetVerify, RemoteLook
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from mlws.core.project import Project
from mlws.dvc.resumable_transfer import PART_SIZE
from tests import python
from tests.versioning.s3 import BUCKET, S3Server, serving

pytestmark = pytest.mark.skipif(
    not (find_spec("moto") and find_spec("s3fs")),
    reason="moto or dvc[s3] is not installed: S3 cannot be tested",
)

Command = Callable[..., str]
ID = "data~1wine.csv"


def refused(call: Callable[[], object]) -> MLWSError:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with serving(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture
def root(workspace: Project) -> Path:
    return workspace.root


def put(versions: Workspace, s3: S3Server, folder: str, **more: str) -> None:
    given = {"url": f"s3://{BUCKET}/{folder}", "endpoint_url": s3.url, **s3.keys, **more}
    versions.data_remotes.put("store", DataRemotePut(**given))


def test_credentials_stay_on_this_machine_and_are_shown_to_nobody(
    versions: Workspace, root: Path, git: Command, dvc: Command
) -> None:
    before = (root / ".dvc" / "config").read_text()
    secret = "not-for-anybody, #1"
    made = versions.data_remotes.put(
        "store",
        DataRemotePut(
            url="s3://bucket/a b",
            region="eu-west-1",
            access_key_id="key",
            secret_access_key=secret,
        ),
    )
    assert made.model_dump() == {
        "name": "store",
        "url": "s3://bucket/a b",
        "kind": "s3",
        "default": True,
        "options": {"region": "eu-west-1"},
        "credentials": ["access_key_id", "secret_access_key"],
    }
    private = root / ".dvc" / "config.local"
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert git(root, "check-ignore", ".dvc/config.local").strip() == ".dvc/config.local"
    shared = (root / ".dvc" / "config").read_text()
    assert secret not in shared
    assert shared.startswith(before)
    assert "s3://bucket/a b" in dvc(root, "remote", "list")
    assert "secret_access_key" in private.read_text()

    # Left out they stay; what is for another kind is named, all at once.
    versions.data_remotes.put("store", DataRemotePut(url="s3://bucket/c"))
    assert versions.data_remotes.get("store").credentials == ["access_key_id", "secret_access_key"]
    error = refused(
        lambda: versions.data_remotes.put(
            "Bad Name",
            DataRemotePut(url="ssh://u:pw@host/x", region="a", access_key_id="b\nc"),
        )
    )
    assert error.code == "50201"
    fields = [fault.field for fault in error.faults]
    assert fields == ["name", "url", "region", "access_key_id", "access_key_id"]
    assert "pw" not in str(error.as_dict("en"))
    kinds = ["ftp://host/x", "s3:///x", ".git/x"]
    for url in kinds:
        given = DataRemotePut(url=url)
        assert refused(lambda given=given: versions.data_remotes.put("x", given)).code == "50201"
    # Empty ones are removed.
    versions.data_remotes.put(
        "store", DataRemotePut(url="s3://b/c", access_key_id="", secret_access_key="")
    )
    assert secret not in private.read_text()
    assert versions.data_remotes.delete("store").name == "store"
    assert versions.data_remotes.list() == []
    assert (root / ".dvc" / "config").read_text() == before
    assert refused(lambda: versions.data_remotes.get("store")).code == "30404"


def test_a_folder_is_a_remote_wherever_dvc_is_called(
    versions: Workspace, root: Path, dvc: Command, tmp_path: Path
) -> None:
    made = versions.data_remotes.put("near", DataRemotePut(url="../near"))
    assert (made.url, made.kind, made.default) == ("../near", "local", True)
    versions.datasets.push(ID)
    assert (tmp_path / "near" / "files").is_dir()
    assert "up to date" in dvc(root, "push", "data/wine.csv")
    second = versions.data_remotes.put("far", DataRemotePut(url=str(tmp_path / "far")))
    assert second.default is False


def test_data_goes_to_s3_and_comes_back(
    versions: Workspace, root: Path, s3: S3Server, dvc: Command
) -> None:
    put(versions, s3, "plain")
    assert versions.data_remotes.check("store").reachable
    (root / "data" / "big.bin").write_bytes(b"0123456789abcdef" * (3 * PART_SIZE // 16) + b"end")
    made = versions.datasets.add("data/big.bin")
    heard: list[tuple[float, float | None]] = []
    versions.datasets.push(made.id, lambda d, t=None, u="", m="": heard.append((d, t)))
    assert heard[-1] == (made.size, made.size)
    versions.datasets.push("data~1images")
    # DVC itself takes what we wrote for its own.
    assert "up to date" in dvc(root, "push", "data/big.bin", "data/images")
    (root / "data" / "big.bin").unlink()
    for cached in (root / ".dvc" / "cache" / "files" / "md5").iterdir():
        for file in cached.iterdir():
            file.unlink()
    versions.datasets.pull(made.id)
    versions.datasets.pull("data~1images")
    assert versions.datasets.get(made.id).state.value == "unchanged"
    read = versions.datasets.verify(made.id, DatasetVerify(remote=RemoteLook.READ))
    assert (read.whole, [store.read for store in read.stores]) == (True, [True, True])


PUSH = """
import pathlib, sys
from jupyter_mlws.workspace import Workspace
versions = Workspace.open(pathlib.Path(sys.argv[1]))
def told(done, total=None, unit="", message=""):
    print(f"{done} {total}", flush=True)
getattr(versions.datasets, sys.argv[2])(sys.argv[3], told)
"""


def killed_half_way(root: Path, what: str, identifier: str) -> None:
    """Begin a transfer in another process, and kill it when half is through."""
    process = python.Python(PUSH, str(root), what, identifier)
    for line in process.stdout:
        done, total = line.split()
        if total != b"None" and int(done) * 2 >= int(total):
            break
    process.kill()
    process.communicate()


@pytest.mark.exhaustive
@pytest.mark.slow(reason="many real commits and transfers")
def test_a_killed_transfer_goes_on_where_it_stopped(
    versions: Workspace, root: Path, s3: S3Server
) -> None:
    put(versions, s3, "killed")
    size = 12 * PART_SIZE
    with (root / "data" / "big.bin").open("wb") as file:
        for number in range(12):
            file.write(bytes([number]) * PART_SIZE)
    made = versions.datasets.add("data/big.bin")
    killed_half_way(root, "push", made.id)
    before = [path for path in s3.requests("PUT") if "/killed/" in path]
    assert 5 <= len(before) < 12
    assert s3.client().list_objects_v2(Bucket=BUCKET, Prefix="killed").get("KeyCount") == 0

    versions.datasets.push(made.id)
    sent = [path for path in s3.requests("PUT") if "/killed/" in path][len(before) :]
    # What was on its way when the process died is sent again, and no more.
    assert len(before) + len(sent) <= 12 + 4
    stored = s3.client().list_objects_v2(Bucket=BUCKET, Prefix="killed")["Contents"]
    assert [row["Size"] for row in stored] == [size]
    assert not s3.client().list_multipart_uploads(Bucket=BUCKET, Prefix="killed").get("Uploads")
    assert made.md5 is not None
    cached = root / ".dvc" / "cache" / "files" / "md5" / made.md5[:2] / made.md5[2:]
    (root / "data" / "big.bin").unlink()
    cached.unlink()
    killed_half_way(root, "pull", made.id)
    part = cached.with_name(f"{cached.name}.part")
    there = part.stat().st_size
    assert size // 3 < there < size
    heard: list[float] = []
    versions.datasets.pull(made.id, lambda done, t=None, u="", m="": heard.append(done))
    assert heard[0] == there
    assert versions.datasets.get(made.id).state.value == "unchanged"
    assert not part.exists()


@pytest.mark.exhaustive
@pytest.mark.slow(reason="many real commits and transfers")
def test_what_a_remote_refuses_is_told_without_its_secret_and_nothing_is_lost(
    versions: Workspace, root: Path, s3: S3Server, tmp_path: Path
) -> None:
    put(versions, s3, "wrong", secret_access_key="wrong-secret-of-nobody")
    error = refused(lambda: versions.datasets.push(ID))
    assert error.code == "30270"
    assert "wrong-secret" not in json.dumps(error.as_dict("en"))
    assert refused(lambda: versions.data_remotes.check("store")).code == "30270"
    assert versions.datasets.get(ID).state.value == "unchanged"
    assert versions.datasets.verify(ID, DatasetVerify(remote=RemoteLook.NONE)).whole

    put(versions, s3, "x")
    versions.data_remotes.put("store", DataRemotePut(url="s3://nowhere/x", endpoint_url=s3.url))
    assert refused(lambda: versions.data_remotes.check("store")).code == "30101"
    # Nobody listens at that port.
    put(versions, s3, "x", endpoint_url="http://127.0.0.1:9")
    assert refused(lambda: versions.datasets.push(ID)).code == "30101"
    assert versions.datasets.get(ID).state.value == "unchanged"


def test_a_damaged_object_is_found_before_a_push(
    versions: Workspace, root: Path, s3: S3Server
) -> None:
    put(versions, s3, "damaged")
    item = versions.datasets.get(ID)
    assert item.md5 is not None
    cached = root / ".dvc" / "cache" / "files" / "md5" / item.md5[:2] / item.md5[2:]
    cached.chmod(0o644)
    cached.write_text("a,b\n9,9\n")
    told = versions.datasets.verify(ID)
    assert not told.whole
    assert [(f.state, f.files) for f in told.stores[0].faulty] == [("damaged", ["data/wine.csv"])]
    assert refused(lambda: versions.datasets.push(ID)).code == "30401"
    assert not [path for path in s3.requests("PUT") if "/damaged/" in path]
    # The working tree still has it.
    versions.datasets.add("data/wine.csv")
    versions.datasets.push(ID)
    assert versions.datasets.verify(ID).whole

    # Damaged there: only reading tells.
    place = f"damaged/files/md5/{item.md5[:2]}/{item.md5[2:]}"
    s3.client().put_object(Bucket=BUCKET, Key=place, Body=b"other")
    assert versions.datasets.verify(ID).whole
    read = versions.datasets.verify(ID, DatasetVerify(remote=RemoteLook.READ))
    assert [(store.name, store.whole) for store in read.stores] == [
        ("cache", True),
        ("store", False),
    ]
