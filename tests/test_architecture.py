"""The rules of the house, read from the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import grimp
import networkx
import pytest

import jupyter_mlws
import mlws

PACKAGE = Path(jupyter_mlws.__file__).parent
ENGINE = Path(mlws.__file__).parent
ADAPTERS = {
    "dvc": "mlws/dvc/",
    "dvc_data": "mlws/dvc/",
    "dvc_objects": "mlws/dvc/",
    "docker": "hub/docker/",
    "git": "git/adapter.py",
    # The second runs inside MLflow's own server.
    "mlflow": ("mlflow/store.py", "hub/shared_projects/mlflow_plugin.py"),
    "nbdime": "notebook_format/",
    "dask": "mlws/engine/executors/",
    "distributed": "mlws/engine/executors/",
}
HEAVY = (
    "dask",
    "distributed",
    "mlflow",
    "dvc",
    "pandas",
    "numpy",
    "sklearn",
    "matplotlib",
    "networkx",
    "git",
    "pyarrow",
    "torch",
    "PIL",
    "nbdime",
)


@cache
def _imports() -> frozenset[tuple[str, str]]:
    imports = set()
    files = [(path, path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py")]
    files += [(path, path.relative_to(ENGINE.parent)) for path in ENGINE.rglob("*.py")]
    for path, place in files:
        name = place.as_posix()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imports.update((name, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                imports.add((name, node.module))
    return frozenset(imports)


@pytest.mark.parametrize("tool", sorted(ADAPTERS))
def test_one_adapter_alone_imports_a_tool(tool: str) -> None:
    importers = {
        name
        for name, module in _imports()
        if module.split(".")[0] == tool and not name.startswith("projects/example/")
    }
    assert importers
    assert all(name.startswith(ADAPTERS[tool]) for name in importers), importers


def test_no_modules_import_each_other_in_a_circle() -> None:
    """Lazy imports and those for types alone count, too."""
    graph = grimp.build_graph("jupyter_mlws", "mlws", cache_dir=None)
    imports = networkx.DiGraph(
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    )
    circles = [one for one in networkx.strongly_connected_components(imports) if len(one) > 1]
    assert circles == []


def test_managers_know_no_http() -> None:
    edges = ("extension.py", "server/", "api/", "routes.py", "hub/", "notebooks/server.py")
    edges += ("notebooks/kernel_websocket.py",)  # passes what tabs send
    offenders = {
        (name, module)
        for name, module in _imports()
        if module.split(".")[0] in ("tornado", "jupyter_server")
        and not any(part in name for part in edges)
    }
    assert not offenders


def test_endpoints_know_no_tool() -> None:
    offenders = {
        (name, module)
        for name, module in _imports()
        if "endpoints" in name and module.split(".")[0] in ADAPTERS
    }
    assert not offenders


def test_endpoints_alone_know_the_service_containers() -> None:
    containers = ("jupyter_mlws.server.services", "jupyter_mlws.workspace")
    importers = {name for name, module in _imports() if module in containers}
    built_in = {"extension.py", "projects/manager.py"}
    opened_by = {"client/local.py", "projects/example.py", "shared_projects/manager.py"}
    read_by = {"logs/sources.py", "metrics/collectors.py", "reference/endpoints.py"}
    others = importers - built_in - opened_by - read_by
    assert all(name.startswith("server/") for name in others), others


def test_loading_the_extension_brings_in_nothing_heavy() -> None:
    code = (
        "import sys, jupyter_mlws, jupyter_mlws.extension, jupyter_mlws.routes\n"
        "import jupyter_mlws.cli.magics\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == ""


def test_describing_the_components_brings_in_nothing_heavy() -> None:
    code = (
        "import sys; from jupyter_mlws.components.registry import library; assert library()\n"
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == ""


@pytest.mark.parametrize("module", ["pydantic", "pandas", "networkx", "mlflow", "dvc.repo"])
def test_a_run_of_the_command_line_starts_without_heavy_packages(module: str) -> None:
    code = f"import jupyter_mlws.workflows.run.runs, sys; sys.exit({module!r} in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
