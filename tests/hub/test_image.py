"""The image runs as the Hub will run it: limited, unprivileged, healthy, quick to stop."""

from __future__ import annotations

import json
import secrets
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from hub_config.engine import Engine

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

MEMORY = 1024 * 1024 * 1024
CPUS = 1.5
PROCESSES = 256
READY_LIMIT = 180.0


@dataclass(frozen=True)
class Lab:
    """One running container."""

    docker: Engine
    name: str
    token: str

    @property
    def address(self) -> str:
        form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        return f"http://{self.docker.run('inspect', '--format', form, self.name)}:8888"

    def get(self, path: str, token: str | None = None) -> tuple[int, Any]:
        """(status, JSON) of a GET; without a token unless one is given."""
        headers = {"Authorization": f"token {token}"} if token else {}
        request = urllib.request.Request(f"{self.address}/{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, None

    def shell(self, script: str) -> str:
        return self.docker.run("exec", self.name, "sh", "-c", script)


@pytest.fixture(scope="module")
def lab(docker: Engine, image: str) -> Iterator[Lab]:
    name = f"mlws-test-{secrets.token_hex(4)}"
    token = secrets.token_hex(16)
    docker.run(
        "run",
        "--detach",
        f"--name={name}",
        f"--cpus={CPUS}",
        f"--memory={MEMORY}",
        f"--memory-swap={MEMORY}",
        f"--pids-limit={PROCESSES}",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
        # The value comes from the environment, so that it stands on no command line.
        "--env=JUPYTER_TOKEN",
        "--health-interval=1s",
        image,
        env={"JUPYTER_TOKEN": token},
    )
    try:
        wait_until_ready(docker, name)
        yield Lab(docker, name, token)
    finally:
        docker.run("rm", "--force", "--volumes", name)


def wait_until_ready(docker: Engine, name: str) -> None:
    """Wait for the image's own health check to pass."""
    deadline = time.monotonic() + READY_LIMIT
    form = "{{.State.Status}} {{.State.Health.Status}}"
    while (state := docker.run("inspect", "--format", form, name)) != "running healthy":
        if time.monotonic() > deadline or state.startswith("exited"):
            pytest.fail(f"{state}\n{logs(docker, name)}")
        time.sleep(0.1)


def first_readable(lab: Lab, *paths: str) -> str:
    """What the first of ``paths`` says that exists: cgroup v2 first, then v1."""
    tries = " || ".join(f"cat {path} 2>/dev/null" for path in paths)
    return lab.shell(f"cd /sys/fs/cgroup && ({tries})")


def test_lab_answers_with_a_token_on_the_containers_address(lab: Lab) -> None:
    status, body = lab.get("api/status", lab.token)
    assert status == 200
    assert body["kernels"] == 0
    assert lab.get("api/status")[0] == 403


def test_our_openapi_is_served_to_those_with_a_token_only(lab: Lab) -> None:
    status, body = lab.get("mlws/api/v1/openapi.json", lab.token)
    assert status == 200
    assert body["openapi"].startswith("3.")
    assert lab.get("mlws/api/v1/openapi.json")[0] == 403


def test_our_extension_is_enabled_in_the_lab(lab: Lab) -> None:
    page = lab.shell("jupyter labextension list 2>&1")
    assert "jupyter-mlws" in page
    row = next(line for line in page.splitlines() if "jupyter-mlws" in line)
    assert "enabled" in row
    assert "OK" in row


def test_limits_are_what_the_cgroup_says(lab: Lab) -> None:
    memory = first_readable(lab, "memory.max", "memory/memory.limit_in_bytes")
    assert int(memory) == MEMORY
    processes = first_readable(lab, "pids.max", "pids/pids.max")
    assert int(processes) == PROCESSES
    quota, period = first_readable(
        lab, "cpu.max", "cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us"
    ).split()
    assert int(quota) / int(period) == CPUS


def test_swap_adds_nothing_to_the_memory(lab: Lab) -> None:
    swap = first_readable(lab, "memory.swap.max", "memory/memory.memsw.limit_in_bytes")
    # v2 counts the swap alone, v1 memory and swap together.
    assert int(swap) in (0, MEMORY)


def test_nothing_runs_with_privileges(lab: Lab) -> None:
    status = dict(
        line.split(":\t", 1)
        for line in lab.shell("cat /proc/1/status").splitlines()
        if ":\t" in line
    )
    assert status["Uid"].split() == ["1000"] * 4
    assert status["NoNewPrivs"] == "1"
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0


def test_the_token_is_on_no_command_line(lab: Lab) -> None:
    lines = lab.shell("cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    assert "jupyter" in lines
    assert lab.token not in lines


def test_its_terminal_has_the_usual_tools(lab: Lab) -> None:
    lab.shell("for tool in ssh less nano unzip make g++ git curl; do command -v $tool; done")
    lab.shell("echo 'int main() { return 0; }' > /tmp/a.cc && g++ /tmp/a.cc -o /tmp/a && /tmp/a")


def test_it_does_not_ask_about_news(lab: Lab) -> None:
    plugin = "@jupyterlab/apputils-extension:notification"
    status, settings = lab.get(f"lab/api/settings/{plugin}", lab.token)
    assert status == 200
    properties = settings["schema"]["properties"]
    assert properties["fetchNews"]["default"] == "false"
    assert properties["checkForUpdates"]["default"] is False


def test_a_hubs_environment_starts_the_single_user_server(docker: Engine, image: str) -> None:
    name = f"mlws-test-{secrets.token_hex(4)}"
    docker.run(
        "run",
        "--detach",
        f"--name={name}",
        "--env=JUPYTERHUB_SERVICE_PREFIX=/user/ada/",
        "--env=JUPYTERHUB_SERVICE_URL=http://0.0.0.0:8888/user/ada/",
        # A port that nothing listens on: the server says that it can't reach its Hub.
        "--env=JUPYTERHUB_API_URL=http://127.0.0.1:1/hub/api",
        "--env=JUPYTERHUB_CLIENT_ID=ada",
        "--env=JUPYTERHUB_API_TOKEN=none",
        "--env=JUPYTERHUB_USER=ada",
        "--env=JUPYTERHUB_PUBLIC_HUB_URL=https://hub.example.org:8443/hub/",
        image,
    )
    try:
        deadline = time.monotonic() + READY_LIMIT
        while "Failed to connect to my Hub" not in (said := logs(docker, name)):
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
        identity = docker.run("exec", name, "git", "var", "GIT_AUTHOR_IDENT")
        assert identity.startswith("ada <ada@hub.example.org> ")
    finally:
        docker.run("rm", "--force", "--volumes", name)


def logs(docker: Engine, name: str) -> str:
    """Both streams of a container."""
    return subprocess.run(
        ["docker", "logs", name],
        env=docker.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=True,
        timeout=20,
    ).stdout


def test_it_stops_by_itself(lab: Lab) -> None:
    lab.docker.run("stop", "--time=60", lab.name)
    code = lab.docker.run("inspect", "--format", "{{.State.ExitCode}}", lab.name)
    # 137 would mean that it was killed.
    assert code in ("0", "143")
