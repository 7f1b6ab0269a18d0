"""Write the TypeScript types of the API from its OpenAPI documents.

    python scripts/api_types.py [--check]

``--check`` changes nothing and fails if the file is not up to date.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
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
    hub = document(HUB_ROUTES, "/openapi.json", projects=False)
    lab = document(ROUTES, "/openapi.json")
    schemas = {**hub["components"]["schemas"], **lab["components"]["schemas"]}
    contract = {
        "openapi": "3.1.0",
        "info": {"title": "jupyter-mlws", "version": "1"},
        "paths": {
            path: {verb: _for_client(operation) for verb, operation in operations.items()}
            for path, operations in {**hub["paths"], **lab["paths"]}.items()
            if path != "/openapi.json"
        },
        "components": {"schemas": _without_titles(schemas)},
    }
    with tempfile.TemporaryDirectory() as folder:
        source, result = Path(folder) / "openapi.json", Path(folder) / "schema.ts"
        source.write_text(json.dumps(contract), encoding="utf-8")
        programs = ROOT / "node_modules" / ".bin"
        # A request may leave out what has a default; a response has it, and is declared so.
        command = [programs / "openapi-typescript", source, "-o", result]
        command.append("--default-non-nullable=false")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        text = result.read_text(encoding="utf-8")
        # Leave out what an endpoint does not have, and headers, which are not declared.
        for unused in (
            r" *headers: {\n.*\n *};\n",
            r" *\w+\??: never;\n",
            r" *parameters: {\n *};\n",
        ):
            text = re.sub(unused, "", text)
        result.write_text(text + "".join(_aliases(schemas)), encoding="utf-8")
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


def _for_client(operation: dict[str, Any]) -> dict[str, Any]:
    """Return the parts of an operation that its callers name: query, body, and data or messages."""
    parameters = [one for one in operation.get("parameters", ()) if one["in"] == "query"]
    responses: dict[str, Any] = {}
    for status, response in operation["responses"].items():
        for media, content in response.get("content", {}).items():
            if int(status) < 400:
                schema = content["schema"]
                data = schema.get("properties", {}).get("data", schema)
                responses[status] = {"description": "", "content": {media: {"schema": data}}}
    shared = {name: operation[name] for name in ("summary", "requestBody") if name in operation}
    return _without_titles({**shared, "parameters": parameters, "responses": responses})


def _aliases(schemas: dict[str, Any]) -> Iterator[str]:
    """Yield a type for each schema that is not generic, named as the client names interfaces."""
    for name, schema in sorted(schemas.items()):
        if "_" not in name:
            prefix = "" if "enum" in schema else "I"
            yield f"export type {prefix}{name} = components['schemas']['{name}'];\n"


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
