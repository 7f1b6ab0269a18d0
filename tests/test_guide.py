"""The guide tells what there is."""

from __future__ import annotations

import re
from pathlib import Path

from jupyter_mlws.components.registry import library

GUIDE = Path(__file__).parent.parent / "docs" / "guide.md"


def test_the_table_of_components_names_each_one_once() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    table = text[text.index("### The components") :]
    table = table[: table.index("\n### ", 1)]
    rows = re.findall(r"^\| (\w[\w ]*) \| `(\w+)` \|", table, re.MULTILINE)
    assert rows == [(component.category, component.name) for component in library()]
