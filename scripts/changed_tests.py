"""Run the tests that a change can reach.

    python scripts/changed_tests.py origin/main -- .venv-dev/bin/pytest -n 3
    python scripts/changed_tests.py HEAD~1..HEAD --list

The change is what differs from a commit, with files that are not committed, or a range of commits.
A test file is run if it imports a changed module, through others too; if it is in the area of a
changed file (``AREAS``: what tests reach through a server, a browser or a container); or if it is
changed itself. For a changed file that is in no area, all tests are run.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import grimp

ROOT = Path(__file__).parent.parent
PACKAGES = ("jupyter_mlws", "mlws", "hub_config", "benchmarks", "scripts", "tests")

HARNESS = ("tests.conftest", "tests.python", "tests.server", "tests.ui.conftest")
"""They import parts of the product for all tests; what a test is about is in ``AREAS``."""


def package(*names: str) -> tuple[str, ...]:
    """Return the paths of parts of the lab's package."""
    return tuple(f"jupyter_mlws/{name}" for name in names)


def engine(*names: str) -> tuple[str, ...]:
    """Return the paths of parts of the engine's package."""
    return tuple(f"engine/mlws/{name}" for name in names)


def endpoints(*areas: str) -> tuple[str, ...]:
    """Return the paths of endpoints by their area."""
    return package(*(f"server/endpoints/{area}.py" for area in areas))


WORKFLOWS = (
    *package("workflows", "components", "server/workflow_streams.py"),
    *engine("engine", "document"),
    *endpoints("workflows"),
)
VERSIONS = (
    *package("versioning", "git", "mlflow"),
    *engine("dvc"),
    *endpoints("errors", "git", "snapshots", "datasets", "models", "runs", "lineage"),
)
NOTEBOOKS = (*package("notebooks", "notebook_format"), *endpoints("notebooks"), "src/notebook")
SERVER = (*package("api", "extension.py", "routes.py", "server", "workspace.py"), "jupyter-config")
LAB = ("src/lab", "src/ui", "src/api", "src/index.ts", "style", "schema", "labextension")
HUB = (*package("hub", "containers", "shared_projects"), "hub_config", "src/hub")
SHARED_PROJECTS = (
    *package("shared_projects", "hub/shared_projects", "hub/endpoints"),
    *endpoints("shared_projects"),
)
FORWARDING = package("server/forwarding.py", "server/endpoints/containers.py")
CONTAINERS = (*package("hub/docker", "hub/lifecycle", "hub/containers.py"), "hub_config/image")

