"""Outputs of an execution, collected from a kernel's messages in nbformat's form."""

from __future__ import annotations

import time
from typing import Any

MAX_OUTPUTS_LENGTH = 5_000_000
"""Maximum characters of the outputs of one execution; further output is dropped."""

MAX_STREAM_RATE = 2_000_000
"""Characters per second that the stream publishes of one execution."""
MAX_MESSAGE_RATE = 1000
"""Outputs per second that the stream publishes of one execution."""

Message = dict[str, Any]
Output = dict[str, Any]
Event = dict[str, Any]


class Outputs:
    """Collects outputs from kernel messages, in their order.

    ``truncated`` is true if there was more output than the limit.
    """

    def __init__(self, limit: int = MAX_OUTPUTS_LENGTH) -> None:
        self.truncated = False
        self._remaining = limit
        self._items: list[Output] = []
        # A stream's text is kept in parts: appending to a long text copies it each time.
        self._streams: dict[int, list[str]] = {}
        self._clear_at_next = False

    def take(self, message: Message) -> Event | None:
        """Add the output of a message; return the event to publish, None if there is none."""
        kind, content = message["header"]["msg_type"], message["content"]
        if kind == "clear_output":
            return self._clear(wait=bool(content.get("wait")))
        display_id = (content.get("transient") or {}).get("display_id")
        is_update = kind == "update_display_data"
        if is_update and display_id is None:
            return None
        output = _output("display_data" if is_update else kind, content)
        if output is None:
            return None
        if output["output_type"] != "error":
            size = len(output.get("text", "")) + sum(map(_size, output.get("data", {}).values()))
            if size > self._remaining:
                self.truncated = True
                # Later output is dropped too: text with a gap would be misleading.
                self._remaining = 0
                return None
            self._remaining -= size
        if is_update:
            for item in self._items:
                if item.get("display_id") == display_id:
                    item.update(data=output["data"], metadata=output["metadata"])
            return {"type": "update", "display_id": display_id, "output": output}
        if self._clear_at_next:
            self._clear(wait=False)
        if kind == "stream":
            last = len(self._items) - 1
            if last in self._streams and self._items[last]["name"] == output["name"]:
                self._streams[last].append(output["text"])
                return {"type": "output", "output": output}
            self._streams[last + 1] = [output["text"]]
        self._items.append({**output, "display_id": display_id})
        display = {} if display_id is None else {"display_id": display_id}
        return {"type": "output", "output": output, **display}

    def items(self) -> list[Output]:
        """Return all outputs in the form that nbformat writes into a document."""
        return [
            {key: value for key, value in item.items() if key != "display_id"}
            for item in self.with_display_ids()
        ]

    def with_display_ids(self) -> list[Output]:
        """Return all outputs, each with its `display_id`, by which later messages update it."""
        return [
            {**item, "text": "".join(self._streams[position])}
            if position in self._streams
            else dict(item)
            for position, item in enumerate(self._items)
        ]

    @property
    def clears_next(self) -> bool:
        """True if the next output replaces all others, as after `clear_output(wait=True)`."""
        return self._clear_at_next

    def text(self) -> str:
        """Return the text written to stdout."""
        return stdout(self.items())

    def _clear(self, *, wait: bool) -> Event:
        self._clear_at_next = wait
        if not wait:
            self._items.clear()
            self._streams.clear()
        return {"type": "clear", "wait": wait}


class OutputRate:
    """Rate limit for the live output of one execution; the result has its own, larger limit.

    Output beyond the limit of one second is left out of the stream, and one event reports that.
    """

    def __init__(self, size: int = MAX_STREAM_RATE, messages: int = MAX_MESSAGE_RATE) -> None:
        self._limits = (size, messages)
        self._usage = [0, 0]
        self._window_start = 0.0
        self._limit_reported = False

    def pass_on(self, event: Event) -> list[Event]:
        """Return the events to publish in place of ``event``."""
        if event["type"] != "output" or event["output"]["output_type"] == "error":
            return [event]
        now = time.monotonic()
        if now - self._window_start >= 1.0:
            self._window_start, self._usage, self._limit_reported = now, [0, 0], False
        output = event["output"]
        self._usage[0] += len(output.get("text", "")) + sum(
            map(_size, output.get("data", {}).values())
        )
        self._usage[1] += 1
        if all(used <= most for used, most in zip(self._usage, self._limits, strict=True)):
            return [event]
        if self._limit_reported:
            return []
        self._limit_reported = True
        return [{"type": "limited"}]


def stdout(outputs: list[Output]) -> str:
    """Return the text written to stdout from outputs in nbformat's form."""
    return "".join(
        item["text"]
        for item in outputs
        if item["output_type"] == "stream" and item["name"] == "stdout"
    )


def _output(kind: str, content: dict[str, Any]) -> Output | None:
    if kind == "stream":
        return {"output_type": kind, "name": content["name"], "text": content["text"]}
    if kind == "error":
        return {
            "output_type": kind,
            "ename": content["ename"],
            "evalue": content["evalue"],
            "traceback": content["traceback"],
        }
    if kind not in ("display_data", "execute_result"):
        return None
    output = {
        "output_type": kind,
        "data": content["data"],
        "metadata": content.get("metadata", {}),
    }
    if kind == "execute_result":
        output["execution_count"] = content.get("execution_count")
    return output


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str) else len(repr(value))
