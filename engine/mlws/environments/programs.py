"""The program of a command, which decides in what environment the command runs.

Commands are read, not run. What is behind a shell script, ``make`` or a variable stays unknown.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mlws.environments.active import other_python
from mlws.environments.definitions import find_by_kernel
from mlws.environments.python_packages import read_file

ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=.*", re.DOTALL)
PYTHON = re.compile(r"(python|pypy|graalpy)[\d.]*t?(\.exe)?")
SHEBANG = re.compile(rb"#!\s*(?:\S*/env\s+(?:-S\s+)?)?(\S+)")
LONG_SHEBANG = re.compile(rb"'''exec' [\"']?([^\"'\n]+?)[\"']? \"\$0\"")
"""The second line of scripts whose interpreter has a path that is too long for the first."""
RELOCATABLE_SHEBANG = re.compile(rb"'''exec' \"\$\(dirname .*/'([\w.]+)' \"\$0\"")
"""The second line of scripts that can be moved with the interpreter beside them."""
OPERATORS = frozenset("&|;()<>")
WRAPPERS = {"env": 0, "exec": 0, "nice": 0, "nohup": 0, "time": 0, "timeout": 1, "setsid": 0}
"""Programs that start another one, with the number of words between."""
CONDA = ("conda", "mamba", "micromamba")
LAUNCHERS = ("uv", "pixi", *CONDA)
"""Programs whose ``run`` starts another one in an environment."""
VALUED_OPTIONS = frozenset(
    {
        *("--cwd", "--default-index", "--directory", "--env-file", "--environment", "--extra"),
        *("--group", "--index", "--manifest-path", "--name", "--only-group", "--package"),
        *("--prefix", "--project", "--python", "--with", "--with-editable"),
        *("--with-requirements", "-e", "-n", "-p"),
    }
)
"""Options of launchers with a value. As in src/workflow/document/command.ts."""
CONTAINERS = ("docker", "podman")
CONTAINER_FLAG = re.compile(
    r"--(detach|init|interactive|no-healthcheck|privileged|publish-all|quiet|read-only|rm|tty)|-[Pdiqt]+"
)
"""Options of ``docker run`` without a value."""
MAX_FIRST_LINES = 1024
"""Bytes of a script in which its interpreter is named."""


class Language(StrEnum):
    """Kind of an environment."""

    PYTHON = "python"
    R = "r"
    JULIA = "julia"
    CONTAINER = "container"


@dataclass(frozen=True)
class Program:
    """The program that runs a command.

    ``path`` of an interpreter, or the image of a container. ``folder``: the directory in which it
    starts. ``syncs``: whether it may change its environment before it runs.
    """

    language: Language
    path: str
    folder: str
    syncs: bool = False


def find_program(command: str, folder: str, environment: Mapping[str, str]) -> Program | None:
    """Return the first program of a shell command that has an environment; None without one."""
    search_path = environment.get("PATH", os.defpath)
    for words in _simple_commands(command):
        if words[0] == "cd" and len(words) == 2:
            folder = os.path.normpath(os.path.join(folder, words[1]))
            continue
        program = _program(words, folder, search_path, environment)
        if program is not None:
            return program
    return None


def launcher_length(words: Sequence[str]) -> int:
    """Return how many words come before the program in ``uv run --project envs/a python …``.

    It is 0 for commands that no launcher starts.
    """
    if len(words) < 2 or words[0] not in LAUNCHERS or words[1] != "run":
        return 0
    place = 2
    while place < len(words) and words[place].startswith("-") and words[place] != "-m":
        if words[place] == "--":
            return place + 1
        place += 2 if words[place] in VALUED_OPTIONS else 1
    return place


def _simple_commands(command: str) -> Iterator[list[str]]:
    """Yield the words of each command of a list or pipe, without assignments in front."""
    lexer = shlex.shlex(command.replace("\n", " ; "), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        for word in lexer:
            if not word or not OPERATORS.issuperset(word):
                words.append(word)
            elif words and word[0] not in "<>":
                yield words
                words = []
    except ValueError:
        # Quotes that the shell will refuse.
        return
    if words:
        yield words


def _program(
    words: Sequence[str], folder: str, search_path: str, environment: Mapping[str, str]
) -> Program | None:
    words = list(words)
    while words:
        if ASSIGNMENT.fullmatch(words[0]):
            del words[0]
        elif (skip := WRAPPERS.get(os.path.basename(words[0]))) is not None:
            del words[0]
            while words and words[0].startswith("-"):
                del words[0]
            del words[:skip]
        else:
            break
    if not words:
        return None
    name = os.path.basename(words[0])
    if length := launcher_length([name, *words[1:]]):
        options = words[2:length]
        if name == "uv":
            return _of_uv(options, folder, environment)
        if name == "pixi":
            return _of_pixi(options, folder)
        return _of_conda(options, folder, environment)
    if name in CONTAINERS and words[1:2] == ["run"]:
        return _of_container(words[2:], folder)
    path = shutil.which(
        os.path.join(folder, words[0]) if "/" in words[0] else words[0], path=search_path
    )
    if path is None or not os.path.isabs(path):
        return None
    if name in ("jupyter", "jupyter-mlws") and (python := other_python(environment)):
        return Program(Language.PYTHON, python, folder)
    if name == "jupyter" and words[1:3] == ["mlws", "notebook"] and len(words) > 3:
        try:
            notebook = json.loads(read_file(os.path.join(folder, words[3])))
            kernel = str(notebook["metadata"]["kernelspec"]["name"])
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return kernel_program(kernel, folder, search_path)
    return program_of(path, folder, search_path)


def program_of(path: str, folder: str, search_path: str) -> Program | None:
    """Return the interpreter that runs a file: itself, or the one that its first line names."""
    name = os.path.basename(path)
    if PYTHON.fullmatch(name):
        return Program(Language.PYTHON, path, folder)
    if name in ("Rscript", "R"):
        return Program(Language.R, path, folder)
    if name == "julia":
        return Program(Language.JULIA, path, folder)
    try:
        with open(path, "rb") as file:
            first = file.read(MAX_FIRST_LINES)
    except OSError:
        return None
    if match := RELOCATABLE_SHEBANG.search(first):
        word = os.path.join(os.path.dirname(os.path.realpath(path)), os.fsdecode(match[1]))
    elif match := LONG_SHEBANG.search(first) or SHEBANG.match(first):
        word = os.fsdecode(match[1])
    else:
        return None
    interpreter = shutil.which(word, path=search_path)
    name = os.path.basename(interpreter or "")
    if interpreter is None or not (PYTHON.fullmatch(name) or name in ("Rscript", "julia")):
        return None
    return program_of(interpreter, folder, search_path)


def _of_uv(words: Sequence[str], folder: str, environment: Mapping[str, str]) -> Program | None:
    project = _option(words, "--project", "--directory")
    python = _option(words, "--python", "-p")
    if "--no-project" in words and python is not None and "/" in python:
        return Program(Language.PYTHON, os.path.join(folder, python), folder)
    if "--no-project" in words or "--isolated" in words or "--script" in words:
        return None
    if project is not None:
        home: Path | None = Path(folder, project)
    else:
        home = next(
            (
                one
                for one in (Path(folder), *Path(folder).parents)
                if (one / "pyproject.toml").is_file()
            ),
            None,
        )
    if home is None:
        return None
    place = Path(home, environment.get("UV_PROJECT_ENVIRONMENT") or ".venv")
    return Program(Language.PYTHON, str(place / "bin" / "python"), folder, syncs=True)


def _of_pixi(words: Sequence[str], folder: str) -> Program | None:
    manifest = _option(words, "--manifest-path")
    name = _option(words, "-e", "--environment") or "default"
    start = Path(folder, manifest) if manifest else Path(folder)
    for home in (start, *start.parents):
        if (home / ".pixi").is_dir() or (home / "pixi.toml").is_file():
            python = home / ".pixi" / "envs" / name / "bin" / "python"
            return Program(Language.PYTHON, str(python), folder, syncs=True)
    return None


def _of_conda(words: Sequence[str], folder: str, environment: Mapping[str, str]) -> Program | None:
    prefix, name = _option(words, "-p", "--prefix"), _option(words, "-n", "--name")
    if prefix is None and name is not None:
        roots = [environment.get("MAMBA_ROOT_PREFIX"), environment.get("CONDA_ROOT")]
        if conda := environment.get("CONDA_EXE"):
            roots.append(str(Path(conda).parents[1]))
        places = [Path(root, "envs", name) for root in roots if root]
        with suppress(OSError, ValueError):
            text = read_file(Path.home() / ".conda" / "environments.txt").decode()
            places += [Path(line) for line in text.splitlines()]
        prefix = next((str(p) for p in places if p.name == name and p.is_dir()), None)
    if prefix is None:
        return None
    python = Path(folder, prefix, "bin", "python")
    return Program(Language.PYTHON, str(python), folder)


def _of_container(words: Sequence[str], folder: str) -> Program | None:
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            return Program(Language.CONTAINER, word, folder)
        if "=" not in word and not CONTAINER_FLAG.fullmatch(word):
            next(rest, None)
    return None


def kernel_program(name: str, folder: str, search_path: str) -> Program | None:
    """Return the program of an installed kernel, None if there is none of this name."""
    if definition := find_by_kernel(name, Path(folder)):
        return Program(Language.PYTHON, str(definition.python), folder)
    try:
        from jupyter_core.paths import jupyter_path
    except ImportError:
        # Without Jupyter there are no other kernels.
        return None
    for place in jupyter_path("kernels"):
        try:
            with open(os.path.join(place, name, "kernel.json"), "rb") as file:
                first = json.load(file)["argv"][0]
        except (OSError, ValueError, KeyError, IndexError, TypeError):
            continue
        path = shutil.which(str(first), path=search_path)
        return None if path is None else program_of(path, folder, search_path)
    return None


def _option(words: Sequence[str], *names: str) -> str | None:
    """Return the value of an option of a launcher, which stands before the program's words."""
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        if name in names:
            return value if equals else next(rest, None)
    return None
