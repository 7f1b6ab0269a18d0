"""Request and response models of notebooks, cells and executions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationError, model_validator
from pydantic_core import InitErrorDetails, PydanticCustomError

from jupyter_mlws.core.schemas import Facts, Page, PageQuery, Record, Request
from jupyter_mlws.workflows.models import ColumnRequest, TablePage, TableRequest
from mlws.core.i18n import Message

WEEK = 7 * 24 * 3600
SUFFIX = ".ipynb"
SOURCES = ("code", "cells", "all", "up_to")
"""Fields of a call that select what it runs."""


class NotebookStatus(StrEnum):
    """State of a notebook's kernel; IDLE also if no kernel was started yet."""

    IDLE = "IDLE"
    BUSY = "BUSY"
    STARTING = "STARTING"
    DEAD = "DEAD"


class ExecutionStatus(StrEnum):
    """State of an execution; LOST: its server or kernel is gone, so its outcome is unknown."""

    QUEUED = "QUEUED"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    TIMEOUT = "TIMEOUT"
    CANCELLED = "CANCELLED"
    LOST = "LOST"

    @property
    def ended(self) -> bool:
        return self not in (ExecutionStatus.QUEUED, ExecutionStatus.RUNNING)


class Origin(StrEnum):
    """Client that requested an execution: this API, a tab of JupyterLab, or another client."""

    API = "api"
    LAB = "lab"
    CLIENT = "client"


def _notebook_path(value: str) -> str:
    parts = value.strip("/").split("/")
    plain = all(part and part.strip() and not part.startswith(".") for part in parts)
    if not plain or not parts[-1].endswith(SUFFIX) or "\0" in value or "\\" in value:
        raise PydanticCustomError(
            "notebook_path",
            "must be a path in the server's folder that ends with .ipynb and has no hidden parts",
        )
    return "/".join(parts)


NotebookPath = Annotated[str, Field(max_length=1000), AfterValidator(_notebook_path)]


class NotebookCreate(Request):
    """A new notebook; fields that are left out take the server's defaults."""

    path: NotebookPath | None = Field(default=None, description="Default: an unused Untitled name.")
    kernel: str | None = Field(default=None, min_length=1, max_length=200)
    container_id: str | None = Field(
        default=None, max_length=300, description="The container of this server, or `local`."
    )


class CellExecuteRequest(Request):
    """Code to run: exactly one of ``code``, ``cells``, ``all`` and ``up_to``."""

    code: str | None = Field(default=None, description="Code to run; the document is not changed.")
    cells: list[str] | None = Field(default=None, min_length=1, description="IDs of code cells.")
    all: bool = Field(default=False, description="All code cells, from the top.")
    up_to: str | None = Field(
        default=None,
        min_length=1,
        description="Rerun the cells this one depends on (from history), then this cell.",
    )
    timeout: float | None = Field(
        default=None, gt=0, le=WEEK, description="Time limit per cell in seconds; none: no limit."
    )
    stop_on_error: bool = Field(default=True, description="Skip the cells after a failed one.")
    save: bool | None = Field(
        default=None, description="Save outputs in the document; default: for cells and all."
    )
    stdin: bool = Field(
        default=False,
        description="Allow input requests: the stream sends the question, `input` answers it.",
    )
    wait: bool = Field(default=True, description="False: respond with 202 immediately.")

    @model_validator(mode="wrap")
    @classmethod
    def _one_source(
        cls, data: Any, handler: Callable[[Any], CellExecuteRequest]
    ) -> CellExecuteRequest:
        """Require exactly one source, and report this fault together with those of the fields.

        Pydantic skips a plain model validator if a field is invalid.
        """
        rows: list[InitErrorDetails] = []

        def add(field: tuple[int | str, ...], fault: PydanticCustomError, value: Any) -> None:
            rows.append(InitErrorDetails(type=fault, loc=field, input=value))

        try:
            request = handler(data)
        except ValidationError as error:
            for row in error.errors(include_url=False):
                fault = PydanticCustomError(row["type"], row["msg"], row.get("ctx"))
                add(row["loc"], fault, row["input"])
        if isinstance(data, Mapping):
            sources = [name for name in SOURCES if data.get(name) not in (None, False)]
            if len(sources) != 1:
                text = "specify exactly one of code, cells, all and up_to"
                for name in sources or SOURCES:
                    add((name,), PydanticCustomError("one_source", text), data)
            elif sources == ["code"] and data.get("save") is True:
                text = "code that is not from a cell can't be saved"
                add(("save",), PydanticCustomError("save_code", text), data)
        if rows:
            raise ValidationError.from_exception_data(cls.__name__, rows)
        return request

    @property
    def saves(self) -> bool:
        """True if outputs are saved in the document."""
        return self.code is None and self.save is not False


