"""API models of tracked runs and reproductions."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from jupyter_mlws.core import validation_messages
from jupyter_mlws.core.schemas import PageQuery, Record, Request, separate
from jupyter_mlws.environments.models import EnvironmentRecord, PackageChange, RebuiltEnvironment
from jupyter_mlws.versioning.models import Plain, Scalar, Text, UnreachableRemote
from mlws.core.i18n import Message
from mlws.engine.states import Status


class RunEnd(StrEnum):
    """Final status of a tracked run."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"


class RunBegin(Request):
    """A run to track. ``source`` is the notebook or script, as the user names it."""

    name: Plain | None = Field(default=None, min_length=1, max_length=250)
    experiment: Plain | None = Field(default=None, min_length=1, max_length=250)
    source: Plain | None = Field(default=None, max_length=1000)
    params: dict[str, Scalar] = Field(default_factory=dict, max_length=1000)


class RunEnded(Request):
    """Final status of a run and its error."""

    status: RunEnd = RunEnd.COMPLETED
    error: str | None = Field(default=None, max_length=1000)


class RunState(Record):
    """Version of the working tree.

    ``dirty``: the commit was created for it. ``data``: the data that it names, path → hash.
    ``tags`` are the tags for MLflow's run.
    """

    commit: str | None
    dirty: bool
    data: dict[str, str]
    tags: dict[str, str]


class TrackedRun(RunState):
    """A run in MLflow, with the values for MLflow's environment variables."""

    id: str
    experiment: str
    uri: str


class ReproduceRequest(Request):
    """Folder of a reproduction, inside the project; chosen automatically by default.

    ``environments``: whether those of the run are built again where the present ones differ.
    """

    path: Plain | None = Field(default=None, min_length=1, max_length=1000)
    environments: bool = True


class UnavailableData(Record):
    """Data of the run that is in neither cache nor remote.

    An ``unreachable`` remote may have it. ``made``: a run of the workflow makes it again.
    """

    path: Text
    md5: str
    made: bool
    unreachable: UnreachableRemote | None = None


class Reproduction(Record):
    """A git worktree at the commit of a run, with its data.

    ``run`` is MLflow's id. ``command`` repeats the run, ``remove`` deletes the reproduction.
    """

    id: str
    run: str
    commit: str
    path: str
    workflow: str | None
    params: dict[str, Any]
    metrics: dict[str, float | None]
    data: list[Text]
    unavailable: list[UnavailableData]
    environments: list[RebuiltEnvironment] = Field(default_factory=list)
    command: str | None
    remove: str


class RunKind(StrEnum):
    """Kind of a row in the table of runs."""

    RUN = "run"
    COMMIT = "commit"


class ExperimentRun(Record):
    """A run with its settings and measures; ``id`` is MLflow's, ``run`` the workflow run's.

    Runs of notebooks and scripts have no ``workflow``, and MLflow's id as ``run``; ``node`` names
    which node of the workflow's run it is. ``dirty``: its commit was made for it, because the
    working tree was no commit. ``inputs``: the data that it read, path → hash.

    ``title`` tells runs apart: the name that a person gave the run, else the parameters in which it
    differs and its main metric. ``name`` may be one that MLflow generated. ``note`` is Markdown.
    ``parent``: MLflow's id of the run that it is nested in. A commit with the metrics of DVC is a
    row of the ``kind`` `commit`: ``run`` is its ID.
    """

    id: str | None
    run: str
    workflow: str | None
    status: Status
    started: str | None
    duration: float | None
    params: dict[str, Any]
    metrics: dict[str, Any]
    commit: str | None
    kind: RunKind = RunKind.RUN
    node: str | None = None
    name: str = ""
    title: str = ""
    experiment: str | None = None
    source: str | None = None
    parent: str | None = None
    dirty: bool | None = None
    inputs: dict[str, str] = Field(default_factory=dict)
    tags: dict[str, str] = Field(default_factory=dict)
    note: str = ""
    starred: bool = False
    archived: bool = False
    deleted: bool = False


class RunSnapshot(Record):
    """A snapshot that names a run."""

    commit: str
    subject: Text
    timestamp: str


class RunPart(Record):
    """A run that is nested in another, such as that of a node.

    ``system_metrics``: names of the metrics of what it used, such as memory.
    """

    id: str
    title: str
    node: str | None
    status: Status
    duration: float | None
    system_metrics: list[str]


class RunEnvironmentTitle(Record):
    """An environment in which nodes of a run ran: its ID and its interpreter."""

    id: str
    title: str


class RunDetail(ExperimentRun):
    """A run with the snapshots that name it, its nested runs and its environments.

    ``data``: what it or its nodes read, without what its nodes made; of a notebook or script, the
    data of the working tree. Path → hash.
    """

    data: dict[str, str]
    snapshots: list[RunSnapshot]
    parts: list[RunPart]
    environments: list[RunEnvironmentTitle]


