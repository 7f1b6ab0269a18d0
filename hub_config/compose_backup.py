"""`make hub-compose-backup`, `…-restore`: back up and restore the stack of compose.yaml.

    python -m hub_config.compose_backup backup FOLDER
    python -m hub_config.compose_backup restore FOLDER

The stack can keep running during a backup. Restore it into an empty installation, then start it
with `make hub-compose`. Passwords and the certificate are not included; they can be new.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from hub_config.backup import LIMIT, BackupError, Collection, collect, describe_count
from hub_config.compose import FILE
from hub_config.engine import Engine, EngineError
from hub_config.restore import read_manifest, restore_volumes
from hub_config.settings import Settings

DATABASES = ("mlws", "mlflow", "mlflow_rights")
VOLUMES = ("hub", "team", "artifacts", "storage")
"""Of compose.yaml; numbers of Prometheus and Grafana are not saved, the databases as dumps."""
OF_STACK = "com.docker.compose"
CLIENT = 'PGPASSWORD="$(cat "$POSTGRES_PASSWORD_FILE")"; export PGPASSWORD; exec "$@"'
"""PostgreSQL's own programs, in its own container; the password is no argument of theirs."""
DUMP = "/tmp/mlws.pgdump"
"""Path in the container. Docker may lose output of programs (see `tar`), but no copied files."""


class Stack:
    """One stack, spoken to by ``docker compose``."""

    def __init__(self, settings: Settings, engine: Engine, environment: Mapping[str, str]) -> None:
        self.settings = settings
        self.engine = engine
        self._environment = {
            **engine.environment,
            "HUB_GATEWAY": settings.gateway,
            **environment,
        }

    def compose(self, *arguments: str) -> str:
        """Run ``docker compose`` and return its output."""
        result = subprocess.run(
            ["docker", "compose", "--file", str(FILE), *arguments],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=LIMIT,
        )
        if result.returncode:
            message = result.stderr.decode(errors="replace").strip()
            raise BackupError(f"docker compose {arguments[0]} failed: {message}")
        return result.stdout.decode(errors="replace")

    def postgres(self, *command: str) -> str:
        """Run a program of PostgreSQL's as the stack's own user and return its output."""
        return self.compose("exec", "-T", "postgres", "sh", "-c", CLIENT, "sh", *command)

    def on_dump(self, *command: str) -> None:
        """Run a command on the dump in that container, as root: a copied file belongs to root."""
        self.compose("exec", "-T", "--user=root", "postgres", *command, DUMP)

    def databases(self) -> list[str]:
        """Return those that exist; `mlws` always does and is last, or else output was lost."""
        query = "select datname from pg_database order by datname = 'mlws'"
        output = self.postgres("psql", *_as("mlws"), "--tuples-only", "--no-align", "-c", query)
        names = output.split()
        if names[-1:] != ["mlws"]:
            raise BackupError("Docker lost part of the list of databases; try again")
        return [name for name in DATABASES if name in names]

    def volumes(self) -> list[str]:
        """The stack's data in Docker, running or not."""
        label = f"label={OF_STACK}.project={self.settings.name}"
        return self.engine.run("volume", "ls", "--quiet", f"--filter={label}").split()


def save(stack: Stack, folder: Path) -> str:
    """Save everything; return a summary."""
    settings = stack.settings
    with collect(settings, stack.engine, folder) as collection:
        for name in stack.databases():
            try:
                stack.postgres("pg_dump", *_as(name), "--format=custom", f"--file={DUMP}")
                stack.compose("cp", f"postgres:{DUMP}", str(collection.folder / f"{name}.pgdump"))
            finally:
                # Remove an incomplete dump, such as after the disk was full.
                stack.on_dump("rm", "--force")
        _save_volumes(collection)
    return f"Saved the databases and {describe_count(collection.volumes)} in {folder}."


def _save_volumes(collection: Collection) -> None:
    name = collection.settings.name
    collection.save_volumes(f"label=mlws.hub={name}")
    for volume in VOLUMES:
        project = f"label={OF_STACK}.project={name}"
        collection.save_volumes(project, f"label={OF_STACK}.volume={volume}")


def restore(stack: Stack, folder: Path) -> str:
    """Restore everything; return a summary."""
    settings, engine = stack.settings, stack.engine
    manifest = read_manifest(folder)
    if manifest["hub"] != settings.name:
        raise BackupError(f"the backup is of Hub {manifest['hub']!r}; set HUB_NAME to that name")
    there = set(engine.run("volume", "ls", "--quiet").split()) & set(manifest["volumes"])
    there |= set(stack.volumes())
    if there:
        names = ", ".join(sorted(there))
        raise BackupError(f"the installation is not empty; it already has {names}")
    volumes: list[str] = []
    try:
        restore_volumes(settings, engine, folder, manifest, volumes)
        stack.compose("up", "--detach", "--wait", "postgres")
        for name in DATABASES:
            dump = folder / f"{name}.pgdump"
            if dump.is_file():
                _restore_database(stack, name, dump)
    except BaseException:
        stack.compose("down", "--volumes")
        leftovers = set(engine.run("volume", "ls", "--quiet").split()) & set(volumes)
        if leftovers:
            engine.run("volume", "rm", *leftovers)
        raise
    count = describe_count(volumes)
    return f"Restored the databases and {count}. Run `make hub-compose` to start the stack."


def _restore_database(stack: Stack, name: str, dump: Path) -> None:
    if name not in stack.databases():
        stack.postgres("createdb", "--host=127.0.0.1", "--username=mlws", name)
    stack.compose("cp", str(dump), f"postgres:{DUMP}")
    stack.on_dump("chmod", "a+r")
    stack.postgres("pg_restore", *_as(name), "--exit-on-error", "--single-transaction", DUMP)
    stack.on_dump("rm")


def _as(database: str) -> list[str]:
    return ["--host=127.0.0.1", "--username=mlws", f"--dbname={database}"]


def main() -> int:
    parser = argparse.ArgumentParser(prog="hub_config.compose_backup", description=__doc__)
    parser.add_argument("action", choices=("backup", "restore"))
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    stack = Stack(Settings.read(), Engine(), os.environ)
    act = save if arguments.action == "backup" else restore
    try:
        print(act(stack, arguments.folder.absolute()))
    except (BackupError, EngineError, OSError) as error:
        saves = arguments.action == "backup"
        message = "Backup failed, nothing was saved" if saves else "Restore failed"
        print(f"{message}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
