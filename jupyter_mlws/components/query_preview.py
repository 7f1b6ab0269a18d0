"""First rows of a `load_sql` node's query, read in a separate process, which has pandas.

``python -m jupyter_mlws.components.query_preview`` reads the ports and settings of the node as JSON
from stdin and prints its columns and rows.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_mlws.components.databases import PREVIEW_SECONDS, run_query
from jupyter_mlws.components.kinds import SETTINGS
from jupyter_mlws.components.reader_process import limit_memory, read_in_process
from mlws.core.secrets import mask_credentials

MAX_ROWS = 100
TIMEOUT = 3 * PREVIEW_SECONDS
"""Seconds to connect, to run the query and to read its rows."""


def preview_query(files: Mapping[str, Path], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``columns`` with names and types, and ``rows``.

    Raises ValueError if the query fails or takes too long.
    """
    request = {"files": {port: str(path) for port, path in files.items()}, "settings": settings}
    try:
        preview: dict[str, Any] = json.loads(read_in_process(__name__, request, TIMEOUT))
    except subprocess.CalledProcessError as error:
        lines = error.stderr.strip().splitlines()
        raise ValueError(mask_credentials(lines[-1] if lines else str(error))) from None
    except subprocess.TimeoutExpired:
        raise ValueError(f"the query takes more than {TIMEOUT} s") from None
    return preview


def main() -> int:
    """Print the columns and rows of the query on stdin."""
    output, sys.stdout = sys.stdout, sys.stderr
    request = json.load(sys.stdin)
    limit_memory()
    files: dict[str, Any] = {port: Path(path) for port, path in request["files"].items()}
    if "script" in files:
        files["script"] = files["script"].read_text(encoding="utf-8")
    settings = {name: one for name, one in request["settings"].items() if name not in SETTINGS}
    settings["limit"] = min(settings.get("limit") or MAX_ROWS, MAX_ROWS)
    try:
        table = run_query(**files, **settings, is_preview=True)
    except Exception as error:  # noqa: BLE001  of whichever driver
        message = " ".join(str(error).split())
        print(f"{type(error).__name__}: {message}")  # noqa: T201  to stderr
        return 1
    columns = [{"name": str(name), "dtype": str(table[name].dtype)} for name in table.columns]
    rows = json.loads(table.to_json(orient="values", date_format="iso", default_handler=str))
    json.dump({"columns": columns, "rows": rows}, output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
