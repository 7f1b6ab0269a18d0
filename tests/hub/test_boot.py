"""A Hub that systemd starts: a killed Hub, a killed Docker, and a reboot of the machine."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub_config import processes
from hub_config.engine import Engine
from hub_config.settings import ROOT, Settings
from tests.hub.docker_engine import LIGHT
from tests.hub.installation import PASSWORD, Hub
from tests.hub.machine import ADDRESS, Machine, machine

pytestmark = [pytest.mark.docker, pytest.mark.exhaustive, pytest.mark.timeout(1500)]

NAME = f"mlws-boot-{secrets.token_hex(2)}"
CODE = "import os; print('pid', os.getpid(), 'value', globals().setdefault('value', {value}))"


@pytest.fixture(scope="module")
def computer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    if os.geteuid() != 0 or not shutil.which("/lib/systemd/systemd"):
        pytest.fail("needs root and systemd")
    with machine(tmp_path_factory.mktemp("machine")) as running:
        yield running


@pytest.fixture(scope="module")
def booted(computer: Machine, docker: Engine, image: str) -> Iterator[Hub]:
    """A Hub that ``make hub`` made a service of the machine."""
    saved = subprocess.Popen(
        ["docker", "save", image, LIGHT], env=docker.environment, stdout=subprocess.PIPE
    )
    subprocess.run(
        ["docker", "load"], env=computer.engine.environment, stdin=saved.stdout, check=True
    )
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME")},
        "MLWS_ADMIN_PASSWORD": PASSWORD,
        # With characters that systemd treats specially.
        "HUB_DATA": str(computer.folder / "hub $HOME"),
        "HUB_NAME": NAME,
        "HUB_IP": ADDRESS,
        "HUB_IMAGES": json.dumps({"Lab": image, "Light": LIGHT}),
        "HUB_CAPACITY": '{"cpu": "8", "memory": "8Gi"}',
        "HUB_SERVICE": "yes",
        "DOCKER_HOST": str(computer.engine.host),
    }
    hub = Hub(Settings.read(environment), computer.engine, environment)
    run(computer, hub, "hub_config.up", "--installed")
    yield hub
    run(computer, hub, "hub_config.down", "--everything", "--yes")
    assert not (computer.folder / "units" / f"mlws-hub-{NAME}.service").exists()


def run(computer: Machine, hub: Hub, module: str, *arguments: str) -> str:
    """What a program of ``hub_config`` prints in the machine, in the folder of the checkout."""
    command = ["env", f"--chdir={ROOT}", sys.executable, "-m", module, *arguments]
    return computer.inside(*command, environment=hub.environment)


def hub_process(hub: Hub) -> int:
    """The Hub's process id, outside of the machine."""
    for pid in processes.hub_pids(hub.settings):
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"jupyterhub" in command and b"-f" in command:
            return pid
    return 0


def answers(hub: Hub) -> bool:
    return processes.answers(hub.settings)


def rules(computer: Machine) -> set[str]:
    """The rules for labs; Docker's own are made by it."""
    return {row for row in computer.call("iptables", "-S").splitlines() if "MLWS-" in row}


def compute(hub: Hub, kernel: str, code: str) -> str:
    """What code prints in a kernel of ada's lab."""
    program = f"""
from jupyter_client import BlockingKernelClient
from jupyter_core.paths import jupyter_runtime_dir
file = f"{{jupyter_runtime_dir()}}/kernel-{kernel}.json"
client = BlockingKernelClient(connection_file=file)
client.load_connection_file()
client.start_channels()
client.wait_for_ready(60)
client.execute_interactive({code!r}, timeout=60)
"""
    return hub.shell("ada", f"python - << 'END'\n{program}\nEND")


def test_it_is_started_again_after_a_kill(computer: Machine, booted: Hub) -> None:
    assert computer.systemctl("is-enabled", f"mlws-hub-{NAME}.service") == "enabled"
    before = hub_process(booted)
    os.kill(before, signal.SIGKILL)
    booted.wait_for(lambda: hub_process(booted) not in (0, before), "another Hub runs")
    booted.wait_for(lambda: answers(booted), "the Hub answers")
    # A second `make hub` leaves the service alone, and knows of it without a variable.
    again = hub_process(booted)
    assert booted.url in run(computer, booted, "hub_config.up", "--installed")
    assert hub_process(booted) == again


def test_labs_and_kernels_outlive_docker(computer: Machine, booted: Hub) -> None:
    booted.sign_up("ada")
    booted.start("ada", {"image": "Lab", "resources": {"cpu": "1", "memory": "1Gi"}})
    container = booted.container("ada")
    kernel = booted.lab("POST", "ada", "api/kernels").json()["id"]
    first = compute(booted, kernel, CODE.format(value=1))
    assert first.endswith("value 1")
    computer.kill_docker()
    # Labs work while there is no Docker.
    assert booted.lab("GET", "ada", "api/status").ok
    computer.start_docker()
    assert booted.container("ada") == container
    assert compute(booted, kernel, CODE.format(value=2)) == first

    def is_running() -> bool:
        rows = booted.service("GET", "containers", "ada").json()["data"]["items"]
        return [row["status"] for row in rows] == ["RUNNING"]

    booted.wait_for(is_running, "the Hub says that the lab runs")
    # Its use was counted also while there was no Docker, and once.
    assert booted.core_seconds("ada") == pytest.approx(booted.age("ada"), abs=2)
    # The Hub follows the new engine.
    os.kill(booted.inspect("ada")["State"]["Pid"], signal.SIGKILL)
    booted.wait_for(lambda: booted.inspect("ada")["RestartCount"] == 1, "Docker starts it again")
    booted.wait_for(lambda: is_running() and booted.lab("GET", "ada", "api/status").ok, "it runs")


def test_after_a_reboot_everything_is_as_before(computer: Machine, booted: Hub) -> None:
    token = booted.sign_up("ada")
    if not booted.container("ada"):
        booted.start("ada")
    booted.shell("ada", "echo kept > $HOME/kept.txt")
    chains = rules(computer)
    assert chains
    settings = booted.service("GET", "settings").json()["data"]["items"]
    computer.shut_down()
    assert not answers(booted)
    assert rules(computer) == set()
    computer.boot()
    booted.wait_for(lambda: answers(booted), "the Hub answers")
    assert rules(computer) == chains
    assert booted.api("GET", "users/ada", "ada").ok, "the token is known"
    assert token == booted.token("ada")
    assert booted.service("GET", "settings").json()["data"]["items"] == settings
    booted.forget()
    booted.session("ada")

    def server() -> dict[str, Any]:
        servers = booted.api("GET", "users/ada").json()["servers"]
        return dict(servers.get("", {"pending": None, "ready": False}))

    booted.wait_for(lambda: server()["pending"] is None, "the Hub has looked at the lab")
    if not server()["ready"]:
        booted.start("ada")
    assert booted.shell("ada", "cat $HOME/kept.txt") == "kept"
