"""Write requirements/*.txt and the lock file of the Hub's proxy: all that is installed, by hash.

``make lock`` upgrades all of them; ``make lock LOCK_ARGS=`` changes only what pyproject.toml asks.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
SETS = {
    # Most packages first: the sets after it take its versions.
    "dev": [
        *("--extra=test", "--extra=dev", "--extra=docs", "--extra=zh", "--extra=hub"),
        *("--extra=lightgbm", "--extra=xgboost"),
        "requirements/hub.in",
    ],
    "docs": ["--extra=docs", "--extra=hub"],
    "hub": ["--extra=hub", "--extra=zh", "requirements/hub.in"],
    "image": ["requirements/image.in"],
    "lab": ["--extra=zh"],
}


def compile_lock(name: str, sources: list[str], options: list[str], text: str = "") -> None:
    """Write ``requirements/NAME.txt`` for Python 3.11 and later on every platform."""
    command = [
        *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal"),
        *("--python-version=3.11", "--generate-hashes", "--no-emit-index-url"),
        *("--custom-compile-command=make lock", f"--output-file=requirements/{name}.txt"),
        "--constraints=requirements/constraints.in",
        *options,
        *sources,
    ]
    subprocess.run(command, cwd=ROOT, check=True, input=text, text=True)
    print(f"requirements/{name}.txt", flush=True)


def main(options: list[str]) -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    compile_lock("build", ["-"], options, "\n".join(build))
    compile_lock("uv", ["-"], options, "uv>=0.9")
    for name, sources in SETS.items():
        same = [] if name == "dev" else ["--constraints=requirements/dev.txt"]
        compile_lock(name, ["pyproject.toml", *sources], [*options, *same])
    command = ["npm", "update" if "--upgrade" in options else "install"]
    subprocess.run(
        [*command, "--package-lock-only", "--ignore-scripts"],
        cwd=ROOT / "hub_config" / "proxy",
        check=True,
        env={
            **os.environ,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        },
    )


if __name__ == "__main__":
    main(sys.argv[1:])
