"""Answers to the prompts of git and ssh for credentials: the user gives them, no file has them."""

from __future__ import annotations

import json
import os
import shlex
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jupyter_mlws.git import askpass
from mlws.core.progress import Ask
from mlws.core.secrets import mask_credentials

NO_PROMPT_ENVIRONMENT = {"SSH_ASKPASS_REQUIRE": "never", "GCM_INTERACTIVE": "never"}
"""No program may open a window that asks for a password: it may be on another machine."""
PROMPT_TIMEOUT = 900.0
"""Seconds for the user to answer; each prompt times out earlier in the operation that has it."""
NON_SECRET_PROMPTS = ("username", "yes/no")
"""In prompts whose answers may be seen."""
MAX_PROMPT_BYTES = 64 * 1024
"""Bytes of a prompt."""


class Credentials:
    """Answers to the prompts of one operation, which may call git several times.

    The answers are kept in memory for the duration of the operation. If a program asks the same
    question twice, the answer was refused, so the user is asked again.
    """

    def __init__(self, ask: Ask | None) -> None:
        self._ask = ask
        self._answers: dict[str, str] = {}

    @property
    def patience(self) -> float:
        """Seconds that a user may take to answer all prompts of one git call."""
        return 0.0 if self._ask is None else PROMPT_TIMEOUT

    @contextmanager
    def serving(self) -> Iterator[dict[str, str]]:
        """Yield the environment that directs git's prompts here; without ``ask`` it disables them.

        An exception of ``ask`` is raised when the context ends.
        """
        if self._ask is None:
            yield NO_PROMPT_ENVIRONMENT
            return
        with tempfile.TemporaryDirectory(prefix="mlws-") as folder:
            place = Path(folder)
            program = place / "askpass"
            script = f"exec {shlex.quote(sys.executable)} -I {shlex.quote(askpass.__file__)}"
            program.write_text(f'#!/bin/sh\n{script} "$@"\n')
            program.chmod(0o700)
            server = _Server(place / "socket", self._ask, self._answers)
            try:
                yield {
                    "GIT_ASKPASS": str(program),
                    "SSH_ASKPASS": str(program),
                    "SSH_ASKPASS_REQUIRE": "force",
                    "DISPLAY": os.environ.get("DISPLAY", ":"),
                    "GCM_INTERACTIVE": "never",
                    askpass.SOCKET: str(place / "socket"),
                }
            except Exception as error:
                server.close()
                # The reason why there was no answer says more than git's error about it.
                raise (server.failure or error) from error
            except BaseException:
                server.close()
                raise
            server.close()
            if server.failure is not None:
                raise server.failure


class _Server:
    """Listens on a socket that only this user can open, and forwards the prompts to ``ask``."""

    def __init__(self, path: Path, ask: Ask, answers: dict[str, str]) -> None:
        self.failure: BaseException | None = None
        self._ask = ask
        self._answers = answers
        self._seen_prompts: set[str] = set()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, name="mlws-askpass", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, connection.makefile("rb") as stream:
                try:
                    prompt = json.loads(stream.readline(MAX_PROMPT_BYTES))
                    answer = self._answer(str(prompt))
                    connection.sendall(json.dumps(answer).encode() + b"\n")
                except (OSError, ValueError):
                    # The program that asked is gone: git was ended meanwhile.
                    continue

    def _answer(self, prompt: str) -> str | None:
        if self.failure is not None:
            return None
        if prompt in self._answers and prompt not in self._seen_prompts:
            self._seen_prompts.add(prompt)
            return self._answers[prompt]
        self._seen_prompts.add(prompt)
        secret = not any(part in prompt.lower() for part in NON_SECRET_PROMPTS)
        try:
            self._answers[prompt] = self._ask(mask_credentials(prompt).strip(), secret)
        except BaseException as error:  # noqa: BLE001  raised again where git was called
            self.failure = error
            return None
        return self._answers[prompt]
