"""`make hub-upgrade` and `make hub-rollback`: change the Hub's version while the labs run on.

    python -m hub_config.upgrade [--to COMMIT]
    python -m hub_config.upgrade --back [--yes]

An upgrade saves the databases and keeps the image, checks out the new version and starts it by
`make hub`. If that fails, the version before runs again. A rollback leaves the databases as they
are, unless the version before can't read them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from hub_config import processes, settings_file
from hub_config.backup import SQLITE, BackupError, databases, save_database
from hub_config.engine import Engine, EngineError
from hub_config.restore import restore_database
from hub_config.setting_kinds import SettingError
from hub_config.settings import ROOT, Settings

if TYPE_CHECKING:
    import sqlalchemy

KEPT = 3
"""Upgrades that can be rolled back, one after the other."""
RECORD = "version.json"
UNDONE = ".undone"
GIT_LIMIT = 300.0
REVISIONS = ("alembic_version", "mlws_version")
"""Tables in which Alembic keeps the version of the others, of JupyterHub and of this project."""


class UpgradeError(Exception):
    """Why the version was not changed."""


@dataclass(frozen=True)
class Version:
    """The version before an upgrade: commit and branch (empty if none), image and schemas."""

    commit: str
    branch: str
    image: str
    schemas: dict[str, dict[str, str]]


def upgrade(settings: Settings, engine: Engine, wanted: str) -> str:
    """Start another version; return a summary."""
    require_clean()
    branch = git("branch", "--show-current")
    if not wanted and not branch:
        raise UpgradeError("no branch is checked out; name a version: make hub-upgrade TO=…")
    git("fetch", "--quiet", "--tags", *([] if branch else ["origin"]))
    before = commit_of("HEAD")
    target = commit_of(wanted or "@{upstream}")
    if target == before:
        return f"The Hub has this version: {describe(target)}."
    if not wanted and git("rev-list", "--count", f"{target}..{before}") != "0":
        raise UpgradeError(f"branch {branch} has commits of its own; name a version: TO=…")
    folder = keep(settings, engine, Version(before, branch, "", read_schemas(settings)))
    print(f"From {describe(before)}\nto   {describe(target)}", flush=True)
    try:
        check_out(target, "" if wanted else branch)
        make_hub()
    except BaseException as error:
        print(f"\n{error or 'Interrupted'}\nThe version before is started again.", flush=True)
        roll_back(settings, engine, folder)
        raise UpgradeError(f"the Hub has its version before: {describe(before)}") from error
    return "Upgraded. To go back: make hub-rollback"


def undo(settings: Settings, engine: Engine, is_confirmed: bool) -> str:
    """Go back to the version before the last upgrade; return a summary."""
    folders = kept_versions(settings)
    if not folders:
        raise UpgradeError("there is no upgrade to go back from")
    folder = folders[-1]
    version = read_version(folder)
    require_clean()
    if version.schemas != read_schemas(settings) and not is_confirmed:
        print(
            f"{describe(version.commit)} can't read the present databases. It gets those of"
            f" {folder.name}: accounts, projects, containers and settings of users that are newer"
            f" are lost. The present databases stay in {folder}.\nFiles of users stay as they are."
        )
        if not sys.stdin.isatty():
            raise UpgradeError("without a terminal this needs ARGS=--yes")
        if input("Go back? [y/N] ").strip().lower() not in ("y", "yes"):
            raise UpgradeError("nothing was changed")
    roll_back(settings, engine, folder)
    return f"The Hub has the version {describe(version.commit)}."


def require_clean() -> None:
    """Raise UpgradeError if files of the checkout have changes, which must not be lost."""
    if git("status", "--porcelain", "--untracked-files=no"):
        raise UpgradeError(f"files in {ROOT} have changes; commit them, or undo them by git")


def roll_back(settings: Settings, engine: Engine, folder: Path) -> None:
    """Check out and start the version that a folder is of, with databases that it can read."""
    version = read_version(folder)
    if version.schemas != read_schemas(settings):
        processes.stop(settings)
        for name, url in databases(settings).items():
            save_database(url, folder / f"after-{name}")
            clear_database(url)
            restore_database(url, folder / name)
    if version.branch:
        git("checkout", "--quiet", version.branch)
        git("reset", "--quiet", "--keep", version.commit)
    else:
        git("checkout", "--quiet", "--detach", version.commit)
    if version.image:
        engine.run("tag", version.image, settings.built_image)
    make_hub()
    folder.rename(folder.with_name(folder.name + UNDONE))


def keep(settings: Settings, engine: Engine, version: Version) -> Path:
    """Save what a rollback needs in a new folder, and delete the oldest ones; return the folder."""
    name = f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"
    folder = settings.data / "upgrades" / name
    folder.mkdir(mode=0o700, parents=True)
    image = ""
    if settings.builds_image and engine.has_image(settings.built_image):
        image = f"{settings.built_image}:before-{name}"
        engine.run("tag", settings.built_image, image)
    for file, url in databases(settings).items():
        save_database(url, folder / file)
    for path in folder.iterdir():
        path.chmod(0o600)
    # The last step: a folder with this file is whole.
    record = asdict(version) | {"image": image}
    (folder / RECORD).write_text(json.dumps(record, indent=2))
    for old in sorted((settings.data / "upgrades").iterdir())[:-KEPT]:
        forget(engine, old)
    return folder


def forget(engine: Engine, folder: Path) -> None:
    """Delete what was kept of a version; its image goes as soon as no lab uses it."""
    if (folder / RECORD).is_file():
        image = read_version(folder).image
        if image and engine.has_image(image):
            engine.run("rmi", "--no-prune", image)
    shutil.rmtree(folder)


def kept_versions(settings: Settings) -> list[Path]:
    """Return the folders of the upgrades that can be rolled back, oldest first."""
    records = (settings.data / "upgrades").glob(f"*/{RECORD}")
    return sorted(record.parent for record in records if record.parent.suffix != UNDONE)


def read_version(folder: Path) -> Version:
    return Version(**json.loads((folder / RECORD).read_text()))


def read_schemas(settings: Settings) -> dict[str, dict[str, str]]:
    """Return the revision in each of Alembic's tables of each database."""
    return {name: revisions(url) for name, url in databases(settings).items()}


