"""The command `dvc` in terminals of a Hub's labs: DVC with the data of shared projects.

In the clone of a shared project, its remote is set up first, and requests to it have the lab's
token, which DVC itself could only read from a file. Everywhere else it is `dvc`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from mlws.core.errors import DVCConfigError
from mlws.core.hub_environment import data_password
from mlws.dvc.settings import DataSettings


def main() -> int:
    from dvc import fs
    from dvc.cli import main as run_dvc

    read_settings = fs.get_fs_config

    def with_token(*arguments: Any, **more: Any) -> Any:
        settings = read_settings(*arguments, **more)
        token = data_password(str(settings.get("url", "")))
        return settings | ({"password": token} if token else {})

    fs.get_fs_config = with_token
    set_up_remote(Path.cwd())
    return int(run_dvc())


def set_up_remote(folder: Path) -> None:
    """Add the remote of a shared project if ``folder`` is in a clone of one with DVC."""
    for root in (folder, *folder.parents):
        if (root / ".dvc").is_dir():
            try:
                DataSettings(root).add_shared_project()
            except (DVCConfigError, OSError) as error:
                # It can still be read if the folder is read-only; DVC reports invalid settings.
                sys.stderr.write(f"The remote of the shared project was not added: {error}\n")
            return


if __name__ == "__main__":
    sys.exit(main())
