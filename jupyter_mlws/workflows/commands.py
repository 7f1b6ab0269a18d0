"""The words of a component's command, changed in place: what is not touched keeps its form."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

WORDS = re.compile(
    r"""(?:\$\{[^}]*\}|'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\$]|\$(?!\{))+""", re.DOTALL
)
QUOTED = re.compile(r"""\$\{[^}]*\}|'[^']*'|"(?:\\.|[^"\\])*"|\\.""", re.DOTALL)
UNPACK = re.compile(r"\$\{\s*[^\s${}]+\s*\}")
SAFE = re.compile(r"[\w./:=@%+,-]+")


@dataclass
class Argument:
    """``--name value …``, with where its words stand; values written behind ``=`` are its own."""

    name: str
    flag: int
    values: list[tuple[int, str]] = field(default_factory=list)


def editable(command: str) -> bool:
    """Whether a command is nothing but words: no pipes, lists, redirections or line breaks."""
    bare = QUOTED.sub("", command.strip())
    try:
        shlex.split(command)
    except ValueError:
        return False
    return not any(sign in bare for sign in "|&;<>()`\n")


def quoted(word: str) -> str:
    """A word for the shell, in quotes where it needs them."""
    return word if SAFE.fullmatch(word) else shlex.quote(word)


def added(command: str, words: str) -> str:
    """The command with words where its arguments end: before the settings that it unpacks."""
    for match in WORDS.finditer(command):
        if UNPACK.fullmatch(match[0]):
            return f"{command[: match.start()]}{words} {command[match.start() :]}"
    return f"{command.rstrip()} {words}"


def without(command: str, gone: Callable[[str, str], bool]) -> str:
    """The command without the values that ``gone`` names (an option's name and a value)."""
    dropped: set[int] = set()
    for argument in _arguments(command):
        lost = [place for place, value in argument.values if gone(argument.name, value)]
        if not lost:
            continue
        dropped.update(lost)
        if len(lost) == len(argument.values):
            dropped.add(argument.flag)
    return _cut(command, dropped)


def without_option(command: str, name: str) -> str:
    """The command without ``--name``, whatever its values are."""
    dropped: set[int] = set()
    for argument in _arguments(command):
        if argument.name in (name, f"no-{name}"):
            dropped.update({argument.flag, *(place for place, _ in argument.values)})
    return _cut(command, dropped)


def without_settings(command: str, name: str) -> str:
    """The command without its ``${name}``."""
    return _cut(
        command,
        {
            place
            for place, match in enumerate(WORDS.finditer(command))
            if match[0].replace(" ", "") == f"${{{name}}}"
        },
    )


def _arguments(command: str) -> Iterator[Argument]:
    current: Argument | None = None
    for place, match in enumerate(WORDS.finditer(command)):
        if UNPACK.fullmatch(match[0]):
            if current is not None:
                yield current
            current = None
            continue
        word = "".join(shlex.split(match[0]))
        if word.startswith("--"):
            if current is not None:
                yield current
            name, equals, value = word[2:].partition("=")
            current = Argument(name, place, [(place, value)] if equals else [])
        elif current is not None:
            current.values.append((place, word))
    if current is not None:
        yield current


def _cut(command: str, dropped: set[int]) -> str:
    """The command without some words, and without the space before each."""
    kept, end = "", 0
    for place, match in enumerate(WORDS.finditer(command)):
        if place not in dropped:
            kept += command[end : match.end()]
        end = match.end()
    return kept + command[end:]
