"""Accepts the command lines that may run warm: plain calls of the zygote's own Python.

If a shell would do more than split words, or Python more than run a script, a module or a text,
the command line is not eligible, and runs in a fresh process.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence

from jupyter_mlws.forkserver.fingerprint import can_be_warm
from jupyter_mlws.forkserver.job import Job, Kind
from mlws.environments.active import other_python

PLAIN = re.compile(
    r"""(?: [ \t\w@%+:,./-] | [^\x00-\x7f] | (?<![ \t])=   # words that no shell touches
          | '[^'\0]*' | "(?:[^"\\$`\0]|\\["\\])*" | \\[^\n\0]
        )*""",
    re.VERBOSE | re.ASCII,
)
"""A text that every shell and `shlex` split into the same words. No expansion, glob, brace, tilde,
comment, redirection or list; no word that begins with ``=`` (zsh)."""
PYTHON = re.compile(r"python(3(\.\d+)?)?")
NODE = ("jupyter-mlws", "node")


def read(command: str, cwd: str, environment: Mapping[str, str], python: str) -> Job | None:
    """Return the job that a shell in ``cwd`` makes of ``command``; None if it must be fresh."""
    if "python" not in command and "jupyter" not in command:
        return None
    words = split(command)
    if not words or not can_be_warm(environment):
        return None
    if os.path.basename(words[0]) in ("jupyter", NODE[0]):
        return _node_job(words, cwd, environment, python)
    executable = _resolve_executable(words[0], cwd, environment)
    if executable is None or not _is_same_python(executable, python):
        return None
    rest = words[1:]
    if rest[:1] == ["-u"] and environment.get("PYTHONUNBUFFERED"):
        del rest[0]
    if rest[:1] in (["-m"], ["-c"]) and len(rest) > 1:
        kind = Kind.MODULE if rest[0] == "-m" else Kind.TEXT
        target, *arguments = rest[1:]
    elif (
        # Folders, archives and compiled files can be run as well, by other ways.
        rest
        and rest[0].endswith(".py")
        and not rest[0].startswith("-")
        and os.path.isfile(os.path.join(cwd, rest[0]))
    ):
        kind = Kind.SCRIPT
        target, *arguments = rest
    else:
        return None
    variables = _shell_environment(environment, cwd)
    return Job(kind, target, tuple(arguments), tuple(words), executable, cwd, variables)


def split(command: str) -> list[str] | None:
    """Return the words of a plain command; None if a shell would do more than split it."""
    if not PLAIN.fullmatch(command):
        return None
    return shlex.split(command)


def _node_job(
    words: Sequence[str], cwd: str, environment: Mapping[str, str], python: str
) -> Job | None:
    """Return the job of ``jupyter mlws node …``: the console script that `jupyter` would exec."""
    script = _resolve_executable(words[0], cwd, environment)
    if script is None or other_python(environment) is not None:
        return None
    if os.path.basename(words[0]) == "jupyter":
        if list(words[1:2]) != ["mlws"] or not _is_same_python(_interpreter(script), python):
            return None
        # `jupyter` looks beside itself first.
        script = os.path.join(os.path.dirname(script), NODE[0])
        rest = words[2:]
    else:
        rest = words[1:]
    interpreter = _interpreter(script)
    if rest[:1] != [NODE[1]] or interpreter is None or not _is_same_python(interpreter, python):
        return None
    return Job(
        kind=Kind.SCRIPT,
        target=script,
        arguments=tuple(rest),
        words=(interpreter, script, *rest),
        executable=interpreter,
        cwd=cwd,
        environment=_shell_environment(environment, cwd),
    )


def _resolve_executable(word: str, cwd: str, environment: Mapping[str, str]) -> str | None:
    """Return the program that a shell would start for a command's first word."""
    if "/" in word:
        # Each version of Python tidies an odd path of its own in another way.
        plain = os.path.normpath(word) == word and not word.startswith("..")
        return os.path.join(cwd, word) if plain else None
    if not PYTHON.fullmatch(word) and word not in ("jupyter", NODE[0]):
        return None
    executable = shutil.which(word, path=environment.get("PATH", os.defpath))
    # A relative entry of the path depends on the folder of the caller.
    return executable if executable is not None and os.path.isabs(executable) else None


def _interpreter(script: str) -> str | None:
    """Return the program in a script's first line."""
    try:
        with open(script, "rb") as file:
            first = os.fsdecode(file.readline(1024)).rstrip()
    except OSError:
        return None
    return first[2:] if first.startswith("#!/") and " " not in first else None


def _is_same_python(executable: str | None, python: str) -> bool:
    """Return whether two paths start the same Python: the same file, of the same environment."""
    if executable is None:
        return False
    if executable == python:
        return True
    # The programs of all virtual environments are links to one file: the folder tells them apart.
    here, there = (os.path.realpath(os.path.dirname(one)) for one in (executable, python))
    return here == there and os.path.realpath(executable) == os.path.realpath(python)


def _shell_environment(environment: Mapping[str, str], cwd: str) -> dict[str, str]:
    """Return the environment that a shell would pass on, in which it sets ``PWD``."""
    return {**environment, "PWD": cwd}