AREAS: dict[str, tuple[str, ...]] = {
    "tests/accounts": (
        *package("hub/accounts", "hub/signin.py", "hub/page_translation.py"),
        *("hub_config/templates", "hub_config/first_admin.py"),
    ),
    "tests/api": (*SERVER, *package("reference"), "src/api"),
    "tests/cli": package("cli", "client", "__main__.py"),
    "tests/components": package("components"),
    "tests/containers": (*package("containers"), *FORWARDING),
    "tests/docs": ("docs", "README.md", "examples", *package("cli")),
    "tests/hub/test_admin_page.py": (
        *package("hub/page.py", "hub/auth.py", "hub/words.py"),
        *("src/hub", "src/ui", "style", "hub_config/templates"),
    ),
    "tests/hub/test_backup.py": ("hub_config/backup.py", "hub_config/restore.py"),
    "tests/hub/test_compose.py": (
        *("hub_config", "vite.config.mts"),
        *package("hub/metrics.py", "hub/settings.py", "hub/records", "mlflow_plugins.py"),
    ),
    "tests/hub/test_compose_sharing.py": (
        *("hub_config/compose_backup.py", "hub_config/backup.py", "hub_config/restore.py"),
        *SHARED_PROJECTS,
    ),
    "tests/hub/test_culling.py": (
        *package("hub/settings.py", "containers"),
        "hub_config/jupyterhub_config.py",
    ),
    "tests/hub/test_environments.py": (*package("hub/environments.py"), *CONTAINERS),
    "tests/hub/test_events.py": package("hub/docker"),
    "tests/hub/test_forbidden.py": SHARED_PROJECTS,
    "tests/hub/test_forwarding.py": (*package("hub", "containers", "api"), *FORWARDING),
    "tests/hub/test_fuzz.py": package("hub", "api"),
    "tests/hub/test_image.py": ("hub_config/image",),
    "tests/hub/test_installation.py": ("hub_config",),
    "tests/hub/test_many.py": (*CONTAINERS, *package("hub/scheduling")),
    "tests/hub/test_queue.py": package("hub/scheduling", "hub/records", "hub/reports.py"),
    "tests/hub/test_records.py": package("hub/records"),
    "tests/hub/test_resize.py": (*package("containers"), *CONTAINERS),
    "tests/hub/test_service.py": (*package("hub"), "hub_config/jupyterhub_config.py"),
    "tests/hub/test_spawner.py": (*package("hub"), "hub_config/jupyterhub_config.py"),
    "tests/hub/test_subdomains.py": ("hub_config", *package("hub/settings.py", "hub/auth.py")),
    "tests/hub/test_swarm.py": HUB,
    "tests/hub/test_team.py": SHARED_PROJECTS,
    "tests/hub/test_volumes.py": (*package("hub/volumes.py"), *CONTAINERS),
    "tests/hub/test_whole_product.py": HUB,
    "tests/hub_logic": (*package("hub"), "hub_config"),
    "tests/logs": (*package("logs", "server/log_stream.py"), *endpoints("logs")),
    "tests/metrics": (*package("metrics"), *endpoints("metrics")),
    "tests/notebooks": NOTEBOOKS,
    "tests/projects": (*package("projects"), *endpoints("projects"), "examples"),
    "tests/shared_projects": SHARED_PROJECTS,
    "tests/test_changed_tests.py": ("tests",),
    "tests/test_client.py": package("client"),
    "tests/test_documented_commands.py": (
        *("docs/reference", "docs/explanation", "README.md", "CONTRIBUTING.md", "Makefile"),
        *("hub_config/README.md", *package("cli")),
    ),
    "tests/test_locale.py": (*package("locale"), *engine("locale"), "src", "jupyter_mlws"),
    "tests/test_requirements.py": ("scripts/lock.py",),
    "tests/test_server.py": SERVER,
    "tests/versioning": VERSIONS,
    "tests/workflows": (*WORKFLOWS, *engine("dvc")),
    "tests/ui/test_canvas_first_model.py": (*WORKFLOWS, *LAB, "src/workflow"),
    "tests/ui/test_canvas_import.py": (*package("workflows/importers"), "src/workflow/import"),
    "tests/ui/test_canvas_results.py": (
        *package("workflows", "components"),
        *("src/workflow/results", "src/workflow/store"),
    ),
    "tests/ui/test_canvas_runs.py": (*WORKFLOWS, "src/workflow"),
    "tests/ui/test_canvas": ("src/workflow",),
    "tests/ui/test_code.py": (*VERSIONS, "src/git", "src/operations"),
    "tests/ui/test_data.py": (*VERSIONS, "src/data"),
    "tests/ui/test_debugger.py": (*NOTEBOOKS, *package("workflows/debug_notebook.py")),
    "tests/ui/test_help.py": ("src/help", "docs/how-to", *package("reference")),
    "tests/ui/test_journey.py": ("src", "jupyter_mlws", *LAB, "examples"),
    "tests/ui/test_lab_places.py": (*LAB, *SERVER),
    "tests/ui/test_looks.py": (*LAB, "src"),
    "tests/ui/test_models.py": (*VERSIONS, "src/models", "src/experiments", "src/lineage"),
    "tests/ui/test_notebooks.py": NOTEBOOKS,
    "tests/ui/test_proof.py": (*package("versioning"), "src/git"),
    "tests/ui/test_quiet.py": (*LAB, *SERVER, "src"),
    "tests/ui/test_recording.py": (*WORKFLOWS, *package("api"), "src/__tests__"),
    "tests/ui/test_restore.py": (*LAB, "src"),
    "tests/ui/test_survive.py": NOTEBOOKS,
    "tests/ui/test_variables.py": NOTEBOOKS,
    "tests/ui/test_welcome.py": ("src/welcome", *package("projects"), "examples"),
}
"""The files that tests reach without an import: beginnings of the paths of both."""

SOURCES = ("src", "style", "schema")
SPECS = (*SOURCES, "vitest.config.mts", "vitest.setup.ts", "package.json", "yarn.lock")
"""Sources that some specs import, and files that all specs depend on."""

