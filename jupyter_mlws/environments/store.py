"""The environments in a project's database, and the files that were made in them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection

from jupyter_mlws.environments.record import Environment

File = tuple[str, str | None]
"""Path from the project's root, and DVC's hash."""


def load(connection: sqlite3.Connection, identifiers: Collection[str]) -> dict[str, Environment]:
    """Return the stored environments of these IDs."""
    rows = connection.execute(
        "SELECT id, record FROM environments WHERE id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(identifiers)),),
    )
    return {row["id"]: Environment.restore(row["record"]) for row in rows}


def makers(connection: sqlite3.Connection, files: Collection[File]) -> dict[File, str]:
    """Return the ID of the environment in which each file was made, if it is known."""
    rows = connection.execute(
        "SELECT made.path, made.hash, made.environment FROM json_each(?) AS file"
        " JOIN result_environments AS made"
        " ON made.path = file.value ->> 0 AND made.hash = file.value ->> 1",
        (json.dumps(list(files)),),
    )
    return {(row["path"], row["hash"]): row["environment"] for row in rows}
