"""Check the names in the Python code: ``python scripts/names.py [--list]``.

A past participle (``found``, ``given``) does not say what a value is. The names of functions,
classes, parameters and variables are counted; :data:`LIMITS` has the share of them that may be
participles, which states of the API (``CANCELLED``) and fields of its records are. ``--list``
prints each.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
LIMITS = {
    ("jupyter_mlws", "engine/mlws"): 0.01,
    ("hub_config",): 0.01,
    ("benchmarks",): 0.05,
    ("tests",): 0.075,
}
"""Largest share of participles by directories; that of tests is to become smaller."""
IRREGULAR = re.compile(
    "begun|born|bought|bound|brought|built|caught|chosen|done|drawn|driven|eaten|fallen|fed|felt|"
    "forgotten|fought|found|frozen|given|gone|got|grown|had|heard|held|hidden|hung|kept|known|laid|"
    "led|lent|lost|made|meant|met|paid|said|seen|sent|shown|slept|sold|spent|stolen|stood|struck|"
    "swept|sworn|taken|taught|thought|thrown|told|understood|woken|won|worn|wound|written"
)
REGULAR = re.compile("[a-z]{3,}ed")
OTHERS = re.compile(
    "allowed|created|embed|enabled|expected|expired|finished|indeed|installed|limited|locked|merged|"
    "needed|required|selected|shared|signed|speed|started|untrusted|unused|updated|used"
)
"""Adjectives of the field, and words that only end like a participle."""


def is_participle(name: str) -> bool:
    word = name.strip("_").lower()
    regular = REGULAR.fullmatch(word) and not OTHERS.fullmatch(word)
    return bool(IRREGULAR.fullmatch(word) or regular)


def bindings(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Yield each name that the code binds, with its line."""
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.arg(arg=name):
                yield name, node.lineno
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.ExceptHandler(name=str(name)):
                yield name, node.lineno


def main() -> int:
    """Print the shares of participles; exit 1 if one is above its limit."""
    failed = False
    for folders, limit in LIMITS.items():
        total, participles = 0, []
        for path in sorted(file for folder in folders for file in (ROOT / folder).rglob("*.py")):
            for name, line in bindings(ast.parse(path.read_text(encoding="utf-8"))):
                total += 1
                if is_participle(name):
                    participles.append(f"{path.relative_to(ROOT)}:{line}: {name}")
        share, where = len(participles) / total, " and ".join(folders)
        if "--list" in sys.argv or share > limit:
            print(*participles, sep="\n")
        print(f"{where}: {total} names, {share:.2%} past participles (limit {limit:.1%})")
        failed = failed or share > limit
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
