"""Run the Hub in the foreground, as a service of systemd does.

    python -m hub_config.run

The Docker engine may still be starting. Everything else was installed by `make hub`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from hub_config import processes, requirements, settings_file
from hub_config.engine import Engine, EngineError
from hub_config.setting_kinds import SettingError
from hub_config.settings import Settings
from hub_config.up import protect

ENGINE_LIMIT = 300.0


def run(settings: Settings) -> None:
    """Replace this process by the Hub."""
    engine = Engine(variables=settings.docker_variables)
    deadline = time.monotonic() + ENGINE_LIMIT
    while not engine.answers():
        if time.monotonic() > deadline:
            raise EngineError("cannot connect to a Docker engine")
        time.sleep(1)
    requirements.network(settings, engine)
    if not requirements.git_answers(settings):
        requirements.git(settings, engine)
    protect(settings)
    # The ids in these files are those before a crash or boot.
    (settings.data / "proxy.pid").unlink(missing_ok=True)
    processes.pid_file(settings).write_text(str(os.getpid()))
    python = Path(sys.executable)
    command, environment = processes.program(settings, python, requirements.proxy(), engine)
    os.chdir(settings.data)
    os.execve(python, command, environment)


def main() -> int:
    try:
        run(settings_file.load())
    except (EngineError, SettingError, OSError, subprocess.SubprocessError) as error:
        print(f"Cannot start the Hub: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
