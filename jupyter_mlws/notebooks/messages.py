"""Messages of a notebook's stream, for the API's document."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from jupyter_mlws.notebooks.models import ExecutionError, ExecutionStatus, NotebookStatus, Origin


class NotebookStatusEvent(TypedDict):
    """Message: the state of the notebook's kernel."""

    type: Literal["status"]
    seq: int
    status: NotebookStatus


class RequestEvent(TypedDict):
    """Message: the state of a request to run cells."""

    type: Literal["request"]
    seq: int
    request: str
    status: ExecutionStatus
    error: ExecutionError | None


class _ExecutionMessage(TypedDict):
    seq: int
    execution: str
    request: str
    cell: str | None
    origin: NotRequired[Origin]


class ExecutionEvent(_ExecutionMessage):
    """Message: the state of an execution."""

    type: Literal["execution"]
    status: ExecutionStatus
    started: str | None
    duration: float | None
    execution_count: int | None
    memory: int | None
    error: ExecutionError | None


class OutputEvent(_ExecutionMessage):
    """Message: an output in nbformat's form; later ``update`` messages may replace it."""

    type: Literal["output"]
    output: dict[str, Any]
    display_id: NotRequired[str]


class OutputUpdate(_ExecutionMessage):
    """Message: new content for the outputs with a ``display_id``."""

    type: Literal["update"]
    output: dict[str, Any]
    display_id: str


class OutputClearance(_ExecutionMessage):
    """Message: all outputs of the cell are removed, or (``wait``) the next output replaces them."""

    type: Literal["clear"]
    wait: bool


class InputEvent(_ExecutionMessage):
    """Message: running code waits for input; ``password`` hides what is typed."""

    type: Literal["input"]
    prompt: str
    password: bool


class OutputMark(_ExecutionMessage):
    """Message: the input was answered, or output beyond the rate limit is left out."""

    type: Literal["answered", "limited"]


class UnsavedEvent(TypedDict):
    """Message: outputs are in the history only, as the file has changed since."""

    type: Literal["unsaved"]
    seq: int
    request: str
    cell: NotRequired[str | None]
    error: ExecutionError | None


class SavedEvent(TypedDict):
    """Message: outputs of these cells were written to the file."""

    type: Literal["saved"]
    seq: int
    request: str
    cells: list[str]


class KernelDeath(TypedDict):
    """Message: the kernel's process has ended; executions of these cells are lost."""

    type: Literal["death"]
    seq: int
    exit_code: int | None
    lost: list[str]
    cells: list[str]


class MemoryEvent(TypedDict):
    """Message: the kernel's memory nears or exceeds its limit; in bytes."""

    type: Literal["memory"]
    seq: int
    level: Literal["warning", "limit"]
    execution: str
    used: int
    limit: int


NOTEBOOK_MESSAGES = (
    NotebookStatusEvent,
    RequestEvent,
    ExecutionEvent,
    OutputEvent,
    OutputUpdate,
    OutputClearance,
    InputEvent,
    OutputMark,
    UnsavedEvent,
    SavedEvent,
    KernelDeath,
    MemoryEvent,
)
"""Messages of a notebook's stream."""
