"""`make hub-restore`: restore a backup of `make hub-backup` into an empty installation.

    python -m hub_config.restore FOLDER

All files are verified first. If a step fails, everything restored so far is removed again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tarfile
from pathlib import Path
from typing import Any

from hub_config import settings_file
from hub_config.backup import (
    FILES,
    MANIFEST,
    SQLITE,
    TEAM,
    VERSION,
    BackupError,
    call,
    databases,
    describe_count,
    digest,
    libpq,
    restore_volume,
)
from hub_config.engine import Engine, EngineError
from hub_config.setting_kinds import SettingError
from hub_config.settings import Settings


def restore(settings: Settings, engine: Engine, folder: Path) -> str:
    """Restore everything; return a summary."""
    manifest = read_manifest(folder)
    if manifest["hub"] != settings.name:
        raise BackupError(f"the backup is of Hub {manifest['hub']!r}; set HUB_NAME to that name")
    must_be_empty(settings, engine, manifest)
    paths: list[Path] = []
    volumes: list[str] = []
    try:
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        restore_volumes(settings, engine, folder, manifest, volumes)
        for name, url in databases(settings).items():
            paths.extend(restore_database(url, folder / name))
        if (folder / TEAM).is_file():
            paths.append(Path(settings.team_folder))
            with tarfile.open(folder / TEAM) as archive:
                archive.extractall(paths[-1], filter="data")
        for name in FILES:
            if (folder / name).is_file():
                paths.append(settings.data / name)
                shutil.copyfile(folder / name, paths[-1])
                paths[-1].chmod(0o600)
        if not settings_file.path_of(settings.data).exists():
            paths.append(settings_file.path_of(settings.data))
            text = settings_file.read(settings_file.path_of(folder))
            settings_file.write(paths[-1], text or settings_file.document())
            settings_file.save(settings)
    except BaseException:
        for path in paths:
            if path.is_dir():
                shutil.rmtree(path)
            path.unlink(missing_ok=True)
        if volumes:
            engine.run("volume", "rm", *volumes)
        raise
    return f"Restored the databases and {describe_count(volumes)}. Run `make hub` to start the Hub."


def read_settings(folder: Path) -> Settings:
    """Return the settings of this installation; those of the backup if it has none of its own."""
    settings = settings_file.load()
    file = settings_file.path_of(folder)
    if settings_file.path_of(settings.data).exists():
        return settings
    return Settings.read(os.environ, settings_file.parse(settings_file.read(file), file))


def restore_volumes(
    settings: Settings, engine: Engine, folder: Path, manifest: dict[str, Any], volumes: list[str]
) -> None:
    """Every volume of a backup; ``made`` tells how far it came."""
    for name, labels in manifest["volumes"].items():
        options = [f"--label={key}={value}" for key, value in (labels or {}).items()]
        engine.run("volume", "create", *options, name)
        volumes.append(name)
        restore_volume(settings, engine, name, folder / "volumes" / f"{name}.tar")


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest of a backup after the verification of its files."""
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        files: dict[str, str] = manifest["files"]
    except (OSError, ValueError, KeyError) as error:
        raise BackupError(f"{folder} is not a backup: {error}") from error
    if manifest.get("version") != VERSION:
        raise BackupError(f"backup version {manifest.get('version')} is not supported")
    wrong = [
        name
        for name, checksum in files.items()
        if not (folder / name).is_file() or digest(folder / name) != checksum
    ]
    if wrong:
        raise BackupError(f"damaged or missing files: {', '.join(wrong)}")
    return manifest


def must_be_empty(settings: Settings, engine: Engine, manifest: dict[str, Any]) -> None:
    """Raise an error if the installation has data, which must not be replaced."""
    paths = [
        Path(url.removeprefix(SQLITE))
        for url in databases(settings).values()
        if url.startswith(SQLITE)
    ]
    team = Path(settings.team_folder)
    paths += [team] if any(team.glob("p-*")) else []
    there = [str(path) for path in paths if path.exists()]
    volumes = set(engine.run("volume", "ls", "--quiet").split())
    there += sorted(volumes & set(manifest["volumes"]))
    if there:
        raise BackupError(f"the installation is not empty; it already has {', '.join(there)}")


def restore_database(url: str, source: Path) -> list[Path]:
    """Restore a database; return its new files."""
    if url.startswith(SQLITE):
        target = Path(url.removeprefix(SQLITE))
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source.with_suffix(".sqlite"), target)
        target.chmod(0o600)
        return [target]
    # In one transaction, and only into an empty database.
    dump = str(source.with_suffix(".pgdump"))
    address, environment = libpq(url)
    options = ["--exit-on-error", "--single-transaction", f"--dbname={address}"]
    call(["pg_restore", *options, dump], environment=environment)
    return []


def main() -> int:
    parser = argparse.ArgumentParser(prog="make hub-restore", description=__doc__)
    parser.add_argument("folder", type=Path)
    try:
        folder = parser.parse_args().folder.absolute()
        settings = read_settings(folder)
        print(restore(settings, Engine(variables=settings.docker_variables), folder))
    except (BackupError, EngineError, OSError, SettingError) as error:
        print(f"Restore failed, nothing was restored: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
