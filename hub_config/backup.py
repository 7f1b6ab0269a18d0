"""`make hub-backup`: accounts, records and everybody's files, in one folder.

    python -m hub_config.backup FOLDER

The Hub may run meanwhile: databases are copied in one state, and containers are paused as long as
their person's files are read. FOLDER must not be there yet; it appears when all is in it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hub_config.engine import Engine, EngineError
from hub_config.settings import Settings

MANIFEST = "manifest.json"
VERSION = 1
COOKIES = "cookie_secret"
SQLITE = "sqlite:///"
LIMIT = 6 * 3600.0


class BackupError(Exception):
    """Why nothing was saved, or restored."""


def databases(settings: Settings) -> dict[str, str]:
    """URLs of what is saved, by the name of its file; one that serves for both only once."""
    found = {"hub": settings.database, "mlws": settings.records}
    if found["mlws"] == found["hub"]:
        del found["mlws"]
    return found


def backup(settings: Settings, engine: Engine, folder: Path) -> str:
    """Save everything; what was saved, in words."""
    if folder.exists():
        raise BackupError(f"{folder} is there already; name a folder that is not")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "volumes").mkdir(mode=0o700, parents=True)
    partial.chmod(0o700)
    for name, url in databases(settings).items():
        save_database(url, partial / name)
    cookies = settings.data / COOKIES
    if cookies.is_file():
        shutil.copyfile(cookies, partial / COOKIES)
    names = engine.run("volume", "ls", "--quiet", f"--filter=label=mlws.hub={settings.name}")
    volumes = {}
    for name in names.split():
        volumes[name] = json.loads(engine.run("volume", "inspect", name))[0]["Labels"]
        with paused(engine, name):
            save_volume(settings, engine, name, partial / "volumes" / f"{name}.tar")
    manifest = {
        "version": VERSION,
        "hub": settings.name,
        "made": datetime.now(timezone.utc).isoformat(),
        "volumes": volumes,
        "files": {
            path.relative_to(partial).as_posix(): digest(path)
            for path in sorted(partial.rglob("*"))
            if path.is_file()
        },
    }
    (partial / MANIFEST).write_text(json.dumps(manifest, indent=2))
    for path in partial.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
    partial.rename(folder)
    many = "1 volume" if len(volumes) == 1 else f"{len(volumes)} volumes"
    return f"Databases and {many} are saved in {folder}."


def save_database(url: str, target: Path) -> None:
    """A copy in one state, whoever writes meanwhile."""
    if url.startswith(SQLITE):
        source = Path(url.removeprefix(SQLITE))
        if not source.is_file():
            raise BackupError(f"there is no database {source}: has the Hub ever been started?")
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target.with_suffix(".sqlite"))) as new,
        ):
            old.backup(new)
        return
    dump = ["pg_dump", "--format=custom", f"--file={target.with_suffix('.pgdump')}", libpq(url)]
    call(dump)


def save_volume(settings: Settings, engine: Engine, name: str, target: Path) -> None:
    """All files of a volume with owners and rights, read by the image of the labs."""
    command = helper(settings, f"{name}:/volume:ro", "--create", "--file=-", ".")
    with target.open("wb") as output:
        call(command, engine, stdout=output)


def helper(settings: Settings, mount: str, *arguments: str) -> list[str]:
    """`tar` in a container that reaches one volume and nothing else."""
    image = settings.images[settings.default_image]
    confined = ["--rm", "--interactive", "--network=none", "--user=0", f"--volume={mount}"]
    tar = [
        "--entrypoint=tar",
        image,
        "--directory=/volume",
        "--numeric-owner",
        "--preserve-permissions",
    ]
    return ["docker", "run", *confined, *tar, *arguments]


@contextmanager
def paused(engine: Engine, volume: str) -> Iterator[None]:
    """Those who write to a volume stand still, so that its files fit together."""
    found = engine.run("ps", "--quiet", "--filter=status=running", f"--filter=volume={volume}")
    containers = found.split()
    if containers:
        engine.run("pause", *containers)
    try:
        yield
    finally:
        if containers:
            engine.run("unpause", *containers)


def libpq(url: str) -> str:
    """SQLAlchemy's URL as PostgreSQL's own programs take it: without the driver."""
    scheme, _, rest = url.partition("://")
    return f"{scheme.partition('+')[0]}://{rest}"


def call(command: list[str], engine: Engine | None = None, **more: Any) -> None:
    """Run a program; its error text is part of the failure."""
    environment = engine.environment if engine is not None else dict(os.environ)
    try:
        done = subprocess.run(
            command, env=environment, stderr=subprocess.PIPE, timeout=LIMIT, **more
        )
    except FileNotFoundError as error:
        raise BackupError(f"{command[0]} is not installed here") from error
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        # The command itself may hold a database's password.
        raise BackupError(f"{command[0]} failed: {said}")


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    whole = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1024 * 1024):
            whole.update(block)
    return whole.hexdigest()


def main() -> int:
    parser = argparse.ArgumentParser(prog="make hub-backup", description=__doc__)
    parser.add_argument("folder", type=Path)
    try:
        print(backup(Settings.read(), Engine(), parser.parse_args().folder.absolute()))
    except (BackupError, EngineError, OSError, sqlite3.Error) as error:
        print(f"Nothing was saved: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
