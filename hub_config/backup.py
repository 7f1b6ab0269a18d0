"""`make hub-backup`: save accounts, records and all users' files in one directory.

    python -m hub_config.backup FOLDER

The Hub can keep running: databases are copied in a consistent state, and containers are paused
while their user's files are read. FOLDER must not exist; it is created when the backup is complete.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sized
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from hub_config import settings_file
from hub_config.engine import Engine, EngineError
from hub_config.setting_kinds import SettingError
from hub_config.settings import Settings

MANIFEST = "manifest.json"
VERSION = 1
FILES = ("cookie_secret", "announcements.json")
"""Files of the Hub's folder, beside its databases and settings."""
TEAM = "team.tar"
SQLITE = "sqlite:///"
LIMIT = 6 * 3600.0
ATTEMPTS = 3
TOTAL = re.compile(r"^Total bytes (?:read|written): (\d+)", re.MULTILINE)
"""Printed by `tar --totals` at its end."""


class BackupError(Exception):
    """Why nothing was saved, or restored."""


def databases(settings: Settings) -> dict[str, str]:
    """Return the URLs of the databases by file name; a shared database is included once."""
    files = {"hub": settings.database, "mlws": settings.records}
    if files["mlws"] == files["hub"]:
        del files["mlws"]
    return files


def backup(settings: Settings, engine: Engine, folder: Path) -> str:
    """Save everything; return a summary."""
    with collect(settings, engine, folder) as collection:
        for name, url in databases(settings).items():
            save_database(url, collection.folder / name)
        for name in FILES:
            if (settings.data / name).is_file():
                shutil.copyfile(settings.data / name, collection.folder / name)
        file = settings_file.path_of(settings.data)
        if file.is_file():
            shutil.copyfile(file, settings_file.path_of(collection.folder))
        if Path(settings.team_folder).is_dir():
            save_team(Path(settings.team_folder), collection.folder / TEAM)
        collection.save_volumes(f"label=mlws.hub={settings.name}")
    return f"Saved the databases and {describe_count(collection.volumes)} in {folder}."


@dataclass(frozen=True)
class Collection:
    """A backup in progress; ``volumes`` has the labels of each saved volume."""

    settings: Settings
    engine: Engine
    folder: Path
    volumes: dict[str, Any] = field(default_factory=dict)

    def save_volumes(self, *filters: str) -> None:
        """All of Docker's volumes that the filters let through; their writers pause meanwhile."""
        arguments = [f"--filter={one}" for one in filters]
        for name in self.engine.run("volume", "ls", "--quiet", *arguments).split():
            self.volumes[name] = json.loads(self.engine.run("volume", "inspect", name))[0]["Labels"]
            with pause(self.engine, name):
                target = self.folder / "volumes" / f"{name}.tar"
                save_volume(self.settings, self.engine, name, target)


@contextmanager
def collect(settings: Settings, engine: Engine, folder: Path) -> Iterator[Collection]:
    """Collect files in a temporary directory; move it to ``folder`` with checksums at the end."""
    if folder.exists():
        raise BackupError(f"{folder} already exists; specify a folder that does not exist")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    (partial / "volumes").mkdir(mode=0o700, parents=True)
    partial.chmod(0o700)
    collection = Collection(settings, engine, partial)
    yield collection
    manifest = {
        "version": VERSION,
        "hub": settings.name,
        "made": datetime.now(UTC).isoformat(),
        "volumes": collection.volumes,
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


def describe_count(volumes: Sized) -> str:
    """So many volumes, in words."""
    return "1 volume" if len(volumes) == 1 else f"{len(volumes)} volumes"


def save_team(team: Path, target: Path) -> None:
    """The shared projects. Branches come before the objects that they name: a push meanwhile only
    adds objects, so each branch that is saved is whole.
    """
    with tarfile.open(target, "w") as archive:
        for path in _in_order(team):
            with contextlib.suppress(FileNotFoundError):
                archive.add(path, path.relative_to(team), recursive=False)


def _in_order(team: Path) -> Iterator[Path]:
    for project in sorted(team.iterdir()):
        yield project
        if not (project / "repo.git").is_dir():
            yield from sorted(project.rglob("*"))
            continue
        names = sorted(path.name for path in (project / "repo.git").iterdir())
        yield project / "repo.git"
        for name in [*(one for one in names if one != "objects"), "objects"]:
            yield project / "repo.git" / name
            yield from sorted((project / "repo.git" / name).rglob("*"))
        for name in ("data", "pushes"):
            yield project / name
            yield from sorted((project / name).rglob("*"))


def save_database(url: str, target: Path) -> None:
    """Copy a database in a consistent state, also during writes."""
    if url.startswith(SQLITE):
        source = Path(url.removeprefix(SQLITE))
        if not source.is_file():
            raise BackupError(f"database {source} not found; start the Hub once first")
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(target.with_suffix(".sqlite"))) as new,
        ):
            old.backup(new)
        return
    address, environment = libpq(url)
    file = target.with_suffix(".pgdump")
    call(["pg_dump", "--format=custom", f"--file={file}", address], environment=environment)


