"""Process that compares and merges notebooks: one request on stdin, one answer on stdout."""

from __future__ import annotations

import sys
from typing import Any

from jupyter_mlws.notebook_format.process import pack, read


def answer(head: dict[str, Any], texts: list[bytes | None]) -> bytes:
    """Return the packed result of a request, or the reason why it was refused."""
    from jupyter_mlws.notebook_format.document import NotANotebookError, check, parse

    try:
        if head["action"] == "check":
            check(parse(texts[0] or b""))
            return pack({}, [])
        if head["action"] == "diff":
            from jupyter_mlws.notebook_format.diffing import diff

            return pack({"rows": diff(texts[0], texts[1])}, [])
        from jupyter_mlws.notebook_format.merging import merge

        merged = merge(texts[0], texts[1], texts[2], head["choices"])
    except NotANotebookError as error:
        return pack({"refused": str(error)}, [])
    return pack({"conflicts": merged.conflicts, "rows": merged.rows}, [merged.text])


if __name__ == "__main__":
    # jsonschema would compile its grammar of addresses, which takes most of a second and which no
    # notebook is checked by.
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]
    sys.stdout.buffer.write(answer(*read(sys.stdin.buffer)))
