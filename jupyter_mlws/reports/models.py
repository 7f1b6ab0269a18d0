"""Models of a report: the changes between two versions of a project."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import Field

from jupyter_mlws.core.schemas import Record
from jupyter_mlws.versioning.models import (
    CellState,
    ChangedFile,
    ChangeState,
    DifferingValue,
    TableChange,
    Text,
)
from jupyter_mlws.versioning.snapshots.proof_models import ObjectProblem
from mlws.core.i18n import Message
from mlws.document.terms import Action


class CommitSummary(Record):
    """A commit in one line."""

    id: str
    short: str
    subject: Text
    author: Text
    timestamp: str


class NodePart(StrEnum):
    """Part of a node that can change."""

    COMMAND = "command"
    DEPENDENCIES = "dependencies"
    OUTPUTS = "outputs"
    PARAMETERS = "parameters"
    OPTIONS = "options"


class NodePartChange(Record):
    """A part of a node in two versions, each as lines of text."""

    part: NodePart
    before: list[str]
    after: list[str]


class NodeChange(Record):
    """A node of a workflow in two versions; ``parts`` are those that differ."""

    id: str
    state: CellState
    parts: list[NodePartChange] = Field(default_factory=list)


class EdgeChange(Record):
    """A connection of two nodes in two versions: added, deleted or unchanged."""

    source: str
    target: str
    state: CellState


class GraphChange(Record):
    """A workflow in two versions; ``problem`` says why it could not be read."""

    path: Text
    state: ChangeState
    nodes: list[NodeChange] = Field(default_factory=list)
    edges: list[EdgeChange] = Field(default_factory=list)
    problem: Message | None = None

    @property
    def is_changed(self) -> bool:
        """Return whether nodes or edges differ, and not only comments and positions."""
        states = {*(node.state for node in self.nodes), *(edge.state for edge in self.edges)}
        return bool(states - {CellState.UNCHANGED})


class MetricDelta(DifferingValue):
    """A number in two versions; ``better`` is null where they cannot be compared."""

    change: float | None = None
    better: bool | None = None


class CellChange(Record):
    """A changed cell of a notebook, by its number in the notebook that has it."""

    number: int
    type: str
    state: CellState
    outputs_changed: bool
    unified: str


class NotebookChange(Record):
    """A notebook in two versions; ``problem`` says why it could not be compared."""

    path: Text
    state: ChangeState
    cells: list[CellChange] = Field(default_factory=list)
    problem: Message | None = None


class DataChange(Record):
    """Data that DVC tracks, in two versions, by bytes and number of files."""

    path: Text
    state: ChangeState
    from_size: int | None
    to_size: int | None


class PlannedNode(Record):
    """A node of a plan: whether the next run executes it, and why."""

    id: str
    action: Action
    reasons: list[Message]


class PlannedWorkflow(Record):
    """The plan of a workflow; ``problem`` says why there is none."""

    path: Text
    nodes: list[PlannedNode] = Field(default_factory=list)
    problem: Message | None = None


class HeadCheck(Record):
    """Verification of the objects of the head commit that this machine has.

    ``absent``: data that is not in the cache. ``problem`` says why data was not read.
    """

    objects: int
    bytes: int
    absent: list[Text]
    problems: list[ObjectProblem]
    problem: Message | None = None


class Report(Record):
    """Changes from ``base`` to ``head``, which has ``commits`` that base lacks.

    ``plans`` is null unless head is checked out, with its data. ``dirty``: the working tree has
    uncommitted changes, which the plans include; null in a project that is not trusted.
    ``more_tables``: changed tables beyond those compared.
    """

    base: CommitSummary
    head: CommitSummary
    commits: int
    graphs: list[GraphChange]
    metrics: list[MetricDelta]
    params: list[DifferingValue]
    notebooks: list[NotebookChange]
    tables: list[TableChange]
    more_tables: int
    data: list[DataChange]
    environments: list[DifferingValue]
    files: list[ChangedFile]
    plans: list[PlannedWorkflow] | None
    is_checked_out: bool
    dirty: bool | None
    check: HeadCheck

    @property
    def is_empty(self) -> bool:
        """Return whether the versions do not differ."""
        return not (self.files or self.data)


def as_text(value: Any) -> str:
    """Return a value of a file as text; floats have five significant digits."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.5g}" if isinstance(value, float) else str(value)
