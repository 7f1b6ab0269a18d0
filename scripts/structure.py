"""Check the structure of the packages: functions that only their caller needs, and large classes.

    python scripts/structure.py [--list]

Used once: a private function or method, not decorated, that its module names in one other place.
Exit status 1 if there are more of them than the limit, or if a class has too many public members or
lines.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = (ROOT / "jupyter_mlws", ROOT / "engine" / "mlws")
MAX_USED_ONCE = 0.10
MAX_PUBLIC_METHODS = 25
MAX_CLASS_LINES = 400

Function = ast.FunctionDef | ast.AsyncFunctionDef


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--list", action="store_true", help="print each function that counts")
    arguments = parser.parse_args()
    functions, used_once, large = 0, [], []
    for path in sorted(path for package in PACKAGES for path in package.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        mentions = Counter(re.findall(r"\w+", text))
        place = path.relative_to(ROOT)
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, Function):
                functions += 1
                if _is_private(node) and mentions[node.name] == 2:
                    used_once.append(f"{place}:{node.lineno} {node.name} {_lines(node)}")
            elif isinstance(node, ast.ClassDef):
                count = len(list(_public_methods(node)))
                if count > MAX_PUBLIC_METHODS:
                    large.append(f"{place}:{node.lineno} {node.name} has {count} public methods")
                if _lines(node) > MAX_CLASS_LINES:
                    large.append(f"{place}:{node.lineno} {node.name} has {_lines(node)} lines")
    if arguments.list:
        print("\n".join(used_once))
    share = len(used_once) / functions
    print(
        f"{functions} functions, {len(used_once)} private and used once "
        f"({share:.1%}, limit {MAX_USED_ONCE:.0%})"
    )
    limits = f"{MAX_PUBLIC_METHODS} public methods or {MAX_CLASS_LINES} lines"
    print("\n".join(large) or f"no class with more than {limits}")
    return int(share > MAX_USED_ONCE or bool(large))


def _is_private(node: Function) -> bool:
    is_dunder = node.name.startswith("__")
    return node.name.startswith("_") and not is_dunder and not node.decorator_list


def _public_methods(node: ast.ClassDef) -> Iterator[Function]:
    for member in node.body:
        if isinstance(member, Function) and not member.name.startswith("_"):
            yield member


def _lines(node: Function | ast.ClassDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


if __name__ == "__main__":
    sys.exit(main())
