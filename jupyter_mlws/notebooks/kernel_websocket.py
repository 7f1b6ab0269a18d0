"""Reads the cells of execute requests from the WebSockets between tabs and kernels.

A kernel does not repeat the cell in its own messages, so it is read when the request passes the
server, by a subclass of the WebSocket class in Jupyter's settings.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1


class ExecuteRequestInfo(NamedTuple):
    """Execution that a tab requests: the id of the request, its cell and its code."""

    request: str
    cell: str | None
    code: str


RequestCallback = Callable[[str, ExecuteRequestInfo], None]
"""Called with the id of a kernel and an execute request."""
OutputCallback = Callable[[str, str, list[bytes]], None]
"""Called with a kernel, a tab, and the frames of a message to the tab."""
V1_SUBPROTOCOL = "v1.kernel.websocket.jupyter.org"


def observing(base: type[Any], on_request: RequestCallback, on_output: OutputCallback) -> type[Any]:
    """Return a subclass of ``base``, the class of kernel WebSockets, that reports its messages.

    ``on_request`` gets each execution that a tab requests, ``on_output`` each message that the
    tab receives from its kernel.
    """

    class ObservedConnection(base):  # type: ignore[misc]
        """Forwards everything unchanged, except messages that arrive after the close."""

        def handle_incoming_message(self, incoming_msg: Any) -> None:
            if getattr(self.websocket_handler, "ws_connection", self) is None:
                # Closed meanwhile, so the subprotocol is unknown: Jupyter would parse the message
                # by the older protocol, and read its first bytes as a size of gigabytes.
                return
            tab_request = _parse_execute_request(self, incoming_msg)
            if tab_request is not None:
                on_request(self.kernel_id, tab_request)
            super().handle_incoming_message(incoming_msg)

        def handle_outgoing_message(self, stream: Any, *messages: Any) -> None:
            if "iopub" in (stream, getattr(stream, "channel", None)) and messages:
                on_output(self.kernel_id, str(id(self)), messages[0])
            super().handle_outgoing_message(stream, *messages)

    return ObservedConnection


def _parse_execute_request(connection: Any, message: Any) -> ExecuteRequestInfo | None:
    """Return the execution that a message requests; None for any other message."""
    try:
        if getattr(connection, "subprotocol", None) == V1_SUBPROTOCOL:
            channel, parts = deserialize_msg_from_ws_v1(message)  # type: ignore[no-untyped-call]
            if channel != "shell":
                return None
            header = connection.session.unpack(parts[0])
            if header["msg_type"] != "execute_request":
                return None
            metadata, content = map(connection.session.unpack, parts[2:4])
        elif isinstance(message, str):
            payload = connection.session.unpack(message.encode())
            if payload.get("channel") != "shell":
                return None
            header, metadata = payload["header"], payload.get("metadata") or {}
            content = payload["content"]
        else:
            return None
        if header["msg_type"] != "execute_request" or content.get("silent"):
            return None
        cell = metadata.get("cellId")
        cell = cell if isinstance(cell, str) else None
        return ExecuteRequestInfo(str(header["msg_id"]), cell, str(content["code"]))
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        # The server itself rejects invalid messages.
        return None