TagValue = Annotated[Plain, Field(max_length=5000)]
"""Value of a tag; MLflow accepts 5,000 to 8,000 characters, by its version and store."""


class RunMarks(Request):
    """Changes of tags, and of the marks of a run. A tag that is null is removed."""

    tags: dict[str, TagValue | None] = Field(default_factory=dict, max_length=100)
    archived: bool | None = None
    starred: bool | None = None


class RunChange(RunMarks):
    """Changes of a run; what is left out stays. ``archived`` applies to nested runs as well.

    An empty ``name`` is replaced by the run's ID, so that the title says what differs. ``note`` is
    Markdown, and empty to remove it.
    """

    name: Plain | None = Field(default=None, max_length=250)
    note: TagValue | None = None


class RunsChange(RunMarks):
    """The same changes for several runs: for all of them, or for none if one does not exist."""

    ids: list[str] = Field(min_length=1, max_length=500)


class DeletedRun(Record):
    """A run that was deleted with its nested ``runs``, and the snapshots that name it.

    ``restore`` is the command that brings it back.
    """

    id: str
    title: str
    runs: list[str]
    snapshots: list[RunSnapshot]
    restore: str


class RunReference(Request):
    """A reference to a run: its name or title, or an ID or the start of one."""

    name: Plain = Field(min_length=1, max_length=500)
    deleted: bool = Field(default=False, description="Among the runs that were deleted.")


class OutputStore(StrEnum):
    """Store that has an output of a run."""

    CACHE = "cache"
    REMOTE = "remote"
    WORKING_TREE = "working_tree"
    MLFLOW = "mlflow"


class RunOutput(Record):
    """An output of a run.

    Nodes record their outputs by hash (``md5``). Other code logs them in MLflow. ``store`` is null
    if the content is not available; an ``unreachable`` remote may have it.
    """

    path: Text
    node: str | None = None
    md5: str | None = None
    size: int | None = None
    store: OutputStore | None
    unreachable: UnreachableRemote | None = None


class RunColumns(Record):
    """The names of the parameters, metrics and tags of runs, and of experiments that have runs.

    ``migration`` is a command that adds runs which MLflow 2 keeps in a folder of files; null if
    there are runs, or none to add.
    """

    params: list[str]
    metrics: list[str]
    tags: list[str]
    experiments: list[str]
    migration: str | None = None


class CurvesQuery(Request):
    """The metric and the runs whose values are returned, step by step."""

    metric: str = Field(min_length=1, max_length=250)
    ids: Annotated[list[str], BeforeValidator(separate)] = Field(
        min_length=1, max_length=50, description="MLflow IDs of the runs."
    )
    points: int = Field(
        default=500,
        ge=2,
        le=10_000_000,
        description="Maximum number per run. Of more, first, last and the extremes are returned.",
    )
    first: int | None = Field(default=None, description="Only from this step on.")
    last: int | None = Field(default=None, description="Only up to this step.")


class Curve(Record):
    """A metric of one run, in the order of its steps; empty where the run lacks it.

    ``times`` in seconds since 1970. ``values`` are null where they are no finite numbers.
    ``count`` and ``not_finite`` count all values of these steps.
    """

    run: str
    steps: list[int]
    times: list[float]
    values: list[float | None]
    count: int
    not_finite: int


class Curves(Record):
    """A metric of several runs, in the order in which they were asked for."""

    metric: str
    items: list[Curve]


class RunMetric(Record):
    """A metric that a run logged; ``is_curve`` unless it is known to have one value only."""

    name: str
    is_curve: bool


class RunFile(Record):
    """A file that a run made: an output of a node, or an artifact that its code logged.

    ``kind``: what a preview shows, such as ``Figure``. ``available``: whether it can be previewed.
    """

    path: Text
    kind: str
    node: str | None = None
    md5: str | None = None
    size: int | None = None
    available: bool


class RunFileQuery(Request):
    """The file to preview."""

    path: Plain = Field(min_length=1, max_length=1000)
    version: str = Field(
        default="",
        max_length=100,
        description="Any text that changes with the content, for caches; it is not read.",
    )


class BaselineQuery(Request):
    """The run to compare with."""

    previous: Plain | None = Field(default=None, min_length=1, max_length=250)


class RunPackages(Record):
    """The environments of a run; ``changes`` are those since the run that it is compared with."""

    environments: list[EnvironmentRecord]
    changes: list[PackageChange]


