"""The options of `repro`, which are those of `dvc repro` and ``--jobs``, for both command lines."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from types import MappingProxyType
from typing import Any, NamedTuple

import click

from mlws.core.i18n import Message

ABOUT = Message(
    "Bring stages up to date, like `dvc repro`.\n\nStages run in parallel. TARGETS are "
    "stages (NAME, or FILE:NAME of another folder's file), dvc.yaml and .dvc files, or outputs; "
    "without them, the dvc.yaml file of this folder."
)


class OnError(StrEnum):
    """The treatment of the other stages after a failure; the values are DVC's."""

    FAIL = "fail"
    KEEP_GOING = "keep-going"
    IGNORE = "ignore"


@dataclass(frozen=True)
class StageOptions:
    """How single stages are executed, as in `dvc repro`."""

    run_cache: bool = True
    commit: bool = True
    allow_missing: bool = False
    pull: bool = False
    interactive: bool = False


@dataclass(frozen=True)
class ReproOptions:
    """The options of `dvc repro`, and the number of stages that may run at once."""

    targets: Sequence[str] = ()
    jobs: int = 1
    force: bool = False
    single_item: bool = False
    pipeline: bool = False
    all_pipelines: bool = False
    recursive: bool = False
    downstream: bool = False
    force_downstream: bool = False
    dry: bool = False
    glob: bool = False
    on_error: OnError = OnError.FAIL
    stages: StageOptions = field(default_factory=StageOptions)


@dataclass(frozen=True)
class StatusOptions:
    """The options of `dvc status` for the files of this machine."""

    targets: Sequence[str] = ()
    with_deps: bool = False
    recursive: bool = False
    quiet: bool = False


class GraphFormat(StrEnum):
    """How a graph of stages is printed; the values are the names of the options."""

    TREE = "tree"
    MERMAID = "mermaid"
    MARKDOWN = "md"
    DOT = "dot"


@dataclass(frozen=True)
class GraphOptions:
    """The options of `dvc dag`."""

    target: str | None = None
    format: GraphFormat = GraphFormat.TREE
    full: bool = False
    outs: bool = False
    collapse: bool = False


class Values(Enum):
    """Kind of values that are shown and compared."""

    METRICS = auto()
    PARAMETERS = auto()


@dataclass(frozen=True)
class ValueOptions:
    """The options of `dvc metrics` and `dvc params`."""

    values: Values
    targets: Sequence[str] = ()
    revisions: tuple[str, str] = ("HEAD", "workspace")
    all_branches: bool = False
    all_tags: bool = False
    all_commits: bool = False
    every: bool = False
    of_stages: bool = False
    precision: int = 5
    """Digits after the decimal point."""
    hides_path: bool = False
    markdown: bool = False


class Area(StrEnum):
    """A group of the checks of `doctor`."""

    GIT = "git"
    DVC = "dvc"
    REMOTES = "remotes"
    VERSIONS = "versions"
    DISK = "disk"
    PERMISSIONS = "permissions"
    LAB = "lab"


class Option(NamedTuple):
    """An option of the command line; without other ``settings`` of click, a flag."""

    names: Sequence[str]
    about: Message
    settings: Mapping[str, Any] = MappingProxyType({"is_flag": True})


OPTIONS = (
    Option(
        ("-j", "--jobs"),
        Message(
            "Stages at once; 1 runs them as DVC does, with the terminal. Default: one for each "
            "processor."
        ),
        {"type": click.IntRange(min=1)},
    ),
    Option(("-f", "--force"), Message("Run stages even if they have not changed.")),
    Option(("-i", "--interactive"), Message("Ask before each stage.")),
    Option(
        ("-s", "--single-item"), Message("Only the targets, without the stages they depend on.")
    ),
    Option(("-p", "--pipeline"), Message("The whole pipelines that the targets belong to.")),
    Option(("-P", "--all-pipelines"), Message("All pipelines of the repository.")),
    Option(("-R", "--recursive"), Message("All stages in the folders that the targets name.")),
    Option(("--downstream",), Message("The targets and the stages that depend on them.")),
    Option(("--force-downstream",), Message("Run everything downstream of a stage that ran.")),
    Option(("--pull",), Message("Pull missing data from the remote.")),
    Option(("--allow-missing",), Message("Skip stages with missing data but no other changes.")),
    Option(("--dry",), Message("Print the commands without running them.")),
    Option(
        ("-k", "--keep-going"),
        Message("After a failure, run the stages that do not depend on it."),
    ),
    Option(("--ignore-errors",), Message("After a failure, run all other stages.")),
    Option(("--glob",), Message("Targets may have wildcards.")),
    Option(("--no-commit",), Message("Do not store outputs in the cache.")),
    Option(("--no-run-cache",), Message("Run commands even if the run cache has their results.")),
)


