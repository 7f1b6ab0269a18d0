"""Observes the WebSockets between tabs and kernels, by a subclass of the one in the settings.

A kernel does not repeat the cell of a request in its own messages, so it is read when the request
passes the server. Which tabs are connected decides who saves the outputs of a cell.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1

from jupyter_mlws.notebooks.tab_executions import ExecuteRequestInfo

if TYPE_CHECKING:
    from jupyter_mlws.notebooks.kernel_listeners import KernelListeners


V1_SUBPROTOCOL = "v1.kernel.websocket.jupyter.org"


def observing(base: type[Any], current: Callable[[], KernelListeners | None]) -> type[Any]:
    """Return a subclass of ``base``, the class of kernel WebSockets, that reports to listeners.

    ``current`` returns the listeners; None while the server stops.
    """

    class ObservedConnection(base):  # type: ignore[misc]
        """Forwards everything unchanged, except messages that arrive after the close."""

        _is_connected = False

        def connect(self) -> Any:
            listeners = current()
            if listeners is not None:
                self._is_connected = True
                listeners.tab_connected(self.kernel_id, self.session.session)
            connected = super().connect()
            if self.channels and "stdin" not in self.channels:
                # Jupyter restored the channels of a tab whose `stdin` was kept elsewhere.
                stdin = self.kernel_manager.connect_stdin(identity=self.session.bsession)
                stdin.channel = "stdin"
                self.channels["stdin"] = stdin
            return connected

        def disconnect(self) -> None:
            listeners = current()
            if self._is_connected and listeners is not None:
                self._is_connected = False
                stdin = self.channels.get("stdin")
                tab, session = str(id(self)), self.session.session
                if listeners.tab_disconnected(self.kernel_id, tab, session, stdin):
                    del self.channels["stdin"]
            super().disconnect()

        def handle_incoming_message(self, incoming_msg: Any) -> None:
            if getattr(self.websocket_handler, "ws_connection", self) is None:
                # Closed meanwhile, so the subprotocol is unknown: Jupyter would parse the message
                # by the older protocol, and read its first bytes as a size of gigabytes.
                return
            listeners = current()
            message = _parse_message(self, incoming_msg) if listeners is not None else None
            if listeners is not None and isinstance(message, ExecuteRequestInfo):
                listeners.expect(self.kernel_id, message)
            listener = listeners.of(self.kernel_id) if listeners is not None else None
            if listener is not None and message == INPUT_REPLY:
                listener.input.handle_reply()
            super().handle_incoming_message(incoming_msg)

        def handle_outgoing_message(self, stream: Any, *messages: Any) -> None:
            channel = stream if isinstance(stream, str) else getattr(stream, "channel", None)
            listeners = current()
            listener = listeners.of(self.kernel_id) if listeners is not None and messages else None
            if listener is not None and channel == "iopub":
                listener.handle_tab_message(str(id(self)), messages[0])
            elif listener is not None and channel == "stdin":
                listener.handle_input_request(messages[0])
            super().handle_outgoing_message(stream, *messages)

    return ObservedConnection


INPUT_REPLY = "input_reply"


def _parse_message(connection: Any, message: Any) -> ExecuteRequestInfo | str | None:
    """Return the execution that a message requests, or `INPUT_REPLY`; None for other messages."""
    try:
        if getattr(connection, "subprotocol", None) == V1_SUBPROTOCOL:
            channel, parts = deserialize_msg_from_ws_v1(message)  # type: ignore[no-untyped-call]
            if channel not in ("shell", "stdin"):
                return None
            header = connection.session.unpack(parts[0])
            if header["msg_type"] not in ("execute_request", INPUT_REPLY):
                return None
            metadata, content = map(connection.session.unpack, parts[2:4])
        elif isinstance(message, str):
            payload = connection.session.unpack(message.encode())
            header, metadata = payload["header"], payload.get("metadata") or {}
            content = payload["content"]
        else:
            return None
        if header["msg_type"] == INPUT_REPLY:
            return INPUT_REPLY
        if header["msg_type"] != "execute_request" or content.get("silent"):
            return None
        cell = metadata.get("cellId")
        cell = cell if isinstance(cell, str) else None
        session = str(header.get("session", ""))
        return ExecuteRequestInfo(str(header["msg_id"]), cell, str(content["code"]), session)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError):
        # The server itself rejects invalid messages.
        return None
