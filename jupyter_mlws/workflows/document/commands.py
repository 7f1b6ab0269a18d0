"""Edits single arguments of a component's command; all other characters stay the same."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

WORDS = re.compile(
    r"""(?:\$\{[^}]*\}|'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\$]|\$(?!\{))+""", re.DOTALL
)
QUOTED_PART = re.compile(r"""\$\{[^}]*\}|'[^']*'|"(?:\\.|[^"\\])*"|\\.""", re.DOTALL)
UNPACK = re.compile(r"\$\{\s*[^\s${}]+\s*\}")
SAFE = re.compile(r"[\w./:=@%+,-]+")


@dataclass
class Argument:
    """An option ``--name value …`` with the positions of its words.

    In ``--name=value``, the value has the position of the option.
    """

    name: str
    flag: int
    values: list[tuple[int, str]] = field(default_factory=list)


def is_editable(command: str) -> bool:
    """Return whether a command has only words: no pipes, lists, redirections, line breaks."""
    bare = QUOTED_PART.sub("", command.strip())
    try:
        shlex.split(command)
    except ValueError:
        return False
    return not any(sign in bare for sign in "|&;<>()`\n")


def quote_word(word: str) -> str:
    """Return a word for the shell, quoted if necessary."""
    return word if SAFE.fullmatch(word) else shlex.quote(word)


def add_arguments(command: str, words: str) -> str:
    """Return the command with words after its arguments, before the settings that it unpacks."""
    for match in WORDS.finditer(command):
        if UNPACK.fullmatch(match[0]):
            return f"{command[: match.start()]}{words} {command[match.start() :]}"
    return append_words(command, words)


def append_words(command: str, words: str) -> str:
    """Return the command with words at its end, in front of its last line breaks."""
    end = len(command.rstrip())
    return f"{command[:end]} {words}{command[end:]}"


def without(command: str, predicate: Callable[[str, str], bool]) -> str:
    """Return the command without the values for which ``predicate`` is true.

    ``predicate`` takes an option's name and a value.
    """
    positions: set[int] = set()
    for argument in _arguments(command):
        matches = [place for place, value in argument.values if predicate(argument.name, value)]
        if not matches:
            continue
        positions.update(matches)
        if len(matches) == len(argument.values):
            positions.add(argument.flag)
    return _remove_words(command, positions)


def without_option(command: str, name: str) -> str:
    """Return the command without ``--name``, whatever its values are."""
    positions: set[int] = set()
    for argument in _arguments(command):
        if argument.name in (name, f"no-{name}"):
            positions.update({argument.flag, *(place for place, _ in argument.values)})
    return _remove_words(command, positions)


def without_settings(command: str, name: str) -> str:
    """Return the command without its ``${name}``."""
    return _remove_words(
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


def _remove_words(command: str, positions: set[int]) -> str:
    """Return the command without the words at ``positions`` and the space before each."""
    text, end = "", 0
    for place, match in enumerate(WORDS.finditer(command)):
        if place not in positions:
            text += command[end : match.end()]
        end = match.end()
    return text + command[end:]
