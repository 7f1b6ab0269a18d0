"""`make hub-config`: show and change the settings of a Hub on this machine.

    python -m hub_config.configure [--show | KEY=VALUE …]

Without arguments, open the file in `$VISUAL` or `$EDITOR`; it is replaced only by valid settings.
`KEY=` sets a setting back to its default. The Hub gets changed settings by `make hub`.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hub_config import settings_file
from hub_config.setting_kinds import SettingError
from hub_config.settings import Settings, check

EDITORS = ("sensible-editor", "nano", "vi")
"""Used if the environment names none."""


def show(settings: Settings) -> str:
    """Return the settings that are not the defaults, one per line."""
    rows = [f"  {one['name']} = {one['value']}" for one in settings.describe() if one["changed"]]
    path = settings_file.path_of(settings.data)
    return "\n".join([f"Settings in {path}:", *(rows or ["  all have their defaults"])])


def assign(settings: Settings, assignments: Sequence[str]) -> None:
    """Set keys in the file to the texts of ``KEY=VALUE``; all of them or none."""
    file = settings_file.path_of(settings.data)
    text = settings_file.read(file) or settings_file.document()
    by_name = settings_file.settings_by_name()
    for assignment in assignments:
        name, _, value = assignment.partition("=")
        if name not in by_name:
            raise SettingError(f"Unknown key {name!r}: see {file}, or `make hub-config`.")
        kind = by_name[name].metadata["kind"]
        text = settings_file.replace(
            text, name, check(kind, name, value, parse=True) if value else None
        )
    _write(file, text, settings)


def edit(settings: Settings) -> bool:
    """Open a copy of the file in an editor until it is valid; return whether it was changed."""
    file = settings_file.path_of(settings.data)
    before = settings_file.read(file) or settings_file.document()
    with tempfile.TemporaryDirectory(prefix="mlws-hub-") as folder:
        copy = Path(folder) / file.name
        settings_file.write(copy, before)
        while True:
            subprocess.run([*_editor(), str(copy)], check=True)
            text = copy.read_text(encoding="utf-8")
            try:
                if text != before:
                    _write(file, text, settings)
                return text != before
            except SettingError as error:
                print(error, file=sys.stderr)
                if input("Edit again? [Y/n] ").strip().lower() in ("n", "no"):
                    return False


def _write(file: Path, text: str, settings: Settings) -> None:
    """Replace the file if its settings are valid together."""
    Settings.read({"HUB_DATA": str(settings.data)}, settings_file.parse(text, file))
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings_file.write(file, text)


def _editor() -> list[str]:
    choice = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if choice:
        return shlex.split(choice)
    editor = next((name for name in EDITORS if shutil.which(name)), None)
    if editor is None:
        raise SettingError("No editor found: set EDITOR, or give KEY=VALUE.")
    return [editor]


def main() -> int:
    parser = argparse.ArgumentParser(prog="make hub-config", description=__doc__)
    parser.add_argument("--show", action="store_true", help="print what is not the default")
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE")
    arguments = parser.parse_args()
    environment = {"HUB_DATA": os.environ.get("HUB_DATA", "")}
    try:
        if arguments.show:
            print(show(settings_file.load(environment)))
            return 0
        # A file that is not valid can still be opened.
        settings = Settings.read(environment)
        if arguments.settings:
            assign(settings, arguments.settings)
        elif not sys.stdin.isatty():
            raise SettingError("No terminal to edit in: give --show or KEY=VALUE.")
        elif not edit(settings):
            print("Nothing changed.")
            return 0
        print(show(settings_file.load(environment)))
        print("Run `make hub` to apply them; labs keep running.")
    except (SettingError, subprocess.CalledProcessError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
