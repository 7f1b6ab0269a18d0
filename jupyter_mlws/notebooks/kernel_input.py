"""Input that running code of tabs requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from jupyter_client.session import Session

from jupyter_mlws.notebooks.models import InputPrompt
from jupyter_mlws.notebooks.recording import Recording
from jupyter_mlws.notebooks.tab_executions import RunningExecution


@dataclass(eq=False)
class KernelInput:
    """Requests of one kernel's ``running`` code for input, and their answers.

    Only a tab's `stdin` channel receives a request: that of a tab that is gone is kept.
    """

    _session: Session
    _manager: Any
    _running: Mapping[str, RunningExecution]
    _recording: Recording
    _stdin_of_sessions: dict[str, Any] = field(init=False, default_factory=dict)
    _answer_stream: Any = field(init=False, default=None)

    def tab_connected(self, session: str) -> None:
        """Close the channel that was kept: a kernel replies to one socket of a session only."""
        stdin = self._stdin_of_sessions.pop(session, None)
        if stdin is not None and not stdin.closed():
            stdin.close()

    def keep(self, session: str, stdin: Any, on_request: Callable[[list[bytes]], None]) -> None:
        """Receive the requests on the channel of a tab that is gone."""
        stdin.on_recv(on_request)
        self._stdin_of_sessions[session] = stdin

    async def handle_request(self, frames: list[bytes]) -> None:
        """Publish a request for input."""
        with suppress(ValueError, TypeError):
            _, parts = self._session.feed_identities(frames)
            message = self._session.deserialize(parts)
            going = self._running.get(str(message["parent_header"].get("msg_id", "")))
            if message["header"]["msg_type"] == "input_request" and going is not None:
                prompt, password = (message["content"].get(key) for key in ("prompt", "password"))
                going.prompt = InputPrompt(prompt=str(prompt or ""), password=bool(password))
                going.publish(self._recording, {"type": "input", **going.prompt.model_dump()})

    def handle_reply(self) -> None:
        """Handle that a tab has answered a request."""
        for going in self._running.values():
            if going.prompt is not None:
                going.prompt = None
                going.publish(self._recording, {"type": "answered"})

    def answer(self, notebook: str, value: str) -> bool:
        """Answer the request of a running cell; return False if there is none."""
        running = self._running.values()
        if not any(one.prompt and one.execution.notebook == notebook for one in running):
            return False
        if self._answer_stream is None:
            self._answer_stream = self._manager.connect_stdin()
        content = {"value": value, "status": "ok"}
        self._session.send(self._answer_stream, "input_reply", content)
        self.handle_reply()
        return True

    def close_kept(self) -> None:
        """Close the channels of tabs that are gone: no code runs."""
        for stdin in self._stdin_of_sessions.values():
            stdin.close()
        self._stdin_of_sessions.clear()

    def close(self) -> None:
        """Close all channels."""
        self.close_kept()
        if self._answer_stream is not None and not self._answer_stream.closed():
            self._answer_stream.close()
