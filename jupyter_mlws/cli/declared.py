"""The words that the command line and ``%mlws`` take: what each needs, said in each language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import click

from jupyter_mlws.cli import code, commands, data, experiments, versions, workflow_runs
from jupyter_mlws.cli.commands import CommandContext
from jupyter_mlws.client.http import RemoteError
from jupyter_mlws.client.project import workflow_address
from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.core.i18n import Message

ParameterFactory = Callable[[str], click.Parameter]
"""Makes a parameter in a language."""


DEPRECATION_MESSAGE = Message(
    "Deprecated: {name} will be removed in the next version. Use {instead}."
)
SIDES = ("ours", "theirs", "base", "both")
MAX_COMPLETION_RUNS = 20
"""Runs that are offered for completion, the newest first."""


class CommandSpec(NamedTuple):
    """One word: its name, what it does, what is said of it, what it takes."""

    name: str
    action: Callable[..., int]
    about: Message
    parameters: list[ParameterFactory]
    passes_on: bool = False
    """What follows its first argument is for another program, options too."""
    formerly: str | None = None
    """A name that still works, with a warning."""


def _argument(name: str, **settings: Any) -> ParameterFactory:
    return lambda language: click.Argument([name], **settings)


def _option(*names: str, words: Message, **settings: Any) -> ParameterFactory:
    return lambda language: click.Option(names, help=words.in_(language), **settings)


def _deprecated_option(name: str, instead: str, **settings: Any) -> ParameterFactory:
    """A spelling of an option that still works, with a warning."""

    def warn(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
        if value:
            warn_deprecated(context, name, instead)
        return value

    return lambda language: click.Option([name], hidden=True, callback=warn, **settings)


def warn_deprecated(context: click.Context, name: str, instead: str) -> None:
    """Print that a spelling will be removed, and what replaces it."""
    desk = context.find_object(CommandContext)
    if desk is not None:
        desk.screen.warn(DEPRECATION_MESSAGE.fill(name=name, instead=instead).in_(desk.language))


def _complete_workflow(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    return _complete_names(
        context,
        incomplete,
        lambda desk: [w["path"] for w in workflow_runs.list_workflows(desk.client)],
    )


def _complete_snapshot(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    return _complete_names(
        context, incomplete, lambda desk: [s["short"] for s in desk.client.list("snapshots", 20)]
    )


def _complete_branch(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    return _complete_names(
        context, incomplete, lambda desk: [b["name"] for b in desk.client.list("git/branches")]
    )


def _complete_run(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    def ids(desk: CommandContext) -> list[str]:
        client = desk.client
        run_ids = [
            run["id"]
            for one in workflow_runs.list_workflows(client)
            for run in client.list(f"{workflow_address(one['path'])}/runs")
        ]
        return [commands.LATEST, *sorted(run_ids, reverse=True)[:MAX_COMPLETION_RUNS]]

    return _complete_names(context, incomplete, ids)


def _complete_names(
    context: click.Context, incomplete: str, names: Callable[[CommandContext], list[str]]
) -> list[str]:
    """The names that begin so; none where there is no project to ask."""
    desk = context.find_object(CommandContext)
    if desk is None:
        return []
    try:
        return [name for name in names(desk) if name.startswith(incomplete)]
    except (MLWSError, RemoteError):
        # The word itself will say what is wrong; a completion only has nothing to offer.
        return []
    finally:
        desk.close()


_JOBS = _option(
    "-j",
    "--jobs",
    type=click.IntRange(1),
    words=Message("Number of nodes to run in parallel."),
)
_FORCE = _option(
    "-f",
    "--force",
    is_flag=True,
    words=Message("Run all nodes, even if they are unchanged."),
)
_ACCEPT_COSMETIC = _option(
    "--accept-cosmetic",
    is_flag=True,
    words=Message(
        "Treat cosmetic changes (comments, YAML or JSON formatting, notebook outputs and "
        "Markdown) as unchanged."
    ),
)

_SNAPSHOT = _argument("snapshot", default="HEAD", shell_complete=_complete_snapshot)
_QUICK = _option(
    "--quick",
    is_flag=True,
    words=Message("On the remote, check only names and sizes instead of reading every object."),
)
_WIDE = _option(
    "--wide",
    is_flag=True,
    words=Message("Show all columns, even if the terminal is too narrow."),
)
_SWEEP = _argument("words", nargs=-1, metavar="[FILE] [NAME]", shell_complete=_complete_workflow)
_METRIC = _option("--metric", words=Message("Rank by this metric."))
_MODE = _option(
    "--mode",
    type=click.Choice(["max", "min"]),
    words=Message(
        "Whether higher (max) or lower (min) values are better. By default, inferred from "
        "the metric's name."
    ),
)

COMMANDS: list[CommandSpec] = [
    CommandSpec(
        "status",
        commands.status,
        Message("Show the current branch and uncommitted changes."),
        [],
    ),
    CommandSpec(
        "commit",
        commands.commit,
        Message("Create a snapshot of code, data and models, or of PATHS only."),
        [
            _option(
                "-m",
                "--message",
                required=True,
                words=Message("Commit message."),
            ),
            _option(
                "--allow-secrets",
                is_flag=True,
                words=Message("Commit files even if they look like credentials."),
            ),
            _option(
                "--allow-many",
                is_flag=True,
                words=Message(
                    "Commit new files to git even if there are so many that they look like data."
                ),
            ),
            _option(
                "--staged",
                is_flag=True,
                words=Message("Commit staged changes only."),
            ),
            _argument("paths", nargs=-1, type=click.Path()),
        ],
    ),
    CommandSpec(
        "log",
        commands.log,
        Message("List snapshots, or only those of PATH."),
        [
            _argument("path", required=False, type=click.Path()),
            _option(
                "-q",
                "--query",
                words=Message("Filter by text in the message."),
            ),
            _option(
                "-n",
                "--number",
                type=click.IntRange(1),
                default=20,
                show_default=True,
                words=Message("Maximum number of entries."),
            ),
        ],
    ),
    CommandSpec(
        "diff",
        commands.diff,
        Message("Compare a snapshot with the working tree, or two snapshots with each other."),
        [
            _argument("start", default="HEAD", shell_complete=_complete_snapshot),
            _argument("end", required=False, shell_complete=_complete_snapshot),
            _option(
                "-p",
                "--path",
                type=click.Path(),
                words=Message("Show the line-by-line diff of this file."),
            ),
        ],
    ),
    CommandSpec(
        "restore",
        commands.restore,
        Message("Restore code and data to SNAPSHOT, or PATHS only."),
        [
            _argument("snapshot", shell_complete=_complete_snapshot),
            _argument("paths", nargs=-1, type=click.Path()),
            _option(
                "-y",
                "--yes",
                is_flag=True,
                words=Message(
                    "Replace uncommitted changes without asking (a safety copy keeps them)."
                ),
            ),
            _option(
                "--dry-run",
                is_flag=True,
                words=Message("Only show what would be done."),
            ),
        ],
    ),
    CommandSpec(
        "verify",
        versions.verify,
        Message(
            "Verify every object of SNAPSHOT in git, the cache and the remote. Exits with 1 if an "
            "object is missing or damaged, or the remote can't be reached."
        ),
        [_SNAPSHOT, _QUICK],
    ),
    CommandSpec(
        "repair",
        versions.repair,
        Message(
            "Restore missing or damaged objects of SNAPSHOT from any available copy. Exits with 1 "
            "if an object is lost, or the remote can't be reached."
        ),
        [_SNAPSHOT, _QUICK],
    ),
    CommandSpec(
        "branch",
        versions.branch,
        Message("List branches, or create branch NAME at START (default: HEAD)."),
        [
            _argument("name", required=False, shell_complete=_complete_branch),
            _argument("start", required=False, shell_complete=_complete_branch),
            _option(
                "-d",
                "--delete",
                is_flag=True,
                words=Message("Delete NAME."),
            ),
            _option(
                "-f",
                "--force",
                is_flag=True,
                words=Message("Delete the branch even if it has unmerged commits."),
            ),
        ],
    ),
    CommandSpec(
        "checkout",
        versions.checkout,
        Message("Switch to REF (a branch, tag or snapshot), including its data."),
        [
            _argument("place", metavar="REF", shell_complete=_complete_branch),
            _option(
                "-b",
                "--create",
                is_flag=True,
                words=Message("Create the branch first."),
            ),
        ],
    ),
    CommandSpec(
        "merge",
        code.merge,
        Message(
            "Merge REF (a branch, tag or snapshot), including its data, into the current branch. "
            "Without REF, list conflicts. Exits with 1 while there are conflicts."
        ),
        [
            _argument("ref", required=False, shell_complete=_complete_branch),
            _option("-m", "--message", words=Message("Commit message.")),
            _option(
                "--continue",
                "go_on",
                is_flag=True,
                words=Message("Finish the merge after its conflicts are resolved."),
            ),
            _option(
                "--abort",
                is_flag=True,
                words=Message("Abort the merge and restore the state before it."),
            ),
            _option(
                "--ours",
                "side",
                flag_value="ours",
                words=Message("Resolve PATHS with the current branch's side."),
            ),
            _option(
                "--theirs",
                "side",
                flag_value="theirs",
                words=Message("Resolve PATHS with REF's side."),
            ),
            _option(
                "--base",
                "side",
                flag_value="base",
                words=Message("Resolve PATHS with their common ancestor."),
            ),
            _option(
                "--both",
                "side",
                flag_value="both",
                words=Message("Resolve PATHS with both sides, ours first."),
            ),
            _deprecated_option(
                "--take", "--ours, --theirs, --base, --both", type=click.Choice(SIDES)
            ),
            _argument("paths", nargs=-1, type=click.Path()),
        ],
    ),
    CommandSpec(
        "revert",
        code.revert,
        Message(
            "Create a new snapshot that reverts the last one; with SNAPSHOT, everything after it."
        ),
        [
            _argument("snapshot", required=False, shell_complete=_complete_snapshot),
            _option("-m", "--message", words=Message("Commit message.")),
        ],
        formerly="undo",
    ),
    CommandSpec(
        "stage",
        code.stage,
        Message("Stage changes for the next commit; all changes if no PATHS are given."),
        [_argument("paths", nargs=-1, type=click.Path())],
    ),
    CommandSpec(
        "unstage",
        code.unstage,
        Message("Unstage changes; all if no PATHS are given. The files are not changed."),
        [_argument("paths", nargs=-1, type=click.Path())],
    ),
    CommandSpec(
        "tag",
        code.tag,
        Message("List tags, or tag REF (default: HEAD) as NAME."),
        [
            _argument("name", required=False),
            _argument("ref", default="HEAD", shell_complete=_complete_snapshot),
            _option("-m", "--message", words=Message("Tag message.")),
            _option(
                "-d",
                "--delete",
                is_flag=True,
                words=Message("Delete NAME."),
            ),
        ],
    ),
    CommandSpec(
        "stash",
        code.stash,
        Message(
            "Stash all changes, including data (push), restore them (pop), or list or drop "
            "stashes; the latest if no ID is given."
        ),
        [
            _argument("action", type=click.Choice(["push", "pop", "list", "drop"]), default="push"),
            _argument("identifier", required=False, metavar="[ID]"),
            _option("-m", "--message", words=Message("Stash message.")),
            _option(
                "--keep",
                is_flag=True,
                words=Message("Keep the stash after pop."),
            ),
        ],
    ),
    CommandSpec(
        "safety",
        code.safety,
        Message(
            "List safety copies of what restores, discards and aborted merges replaced, or restore "
            "COPY, including what was staged."
        ),
        [_argument("identifier", required=False, metavar="[COPY]")],
    ),
    CommandSpec(
        "fetch",
        code.fetch,
        Message("Update the remote-tracking branches of REMOTE; nothing else changes."),
        [
            _argument("remote", required=False),
            _option(
                "--prune",
                is_flag=True,
                words=Message(
                    "Delete remote-tracking branches that no longer exist on the remote."
                ),
            ),
        ],
    ),
    CommandSpec(
        "push",
        versions.push,
        Message("Push the data of a branch, then the branch, to REMOTE."),
        [_argument("remote", required=False), _argument("branch", required=False)],
    ),
    CommandSpec(
        "pull",
        versions.pull,
        Message("Pull a branch of REMOTE, including its data, into the current branch."),
        [_argument("remote", required=False), _argument("branch", required=False)],
    ),
    CommandSpec(
        "models",
        versions.models,
        Message(
            "List models, the versions of NAME, or the best versions by a metric (`best METRIC`)."
        ),
        [
            _argument("name", required=False, metavar="[NAME | best METRIC]"),
            _argument("metric", required=False, metavar=""),
            _MODE,
            _option(
                "--aliases",
                is_flag=True,
                words=Message("Show the alias history."),
            ),
            _option("-q", "--query", words=Message("Filter by text in the name.")),
            _WIDE,
        ],
    ),
    CommandSpec(
        "runs",
        experiments.runs,
        Message("List runs with their metrics, or only those of FILE."),
        [
            _argument("file", required=False, shell_complete=_complete_workflow),
            _option(
                "-f",
                "--filter",
                words=Message(
                    'MLflow search expression, e.g. "metrics.acc > 0.9 and params.kind = '
                    "'forest'\"."
                ),
            ),
            _option("-q", "--query", words=Message("Filter by text in the name.")),
            _option(
                "-s",
                "--sort",
                multiple=True,
                metavar="COLUMN",
                words=Message("Sort order, e.g. `metrics.acc DESC`."),
            ),
            _option(
                "--nested",
                is_flag=True,
                words=Message("Include the runs of nodes."),
            ),
            _WIDE,
            _option(
                "-n",
                "--number",
                type=click.IntRange(1),
                default=20,
                show_default=True,
                words=Message("Maximum number of entries."),
            ),
        ],
    ),
    CommandSpec(
        "compare",
        experiments.compare,
        Message("Compare runs or model versions (MODEL:VERSION) side by side."),
        [_argument("things", nargs=-1, metavar="RUN_OR_VERSION...", shell_complete=_complete_run)],
    ),
    CommandSpec(
        "track",
        experiments.track,
        Message(
            "Run COMMAND as an MLflow run that is linked to an exact commit: uncommitted changes "
            "are saved to a hidden ref first. In a notebook without COMMAND, track what the next "
            "cells log."
        ),
        [
            _argument("command", nargs=-1, type=click.UNPROCESSED),
            _option("--name", words=Message("Name of the run.")),
            _option("--experiment", words=Message("Name of the experiment.")),
            _option(
                "--auto",
                type=click.Choice(["on", "off"]),
                words=Message("In a notebook: track every run that MLflow starts."),
            ),
            _option(
                "--end",
                is_flag=True,
                words=Message("In a notebook: end the current run."),
            ),
        ],
        passes_on=True,
    ),
    CommandSpec(
        "reproduce",
        experiments.reproduce,
        Message(
            "Recreate what RUN (or MODEL:VERSION) started from in a git worktree of its own. "
            "Without RUN, list existing reproductions."
        ),
        [
            _argument("run", required=False, shell_complete=_complete_run),
            _option(
                "--path",
                type=click.Path(),
                words=Message("Folder of the worktree."),
            ),
            _option(
                "--remove",
                is_flag=True,
                words=Message("Delete the reproduction, including all work in it."),
            ),
        ],
    ),
    CommandSpec(
        "lineage",
        experiments.lineage,
        Message(
            "Show where ITEM comes from and what was made from it. ITEM is a data path, "
            "MODEL:VERSION, run:ID or snapshot:COMMIT."
        ),
        [_argument("of", metavar="ITEM", type=click.Path())],
    ),
    CommandSpec(
        "plan",
        commands.plan,
        Message(
            "Show what a run of FILE would do. FILE can be omitted if there is only one workflow."
        ),
        [
            _argument(
                "words", nargs=-1, metavar="[FILE] [TARGET]...", shell_complete=_complete_workflow
            ),
            _JOBS,
            _FORCE,
            _ACCEPT_COSMETIC,
        ],
    ),
    CommandSpec(
        "sweep",
        commands.sweep,
        Message("Show the variants of the sweeps (`foreach`, `matrix`) in FILE, best first."),
        [_SWEEP, _METRIC, _MODE],
    ),
    CommandSpec(
        "promote",
        commands.promote,
        Message("Replace a sweep in FILE with its best variant, keeping that variant's result."),
        [
            _SWEEP,
            _option(
                "--variant",
                metavar="VARIANT",
                words=Message("Use this variant instead of the best."),
            ),
            _METRIC,
            _MODE,
        ],
    ),
    CommandSpec(
        "run",
        commands.run,
        Message(
            "Run the workflow FILE, or only what TARGETs need. FILE can be omitted if there is "
            "only one workflow."
        ),
        [
            _argument(
                "words", nargs=-1, metavar="[FILE] [TARGET]...", shell_complete=_complete_workflow
            ),
            _option(
                "-p",
                "--param",
                "params",
                multiple=True,
                metavar="NODE.KEY=VALUE",
                words=Message("Override a node's setting for this run."),
            ),
            _JOBS,
            _option(
                "--executor",
                metavar="EXECUTOR",
                words=Message(
                    "Where to run: local, dask://HOST:PORT, or dask for the configured "
                    "scheduler. Default: MLWS_EXECUTOR."
                ),
            ),
            _FORCE,
            _option(
                "-k",
                "--keep-going",
                is_flag=True,
                words=Message(
                    "After a failure, continue with nodes that do not depend on the failed one."
                ),
            ),
            _option(
                "--rerun",
                multiple=True,
                metavar="NODE",
                words=Message("Run NODE even if it is up to date."),
            ),
            _deprecated_option("--again", "--rerun", multiple=True),
            _option(
                "--accept",
                multiple=True,
                metavar="NODE",
                words=Message(
                    "Use the existing output of NODE as its result instead of running it."
                ),
            ),
            _ACCEPT_COSMETIC,
            _option(
                "--skip",
                "skipped",
                multiple=True,
                metavar="NODE",
                words=Message("Skip NODE; nodes that depend on it run with the existing files."),
            ),
        ],
    ),
    CommandSpec(
        "resume",
        commands.resume,
        Message("Continue RUN (an ID, or latest) from where it stopped."),
        [_argument("run", default="latest", shell_complete=_complete_run)],
    ),
    CommandSpec(
        "retry",
        commands.retry,
        Message("Rerun NODE of RUN and everything downstream."),
        [_argument("run", shell_complete=_complete_run), _argument("node")],
    ),
    CommandSpec(
        "skip",
        commands.skip,
        Message("Skip NODE of RUN and run everything downstream with its existing output."),
        [_argument("run", shell_complete=_complete_run), _argument("node")],
    ),
    CommandSpec(
        "import",
        commands.import_file,
        Message(
            "Import FILE as a workflow: an Elyra .pipeline, a notebook (split into nodes by the "
            "data flow between its cells), or a JSON workflow definition."
        ),
        [
            _argument("file", type=click.Path()),
            _option(
                "--to",
                type=click.Path(),
                words=Message("Folder of the new workflow."),
            ),
            _option("--name", words=Message("Title of the new workflow.")),
            _option(
                "--dry-run",
                is_flag=True,
                words=Message("Only show what would be written."),
            ),
        ],
    ),
    CommandSpec(
        "cancel",
        commands.cancel,
        Message("Cancel RUN, or the active run if RUN is omitted."),
        [_argument("run", required=False, shell_complete=_complete_run)],
    ),
    CommandSpec(
        "logs",
        commands.logs,
        Message("Print the log of NODE in RUN (an ID, or latest)."),
        [
            _argument("run", shell_complete=_complete_run),
            _argument("node"),
            _option(
                "-f",
                "--follow",
                is_flag=True,
                words=Message("Follow the log until the node ends."),
            ),
        ],
    ),
    CommandSpec(
        "components",
        commands.components,
        Message("List the available components."),
        [],
    ),
    CommandSpec(
        "trust",
        commands.trust_project,
        Message("Trust the authors of this project and allow its code to run."),
        [
            _option(
                "--withdraw",
                is_flag=True,
                words=Message("Stop trusting this project."),
            )
        ],
    ),
]
PROJECT_COMMANDS: list[CommandSpec] = [
    CommandSpec(
        "list",
        commands.list_projects,
        Message("List projects."),
        [],
    ),
    CommandSpec(
        "create",
        commands.create_project,
        Message("Create a project in the folder NAME."),
        [
            _argument("name"),
            _option(
                "--template",
                type=click.Choice(["empty", "example"]),
                default="empty",
                show_default=True,
                words=Message("Project template."),
            ),
        ],
    ),
]
DATA_COMMANDS: list[CommandSpec] = [
    CommandSpec(
        "list",
        versions.list_data,
        Message("List tracked data."),
        [_option("-q", "--query", words=Message("Filter by text in the path."))],
    ),
    CommandSpec(
        "add",
        versions.add_data,
        Message("Track PATH as data, or record its current content."),
        [_argument("path", type=click.Path())],
    ),
    CommandSpec(
        "import",
        data.import_data,
        Message("Download URL to PATH and track it."),
        [
            _argument("url"),
            _argument("path", type=click.Path()),
            _option(
                "--no-link",
                is_flag=True,
                words=Message("Do not record the URL."),
            ),
        ],
    ),
    CommandSpec(
        "diff",
        data.diff_data,
        Message(
            "Compare versions of PATH file by file, from START (default: recorded) to END "
            "(default: working tree)."
        ),
        [
            _argument("path", type=click.Path()),
            _argument("start", required=False, shell_complete=_complete_snapshot),
            _argument("end", required=False, shell_complete=_complete_snapshot),
        ],
    ),
    CommandSpec(
        "verify",
        data.verify_data,
        Message("Verify every object of PATH in the cache, and check the remote."),
        [
            _argument("path", type=click.Path()),
            _option(
                "--version",
                words=Message("Version to verify (a snapshot or a hash)."),
            ),
            _option(
                "--remote",
                type=click.Choice(["ask", "read", "none"]),
                default="ask",
                show_default=True,
                words=Message(
                    "How to check the remote: ask for each object, read each object, or not "
                    "at all (none)."
                ),
            ),
        ],
    ),
    CommandSpec(
        "storage",
        data.storage,
        Message("Show the disk usage of data."),
        [],
    ),
    CommandSpec(
        "remote",
        data.remote,
        Message(
            "List data remotes, test the connection to NAME, or set NAME to URL: a folder, "
            "s3://BUCKET/PATH or ssh://HOST/PATH."
        ),
        [
            _argument("name", required=False),
            _argument("url", required=False),
            _option("-d", "--delete", is_flag=True, words=Message("Remove NAME.")),
            _option(
                "--default",
                is_flag=True,
                words=Message("Make it the default remote."),
            ),
            _option(
                "--credentials",
                is_flag=True,
                words=Message("Prompt for keys or a password (stored on this machine only)."),
            ),
            _option(
                "--endpoint-url",
                words=Message("S3: endpoint URL of another server."),
            ),
            _option("--region", words=Message("S3: region.")),
            _option("--profile", words=Message("S3: AWS profile.")),
            _option("--user", words=Message("SSH: user name.")),
            _option(
                "--port",
                type=click.IntRange(1, 65535),
                words=Message("SSH: port."),
            ),
            _option("--keyfile", words=Message("SSH: private key file.")),
        ],
    ),
    CommandSpec(
        "show",
        versions.show_data,
        Message("List the versions of PATH."),
        [_argument("path", type=click.Path())],
    ),
    CommandSpec(
        "checkout",
        versions.checkout_data,
        Message("Restore PATH to VERSION (a snapshot or a hash)."),
        [_argument("path", type=click.Path()), _argument("version")],
    ),
    CommandSpec(
        "push",
        versions.push_data,
        Message("Push PATH to its remote."),
        [_argument("path", type=click.Path())],
    ),
    CommandSpec(
        "pull",
        versions.pull_data,
        Message("Pull PATH from its remote, or all data not pulled yet if PATH is omitted."),
        [_argument("path", required=False, type=click.Path())],
    ),
    CommandSpec(
        "gc",
        versions.collect,
        Message(
            "Show unused data in the cache (not used by any branch, tag, stash, run or pending "
            "snapshot); with --confirm, delete it."
        ),
        [
            _option(
                "--confirm",
                is_flag=True,
                words=Message("Delete the data permanently."),
            )
        ],
    ),
]
