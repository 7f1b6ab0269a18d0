"""Runs a component in an environment of the project, which has none of our packages.

Run as a file by the environment's Python. This package, and what only its files need, comes from
the lab; everything that a component computes with is the environment's own.

With ``--zygote`` it is the process that such nodes are forked from, see
:mod:`jupyter_mlws.forkserver`. No file beside it: its directory is the first of the path.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from importlib.machinery import PathFinder
from pathlib import Path

PACKAGE = Path(__file__).parents[2]
ENGINE = "mlws"
PLACES = (PACKAGE.parent, PACKAGE.parent / "engine")
"""The folders of both packages: the first if they are installed, both in a checkout."""
BORROWED = frozenset(
    {
        *("annotated_types", "packaging", "prettytable", "pydantic", "pydantic_core", "skops"),
        *("typing_extensions", "typing_inspection", "wcwidth", "yaml"),
    }
)
"""Modules of the lab, where both Pythons have one version and the environment has none of them."""
NEEDED = {"numpy": "numpy", "pandas": "pandas", "pyarrow": "pyarrow", "sklearn": "scikit-learn"}
"""Modules that the library's components compute with, and their packages."""
OLDEST = (3, 11)
TOO_OLD = "jupyter mlws node: the environment {prefix} has Python {version}; components need 3.11"
MISSING = (
    "jupyter mlws node: the environment {prefix} has no {packages}. "
    "Add them: jupyter mlws env add --name {name} {packages}"
)


def main() -> int:
    """Run the component of the command line; return its exit code, 2 if a package is missing."""
    is_zygote = sys.argv[1:2] == ["--zygote"]
    if not is_zygote:
        # Not the directory of this file, which is first.
        sys.path.pop(0)
    if sys.version_info < OLDEST:
        print(TOO_OLD.format(prefix=sys.prefix, version=sys.version.split()[0]), file=sys.stderr)  # noqa: T201
        return 2
    if PACKAGE.name not in sys.modules:
        # Only these packages of the lab's directory; a zygote's child has them.
        for name in (ENGINE, PACKAGE.name):
            spec = PathFinder.find_spec(name, [str(folder) for folder in PLACES])
            assert spec is not None
            assert spec.loader is not None
            package = importlib.util.module_from_spec(spec)
            sys.modules[name] = package
            spec.loader.exec_module(package)
    from jupyter_mlws.environments.kernel_launcher import LabFinder, packages_of_lab

    _, directories = packages_of_lab()
    sys.meta_path.append(LabFinder(BORROWED, directories))
    if is_zygote:
        from jupyter_mlws.forkserver.zygote import start

        start(sys.argv[2:])
        return 0
    # As `jupyter mlws node` does.
    os.environ.setdefault("MPLBACKEND", "Agg")
    needed = {**NEEDED, **({} if directories else {"pydantic": "pydantic", "skops": "skops"})}
    missing = [name for module, name in needed.items() if importlib.util.find_spec(module) is None]
    if missing:
        place = Path(sys.prefix)
        is_root = place.parents[1].name != "envs"
        words = {"prefix": sys.prefix, "packages": " ".join(missing)}
        name = "project" if is_root else place.parent.name
        print(MISSING.format(name=name, **words), file=sys.stderr)  # noqa: T201
        return 2
    from jupyter_mlws.components.node import main as run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
