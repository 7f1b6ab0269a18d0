"""Environments of a project are kernels, also without ipykernel of their own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from jupyter_client.manager import KernelManager

from jupyter_mlws.core.trust import trust, withdraw_trust
from jupyter_mlws.environments.active import KERNEL_FILE
from jupyter_mlws.environments.kernel_launcher import PACKAGES
from jupyter_mlws.environments.manager import EnvironmentManager
from jupyter_mlws.environments.models import CreateEnvironment
from jupyter_mlws.notebooks.environment_kernels import EnvironmentKernels
from mlws.core.project import Project
from tests.environments.conftest import install, wheels  # noqa: F401  fixtures

pytestmark = pytest.mark.kernel
CODE = """\
import alpha, sys
print(alpha.VERSION, sys.prefix)
try:
    import pandas
except ImportError:
    print("no pandas")
"""


@pytest.fixture
def environment(project: Project, install: Callable[..., None]) -> Project:  # noqa: F811
    """A project with an environment that has one package, and no ipykernel."""
    folder = project.root / "envs/Tools"
    folder.mkdir(parents=True)
    (folder / "requirements.txt").write_text("alpha==1.0\n")
    install(folder / ".venv", "alpha==1.0")
    return project


def test_a_kernel_has_the_packages_of_its_environment_alone(
    environment: Project, tmp_path: Path
) -> None:
    manager = KernelSpecManager()
    EnvironmentKernels(manager, tmp_path / "kernels", lambda: [environment])
    assert "env-tools" in manager.find_kernel_specs()
    spec = manager.get_kernel_spec("env-tools")
    assert spec.display_name == "Python (Tools)"
    kernel = KernelManager(kernel_name="env-tools", kernel_spec_manager=manager)
    kernel.start_kernel(cwd=str(tmp_path))
    client = kernel.blocking_client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=60)
        printed: list[str] = []
        reply = client.execute_interactive(
            CODE,
            timeout=60,
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
        )
        assert reply["content"]["status"] == "ok", printed
        prefix = environment.root / "envs/Tools/.venv"
        assert "".join(printed) == f"1.0 {prefix}\nno pandas\n"
    finally:
        client.stop_channels()
        kernel.shutdown_kernel(now=True)


def test_kernels_come_and_go_with_their_environments(environment: Project, tmp_path: Path) -> None:
    manager = KernelSpecManager()
    EnvironmentKernels(manager, tmp_path / "kernels", lambda: [environment])
    prefix = environment.root / "envs/Tools/.venv"
    prefix.rename(prefix.with_name("away"))
    assert "env-tools" not in manager.find_kernel_specs()
    with pytest.raises(NoSuchKernel):
        manager.get_kernel_spec("env-tools")
    prefix.with_name("away").rename(prefix)
    assert "env-tools" in manager.find_kernel_specs()
    withdraw_trust(environment.root)
    assert "env-tools" not in manager.find_kernel_specs()
    trust(environment.root)


async def test_the_lab_lists_them(environment: Project, jp_fetch, call) -> None:
    await call("GET", "")
    specs = json.loads((await jp_fetch("api", "kernelspecs")).body)
    assert specs["default"] == "python3"
    tools = specs["kernelspecs"]["env-tools"]
    assert tools["spec"]["display_name"] == "Python (Tools)"
    assert tools["resources"].keys() == specs["kernelspecs"]["python3"]["resources"].keys()


async def test_new_notebooks_start_with_the_environment_of_the_project(
    project: Project,
    install: Callable[..., None],  # noqa: F811
    call,
    jp_fetch,
) -> None:
    (project.root / "requirements.txt").write_text("alpha==1.0\n")
    install(project.root / ".venv", "alpha==1.0")
    await call("GET", "")

    async def default() -> str:
        name: str = json.loads((await jp_fetch("api", "kernelspecs")).body)["default"]
        return name

    assert await default() == "env-project"
    # One that another Python cannot start is none to start with.
    site = project.root / ".venv/lib" / f"python{sys.version_info.major}.{sys.version_info.minor}"
    site.rename(site.with_name("python3.999"))
    assert await default() == "python3"


def test_another_python_without_ipykernel_says_what_to_add(environment: Project) -> None:
    python = environment.root / "envs/Tools/.venv/bin/python"
    answer = subprocess.run(
        [python, KERNEL_FILE], env={PACKAGES: "cpython-999"}, capture_output=True, text=True
    )
    assert answer.returncode == 1
    assert "jupyter mlws env add" in answer.stderr


def test_the_folder_of_the_notebook_decides_among_projects(
    environment: Project, tmp_path: Path
) -> None:
    """One name in each clone: notebooks that are shared find their kernel."""
    manager = KernelSpecManager()
    EnvironmentKernels(manager, tmp_path / "kernels", lambda: [environment])
    start = manager.get_kernel_spec("env-tools").argv[:-2]
    clone = tmp_path / "clone"
    shutil.copytree(environment.root, clone, symlinks=True)

    def version(folder: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*start, "--version"], cwd=folder, capture_output=True, text=True, timeout=60
        )

    refused = version(clone)
    assert refused.returncode == 1
    assert "not trusted" in refused.stderr
    for folder in (environment.root, tmp_path):
        assert version(folder).returncode == 0
    trust(clone)
    python = clone / "envs/Tools/.venv/bin/python"
    python.unlink()
    python.symlink_to("/bin/echo")
    # The clone's own program is started, not that of the project that listed the kernel.
    assert "kernel_launcher" in version(clone).stdout


async def test_packages_are_added_from_a_notebook(
    project: Project,
    wheels: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
    create,
    run,
    call,
    jp_fetch,
) -> None:
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels))
    monkeypatch.setenv("UV_OFFLINE", "1")
    # With it all Pythons find our packages.
    monkeypatch.delenv("PYTHONPATH", raising=False)
    manager = EnvironmentManager(project)
    manager.create(CreateEnvironment(name="tools", packages=["alpha==1.0"]))
    await call("GET", "")
    await jp_fetch("api", "kernelspecs")
    notebook = (await create(kernel="env-tools"))["id"]

    async def printed(code: str) -> str:
        status, result = await run(notebook, code=code)
        assert status == 200, result
        return "".join(one.get("text", "") for one in result["outputs"])

    await printed("%load_ext jupyter_mlws\nimport alpha")
    assert "The kernel needs no restart." in await printed("%mlws env add beta-two")
    assert await printed("import beta_two; print(beta_two.VERSION)") == "2.0\n"
    assert "use alpha 1.0 → 2.0." in await printed("%mlws env add alpha==2.0")
    assert manager.get("tools").packages["alpha"] == "2.0"


async def test_variables_and_history_work_in_it(
    environment: Project, create, run, call, jp_fetch
) -> None:
    await call("GET", "")
    await jp_fetch("api", "kernelspecs")
    notebook = (await create(kernel="env-tools"))["id"]
    status, result = await run(notebook, code="import alpha; version = alpha.VERSION")
    assert (status, result["status"]) == (200, "SUCCESS")
    _, page, _ = await call("GET", f"{notebook}/variables")
    assert {row["name"]: row["preview"] for row in page["items"]}["version"] == "'1.0'"
    _, page, _ = await call("GET", f"{notebook}/executions")
    execution = page["items"][0]["id"]
    _, found, _ = await call("GET", f"{notebook}/executions/{execution}/environment")
    assert found["packages"]["alpha"] == "1.0"
