"""A kernel's debugger, spoken to as JupyterLab does: the Debug Adapter Protocol in its messages."""

from __future__ import annotations

import itertools
import json
import uuid
from typing import Any

import websocket

CODE = "def double(value):\n    result = value * 2\n    return result\n\nprint(double(21))"
LINE = 3
"""Where the breakpoint is set; `result` has its value there."""


class Debugger:
    """One kernel's WebSocket."""

    def __init__(self, socket: websocket.WebSocket) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._waiting: list[dict[str, Any]] = []

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """The body of the debugger's answer."""
        content = {
            "type": "request",
            "seq": next(self._numbers),
            "command": command,
            "arguments": arguments,
        }
        request = self._send("control", "debug_request", content)
        answer = self._hear("debug_reply", request)
        assert answer["success"], answer
        return dict(answer.get("body") or {})

    def stops_at_a_breakpoint(self) -> str:
        """Run :data:`CODE`, look at what it holds where it stops, go on: what it printed."""
        self.ask("initialize", clientID="test", adapterID="", linesStartAt1=True)
        self.ask("attach")
        path = self.ask("dumpCell", code=CODE)["sourcePath"]
        set_ = self.ask("setBreakpoints", source={"path": path}, breakpoints=[{"line": LINE}])
        assert [(one["verified"], one["line"]) for one in set_["breakpoints"]] == [(True, LINE)]
        self.ask("configurationDone")
        content = {"code": CODE, "silent": False, "store_history": True}
        execution = self._send("shell", "execute_request", content)
        while (event := self._hear("debug_event"))["event"] != "stopped":
            pass
        thread = event["body"]["threadId"]
        assert event["body"]["reason"] == "breakpoint"
        frame = self.ask("stackTrace", threadId=thread)["stackFrames"][0]
        assert (frame["name"], frame["line"]) == ("double", LINE)
        seen = self.ask("evaluate", expression="result", frameId=frame["id"])
        assert seen["result"] == "42"
        self.ask("continue", threadId=thread)
        printed = ""
        while not printed.endswith("\n"):
            printed += self._hear("stream", execution)["text"]
        self.ask("disconnect")
        return printed

    def _send(self, channel: str, kind: str, content: dict[str, Any]) -> str:
        identifier = uuid.uuid4().hex
        header = {
            "msg_id": identifier,
            "msg_type": kind,
            "session": "debugger",
            "username": "",
            "version": "5.3",
        }
        message = {"parent_header": {}, "metadata": {}, "content": content, "channel": channel}
        self._socket.send(json.dumps({"header": header, **message}))
        return identifier

    def _hear(self, kind: str, request: str | None = None) -> dict[str, Any]:
        """The content of the next message of that kind; others wait until they are asked for."""

        def fits(message: dict[str, Any]) -> bool:
            answers = request is None or message["parent_header"].get("msg_id") == request
            return bool(message["msg_type"] == kind and answers)

        found = next(filter(fits, self._waiting), None)
        if found is not None:
            self._waiting.remove(found)
            return dict(found["content"])
        while not fits(message := json.loads(self._socket.recv())):
            self._waiting.append(message)
        return dict(message["content"])
