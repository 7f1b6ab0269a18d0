"""Call roc-validator with the context of RO-Crate 1.1 from a file: it needs no network.

    python validator.py CONTEXT.jsonld ARGUMENT...

The file is that of the library, which is of a later version: a few terms are other ones there.

Runs in an environment of its own: the validator and this project need different versions of rich.
"""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
BIOSCHEMAS = "https://bioschemas.org/"
document = json.loads(Path(sys.argv.pop(1)).read_text(encoding="utf-8"))
document["@context"] |= {
    "ComputationalWorkflow": f"{BIOSCHEMAS}ComputationalWorkflow",
    "FormalParameter": f"{BIOSCHEMAS}FormalParameter",
    "input": f"{BIOSCHEMAS}ComputationalWorkflow#input",
    "output": f"{BIOSCHEMAS}ComputationalWorkflow#output",
}
content = json.dumps(document).encode()
send = HTTPAdapter.send


def answer(self: HTTPAdapter, request: Any, **options: Any) -> Any:
    if request.url != CONTEXT:
        return send(self, request, **options)
    headers = {"Content-Type": "application/ld+json"}
    response = HTTPResponse(io.BytesIO(content), headers, 200, preload_content=False)
    return self.build_response(request, response)


HTTPAdapter.send = answer

from rocrate_validator.cli.main import cli  # noqa: E402

sys.argv[0] = "rocrate-validator"
cli()
