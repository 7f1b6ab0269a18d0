"""Write engine/mlws/core/gitleaks/rules.json from the configuration of gitleaks.

    python scripts/secret_rules.py gitleaks.toml

The file is config/gitleaks.toml of https://github.com/gitleaks/gitleaks, beside whose license the
rules are kept. Go's patterns become Python's; rules of paths alone are left out.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parent.parent / "engine" / "mlws" / "core" / "gitleaks" / "rules.json"
LEFT_OUT = ("curl-auth-header", "curl-auth-user", "linear-client-secret")
"""The first two take Python quadratic time; the last is any MD5 of something named `linear`."""
LEADING_TEXT = re.compile(r"^(\(\?i\))?\[\\w\.-\]\{0,50\}\?")
"""A name before a keyword, which costs time and decides nothing."""


def translate(pattern: str) -> str:
    """Return a pattern of Go as one of Python."""
    pattern = pattern.replace(r"\z", r"\Z").replace("[[:alnum:]]", "[0-9A-Za-z]")
    pattern = LEADING_TEXT.sub(r"\1", pattern)
    # `(?i)` counts from where it is to the end of its group; Python has it at the beginning alone.
    while (start := pattern.find("(?i)", 1)) > 0:
        depth, end, in_class = 0, start, False
        for end in range(start + 4, len(pattern) + 1):
            sign = pattern[end : end + 1]
            if pattern[end - 1] == "\\" and pattern[end - 2] != "\\":
                continue
            if in_class:
                in_class = sign != "]"
            elif sign == "[":
                in_class = True
            elif sign == "(":
                depth += 1
            elif sign == ")":
                depth -= 1
            if depth < 0 or not sign:
                break
        pattern = f"{pattern[:start]}(?i:{pattern[start + 4 : end]}){pattern[end:]}"
    re.compile(pattern, re.ASCII)
    return pattern


def allowed(lists: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what is no secret: those lists that do not depend on a path."""
    return [
        {
            "target": one.get("regexTarget", "secret"),
            "patterns": [translate(pattern) for pattern in one.get("regexes", [])],
            "words": one.get("stopwords", []),
        }
        for one in lists
        if "paths" not in one
    ]


def main(source: str) -> int:
    config = tomllib.loads(Path(source).read_text(encoding="utf-8"))
    everywhere = {name: one for name, one in config["allowlist"].items() if name != "paths"}
    rules = [
        {
            "id": rule["id"],
            "pattern": translate(rule["regex"]),
            "keywords": [word.lower() for word in rule["keywords"]],
            "entropy": rule.get("entropy", 0),
            "group": rule.get("secretGroup", 0),
            "allowed": allowed(rule.get("allowlists", [])),
        }
        for rule in config["rules"]
        if "regex" in rule and "path" not in rule and rule["id"] not in LEFT_OUT
    ]
    document = {"allowed": allowed([everywhere]), "rules": rules}
    TARGET.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(rules)} rules")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