def save_volume(settings: Settings, engine: Engine, name: str, target: Path) -> None:
    """Save all files of a volume with owners and rights."""
    tar(settings, engine, f"{name}:/volume:ro", "--create", target)


def restore_volume(settings: Settings, engine: Engine, name: str, source: Path) -> None:
    """Restore all files of a volume from its archive."""
    tar(settings, engine, f"{name}:/volume", "--extract", source)


def tar(settings: Settings, engine: Engine, mount: str, action: str, archive: Path) -> None:
    """Run `tar` of the labs' image, in a container with access to one volume only.

    Docker may lose the last bytes that a container prints, without an error
    (https://github.com/moby/moby/issues/45689). So `tar` counts them, and runs again if the archive
    has another size.
    """
    arguments = ["--rm", "--interactive", "--network=none", "--user=0", f"--volume={mount}"]
    image = ["--env=LC_ALL=C", "--entrypoint=tar", settings.images[settings.default_image]]
    options = ["--directory=/volume", "--numeric-owner", "--preserve-permissions", "--totals"]
    command = ["docker", "run", *arguments, *image, *options, action, "--file=-"]
    creates = action == "--create"
    message = f"Docker lost bytes of {archive.name} {ATTEMPTS} times"
    failure = BackupError(f"{message}; try again when the machine is less busy")
    for _ in range(ATTEMPTS):
        try:
            with archive.open("wb" if creates else "rb") as stream:
                if creates:
                    errors = call([*command, "."], engine, stdout=stream)
                else:
                    errors = call(command, engine, stdin=stream)
        except BackupError as error:
            failure = error
            continue
        total = TOTAL.search(errors)
        if total and int(total[1]) == archive.stat().st_size:
            return
    raise failure


@contextmanager
def pause(engine: Engine, volume: str) -> Iterator[None]:
    """Pause the containers that use a volume, so that its files are consistent."""
    ids = engine.run("ps", "--quiet", "--filter=status=running", f"--filter=volume={volume}")
    containers = ids.split()
    if containers:
        engine.run("pause", *containers)
    try:
        yield
    finally:
        if containers:
            engine.run("unpause", *containers)


def libpq(url: str) -> tuple[str, dict[str, str]]:
    """Return arguments and environment of PostgreSQL's programs for an SQLAlchemy URL.

    All users of the machine can read a process's arguments, so the password is not in them.
    """
    parts = urlsplit(url)
    account, at, place = parts.netloc.rpartition("@")
    user = account.partition(":")[0]
    scheme = parts.scheme.partition("+")[0]
    rest = urlunsplit(parts._replace(scheme="", netloc=""))
    address = f"{scheme}://{user}{at}{place}{rest}"
    return address, {"PGPASSWORD": unquote(parts.password)} if parts.password else {}


def call(
    command: list[str],
    engine: Engine | None = None,
    environment: dict[str, str] | None = None,
    **more: Any,
) -> str:
    """Run a program and return its error text, which is part of the failure if it fails."""
    base = engine.environment if engine is not None else dict(os.environ)
    try:
        result = subprocess.run(
            command,
            env=base | (environment or {}),
            stderr=subprocess.PIPE,
            timeout=LIMIT,
            **more,
        )
    except FileNotFoundError as error:
        raise BackupError(f"{command[0]} is not installed") from error
    errors = result.stderr.decode(errors="replace").strip()
    if result.returncode:
        raise BackupError(f"{command[0]} failed: {errors}")
    return errors


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
        settings = settings_file.load()
        engine = Engine(variables=settings.docker_variables)
        print(backup(settings, engine, parser.parse_args().folder.absolute()))
    except (BackupError, EngineError, OSError, SettingError, sqlite3.Error) as error:
        print(f"Backup failed, nothing was saved: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