STATUS_ABOUT = Message(
    "Show what has changed, like `dvc status`.\n\nCompares stages and data with dvc.lock and "
    ".dvc files. TARGETS are stages, dvc.yaml and .dvc files, or outputs; without them, "
    "all of the repository."
)
STATUS_OPTIONS = (
    Option(("-d", "--with-deps"), Message("The targets and the stages that they depend on.")),
    Option(("-R", "--recursive"), Message("All stages in the folders that the targets name.")),
    Option(("-q", "--quiet"), Message("Print nothing; exit with 1 if there are changes.")),
)

DOCTOR_ABOUT = Message(
    "Find problems, and say how to repair them.\n\nThe project and this machine are checked. "
    "Nothing is changed, and the network is not used. TARGETS are areas: git, dvc, remotes, "
    "versions, disk, permissions, lab; without them, all. Exit code 1 if there is a problem."
)


DAG_ABOUT = Message(
    "Show the graph of the stages, like `dvc dag`.\n\nA tree, in which what was shown before has "
    "the mark (*). TARGET is a stage, a dvc.yaml or .dvc file, or an output: only what it needs."
)
DAG_OPTIONS = (
    Option(("--mermaid",), Message("Print a Mermaid flowchart.")),
    Option(("--md",), Message("Print a Mermaid flowchart as a block of Markdown.")),
    Option(("--dot",), Message("Print the DOT format of Graphviz.")),
    Option(("--full",), Message("The whole pipelines that TARGET belongs to.")),
    Option(("-o", "--outs"), Message("Outputs instead of stages.")),
    Option(
        ("--collapse-foreach-matrix", "collapse"),
        Message("The variants of `foreach` and `matrix` as one stage."),
    ),
)

MARKDOWN = Option(("--md", "markdown"), Message("Print a Markdown table."))
PRECISION = Option(
    ("--precision",),
    Message("Digits after the decimal point. Default: 5."),
    {"type": click.IntRange(min=1), "default": 5},
)
METRICS_ABOUT = Message("Show and compare metrics.")
METRICS_SHOW_ABOUT = Message(
    "Show metrics, like `dvc metrics show`.\n\nTARGETS are metrics files; without them, all of the "
    "repository."
)
METRICS_SHOW_OPTIONS = (
    Option(("-a", "--all-branches"), Message("Of all branches.")),
    Option(("-T", "--all-tags"), Message("Of all tags.")),
    Option(("-A", "--all-commits"), Message("Of all commits.")),
    MARKDOWN,
    PRECISION,
)
DIFF_OPTIONS = (
    Option(
        ("--targets",),
        Message("Only these files, even if dvc.yaml does not name them."),
        {"multiple": True, "type": click.Path(), "metavar": "PATHS"},
    ),
    Option(("--all", "every"), Message("Values without a change, too.")),
    Option(("--no-path", "hides_path"), Message("Without the column of paths.")),
    MARKDOWN,
)
METRICS_DIFF_ABOUT = Message(
    "Compare metrics, like `dvc metrics diff`.\n\nOLD and NEW are commits, branches or tags; "
    "without them, HEAD and the files as they are."
)
METRICS_DIFF_OPTIONS = (*DIFF_OPTIONS, PRECISION)
PARAMS_ABOUT = Message("Compare parameters.")
PARAMS_DIFF_ABOUT = Message(
    "Compare parameters, like `dvc params diff`.\n\nOLD and NEW are commits, branches or tags; "
    "without them, HEAD and the files as they are."
)
PARAMS_DIFF_OPTIONS = (
    *DIFF_OPTIONS,
    Option(("--deps", "of_stages"), Message("Only parameters that stages depend on.")),
)


def read_options(targets: Sequence[str], jobs: int | None, **options: bool) -> ReproOptions:
    """Return the options that a command line had, by the names of :data:`OPTIONS`."""
    on_error = OnError.FAIL
    if options.pop("keep_going"):
        on_error = OnError.KEEP_GOING
    if options.pop("ignore_errors"):
        on_error = OnError.IGNORE
    stages = StageOptions(
        run_cache=not options.pop("no_run_cache"),
        commit=not options.pop("no_commit"),
        **{name: options.pop(name) for name in ("allow_missing", "pull", "interactive")},
    )
    return ReproOptions(
        targets, jobs or os.cpu_count() or 1, on_error=on_error, stages=stages, **options
    )
