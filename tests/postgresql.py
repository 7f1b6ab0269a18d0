"""A real PostgreSQL server, for the tests of what talks to one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

REQUIRED = "MLWS_REQUIRE_POSTGRESQL"
# Debian keeps the programs of a server out of the path.
PATH = os.pathsep.join(
    [os.environ["PATH"], *map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin")))]
)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Path]:
    """The folder with the socket of a PostgreSQL server that need not survive a crash."""
    initdb, pg_ctl = (shutil.which(name, path=PATH) for name in ("initdb", "pg_ctl"))
    if initdb is None or pg_ctl is None:
        reason = "no PostgreSQL server is installed"
        pytest.fail(reason) if os.environ.get(REQUIRED) == "1" else pytest.skip(reason)
    # Not in pytest's folder: the address of a socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="mlws-pg-") as name:
        folder = Path(name)
        user: dict[str, Any] = {}
        if os.geteuid() == 0:
            # The server refuses to run as root.
            shutil.chown(folder, "postgres", "postgres")
            user = {"user": "postgres", "group": "postgres", "extra_groups": []}

        def run(*command: str) -> None:
            result = subprocess.run(
                [*command, "--pgdata", f"{folder}/data"],
                **user,
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
            assert result.returncode == 0, result.stderr

        run(initdb, "--auth=trust", "--username=mlws", "--encoding=UTF8", "--no-sync")
        settings = f"-k {folder} -c listen_addresses= -c fsync=off -c full_page_writes=off"
        log = f"{folder}/server.log"
        run(pg_ctl, "start", "--wait", f"--log={log}", f"--options={settings}")
        try:
            yield folder
        finally:
            run(pg_ctl, "stop", "--mode=immediate")