def revisions(url: str) -> dict[str, str]:
    import sqlalchemy

    if url.startswith(SQLITE) and not Path(url.removeprefix(SQLITE)).is_file():
        raise UpgradeError("there is no Hub yet; start it by make hub")
    with connect(url) as connection:
        there = sqlalchemy.inspect(connection).get_table_names()
        version = sqlalchemy.column("version_num")
        versions = {}
        for name in sorted(set(REVISIONS) & set(there)):
            query = sqlalchemy.select(version).select_from(sqlalchemy.table(name))
            versions[name] = ",".join(sorted(connection.scalars(query)))
        return versions


def clear_database(url: str) -> None:
    """Delete all tables, so that those of an older version find an empty place."""
    import sqlalchemy

    if url.startswith(SQLITE):
        file = url.removeprefix(SQLITE)
        for ending in ("", "-wal", "-shm"):
            Path(file + ending).unlink(missing_ok=True)
        return
    with connect(url) as connection:
        tables = sqlalchemy.MetaData()
        tables.reflect(connection)
        tables.drop_all(connection)
        connection.commit()


@contextlib.contextmanager
def connect(url: str) -> Iterator[sqlalchemy.Connection]:
    import sqlalchemy

    engine = sqlalchemy.create_engine(url)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def check_out(commit: str, branch: str) -> None:
    """Check out a commit: the branch moves forward to it; without a branch, HEAD is detached."""
    if branch:
        git("merge", "--quiet", "--ff-only", commit)
    else:
        git("checkout", "--quiet", "--detach", commit)


def commit_of(name: str) -> str:
    try:
        return git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except UpgradeError as error:
        raise UpgradeError(f"git knows no version {name!r}") from error


def describe(commit: str) -> str:
    """Return the date, short name and subject of a commit, or the tag that it has."""
    tag = git("tag", "--points-at", commit).partition("\n")[0]
    return git("show", "--no-patch", f"--format=%cs {tag or '%h'} %s", commit)


def git(*arguments: str) -> str:
    """Return what git prints about this checkout."""
    try:
        result = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=GIT_LIMIT
        )
    except subprocess.TimeoutExpired as error:
        raise UpgradeError(f"git {arguments[0]} took over {GIT_LIMIT:.0f} s") from error
    if result.returncode:
        raise UpgradeError(f"git {arguments[0]} failed: {result.stderr.strip() or result.stdout}")
    return result.stdout.strip()


def make_hub() -> None:
    """Run `make hub` of the version that is checked out, in a process that has only its code."""
    if subprocess.run([os.environ.get("MAKE", "make"), "hub"], cwd=ROOT).returncode:
        raise UpgradeError("make hub failed")


def main() -> int:
    parser = argparse.ArgumentParser(prog="make hub-upgrade", description=__doc__)
    parser.add_argument("--to", default="", help="tag, branch or commit; default: what git pulls")
    parser.add_argument("--back", action="store_true", help="go back to the version before")
    parser.add_argument("--yes", action="store_true", help="replace databases without a question")
    arguments = parser.parse_args()
    try:
        settings = settings_file.load()
        engine = Engine(variables=settings.docker_variables)
        if arguments.back:
            print(undo(settings, engine, arguments.yes))
        else:
            print(upgrade(settings, engine, arguments.to))
    except (
        BackupError,
        EngineError,
        OSError,
        SettingError,
        UpgradeError,
        processes.HubError,
        sqlite3.Error,
    ) as error:
        print(f"{'Rollback' if arguments.back else 'Upgrade'} failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
