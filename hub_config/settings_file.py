"""The file with an installation's settings, so that they do not depend on the shell of a start.

``hub-config.toml`` in the installation's folder is written at the first start. A variable that is
set at a later start changes its setting in the file; one that is not set changes nothing.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import Any

from hub_config.setting_kinds import SettingError, to_toml
from hub_config.settings import Settings, check, chinese_texts, to_display, variable_of

NAME = "hub-config.toml"
HEAD = (
    "Settings of this Hub. Change them with `make hub-config`, then run `make hub`: labs keep"
    " running."
)


@dataclass(frozen=True)
class Change:
    """A setting that was changed by a variable; both values are those to show."""

    name: str
    variable: str
    before: str
    after: str


def path_of(folder: Path) -> Path:
    """Return the path of the file of an installation."""
    return folder / NAME


def load(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of variables and of the file in their ``HUB_DATA``.

    Raises SettingError, which names the variable, or the file with the line.
    """
    folder = Settings.read({"HUB_DATA": environment.get("HUB_DATA", "")}).data
    file = path_of(folder)
    return Settings.read(environment, parse(read(file), file))


def parse(text: str, file: Path) -> dict[str, Any]:
    """Return the checked values of a file by key. Raises SettingError, which names the line."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingError(f"{file}: {error}.") from error
    known_settings = settings_by_name()
    for name in values:
        if name not in known_settings:
            similar = difflib.get_close_matches(name, known_settings, 1)
            advice = f"did you mean {similar[0]!r}?" if similar else "remove it."
            raise SettingError(f"{file}, line {_line(text, name)}: unknown key {name!r}; {advice}")
    for name, value in values.items():
        try:
            check(known_settings[name].metadata["kind"], name, value)
        except SettingError as error:
            raise SettingError(f"{file}, line {_line(text, name)}: {error}") from error
    return values


def save(settings: Settings, environment: Mapping[str, str] = os.environ) -> list[Change]:
    """Write the settings that variables changed; a new file gets all that are not the defaults."""
    file = path_of(settings.data)
    text = read(file)
    before = Settings.read({"HUB_DATA": str(settings.data)}, parse(text, file))
    changes = []
    for one in settings_by_name().values():
        old, new = getattr(before, one.name), getattr(settings, one.name)
        if environment.get(variable_of(one)) and old != new:
            text = replace(text or document(), one.name, new)
            changes.append(
                Change(one.name, variable_of(one), to_display(one, old), to_display(one, new))
            )
    if changes or not file.exists():
        write(file, text or document())
    return changes


def replace(text: str, name: str, value: Any) -> str:
    """Return the file's text with a key's new value; None comments the key out.

    Everything else stays as it is written. Raises SettingError if the key is written as a table of
    several lines.
    """
    target = tomllib.loads(text) | (
        {} if value is None else tomllib.loads(f"{name} = {to_toml(value)}")
    )
    if value is None:
        target.pop(name, None)
    lines = text.splitlines()
    line = _default_line(name) if value is None else f"{name} = {to_toml(value)}"
    for start, end in _places(lines, name):
        changed = "\n".join([*lines[:start], line, *lines[end:]]) + "\n"
        with contextlib.suppress(tomllib.TOMLDecodeError):
            if tomllib.loads(changed) == target:
                return changed
    raise SettingError(f"{name!r} is written as a table: change it with `make hub-config`.")


def _places(lines: list[str], name: str) -> Iterator[tuple[int, int]]:
    """Yield ranges of lines for a key: its value, the comment with its default, the top."""
    for start, line in enumerate(lines):
        if _assigns(line, name):
            yield from ((start, end) for end in range(start + 1, len(lines) + 1))
    for start, line in enumerate(lines):
        if _assigns(line.removeprefix("# "), name):
            yield start, start + 1
    yield 0, 0


def _assigns(line: str, name: str) -> bool:
    return re.match(rf"\s*{name}\s*=", line) is not None


def _default_line(name: str) -> str:
    """Return the line of a setting that has its default."""
    default = settings_by_name()[name].metadata["default"]
    value = "" if callable(default) or default is None else to_toml(default)
    return f"# {name} = {value}".rstrip()


def document() -> str:
    """Return the text of a file in which every setting is explained and has its default."""
    chinese = chinese_texts()
    parts = [f"# {HEAD}\n# {chinese['']}\n"]
    for name, one in settings_by_name().items():
        parts.append(f"# {one.metadata['about']}\n# {chinese[name]}\n{_default_line(name)}\n")
    return "\n".join(parts)


def write(file: Path, text: str) -> None:
    """Replace the file, readable for its owner only, as it may hold a password."""
    temporary = file.with_suffix(".new")
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as output:
        output.write(text)
        output.flush()
        os.fsync(output.fileno())
    temporary.replace(file)


def settings_by_name() -> dict[str, Field[Any]]:
    """Return the settings of the file; its own folder is not in it."""
    return {one.name: one for one in fields(Settings) if one.name != "data"}


def _line(text: str, name: str) -> int:
    for number, line in enumerate(text.splitlines(), 1):
        if _assigns(line, name) or line.strip().startswith(f"[{name}"):
            return number
    return 1


def read(file: Path) -> str:
    """Return the text of the file; empty if it does not exist. Raises SettingError."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise SettingError(f"{file} cannot be read: {error}") from error
