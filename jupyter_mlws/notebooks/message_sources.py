"""Chooses, for each execution, the connection whose copies of the kernel's messages are processed.

The listener's own connection and those of tabs receive the same messages, each in order. The own
connection of a kernel that has just started may miss the first ones.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

OWN_CONNECTION = ""
"""Name of the listener's own connection; tabs have other names."""
MAX_REQUESTS = 1000
"""Executions whose connection is remembered."""


@dataclass
class _Source:
    """Connection that received the start of an execution.

    For that of a tab: the messages that only the tab has sent so far, and those that only the own
    connection has.
    """

    connection: str
    only_tab: set[str] = field(default_factory=set)
    only_own: dict[str, list[bytes]] = field(default_factory=dict)


class MessageSources:
    """Connections by execution: the one that receives the start receives all of it, in order."""

    def __init__(self) -> None:
        self._sources: OrderedDict[str, _Source] = OrderedDict()

    def of(self, request: str) -> str | None:
        """Return the connection of an execution; None if its start has not been received."""
        source = self._sources.get(request)
        return source.connection if source is not None else None

    def accepts(
        self, request: str, message: str, frames: list[bytes], by: str, *, is_start: bool
    ) -> bool:
        """Return True if this copy of a message of an execution is to be processed."""
        source = self._sources.get(request)
        if source is None:
            if not is_start:
                return True
            source = self._sources[request] = _Source(by)
            while len(self._sources) > MAX_REQUESTS:
                self._sources.popitem(last=False)
        if by == OWN_CONNECTION and message in source.only_tab:
            source.only_tab.remove(message)
            return False
        if source.connection == by:
            if by != OWN_CONNECTION and source.only_own.pop(message, None) is None:
                source.only_tab.add(message)
            return True
        if by == OWN_CONNECTION:
            source.only_own[message] = frames
        return False

    def remove_tab(self, tab: str) -> list[list[bytes]]:
        """Use the own connection in place of that tab; return the messages to process now."""
        messages: list[list[bytes]] = []
        for source in self._sources.values():
            if source.connection == tab:
                source.connection = OWN_CONNECTION
                messages.extend(source.only_own.values())
                source.only_own.clear()
        return messages
