"""Write the TypeScript types of the API from its OpenAPI documents.

    python scripts/api_types.py [--check]

``--check`` changes nothing and fails if the file is not up to date.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from jupyter_mlws.api.openapi import document
from jupyter_mlws.hub.routes import ROUTES as HUB_ROUTES
from jupyter_mlws.routes import ROUTES

ROOT = Path(__file__).parent.parent
TYPES = ROOT / "src" / "api" / "schema.ts"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    hub = document(HUB_ROUTES, "/openapi.json", projects=False)["components"]["schemas"]
    lab = document(ROUTES, "/openapi.json")["components"]["schemas"]
    contract = {
        "openapi": "3.1.0",
        "info": {"title": "jupyter-mlws", "version": "1"},
        "paths": {},
        "components": {"schemas": _without_titles({**hub, **lab})},
    }
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "openapi.json", Path(folder) / "schema.ts"
        source.write_text(json.dumps(contract), encoding="utf-8")
        programs = ROOT / "node_modules" / ".bin"
        command = [programs / "openapi-typescript", source, "-o", result]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        config = ROOT / ".prettierrc.json"
        command = [programs / "prettier", "--config", config, "--write", result]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        types = result.read_text(encoding="utf-8")
    if arguments.check:
        if not TYPES.exists() or TYPES.read_text(encoding="utf-8") != types:
            print(f"{TYPES.relative_to(ROOT)} is not up to date: run scripts/api_types.py")
            return 1
        return 0
    TYPES.write_text(types, encoding="utf-8")
    return 0


def _without_titles(schema: Any) -> Any:
    """Leave out the titles, which repeat the names, of a schema and all that it has."""
    if isinstance(schema, dict):
        return {
            name: _without_titles(part)
            for name, part in schema.items()
            if not (name == "title" and isinstance(part, str))
        }
    return [_without_titles(part) for part in schema] if isinstance(schema, list) else schema


if __name__ == "__main__":
    sys.exit(main())
