"""Checks of the lab for `doctor`, beside those of the engine."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import sqlite3
import time
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from jupyter_mlws._version import __version__
from jupyter_mlws.api.client import find_server
from jupyter_mlws.core.trust import is_trusted
from jupyter_mlws.server import installation
from mlws.core.errors import NewerDatabaseError
from mlws.core.i18n import ENGLISH, Message
from mlws.core.project import DATABASE
from mlws.core.project_schema import MIGRATIONS
from mlws.repro.doctor.checks import CHECKS
from mlws.repro.doctor.findings import (
    Check,
    Finding,
    Need,
    from_error,
    note,
    problem,
    run_command,
    warning,
)
from mlws.repro.doctor.git import compare_version
from mlws.repro.doctor.subject import Subject
from mlws.repro.options import Area

MIN_GIT = (2, 40)
"""The first release with ``merge-tree --merge-base``."""
DATABASE_TIMEOUT = 10.0
"""Seconds in which a database is read; a larger one is read in part."""
STEPS_BETWEEN_LOOKS = 10_000
"""Instructions of SQLite after which the time is compared with that limit."""


def check_git(subject: Subject) -> Iterator[Finding]:
    """Find a git that is too old for merges, which the lab makes without a working tree."""
    yield from compare_version(subject.git("version").stdout.strip(), MIN_GIT)


def check_trust(subject: Subject) -> Iterator[Finding]:
    """Find a project whose authors are not trusted."""
    root = subject.git_root or subject.root
    if not is_trusted(root):
        yield warning(
            Message(
                "The authors of {path} are not trusted: the lab runs nothing of it.", path=root
            ),
            Message(
                "If you trust them, run `{command}`.",
                command=f"jupyter mlws -C {shlex.quote(str(root))} trust",
            ),
        )


def check_extensions(subject: Subject) -> Iterator[Finding]:
    """Find a server or lab extension that is missing, disabled or of another version."""
    if not installation.is_server_extension_enabled():
        name = installation.SERVER_EXTENSION
        yield problem(
            Message("Jupyter's settings disable the server extension {name}.", name=name),
            run_command(f"jupyter server extension enable {name}"),
        )
    folder, name = installation.find_lab_extension(), installation.LAB_EXTENSION
    if folder is None:
        yield problem(
            Message("No folder of lab extensions has {name}.", name=name),
            run_command(f"pip install --force-reinstall {name}"),
        )
        return
    version = str(json.loads((folder / "package.json").read_text(encoding="utf-8"))["version"])
    if re.sub("[-+.]", "", version) != re.sub("[-+.]", "", __version__):
        yield problem(
            Message(
                "The lab extension in {path} is {version}, the server's part is {own}.",
                path=folder,
                version=version,
                own=__version__,
            ),
            run_command(f"pip install --force-reinstall {name}=={__version__}"),
        )
    if installation.is_lab_extension_disabled():
        yield problem(
            Message("The lab extension {name} is disabled.", name=name),
            run_command(f"jupyter labextension enable {name}"),
        )
    yield note(version)


def check_server(subject: Subject) -> Iterator[Finding]:
    """Name the running server of the project; none is needed."""
    server = find_server(subject.root, ENGLISH)
    if server is not None:
        yield note(server.url)


def check_database(subject: Subject) -> Iterator[Finding]:
    """Find a database of runs that is damaged or of a newer version."""
    path = subject.git_directory / "mlws" / DATABASE
    if not path.exists():
        return
    version = yield from check_sqlite(path, "PRAGMA user_version")
    if version is not None and int(version) > len(MIGRATIONS):
        newest = str(len(MIGRATIONS))
        yield from_error(NewerDatabaseError(file=str(path), version=version, newest=newest))


def check_runs(subject: Subject) -> Iterator[Finding]:
    """Find a store of MLflow that is damaged or of a newer version."""
    from jupyter_mlws.mlflow.client import sqlite_file
    from jupyter_mlws.mlflow.store import tracking_uri

    path = sqlite_file(tracking_uri(subject.git_root or subject.root))
    if path is None or not path.exists():
        return
    version = yield from check_sqlite(path, "SELECT version_num FROM alembic_version")
    module = importlib.util.find_spec("mlflow")
    if version is None or module is None or module.origin is None:
        return
    folder = Path(module.origin).parent / "store" / "db_migrations" / "versions"
    if not any(folder.glob(f"{version}_*.py")):
        yield problem(
            Message(
                "{path} was written by a newer MLflow (its schema is {version}).",
                path=path,
                version=version,
            ),
            run_command("pip install --upgrade mlflow"),
        )


def check_sqlite(path: Path, query: str) -> Generator[Finding, None, str | None]:
    """Yield what is wrong with a database; return the value of a query, None if it has none."""
    address = f"file:{quote(str(path))}?mode=ro"
    deadline = time.monotonic() + DATABASE_TIMEOUT
    try:
        with closing(sqlite3.connect(address, uri=True)) as connection:
            row = connection.execute(query).fetchone()
            connection.set_progress_handler(
                lambda: time.monotonic() > deadline, STEPS_BETWEEN_LOOKS
            )
            [state] = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if "interrupted" in str(error):
            return str(row[0]) if row else None
        state = str(error)
    except sqlite3.DatabaseError as error:
        state = str(error)
    if state == "ok":
        return str(row[0]) if row else None
    aside = shlex.quote(f"{path}.damaged")
    yield problem(
        Message("The database {path} is damaged: {reason}", path=path, reason=state),
        Message(
            "Move it away, and a new one is made, without its records: `{command}`.",
            command=f"mv {shlex.quote(str(path))} {aside}",
        ),
    )
    return None


def check_lab_settings(subject: Subject) -> Iterator[Finding]:
    """Find a file of the user's settings that JupyterLab can't read."""
    reason = installation.find_settings_fault()
    if reason is not None:
        folder = installation.user_settings()
        yield problem(
            Message(
                "JupyterLab can't read its settings in {path}: {reason}", path=folder, reason=reason
            ),
            Message("Correct the file that it names, or delete it, which restores the defaults."),
        )


ALL_CHECKS = (
    *CHECKS,
    Check("lab.git", Area.LAB, Message("git of the lab"), check_git, (Need.GIT,)),
    Check("lab.trust", Area.LAB, Message("trust"), check_trust, (Need.GIT,)),
    Check("lab.extensions", Area.LAB, Message("extensions of Jupyter"), check_extensions),
    Check("lab.server", Area.LAB, Message("running server"), check_server),
    Check("lab.database", Area.LAB, Message("database of workflows"), check_database, (Need.GIT,)),
    Check("lab.runs", Area.LAB, Message("runs of MLflow"), check_runs, (Need.GIT,)),
    Check("lab.settings", Area.LAB, Message("settings of JupyterLab"), check_lab_settings),
)
