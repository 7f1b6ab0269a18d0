"""Run Jupyter Server's own tests of its services without and with the extension, and compare.

    python scripts/jupyter_server_tests.py [pytest's arguments]

The tests are those of the version that is installed. With the extension its provisioner starts the
kernels, as in any lab. This module is the plugin that enables it.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SERVICES = ("kernels", "sessions", "contents", "kernelspecs")
TOOLS = (
    *("flaky", "pytest-console-scripts"),
    *("hatch-jupyter-builder", "hatchling", "trove-classifiers"),
)
"""What the tests need, and what reads the archive's metadata, beside the installed packages."""
EXTENSION = {"ServerApp": {"jpserver_extensions": {"jupyter_mlws": True}}}


@pytest.fixture(autouse=True)
def extension_enabled(jp_environ: None, jp_env_config_path: Path) -> None:
    """Enable the extension where `pip install` does."""
    folder = jp_env_config_path / "jupyter_server_config.d"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "jupyter_mlws.json").write_text(json.dumps(EXTENSION))


def download(folder: Path) -> Path:
    """Return the unpacked source archive of the installed version."""
    version = importlib.metadata.version("jupyter_server")
    tools = folder / "tools"
    # The packages that the tests are about are the installed ones.
    uv = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*uv, "--target", str(tools), *TOOLS], check=True)
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary=:all:"]
    subprocess.run(
        [*pip, "--no-build-isolation", f"jupyter_server=={version}"],
        cwd=folder,
        check=True,
        env={**os.environ, "PYTHONPATH": str(tools)},
    )
    archive = folder / f"jupyter_server-{version}.tar.gz"
    with tarfile.open(archive) as file:
        file.extractall(folder, filter="data")
    return folder / f"jupyter_server-{version}"


def outcomes(source: Path, tools: Path, arguments: list[str], extension: bool) -> dict[str, str]:
    """Run tests; the outcome of each."""
    report = source / ("with.xml" if extension else "without.xml")
    plugin = ["-p", "scripts.jupyter_server_tests"] if extension else []
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "no:hydra_pytest", "-p", "no:cacheprovider"),
            *(*plugin, "-q", f"--junitxml={report}", "-o", "timeout_method=signal"),
            *arguments,
        ],
        cwd=source,
        env={**os.environ, "PYTHONPATH": f"{tools}{os.pathsep}{ROOT}", "MLWS_KERNELS_WAIT": "60"},
    )
    return {
        f"{str(case.get('classname')).replace('.', '/')}.py::{case.get('name')}": (
            case[0].tag if len(case) else "passed"
        )
        for case in ElementTree.parse(report).iter("testcase")
    }


# Kernels are encrypted unless the configuration says otherwise.
ON_PURPOSE = frozenset(
    {
        "tests/services/kernels/test_transport_encryption.py::"
        "test_transport_encryption_disabled_no_curve_keys"
    }
)


def main(arguments: list[str]) -> int:
    with tempfile.TemporaryDirectory(prefix="jupyter-server-tests-") as name:
        source, tools = download(Path(name)), Path(name) / "tools"
        chosen = [*(f"tests/services/{service}" for service in SERVICES), *arguments]
        # Some depend on the time that the machine leaves them: what differs is tried again alone.
        for _ in range(2):
            without = outcomes(source, tools, chosen, extension=False)
            with_extension = outcomes(source, tools, chosen, extension=True)
            chosen = [
                test
                for test in sorted({*without, *with_extension})
                if without.get(test) != with_extension.get(test) and test not in ON_PURPOSE
            ]
            print(f"{len(without)} tests, {len(chosen)} differ with the extension")
            for test in chosen:
                print(f"  {test}: {without.get(test)}, {with_extension.get(test)}")
            if not chosen:
                return 0 if without else 1
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
