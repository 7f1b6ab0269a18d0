"""Request and response models of workflows, plans and runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from pydantic import Field

from jupyter_mlws.components.columns import ColumnType
from jupyter_mlws.components.kinds import ColumnKind, ColumnRole, KindReason
from jupyter_mlws.components.preparation import Step
from jupyter_mlws.components.table_files import Format
from jupyter_mlws.components.table_profile import TargetReason, Task
from jupyter_mlws.core.schemas import Facts, Record, Request
from jupyter_mlws.environments.models import EnvironmentRecord, PackageChange
from jupyter_mlws.versioning.experiments.ranking import Mode
from jupyter_mlws.workflows.document.graph import Edge, Problem
from mlws.core.i18n import Message
from mlws.document.terms import Action, Kind
from mlws.engine.states import Status


class Node(Record):
    """One stage. Paths are relative to the project's root; ``status`` is of the newest run.

    ``config`` holds settings, and files of ports that neither an edge brings nor the name gives.
    ``at`` is its place on the canvas; null where the canvas chooses. ``parameters`` are those of
    a notebook, as they are in this node.
    """

    id: str
    type: str
    kind: Kind
    config: dict[str, Any]
    status: Status | None
    inputs: dict[str, list[str]]
    outputs: dict[str, str]
    deps: list[str]
    outs: list[str]
    at: tuple[float, float] | None = None
    parameters: dict[str, Any] = Field(default_factory=dict)


class NodeFailure(Record):
    """The error of a run or node that did not complete."""

    code: str
    message: Message
    node: str | None = None
    details: Facts = Field(default_factory=dict)
    solution: Message = Message.verbatim("")


class RunSummary(Record):
    """A run without its nodes. Times are ISO 8601 in UTC, durations in seconds."""

    id: str
    workflow: str
    path: str
    status: Status
    created: str
    started: str | None
    ended: str | None
    duration: float | None
    jobs: int
    origin: str
    error: NodeFailure | None
    counts: dict[str, int]
    mlflow_run: str | None
    commit: str | None
    resumes: str | None


class NodeRun(Record):
    """One node of a run; ``progress`` (0 to 1) is what the node reports while it runs.

    ``dvc_reason``: why DVC's own, slower code hashed and stored it; null where the engine did.
    ``environment``: ID of the record of the environment that it ran in; null for nodes that did not
    run, for programs that have none, and for nodes of a cluster.
    """

    id: str
    status: Status
    started: str | None
    ended: str | None
    duration: float | None
    exit_code: int | None
    reasons: list[Message]
    attempt: int
    environment: str | None = None
    progress: float | None
    dvc_reason: Message | None
    error: NodeFailure | None


class Run(RunSummary):
    """A run with its nodes; events after ``last_seq`` are newer than this state.

    ``results``: the files (with their hashes) of every node that has its result, by node.
    """

    nodes: list[NodeRun]
    results: dict[str, dict[str, str | None]]
    last_seq: int


class RunText(Record):
    """The text of a workflow as a run read it."""

    run: str
    text: str


class DocumentError(Record):
    """The reason why a file cannot be read as a workflow."""

    message: Message
    line: int | None


class WorkflowSummary(Record):
    """A workflow in a list."""

    id: str
    path: str
    name: str
    node_count: int
    error: DocumentError | None
    run: RunSummary | None


class Workflow(Record):
    """A workflow as a graph; ``status`` is that of its newest run."""

    id: str
    path: str
    name: str
    status: Status | None
    nodes: list[Node]
    edges: list[Edge]
    problems: Sequence[Problem]
    etag: str


class Problems(Record):
    """All problems of a workflow."""

    problems: Sequence[Problem]


class NodePlan(Record):
    """The planned action for a node, and its reasons.

    ``cosmetic``: only the formatting (comments, layout, a notebook's outputs) has changed; a run
    with ``accept_cosmetic`` uses the existing files as its result. ``restored_from`` is the run
    that made the files to restore, if the journal has it. ``environment`` says in what the present
    environment differs from the one that made an up-to-date result.
    """

    id: str
    action: Action
    reasons: list[Message]
    estimate_seconds: float | None
    cosmetic: bool = False
    restored_from: str | None = None
    environment: Message | None = None


class PlanSummary(Record):
    """Numbers of nodes to run, to leave and to restore, and of those that could be accepted."""

    run: int
    cached: int
    restorable: int
    cosmetic: int = 0


class Plan(Record):
    """The plan of a run.

    ``estimate_seconds``: the time that it would take with ``jobs`` nodes at once, of the nodes
    whose time is known; ``without_estimate`` counts the others that would run. Null where none is
    known.
    """

    nodes: list[NodePlan]
    summary: PlanSummary
    jobs: int
    estimate_seconds: float | None
    without_estimate: int


class Log(Record):
    """Part of a node's log: ``text`` begins at byte ``offset``; ``size`` is where the next begins.

    ``complete``: the node has ended and nothing follows.
    """

    text: str
    offset: int
    size: int
    complete: bool


class Output(Record):
    """A file that a node made."""

    port: str
    type: str
    path: str
    size: int | None
    md5: str | None
    exists: bool


class PreparationSummary(Record):
    """Columns that a model encodes, whose gaps it fills, and that it ignores."""

    encoded: int
    imputed: int
    ignored: int


class OutputSummary(Record):
    """An output in one line: ``rows`` and ``columns`` of a table, null where they are not known.

    ``preparation``: of a model that prepares columns.
    """

    port: str
    type: str
    path: str
    size: int | None
    rows: int | None = None
    columns: int | None = None
    preparation: PreparationSummary | None = None


class Measure(Record):
    """The first metric of a node's result.

    ``model``: the node whose model has this value, if a metrics file compares several, or the best
    variant of a sweep. ``previous``: the value in the run before. ``best``: no other model of the
    workflow has a better one. ``low`` and ``high``: the limits between which it lies with 95 %
    confidence. ``rows``: the test rows that it was computed from. ``rivals``: models that do not
    differ significantly from ``model``. ``repeated``: test rows that are also training rows.
    """

    metric: str
    mode: Mode
    value: float
    previous: float | None = None
    model: str | None = None
    best: bool = False
    low: float | None = None
    high: float | None = None
    rows: int | None = None
    rivals: list[str] | None = None
    repeated: int | None = None


class SettingChange(Record):
    """A setting that differs from the run before; null where the component's default applied."""

    name: str
    before: Any
    after: Any


class NodeSettingChange(SettingChange):
    """A setting of a node that differs from the run before."""

    node: str


class MetricChange(Record):
    """A metric of a run (``value``) and of the run before (``previous``); null where one lacks it.

    ``model``: the node, or the model that its metrics file names. ``low`` and ``high``: the limits
    between which the value lies with 95 % confidence. ``rows``: the test rows that it was computed
    from. ``p_value``: how often chance makes such a difference from the best model. ``repeated``:
    test rows that are also training rows.
    """

    node: str
    model: str
    metric: str
    mode: Mode
    value: float | None
    previous: float | None
    low: float | None = None
    high: float | None = None
    rows: int | None = None
    p_value: float | None = None
    repeated: int | None = None


class EnvironmentChange(Record):
    """Differences in the environment of some nodes; packages that they import come first."""

    nodes: list[str]
    packages: list[PackageChange]


class RunEnvironment(EnvironmentRecord):
    """An environment in which nodes of a run ran."""

    nodes: list[str]


class RunEnvironments(Record):
    """The environments of a run; ``changes`` are those since ``previous``."""

    run: str
    previous: str | None
    environments: list[RunEnvironment]
    changes: list[EnvironmentChange]


class EnvironmentQuery(Request):
    """``previous``: the run to compare with; without it, the one before."""

    previous: str | None = None


class RunComparison(Record):
    """The metrics of a run, and how it differs from ``previous``, the run before."""

    run: str
    previous: str | None
    settings: list[NodeSettingChange]
    environments: list[EnvironmentChange]
    metrics: list[MetricChange]


class Thumbnail(Record):
    """A small image; ``data`` is Base64."""

    mime: str
    data: str


class NodeSummary(Record):
    """The newest result of a node, and how its settings differ from the run before."""

    id: str
    run: str | None
    outputs: list[OutputSummary]
    measure: Measure | None
    thumbnail: Thumbnail | None
    changes: list[SettingChange]


class WorkflowResults(Record):
    """The newest results of a workflow's nodes, compared with ``previous``, which completed."""

    run: str | None
    previous: str | None
    nodes: list[NodeSummary]


class Column(Record):
    """A column of a table."""

    name: str
    dtype: str


class ColumnPreparation(Record):
    """Step of a model for a column, and the kind of the column with the reason for it.

    ``gaps``: training rows without a value; ``fills_gaps``: missing numbers and dates are filled.
    """

    name: str
    kind: ColumnKind
    reason: KindReason
    step: Step
    gaps: int
    fills_gaps: bool


class Preview(Record):
    """A preview of an output; ``type`` determines which fields are set.

    ``preparation``: of a model that prepares columns.
    """

    type: str
    columns: list[Column] | None = None
    rows: list[list[Any]] | None = None
    row_count: int | None = None
    metrics: Any = None
    mime: str | None = None
    data: str | None = None
    spec: Any = None
    text: str | None = None
    preparation: list[ColumnPreparation] | None = None
    notebook: Any = None
    truncated: bool | None = None


class TablePage(Record):
    """Rows of a table from ``offset`` on.

    ``row_count``: rows of the table; ``match_count``: those that match the filters. ``truncated``:
    only the beginning of a large CSV file was read.
    """

    columns: list[Column]
    rows: list[list[Any]]
    offset: int
    row_count: int
    match_count: int
    truncated: bool


class Bin(Record):
    """A bar of a histogram: a range of numbers, or a value."""

    label: str
    count: int


class ColumnStatistics(Record):
    """The distribution of a column: of numbers a histogram, else the most frequent values.

    ``distinct`` is null where there are too many values to count.
    """

    column: str
    dtype: str
    count: int
    nulls: int
    distinct: int | None = None
    min: Any = None
    max: Any = None
    mean: Any = None
    std: Any = None
    bins: list[Bin] = Field(default_factory=list)


class RowConflict(Record):
    """A cell that both sides changed; without ``column`` a row that one of them deleted.

    The sides are null where they have no such row; ``take`` is the side that was chosen.
    """

    id: str
    key: str
    column: str | None
    base: str | None
    ours: str | None
    theirs: str | None
    take: str | None


class TableMerge(Record):
    """A table in conflict, merged by row: rows are matched by the column ``key``.

    ``from_theirs`` rows were taken from the other side, ``combined`` ones have cells of both.
    ``problem`` says why it cannot be merged by row.
    """

    path: str
    key: str | None = None
    rows: int = 0
    from_theirs: int = 0
    combined: int = 0
    conflicts: list[RowConflict] = Field(default_factory=list)
    conflict_count: int = 0
    unresolved: int = 0
    problem: Message | None = None


class TableResolution(Request):
    """The sides of the conflicts of a table, by their ids; of all others by ``*``."""

    choices: dict[str, Literal["base", "ours", "theirs"]] = Field(default_factory=dict)


class Script(Record):
    """A workflow as a program: its file name and its text."""

    name: str
    text: str


class WrittenNotebook(Record):
    """The path of a notebook that was written, from the project's root."""

    path: str


class ValidateRequest(Request):
    """A workflow to check; ``text`` if it differs from the content of the file."""

    path: str = Field(min_length=1, max_length=1000)
    text: str | None = Field(default=None, max_length=4_000_000)


class NodeColumnsRequest(ValidateRequest):
    """A node of a workflow whose input tables are asked for."""

    node: str = Field(min_length=1, max_length=1000)


class TableColumn(Record):
    """A column of a table before a run; what is unknown is null.

    Its type, some of its values, its kind and role, whether values are missing, whether all numbers
    are whole, and why it is of its kind.
    """

    name: str
    type: ColumnType | None
    examples: list[str]
    kind: ColumnKind | None = None
    role: ColumnRole | None = None
    has_gaps: bool | None = None
    is_whole: bool | None = None
    reason: KindReason | None = None


class TableColumns(Record):
    """Known columns of a table; ``complete`` if it has no others."""

    columns: list[TableColumn]
    complete: bool


class NodeColumns(Record):
    """Columns of the tables at each input port of a node, and of a table that it reads."""

    inputs: dict[str, list[TableColumns]]


class TableProfileRequest(Request):
    """A file of a table that a workflow may begin with; what is empty is found from its content."""

    path: str = Field(min_length=1, max_length=1000)
    separator: str = Field(default="", max_length=4)
    encoding: str = Field(default="", max_length=40)
    decimal: str = Field(default="", max_length=1)
    sheet: str = Field(default="", max_length=200)


class TableReading(Record):
    """How the file of a table is read."""

    format: Format
    separator: str
    encoding: str
    decimal: str
    sheet: str


class ColumnProfile(Record):
    """A column of a table file.

    ``reason``: why it is of its kind; ``bars``: rows in ranges of numbers and dates, or of the most
    frequent values; ``smallest_class``: rows of its rarest value, null if it cannot be a class;
    ``task``: of predicting it, null if it cannot be predicted.
    """

    name: str
    kind: ColumnKind
    reason: KindReason
    gaps: int
    distinct: int
    examples: list[str]
    bars: list[int]
    smallest_class: int | None
    task: Task | None


class SourceProfile(Record):
    """Columns of the table that a node loads; ``is_head``: only its first rows were read."""

    rows: int
    is_head: bool
    columns: list[ColumnProfile]


class TableProfile(SourceProfile):
    """Profile of a table file: its columns, and a proposal for a first model.

    ``target``: the column that is probably to be predicted; ``time``: the column of dates by which
    the rows are in order; ``leaks``: columns that alone tell the target; ``repeated``: rows that
    are like an earlier one; ``season``: rows from one season to the next, by the distance of the
    dates.
    """

    reading: TableReading
    sheets: list[str]
    target: str | None
    target_reason: TargetReason | None
    time: str | None
    season: int | None
    leaks: list[str]
    repeated: int


class LearnedChecks(Record):
    """Settings of `check_table` that a table meets."""

    columns: list[str]
    types: list[str]
    ranges: list[str]
    complete: list[str]
    unique: list[str]
    minimum_rows: int


class ContinueRequest(Request):
    """How the nodes of an earlier run are run."""

    pull: bool = Field(
        default=False,
        description="First fetch data that the nodes read and that was not pulled yet.",
    )


class PlanQuery(Request):
    """The options of the run to plan; see ExecuteRequest."""

    targets: list[str] = Field(
        default_factory=list, description="Only these nodes and their dependencies; all if empty."
    )
    force: bool = Field(default=False, description="Also run nodes that are up to date.")
    accept_cosmetic: bool = Field(
        default=False,
        description="Treat cosmetic changes as unchanged: comments, formatting of YAML and JSON, "
        "notebook content besides code.",
    )
    jobs: int | None = Field(
        default=None,
        ge=1,
        le=256,
        description="Parallel nodes; default: one per CPU, or one per thread of the cluster.",
    )


class ExecuteRequest(PlanQuery, ContinueRequest):
    """The nodes to run, and how."""

    params: dict[str, Any] = Field(
        default_factory=dict,
        description="Settings to change before the run, as `node.key`; saved to the file.",
    )
    keep_going: bool = Field(
        default=False, description="After a failure, continue with independent nodes."
    )
    executor: str | None = Field(
        default=None,
        max_length=300,
        description="`local`, `dask://HOST:PORT`, or `dask` for the scheduler in "
        "DASK_SCHEDULER_ADDRESS or Dask's configuration. Default: MLWS_EXECUTOR, else `local`.",
    )
    again: list[str] = Field(
        default_factory=list, description="Run these nodes even if they are up to date."
    )
    accept: list[str] = Field(
        default_factory=list,
        description="Use the existing output of these nodes as their result instead of running "
        "them.",
    )
    skip: list[str] = Field(
        default_factory=list,
        description="Skip these nodes; dependent nodes run with the existing files.",
    )
    origin: Literal["rest", "canvas", "cli", "magic"] = "rest"


class PlanRequest(PlanQuery):
    """The run to plan, of a ``text`` that may not be saved yet."""

    text: str | None = Field(
        default=None,
        max_length=4_000_000,
        description="The text of the workflow; the file's by default. Nothing is written.",
    )


class RunQuery(Request):
    """The ID of a run; the newest by default."""

    run: str | None = None


class TableFilter(Request):
    """A condition on a column; ``value`` is read as the column's type."""

    column: str = Field(max_length=1000)
    operator: Literal[
        "contains",
        "equal",
        "not_equal",
        "less",
        "less_equal",
        "greater",
        "greater_equal",
        "empty",
    ]
    value: str = Field(default="", max_length=1000)


class TableRequest(Request):
    """The rows of a table to return."""

    offset: int = Field(default=0, ge=0, le=2**53)
    limit: int = Field(default=100, ge=1, le=1000)
    sort: str | None = Field(default=None, max_length=1000, description="The column to sort by.")
    descending: bool = False
    filters: list[TableFilter] = Field(
        default_factory=list, max_length=50, description="Conditions that all must hold."
    )


class ColumnRequest(Request):
    """The column to describe."""

    column: str = Field(max_length=1000)


class LogQuery(Request):
    """The first byte to return."""

    offset: int = Field(default=0, ge=0)
