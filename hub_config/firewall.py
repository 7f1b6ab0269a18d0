"""Firewall rules for labs: they reach the Hub, its service and the ports named for them.

Docker lets a container reach every port of its host, and a cloud's metadata service, which returns
the machine's credentials. `make hub` writes these rules into a script and runs it; for a user other
than root it prints the command. With systemd, the script also sets the rules before Docker starts,
because Docker restarts the containers after a boot. Docker's rules isolate labs from each other.
"""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
from pathlib import Path

from hub_config.engine import EngineError
from hub_config.settings import Settings

LIMIT = 60.0
METADATA = ("169.254.0.0/16", "168.63.129.16/32", "100.100.100.200/32")
"""Addresses of metadata services: link-local ones of most clouds, Azure's and Alibaba's.

Some clouds have the name server there, too.
"""
SCRIPT_NAME = "firewall.sh"
"""Name of the script in the directory of the installation."""
SCRIPT = """\
#!/bin/sh
# Firewall rules for the labs of Hub {name}; written by `make hub`. Run it as root:
#     sh firewall.sh           set the rules, now and at each boot (systemd)
#     sh firewall.sh now       set the rules now
#     sh firewall.sh remove    remove the rules and what sets them at each boot
{worker_help}set -eu
program=/usr/local/sbin/mlws-firewall-{name}
unit=mlws-firewall-{name}.service

# Replace the rules in one transaction: they are never missing, also not after an error.
commit() {{
  # Docker evaluates this chain before its own, and keeps it.
  iptables -w -N DOCKER-USER 2>/dev/null || true
  rules=$(iptables -w -S)
  {{
    printf '%s\\n' '*filter' ':{chain}-IN - [0:0]' ':{chain}-OUT - [0:0]'
    printf '%s\\n' "$rules" | sed -nE 's/^-A (.* -j {chain}-(IN|OUT))$/-D \\1/p'
    cat
    echo COMMIT
  }} | iptables-restore -w --noflush
}}

if [ "${{1-}}" = remove ]; then
  printf -- '-X %s\\n' {chain}-IN {chain}-OUT | commit
  if [ -e "$program" ]; then
    systemctl --quiet disable "$unit"
    rm -f "$program" "/etc/systemd/system/$unit"
  fi
  exit
fi

{worker}
commit << 'END'
{rules}
END
if [ "${{1-}}" = now ]; then
  exit
elif [ ! -d /run/systemd/system ]; then
  echo "This machine has no systemd: run sh $0 after each boot, before Docker starts."
  exit
fi
[ "$0" -ef "$program" ] || install -m 755 "$0" "$program"
cat > "/etc/systemd/system/$unit" << END
[Unit]
Description=Firewall rules for the labs of Hub {name}
After=network.target firewalld.service
Before=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=$program now

[Install]
WantedBy=docker.service multi-user.target
END
systemctl --quiet enable "$unit"
"""


WORKER_HELP = """\
#     sh firewall.sh worker SUBNET    on another machine of the Swarm: also create its labs' network
"""
WORKER = """\
if [ "${{1-}}" = worker ]; then
  subnet=${{2:?"name a subnet that no other machine of the Swarm has, for example 198.18.16.0/20"}}
  docker network inspect {network} > /dev/null 2>&1 || docker network create --config-only \\
    --subnet "$subnet" --label mlws.hub={name} \\
    --opt com.docker.network.bridge.enable_icc=false \\
    --opt com.docker.network.bridge.name={bridge} {network}
  shift 2
fi
"""


def apply(settings: Settings) -> str | None:
    """Set the rules; return instructions for manual steps, if any."""
    script = _write(settings)
    if not _is_permitted():
        return (
            "Labs can reach every port of this machine and the cloud's metadata service. To block"
            f" this, run: sudo sh {shlex.quote(str(script))}"
        )
    return _run("sh", str(script)) or None


def remove(settings: Settings) -> str | None:
    """Remove existing rules; return instructions for manual steps, if any."""
    if _is_permitted():
        # The directory with the script may have been deleted.
        _run("sh", "-s", "--", "remove", text=_script(settings))
    elif (settings.data / SCRIPT_NAME).exists():
        script = shlex.quote(str(_write(settings)))
        return f"To remove the firewall rules of labs, run: sudo sh {script} remove"
    return None


def _is_permitted() -> bool:
    return os.geteuid() == 0 and shutil.which("iptables") is not None


def _run(*command: str, text: str = "") -> str:
    result = subprocess.run(command, input=text, capture_output=True, text=True, timeout=LIMIT)
    if result.returncode:
        raise EngineError(f"{shlex.join(command)} failed: {result.stderr.strip()}")
    return result.stdout.strip()


def _write(settings: Settings) -> Path:
    script = settings.data / SCRIPT_NAME
    script.write_text(_script(settings), encoding="utf-8")
    return script


def _script(settings: Settings) -> str:
    # A chain's name has 28 characters at most.
    chain = f"MLWS-{hashlib.sha256(settings.name.encode()).hexdigest()[:12]}"
    rules = [
        f"-A {chain}-IN -m conntrack --ctstate ESTABLISHED,RELATED -j RETURN",
        *(
            f"-A {chain}-IN -p tcp --dport {port} -j RETURN"
            for port in (settings.api_port, settings.service_port, *settings.host_ports)
        ),
        f"-A {chain}-IN -j DROP",
        f"-I INPUT -i {settings.bridge} -j {chain}-IN",
        *(f"-A {chain}-OUT -p {protocol} --dport 53 -j RETURN" for protocol in ("udp", "tcp")),
        *(f"-A {chain}-OUT -d {address} -j DROP" for address in METADATA),
        f"-I DOCKER-USER -i {settings.bridge} -j {chain}-OUT",
    ]
    if settings.publish_labs:
        # Only the Hub opens connections to the ports at which labs are published.
        to_labs = f"-o {settings.bridge} -m conntrack --ctstate NEW"
        rules += [
            f"-A {chain}-OUT {to_labs} ! -s {settings.address} -j DROP",
            f"-I DOCKER-USER {to_labs} -j {chain}-OUT",
        ]
    worker = WORKER.format(
        network=settings.node_network, name=settings.name, bridge=settings.bridge
    )
    return SCRIPT.format(
        name=settings.name,
        chain=chain,
        rules="\n".join(rules),
        worker_help=WORKER_HELP if settings.swarm else "",
        worker=worker if settings.swarm else "",
    )
