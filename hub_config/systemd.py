"""The Hub as a service of systemd, which starts it at boot and again after a crash.

Root gets a service of the system, other users one of their own that also runs while they are not
signed in. `make hub` installs it, `make hub-down` removes it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from hub_config.setting_kinds import SettingError
from hub_config.settings import ROOT, Settings

LIMIT = 60.0
RUNTIME = Path("/run/systemd/system")
"""Exists only where systemd is the first process."""
SYSTEM_UNITS = Path("/etc/systemd/system")
UNIT = """\
[Unit]
Description=JupyterHub {name} with a container for each user
After=network-online.target docker.service mlws-firewall-{name}.service
Wants=network-online.target docker.service
StartLimitIntervalSec=0

[Service]
ExecStart="{python}" -m hub_config.run
WorkingDirectory={root}
Environment="HUB_DATA={data}" "PATH={path}"
StandardOutput=append:{log}
StandardError=inherit
Restart=always
RestartSec=2
TimeoutStopSec=60

[Install]
WantedBy={target}
"""


def is_available() -> bool:
    """Return whether systemd runs here and takes services from this user."""
    return RUNTIME.is_dir() and shutil.which("systemctl") is not None


def is_installed(settings: Settings) -> bool:
    """Return whether the Hub of these settings is a service."""
    return is_available() and _unit_file(settings).is_file()


def install(settings: Settings, log: Path) -> None:
    """Write the service and have it started at boot; it is not started now."""
    text = UNIT.format(
        name=settings.name,
        python=_escape(sys.executable).replace("$", "$$"),
        root=_escape(str(ROOT)),
        data=_escape(str(settings.data)),
        path=_escape(os.environ["PATH"]),
        log=_escape(str(log)),
        target="multi-user.target" if _is_root() else "default.target",
    )
    file = _unit_file(settings)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    if not _is_root():
        _call("loginctl", "enable-linger")
    _control("daemon-reload")
    _control("enable", file.name)


def restart(settings: Settings) -> None:
    """Start the service, or stop it first if it runs."""
    _control("restart", _unit_file(settings).name)


def stop(settings: Settings) -> None:
    """Stop the service until the next start or boot."""
    _control("stop", _unit_file(settings).name)


def remove(settings: Settings) -> None:
    """Stop the service and remove it."""
    file = _unit_file(settings)
    _control("disable", "--now", file.name)
    file.unlink()
    _control("daemon-reload")


def _is_root() -> bool:
    return os.geteuid() == 0


def _unit_file(settings: Settings) -> Path:
    own = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "systemd/user"
    return (SYSTEM_UNITS if _is_root() else own) / f"mlws-hub-{settings.name}.service"


def _escape(text: str) -> str:
    """Escape what systemd would replace in a value."""
    if '"' in text or "\\" in text or "\n" in text:
        raise SettingError(f"systemd cannot start a Hub at {text!r}: it has a quote or backslash.")
    return text.replace("%", "%%")


def _control(*arguments: str) -> None:
    _call("systemctl", *([] if _is_root() else ["--user"]), "--quiet", *arguments)


def _call(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=LIMIT)
