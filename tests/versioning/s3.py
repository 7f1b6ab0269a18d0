"""An S3 server of its own process (moto's, over HTTP), which enforces credentials."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SERVE = """
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(server.port, flush=True)
server.serve_forever()
"""
BUCKET = "data"
ALL = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}


@dataclass
class S3Server:
    """A running server. ``requests`` reads what it has answered: ``METHOD PATH`` each."""

    url: str
    log: Path
    process: subprocess.Popen[bytes]
    keys: dict[str, str] = field(default_factory=dict)

    def client(self, service: str = "s3") -> Any:
        """Ask it as its owner, by boto3."""
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.keys.get("access_key_id", "none"),
            aws_secret_access_key=self.keys.get("secret_access_key", "none"),
        )

    def requests(self, method: str) -> list[str]:
        """The paths, with their queries, that were asked for by ``method``."""
        rows = self.log.read_text().splitlines()
        return [row.split('"')[1].split()[1] for row in rows if f'"{method} ' in row]


@contextmanager
def serving(folder: Path) -> Iterator[S3Server]:
    """A server with a bucket and one user who may do everything."""
    log = folder / "s3.log"
    temporary = folder / "s3"
    temporary.mkdir()
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE],
            stdout=subprocess.PIPE,
            stderr=file,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
    try:
        assert process.stdout is not None
        server = S3Server(f"http://127.0.0.1:{int(process.stdout.readline())}", log, process)
        users = server.client("iam")
        users.create_user(UserName="person")
        users.put_user_policy(UserName="person", PolicyName="all", PolicyDocument=json.dumps(ALL))
        made = users.create_access_key(UserName="person")["AccessKey"]
        server.keys = {
            "access_key_id": made["AccessKeyId"],
            "secret_access_key": made["SecretAccessKey"],
        }
        server.client().create_bucket(Bucket=BUCKET)
        # From here on it looks at credentials.
        asked = urllib.request.Request(
            f"{server.url}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"}
        )
        urllib.request.urlopen(asked, timeout=10).close()
        yield server
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()