class NotebookQuery(PageQuery):
    """Filter for a list of notebooks."""

    path: NotebookPath | None = Field(default=None, description="Only the notebook with this path.")


class Needs(Record):
    """Cells to run, in order, to restore the state in which a cell ran; that cell is the last."""

    cells: list[str]


class Cell(Record):
    """A cell; ``outputs`` are nbformat's. Cells of old documents have ids like ``#1``."""

    id: str
    notebook_id: str
    type: str
    content: str
    outputs: list[dict[str, Any]]
    execution_count: int | None


class Notebook(Record):
    """A notebook below the server's folder. Its id stays when it is renamed or moved."""

    id: str
    container_id: str
    path: str
    name: str
    status: NotebookStatus
    kernel_info: dict[str, Any]
    created_at: datetime
    modified_at: datetime


class NotebookDetail(Notebook):
    """A notebook with its cells."""

    cells: list[Cell]


class NotebookPage(Page[Notebook]):
    """Notebooks by path; ``complete`` is false if there were too many folders to list all."""

    complete: bool = True


class ExecutionError(Record):
    """Reason why an execution failed; ``line`` counts from 1 within the cell."""

    code: str
    message: Message
    solution: Message
    ename: str | None = None
    evalue: str | None = None
    cell: str | None = None
    line: int | None = None
    traceback: list[str] = Field(default_factory=list)
    details: Facts = Field(default_factory=dict)


class Execution(Record):
    """One piece of code that ran or will run; ``request`` is the call that it belongs to."""

    id: str
    request: str
    notebook_id: str
    path: str
    cell: str | None
    source: str
    status: ExecutionStatus
    started: datetime | None
    duration: float | None
    execution_count: int | None
    error: ExecutionError | None
    origin: Origin = Origin.API
    memory: int | None = Field(default=None, description="Peak memory of the kernel, in bytes.")
    snapshot: str | None = Field(default=None, description="Commit of HEAD at that time.")
    environment: str | None = Field(
        default=None, description="ID of the environment that the kernel runs in."
    )
    message: str | None = Field(
        default=None,
        description="ID of the kernel request; MLflow runs started in it have it as tag "
        "mlws.execution.",
    )


class ExecutionQuery(PageQuery):
    """Filter for the executions of a notebook."""

    q: str | None = Field(
        default=None, min_length=1, max_length=500, description="Text in the source, path or error."
    )
    status: list[ExecutionStatus] = Field(default_factory=list)
    cell: str | None = Field(default=None, max_length=200)
    origin: Origin | None = None
    since: datetime | None = None
    until: datetime | None = None


class Fix(Record):
    """Change made before a failed cell ran again: a unified diff of its source."""

    execution: str
    started: datetime | None
    diff: list[str]


class Similar(Record):
    """An earlier failure of the same kind, and its fix if there was one."""

    execution: Execution
    fix: Fix | None


class CellFailure(Record):
    """A failed execution of a cell that has not succeeded since, with similar earlier failures."""

    execution: Execution
    similar: list[Similar]


class ExecutionOutput(Execution):
    """An execution with its outputs."""

    outputs: list[dict[str, Any]]


class CodeWarning(Record):
    """A finding of the code check; ``line`` counts from 1 within the cell."""

    cell: str | None
    line: int
    severity: str
    test: str
    message: str


class Variable(Record):
    """A variable of a kernel, or an item of one.

    ``memory`` is in bytes, of a container without its items. ``view`` is how it opens: as a table
    of rows or a tree of items; null if there is nothing more to see.
    """

    name: str
    type: str
    view: Literal["table", "tree"] | None = None
    shape: list[int] | None
    memory: int | None
    preview: str


class Variables(Record):
    """The variables of a kernel, in the order of their creation.

    Kernels other than IPython's list them while their debugger is on. ``is_available`` is false
    for a ``reason``, and while the kernel is busy and has not been asked before: ``unsupported``
    is a kernel that has no debugger. ``total`` counts also those beyond the limit.
    """

    is_available: bool
    reason: Literal["no_kernel", "debugger_off", "unsupported"] | None = None
    is_busy: bool = False
    items: list[Variable] = Field(default_factory=list)
    total: int = 0


