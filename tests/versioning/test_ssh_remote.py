"""Data over SSH: nothing half is ever published there, and what was interrupted goes on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from jupyter_mlws.versioning.data.models import DataRemotePut, DatasetVerify, RemoteLook
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import DataCredentialsError
from mlws.core.project import Project
from mlws.dvc.resumable_transfer import MIB, MULTIPART_THRESHOLD
from tests.versioning.test_data_remotes import killed_half_way

pytestmark = pytest.mark.skipif(
    not find_spec("sshfs"), reason="dvc[ssh] is not installed: SSH cannot be tested"
)

PASSWORD = "right-for-nobody-else"
SERVE = """
import asyncio, sys, asyncssh

class Server(asyncssh.SSHServer):
    def begin_auth(self, user): return True
    def password_auth_supported(self): return True
    def validate_password(self, user, password): return password == sys.argv[1]

async def main():
    key = asyncssh.generate_private_key("ssh-ed25519")
    server = await asyncssh.create_server(
        Server, "127.0.0.1", 0, server_host_keys=[key], sftp_factory=True
    )
    print(server.get_port(), flush=True)
    await server.wait_closed()

asyncio.run(main())
"""


@pytest.fixture
def port() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", SERVE, PASSWORD], stdout=subprocess.PIPE)
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.kill()
    process.wait()
    process.stdout.close()


def test_data_goes_over_ssh_whole_or_not_at_all(
    versions: Workspace, workspace: Project, port: int, tmp_path: Path, dvc: Callable[..., str]
) -> None:
    root = workspace.root
    url = f"ssh://127.0.0.1/{str(tmp_path).lstrip('/')}/store"
    given = {"url": url, "port": port, "user": "person"}
    versions.data_remotes.put("store", DataRemotePut(**given, password="wrong"))
    with pytest.raises(DataCredentialsError):
        versions.datasets.push("data~1wine.csv")
    versions.data_remotes.put("store", DataRemotePut(**given, password=PASSWORD))
    assert versions.data_remotes.check("store").reachable
    versions.datasets.push("data~1images")

    (root / "data" / "big.bin").write_bytes(os.urandom(MIB) * (2 * MULTIPART_THRESHOLD // MIB))
    made = versions.datasets.add("data/big.bin")
    assert made.md5 is not None
    killed_half_way(root, "push", made.id)
    place = tmp_path / "store" / "files" / "md5" / made.md5[:2] / made.md5[2:]
    assert not place.exists()
    part = place.with_name(f"{place.name}.part").stat().st_size
    assert part > MULTIPART_THRESHOLD // 2
    heard: list[float] = []
    versions.datasets.push(made.id, lambda done, *_: heard.append(done))
    # The server may have written one block more since then.
    assert part <= heard[0] <= part + MIB
    assert place.stat().st_size == 2 * MULTIPART_THRESHOLD
    read = versions.datasets.verify(made.id, DatasetVerify(remote=RemoteLook.READ))
    assert read.whole
    assert "up to date" in dvc(root, "push", "data/big.bin", "data/images")
    (root / ".dvc" / "cache" / "files" / "md5" / made.md5[:2] / made.md5[2:]).unlink()
    (root / "data" / "big.bin").unlink()
    versions.datasets.pull(made.id)
    assert versions.datasets.get(made.id).state.value == "unchanged"
