"""Firewall rules of labs, set by the real programs in a network and folders of their own."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

UNIT = "/etc/systemd/system/mlws-firewall-team.service"
FOLDERS = ("/run", "/etc/systemd/system", "/usr/local/sbin")
"""Hidden by empty ones: a machine with systemd that nothing else is installed on."""
METADATA = ("169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32")
FOREIGN = "-A DOCKER-USER -s 203.0.113.1/32 -j DROP"
"""A rule of the administrator's own."""


@pytest.fixture
def machine(tmp_path: Path) -> Callable[[str], list[list[str]]]:
    """Run a script as root of a new machine; return its output, cut at each line `--`.

    ``apply`` and ``remove`` in it are those of `make hub` and `make hub-down`.
    """
    enter = ["unshare", "--map-root-user", "--mount", "--net"]
    if not shutil.which("iptables") or subprocess.run([*enter, "true"]).returncode:
        pytest.skip("needs iptables, and a kernel that allows namespaces")
    functions = "\n".join(
        f"""{name}() {{
            {shlex.quote(sys.executable)} -c '
from hub_config import firewall, settings
print(firewall.{name}(settings.Settings.read()) or "done")'
        }}"""
        for name in ("apply", "remove")
    )
    hide = "\n".join(f"mount -t tmpfs none {folder}" for folder in FOLDERS)

    def run(script: str) -> list[list[str]]:
        text = f"set -eu\n{hide}\nmkdir -p /run/systemd/system\n{functions}\n{script}"
        environment = os.environ | {
            "HUB_NAME": "team", "HUB_DATA": str(tmp_path), "SYSTEMD_OFFLINE": "1",
        }  # fmt: skip
        done = subprocess.run(
            [*enter, "sh", "-c", text], env=environment, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return [part.splitlines() for part in done.stdout.split("--\n")]

    return run


def test_labs_reach_neither_ports_nor_metadata_services_from_each_boot_on(
    machine: Callable[[str], list[list[str]]],
) -> None:
    applied, rules, verified, booted, removed, rest = machine(f"""
        iptables -N DOCKER-USER
        iptables {FOREIGN}
        apply
        echo --
        iptables -S
        echo --
        systemd-analyze verify {UNIT}
        ls /etc/systemd/system/docker.service.wants
        grep Before= {UNIT}
        echo --
        unshare --net sh -c "$(sed -n s/ExecStart=//p {UNIT}); iptables -S"
        echo --
        remove
        apply
        rm -r "$HUB_DATA"
        remove
        echo --
        iptables -S
        find /usr/local/sbin /etc/systemd/system -type f -o -type l
    """)
    assert applied == ["done"]
    (inside,) = (row.split()[-1] for row in rules if row.startswith("-A INPUT -i br-"))
    assert [row for row in rules if row.startswith(f"-A {inside}")][-1] == f"-A {inside} -j DROP"
    for port in (8081, 8082):
        assert f"-A {inside} -p tcp -m tcp --dport {port} -j RETURN" in rules
    jump, foreign = (row for row in rules if row.startswith("-A DOCKER-USER"))
    assert (jump.split()[2], foreign) == ("-i", FOREIGN)
    for address in METADATA:
        assert f"-A {jump.split()[-1]} -d {address} -j DROP" in rules
    assert verified == ["mlws-firewall-team.service", "Before=docker.service"]
    # Docker has not started yet.
    assert sorted(booted) == sorted(row for row in rules if row != FOREIGN)
    assert removed == ["done"] * 3
    assert rest == [
        "-P INPUT ACCEPT", "-P FORWARD ACCEPT", "-P OUTPUT ACCEPT", "-N DOCKER-USER", FOREIGN,
    ]  # fmt: skip


def test_rules_are_replaced_as_a_whole(machine: Callable[[str], list[list[str]]]) -> None:
    ports = ",".join(str(port) for port in range(9000, 9020))
    first, second, failed, after = machine(f"""
        apply
        iptables -S
        echo --
        HUB_HOST_PORTS={ports} apply
        HUB_HOST_PORTS={ports} apply
        iptables -S
        echo --
        HUB_HOST_PORTS=70000 apply 2>&1 || echo failed
        echo --
        iptables -S
    """)
    opened = [row for row in second if "--dport 90" in row]
    assert len(opened) == 20
    assert [row for row in second if row not in opened] == ["done", *first]
    assert failed[-1] == "failed"
    assert after == [row for row in second if row != "done"]