Position = Annotated[int, Field(ge=0, le=2**53)]
VariablePath = Annotated[
    list[Position],
    Field(max_length=100, description="Positions of items: the way from the variable to a value."),
]


class VariableItemsRequest(Request):
    """The items of a dictionary, a list or a model to return."""

    path: VariablePath = Field(default_factory=list)
    offset: Position = 0
    limit: int = Field(default=100, ge=1, le=500)


class VariableItem(Variable):
    """An item; ``name`` is its key. ``role`` is what an attribute of a model is."""

    role: Literal["parameter", "fitted"] | None = None


class VariableItems(Record):
    """A value, and a part of its items, of which there are ``total``."""

    value: Variable
    items: list[VariableItem]
    total: int


class VariableTableRequest(TableRequest):
    """The rows of a value to return.

    ``indices`` select the table of an array with more than two axes: one for each leading axis.
    """

    path: VariablePath = Field(default_factory=list)
    indices: VariablePath = Field(default_factory=list)


class VariableTablePage(TablePage):
    """Rows of a value. ``identity`` is another one after an assignment.

    ``truncated``: there are more columns, ``column_count`` of them without the index.
    """

    column_count: int
    shape: list[int]
    identity: str


class VariableColumnRequest(ColumnRequest):
    """The column of a value to describe."""

    path: VariablePath = Field(default_factory=list)
    indices: VariablePath = Field(default_factory=list)


class StaleQuery(PageQuery):
    """Notebooks to judge, by their paths from the server's root."""

    path: list[str] = Field(default_factory=list, max_length=200)


class StaleNotebook(Record):
    """Cells, counted from 1, whose outputs are not those of the notebook's code.

    ``edited``: the code has changed since it ran. ``out_of_order``: the cell ran before a cell
    above it.
    """

    path: str
    edited: list[int]
    out_of_order: list[int]


class InputPrompt(Record):
    """Request of running code for input; `password` hides what is typed."""

    prompt: str
    password: bool


class LiveExecution(Record):
    """Execution that a tab shows although it did not request it, or has missed parts of it.

    `is_owned` is true if that tab is responsible for saving the outputs. `clears_next` is true if
    the next output replaces all others.
    """

    id: str
    cell: str
    source: str
    status: ExecutionStatus
    outputs: list[dict[str, Any]] = Field(
        description="nbformat's, with `display_id` where later messages may update them."
    )
    execution_count: int | None
    is_owned: bool = False
    clears_next: bool = False
    truncated: bool = False
    prompt: InputPrompt | None = None


class AttachRequest(Request):
    """A tab that has connected to the kernel of a notebook."""

    session: str = Field(min_length=1, max_length=200, description="Session of the connection.")
    waiting: list[str] = Field(
        default_factory=list,
        max_length=1000,
        description="IDs of the kernel requests whose ends the tab has not received.",
    )


class Attachment(Record):
    """Executions that a tab takes over, and the stream's number from which it follows them."""

    seq: int
    executions: list[LiveExecution]
    queued: list[str] = Field(description="Cells that the kernel has not begun, in order.")


class InputRequest(Request):
    """The answer to an input request of running code."""

    value: str = Field(max_length=1_000_000)


class ExecutionResult(Record):
    """Result of an execute call.

    ``output`` is the text of stdout, ``outputs`` are nbformat's, of all its cells in order.
    ``saved`` is null if nothing was to be saved. Outputs of old calls are not kept:
    then ``outputs_kept`` is false.
    """

    id: str
    notebook_id: str
    status: ExecutionStatus
    output: str
    outputs: list[dict[str, Any]]
    execution_count: int | None
    started: datetime | None
    duration: float | None
    error: ExecutionError | None
    truncated: bool = False
    outputs_kept: bool = True
    warnings: list[CodeWarning] = Field(default_factory=list)
    saved: bool | None = None
    save_error: ExecutionError | None = None
    executions: list[ExecutionOutput] = Field(default_factory=list)


class StatusReport(Record):
    """State of a notebook: the running execution, and the queued calls in order."""

    notebook_id: str
    status: NotebookStatus
    kernel_info: dict[str, Any]
    running: Execution | None
    queued: list[str]
    last: Execution | None
    timeout: float | None = Field(
        default=None, description="Time limit in seconds of cells run in tabs."
    )


class LimitsRequest(Request):
    """Limits of cells that are run in tabs."""

    timeout: float | None = Field(gt=0, le=WEEK, description="Seconds; null: no limit.")
