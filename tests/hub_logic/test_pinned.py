"""What is fetched from elsewhere is named by its content: images, actions, the proxy's packages."""

from __future__ import annotations

import base64
import hashlib
import http.server
import io
import json
import re
import subprocess
import sys
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hub_config import requirements
from hub_config.compose import FILE
from hub_config.engine import PUBLIC_BASE

ROOT = Path(__file__).parents[2]
DIGEST = r"@sha256:[0-9a-f]{64}"
EXACT = re.compile(
    r"\$\{[A-Z]+_IMAGE:-[a-z/]+:(v?\d+\.\d+(\.\d+)?|RELEASE\.[0-9TZ-]+)" + DIGEST + r"\}"
)
OWN = "${HUB_NAME:-mlws}-hub"


def test_every_image_has_an_exact_version_and_can_be_another_one() -> None:
    services = yaml.safe_load(FILE.read_text())["services"]
    images = {name: service["image"] for name, service in services.items()}
    assert {name for name, image in images.items() if not EXACT.fullmatch(image)} == {
        name for name, image in images.items() if image == OWN
    }


def test_the_images_built_here_have_one_base() -> None:
    assert re.fullmatch(r"debian:trixie-slim" + DIGEST, PUBLIC_BASE)
    for path in (ROOT / "hub_config").rglob("Dockerfile"):
        assert f"ARG BASE_IMAGE={PUBLIC_BASE}\n" in path.read_text()


def test_actions_are_named_by_their_commit() -> None:
    rows = [
        row.strip().removeprefix("- ")
        for path in (ROOT / ".github" / "workflows").glob("*.yml")
        for row in path.read_text().splitlines()
        if "uses:" in row
    ]
    assert rows
    for row in rows:
        assert re.fullmatch(r"uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", row), row


def test_each_package_of_the_proxy_has_a_hash_and_no_program_to_install_it() -> None:
    lock = json.loads((requirements.PROXY / "package-lock.json").read_text())
    packages = {name: row for name, row in lock["packages"].items() if name}
    assert "node_modules/configurable-http-proxy" in packages
    for name, row in packages.items():
        assert row["integrity"].startswith("sha512-"), name
        assert "hasInstallScript" not in row, name


@pytest.fixture
def packages() -> Iterator[tuple[str, dict[str, bytes]]]:
    """The address of a registry on loopback, and the archives that it serves."""
    archives: dict[str, bytes] = {}

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = archives[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", archives
        server.shutdown()


def archive(folder: Path, code: str) -> bytes:
    """A package whose own program writes into ``folder`` when it is installed."""
    description = {
        "name": "configurable-http-proxy",
        "version": "5.0.0",
        "scripts": {"postinstall": f"echo ran > {folder}/ran"},
    }
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as written:
        for name, text in {
            "package.json": json.dumps(description),
            "bin/configurable-http-proxy": code,
        }.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text)
            written.addfile(entry, io.BytesIO(text.encode()))
    return buffer.getvalue()


def test_the_proxy_is_installed_as_it_is_locked_and_runs_nothing_meanwhile(
    packages: tuple[str, dict[str, bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registry, archives = packages
    locked = archive(tmp_path, "console.log('locked')")
    description = {"dependencies": {"configurable-http-proxy": "^5"}}
    package = {
        "version": "5.0.0",
        "resolved": f"{registry}/proxy.tgz",
        "integrity": f"sha512-{base64.b64encode(hashlib.sha512(locked).digest()).decode()}",
        "hasInstallScript": True,
    }
    lock = {
        "lockfileVersion": 3,
        "packages": {"": description, "node_modules/configurable-http-proxy": package},
    }
    (tmp_path / "package.json").write_text(json.dumps(description))
    (tmp_path / "package-lock.json").write_text(json.dumps(lock))
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    monkeypatch.setenv("npm_config_cache", str(tmp_path / "cache"))
    monkeypatch.setenv("npm_config_fetch_retries", "0")
    (tmp_path / "environment").mkdir()
    archives["/proxy.tgz"] = archive(tmp_path, "console.log('another')")
    with pytest.raises(subprocess.CalledProcessError):
        requirements.proxy(tmp_path)
    assert not list(tmp_path.rglob("bin/configurable-http-proxy"))
    archives["/proxy.tgz"] = locked
    command = requirements.proxy(tmp_path)
    assert subprocess.check_output(command, text=True) == "locked\n"
    assert not (tmp_path / "ran").exists()
