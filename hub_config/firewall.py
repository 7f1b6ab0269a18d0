"""Firewall rules for labs: they reach the Hub, its service and the ports named for them.

Docker lets a container reach every port of its host, and a cloud's metadata service, which hands
out the machine's credentials. `make hub` writes these rules into a script and runs it; to a user
other than root it prints the command. Docker's own rules keep labs away from each other.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess

from hub_config.engine import EngineError
from hub_config.settings import Settings

LIMIT = 60.0
METADATA = "169.254.0.0/16"
"""Link-local addresses: the metadata services of clouds. Some have the name server there, too."""
SCRIPT = """\
#!/bin/sh
# Firewall rules for the labs of Hub {name}; written by `make hub`.
set -eu
chain() {{ iptables -w -N "$1" 2>/dev/null || iptables -w -F "$1"; }}
jump() {{ iptables -w -C "$@" 2>/dev/null || iptables -w -I "$@"; }}

chain {chain}-IN
iptables -w -A {chain}-IN -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN
iptables -w -A {chain}-IN -p tcp -m multiport --dports {ports} -j RETURN
iptables -w -A {chain}-IN -j DROP
jump INPUT -i {bridge} -j {chain}-IN

chain {chain}-OUT
iptables -w -A {chain}-OUT -p udp --dport 53 -j RETURN
iptables -w -A {chain}-OUT -p tcp --dport 53 -j RETURN
iptables -w -A {chain}-OUT -j DROP
# Docker evaluates this chain before its own, and keeps it.
iptables -w -N DOCKER-USER 2>/dev/null || true
jump DOCKER-USER -i {bridge} -d {metadata} -j {chain}-OUT
"""
REMOVAL = """\
set -u
iptables -w -D INPUT -i {bridge} -j {chain}-IN
iptables -w -D DOCKER-USER -i {bridge} -d {metadata} -j {chain}-OUT
for chain in {chain}-IN {chain}-OUT; do iptables -w -F "$chain"; iptables -w -X "$chain"; done
"""


def apply(settings: Settings) -> str | None:
    """Set the rules; where that takes another user, the command for it."""
    script = settings.data / "firewall.sh"
    script.write_text(_fill(SCRIPT, settings), encoding="utf-8")
    if os.geteuid() != 0 or not shutil.which("iptables"):
        return f"sudo sh {script}"
    result = subprocess.run(["sh", str(script)], capture_output=True, text=True, timeout=LIMIT)
    if result.returncode:
        raise EngineError(f"{script} failed: {result.stderr.strip()}")
    return None


def remove(settings: Settings) -> None:
    """Take the rules away, as far as they are there."""
    if os.geteuid() == 0 and shutil.which("iptables"):
        script = _fill(REMOVAL, settings)
        subprocess.run(["sh", "-c", script], check=False, capture_output=True, timeout=LIMIT)


def _fill(script: str, settings: Settings) -> str:
    ports = [settings.api_port, settings.service_port, *settings.host_ports]
    return script.format(
        name=settings.name,
        # A chain's name has 28 characters at most.
        chain=f"MLWS-{hashlib.sha256(settings.name.encode()).hexdigest()[:12]}",
        bridge=settings.bridge,
        ports=",".join(map(str, ports)),
        metadata=METADATA,
    )
