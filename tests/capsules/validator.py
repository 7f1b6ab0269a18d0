"""Call roc-validator with the context of RO-Crate from a file, as a machine without network does.

    python validator.py CONTEXT.jsonld ARGUMENT...

Runs in an environment of its own: the validator and this project need different versions of rich.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3 import HTTPResponse

CONTEXT = "https://w3id.org/ro/crate/1.1/context"
content = Path(sys.argv.pop(1)).read_bytes()
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