NOT_TESTED = (
    ".github",
    ".ci",
    ".gitignore",
    ".pre-commit-config.yaml",
    "CHANGELOG.md",
    "LICENSE",
    "CITATION.cff",
    "SECURITY.md",
    "CODE_OF_CONDUCT.md",
    "benchmarks",
    "scripts",
    "eslint.config.mjs",
    ".prettierrc.json",
    "vitest.config.mts",
    "vitest.setup.ts",
    "test-results",
)
"""Files that no test reads, but for tests that import them."""


def begins(path: str, beginnings: Iterable[str]) -> bool:
    """Return True if a path is one of these, in such a folder, or has such a prefix and `_`."""
    return any(path == one or path.startswith((f"{one}/", f"{one}_")) for one in beginnings)


def changed_files(change: str) -> list[str]:
    """Return the paths that differ; for a single commit, with files that are not committed."""
    names = ["git", "diff", "--name-only", change]
    texts = [subprocess.run(names, cwd=ROOT, check=True, capture_output=True, text=True).stdout]
    if ".." not in change:
        others = ["git", "ls-files", "--others", "--exclude-standard"]
        texts.append(
            subprocess.run(others, cwd=ROOT, check=True, capture_output=True, text=True).stdout
        )
    return sorted({line for text in texts for line in text.splitlines()})


def test_files() -> list[str]:
    """Return the paths of all files with tests in Python."""
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_*.py"))


@functools.cache
def imports() -> grimp.ImportGraph:
    """Return which modules import which; tests import each conftest.py above them."""
    graph = grimp.build_graph(*PACKAGES, cache_dir=str(ROOT / "build" / "grimp"))
    for module in list(graph.modules):
        folders = module.split(".")[:-1]
        for depth in range(1, len(folders) + 1):
            conftest = ".".join([*folders[:depth], "conftest"])
            if module.startswith("tests.") and conftest in graph.modules - {module}:
                graph.add_import(importer=module, imported=conftest)
    for module in HARNESS:
        for imported in graph.find_modules_directly_imported_by(module):
            if not imported.startswith("tests."):
                graph.remove_import(importer=module, imported=imported)
    return graph


def reached(paths: Sequence[str]) -> list[str]:
    """Return the test files that changed paths reach; all of them if a path has no area."""
    graph = imports()
    tests = test_files()
    chosen: set[str] = set()
    for path in paths:
        areas = [start for start, area in AREAS.items() if begins(path, area)]
        by_area = {test for test in tests if begins(test, areas)}
        if path.startswith("tests/") and not path.endswith(".py"):
            # Data of the tests of its folder, or of the nearest folder above that has some.
            folders = (f"{folder}/" for folder in Path(path).parents)
            groups = ({test for test in tests if test.startswith(one)} for one in folders)
            by_area |= next(filter(None, groups))
        by_import: set[str] = set()
        module = path.removeprefix("engine/").removesuffix("/__init__.py").removesuffix(".py")
        module = module.replace("/", ".")
        if path.endswith(".py") and module in graph.modules:
            modules = {module, *graph.find_downstream_modules(module)}
            by_import = {f"{one.replace('.', '/')}.py" for one in modules} & set(tests)
        chosen.update(by_area, by_import)
        if not by_area and not by_import and not begins(path, NOT_TESTED):
            print(f"{path} can reach each test")
            return tests
    return sorted(chosen)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("change", help="a commit, or a range of commits")
    parser.add_argument("--list", action="store_true", help="print the test files, run nothing")
    parser.add_argument("pytest", nargs="*", help="the command that gets the files")
    arguments = parser.parse_intermixed_args()
    paths = changed_files(arguments.change)
    files = reached(paths)
    sources = [path for path in paths if begins(path, SPECS) and (ROOT / path).exists()]
    print(f"{len(paths)} changed files reach {len(files)} of {len(test_files())} test files")
    if arguments.list:
        print(*files, sep="\n")
        return 0
    code = 0
    if sources:
        is_narrow = all(begins(path, SOURCES) for path in sources)
        words = ["related", "--run", *sources] if is_narrow else ["run"]
        code = subprocess.run(["jlpm", "vitest", *words], cwd=ROOT).returncode
    if files:
        code = subprocess.run([*arguments.pytest, *files], cwd=ROOT).returncode or code
    return code


if __name__ == "__main__":
    sys.exit(main())