class RunsFilter(Request):
    """Filters of runs."""

    workflow: str | None = Field(default=None, description="Path of a workflow.")
    experiment: str | None = Field(
        default=None, max_length=500, description="Name of an experiment in MLflow."
    )
    filter: str = Field(
        default="",
        max_length=4000,
        description="MLflow search expression: `metrics.acc > 0.9 AND params.kind = 'forest'`.",
    )
    q: str | None = Field(default=None, max_length=200, description="Text in the name.")
    nested: bool = Field(default=False, description="Include nested runs, such as those of nodes.")
    archived: bool = Field(default=False, description="Include archived runs.")
    starred: bool = Field(default=False, description="Only runs with a star.")
    deleted: bool = Field(default=False, description="Only runs that were deleted.")


GROUP = validation_messages.pattern(
    r"^(experiment|workflow|name|(params|tags)\..+)$",
    Message("must be experiment, workflow, name, params.NAME or tags.NAME"),
)
GroupField = Annotated[str, Field(max_length=300, pattern=GROUP)]


class RunsQuery(PageQuery, RunsFilter):
    """Filters, order and columns of the runs to return."""

    group: GroupField | None = Field(
        default=None,
        description="Only runs of one group: `params.kind` with its `value`; without a value the "
        "runs that lack it.",
    )
    value: str | None = Field(default=None, max_length=6000, description="Value of the `group`.")
    sort: Annotated[list[str], BeforeValidator(separate)] = Field(
        default_factory=list,
        max_length=5,
        description="`metrics.acc DESC`; several in order of priority. Default: newest first.",
    )
    columns: Annotated[list[str] | None, BeforeValidator(separate)] = Field(
        default=None,
        max_length=500,
        description="Only these parameters and metrics: `params.depth,metrics.acc`.",
    )

    @property
    def plain(self) -> bool:
        """True without any filter, order or columns: the newest runs are returned whole."""
        chosen = self.starred or self.deleted or self.experiment or self.group
        return not (self.filter or self.q or self.sort or self.columns or self.nested or chosen)


class GroupsQuery(RunsFilter):
    """Filters of runs, and the field whose values are their groups."""

    by: GroupField = Field(
        description="`experiment`, `workflow`, `name`, `params.NAME` or `tags.NAME`."
    )


class MetricSummary(Record):
    """A metric of the runs of a group.

    ``count``: the runs that have a finite value. ``deviation``: standard deviation of a sample,
    null for fewer than two values.
    """

    count: int
    mean: float
    deviation: float | None


class RunGroup(Record):
    """Runs with an equal value; ``value`` is null for the runs that have none."""

    value: str | None
    count: int
    metrics: dict[str, MetricSummary]


class RunGroups(Record):
    """The groups of runs, the largest first; ``more`` smaller ones are left out."""

    items: list[RunGroup]
    more: int


class RunStage(StrEnum):
    """The runs that the table shows."""

    ACTIVE = "active"
    STARRED = "starred"
    ARCHIVED = "archived"
    DELETED = "deleted"
    COMMITS = "commits"


class RunTableSearch(Request):
    """The search of a view of the table of runs; see the query of the list of runs."""

    q: Plain = Field(default="", max_length=200)
    filter: Plain = Field(default="", max_length=4000)
    experiment: Plain = Field(default="", max_length=500)
    workflow: Plain = Field(default="", max_length=1000)
    nested: bool = False
    state: RunStage = RunStage.ACTIVE


class RunTableColumn(Request):
    """A column of the table of runs: a metric or parameter. Pinned ones stay in view."""

    kind: Literal["metric", "param"]
    name: Plain = Field(min_length=1, max_length=300)
    pinned: bool = False


class RunTableLayout(Request):
    """Layout of the table of runs.

    ``columns`` are in order; null for those that most runs have values for. ``sort`` is as in the
    query of the list of runs, ``group`` as in that of groups. ``baseline`` is the run that the
    others are compared with.
    """

    columns: list[RunTableColumn] | None = Field(default=None, max_length=500)
    sort: Plain | None = Field(default=None, max_length=400)
    group: GroupField | None = None
    baseline: Plain | None = Field(default=None, max_length=250)


class LayoutChange(Request):
    """A layout; ``in_project`` saves it in a file of the project, else it is the user's own."""

    layout: RunTableLayout
    in_project: bool = False


class RunViewChange(LayoutChange):
    """A search and a layout to save under a name."""

    search: RunTableSearch


class RunViewName(Request):
    """New name of a view."""

    name: Plain = Field(min_length=1, max_length=100, pattern=validation_messages.NOT_BLANK)


class RunView(Record):
    """A search and a layout that were saved under a name."""

    name: str
    in_project: bool
    search: RunTableSearch
    layout: RunTableLayout


class RunViews(Record):
    """The layout of the table of runs, where it is from, and the saved views."""

    layout: RunTableLayout
    in_project: bool
    items: list[RunView]
