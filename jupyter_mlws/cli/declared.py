"""Specifications of all commands: their parameters, and their help in the user's language."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import click

from jupyter_mlws.api.client import RemoteError
from jupyter_mlws.cli import code, commands, data, experiments, versions, workflow_runs
from jupyter_mlws.cli.commands import CommandContext
from jupyter_mlws.client.project import ProjectClient, workflow_address
from jupyter_mlws.core.errors import MLWSError
from jupyter_mlws.core.i18n import Message

ParameterFactory = Callable[[str], click.Parameter]
"""Creates a parameter with its help in a language."""

SIDES = {
    "ours": Message("Resolve PATHS with the current branch's side."),
    "theirs": Message("Resolve PATHS with REF's side."),
    "base": Message("Resolve PATHS with their common ancestor."),
    "both": Message("Resolve PATHS with both sides, ours first."),
}
MAX_COMPLETION_RUNS = 20
"""Maximum number of runs, newest first, that are offered as completions."""


class CommandSpec(NamedTuple):
    """A command: its name, function, help and parameters."""

    name: str
    action: Callable[..., int]
    about: Message
    parameters: Sequence[ParameterFactory]
    passes_on: bool = False
    """True if the arguments after the first are those of another program, options included."""


def _command(
    name: str,
    action: Callable[..., int],
    about: Message,
    *parameters: ParameterFactory,
    **settings: Any,
) -> CommandSpec:
    return CommandSpec(name, action, about, parameters, **settings)


def _argument(name: str, **settings: Any) -> ParameterFactory:
    return lambda language: click.Argument([name], **settings)


def _option(*names: str, about: Message, **settings: Any) -> ParameterFactory:
    return lambda language: click.Option(names, help=about.in_(language), **settings)


def _flag(*names: str, about: Message) -> ParameterFactory:
    return _option(*names, about=about, is_flag=True)


Completion = Callable[[click.Context, click.Parameter, str], list[str]]


def _completion(list_names: Callable[[ProjectClient], list[str]]) -> Completion:
    """Return a completion of the names in a project; it has none if they cannot be listed."""

    def complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
        command_context = context.find_object(CommandContext)
        if command_context is None:
            return []
        try:
            names = list_names(command_context.client)
        except (MLWSError, RemoteError):
            # The command itself reports the error.
            return []
        finally:
            command_context.close()
        return [name for name in names if name.startswith(incomplete)]

    return complete


_complete_workflow = _completion(
    lambda client: [row["path"] for row in workflow_runs.list_workflows(client)]
)
_complete_snapshot = _completion(
    lambda client: [row["short"] for row in client.list("snapshots", 20)]
)
_complete_branch = _completion(lambda client: [row["name"] for row in client.list("git/branches")])
_complete_run = _completion(
    lambda client: [
        commands.LATEST,
        *sorted(
            (
                run["id"]
                for workflow in workflow_runs.list_workflows(client)
                for run in client.list(f"{workflow_address(workflow['path'])}/runs")
            ),
            reverse=True,
        )[:MAX_COMPLETION_RUNS],
    ]
)

_PATH = _argument("path", type=click.Path())
_PATHS = _argument("paths", nargs=-1, type=click.Path())
_RUN = _argument("run", shell_complete=_complete_run)
_TARGETS = _argument(
    "words", nargs=-1, metavar="[FILE] [TARGET]...", shell_complete=_complete_workflow
)
_MESSAGE = _option("-m", "--message", about=Message("Commit message."))
_NAME_QUERY = _option("-q", "--query", about=Message("Filter by text in the name."))
_DELETE = _flag("-d", "--delete", about=Message("Delete NAME."))
_NUMBER = _option(
    "-n",
    "--number",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    about=Message("Maximum number of entries."),
)
_JOBS = _option(
    "-j", "--jobs", type=click.IntRange(1), about=Message("Number of nodes to run in parallel.")
)
_PULL = _flag(
    "--pull", about=Message("First fetch data that the nodes read and that was not pulled yet.")
)
_FORCE = _flag("-f", "--force", about=Message("Run all nodes, even if they are unchanged."))
_ACCEPT_COSMETIC = _flag(
    "--accept-cosmetic",
    about=Message(
        "Treat cosmetic changes (comments, YAML or JSON formatting, notebook outputs and "
        "Markdown) as unchanged."
    ),
)

_SNAPSHOT = _argument("snapshot", default="HEAD", shell_complete=_complete_snapshot)
_QUICK = _flag(
    "--quick",
    about=Message("On the remote, check only names and sizes instead of reading every object."),
)
_WIDE = _flag("--wide", about=Message("Show all columns, even if the terminal is too narrow."))
_SWEEP = _argument("words", nargs=-1, metavar="[FILE] [NAME]", shell_complete=_complete_workflow)
_METRIC = _option("--metric", about=Message("Rank by this metric."))
_MODE = _option(
    "--mode",
    type=click.Choice(["max", "min"]),
    about=Message(
        "Whether higher (max) or lower (min) values are better. By default, inferred from "
        "the metric's name."
    ),
)

COMMANDS: list[CommandSpec] = [
    _command(
        "status", commands.status, Message("Show the current branch and uncommitted changes.")
    ),
    _command(
        "commit",
        commands.commit,
        Message("Create a snapshot of code, data and models, or of PATHS only."),
        _option("-m", "--message", required=True, about=Message("Commit message.")),
        _option(
            "--leave-out",
            multiple=True,
            type=click.Path(),
            about=Message("Do not commit this file or folder; may be repeated."),
        ),
        _flag("--allow-secrets", about=Message("Commit files even if they look like credentials.")),
        _flag(
            "--allow-many",
            about=Message(
                "Commit new files to git even if there are so many that they look like data."
            ),
        ),
        _flag("--staged", about=Message("Commit staged changes only.")),
        _PATHS,
    ),
    _command(
        "log",
        commands.log,
        Message("List snapshots, or only those of PATH."),
        _argument("path", required=False, type=click.Path()),
        _option("-q", "--query", about=Message("Filter by text in the message.")),
        _NUMBER,
    ),
    _command(
        "diff",
        commands.diff,
        Message("Compare a snapshot with the working tree, or two snapshots with each other."),
        _argument("start", default="HEAD", shell_complete=_complete_snapshot),
        _argument("end", required=False, shell_complete=_complete_snapshot),
        _option(
            "-p",
            "--path",
            type=click.Path(),
            about=Message("Show the line-by-line diff of this file."),
        ),
    ),
    _command(
        "restore",
        commands.restore,
        Message("Restore code and data to SNAPSHOT, or PATHS only."),
        _argument("snapshot", shell_complete=_complete_snapshot),
        _PATHS,
        _flag(
            "-y",
            "--yes",
            about=Message("Replace uncommitted changes without asking (a safety copy keeps them)."),
        ),
        _flag("--dry-run", about=Message("Only show what would be done.")),
    ),
    _command(
        "verify",
        versions.verify,
        Message(
            "Verify every object of SNAPSHOT in git, the cache and the remote. Exits with 1 if an "
            "object is missing or damaged, or the remote can't be reached."
        ),
        _SNAPSHOT,
        _QUICK,
    ),
    _command(
        "repair",
        versions.repair,
        Message(
            "Restore missing or damaged objects of SNAPSHOT from any available copy. Exits with 1 "
            "if an object is lost, or the remote can't be reached."
        ),
        _SNAPSHOT,
        _QUICK,
    ),
    _command(
        "branch",
        versions.branch,
        Message("List branches, or create branch NAME at START (default: HEAD)."),
        _argument("name", required=False, shell_complete=_complete_branch),
        _argument("start", required=False, shell_complete=_complete_branch),
        _DELETE,
        _flag("-f", "--force", about=Message("Delete the branch even if it has unmerged commits.")),
    ),
    _command(
        "checkout",
        versions.checkout,
        Message("Switch to REF (a branch, tag or snapshot), including its data."),
        _argument("place", metavar="REF", shell_complete=_complete_branch),
        _flag("-b", "--create", about=Message("Create the branch first.")),
    ),
    _command(
        "merge",
        code.merge,
        Message(
            "Merge REF (a branch, tag or snapshot), including its data, into the current branch. "
            "Without REF, list conflicts. Exits with 1 while there are conflicts."
        ),
        _argument("ref", required=False, shell_complete=_complete_branch),
        _MESSAGE,
        _flag(
            "--continue",
            "go_on",
            about=Message("Finish the merge after its conflicts are resolved."),
        ),
        _flag("--abort", about=Message("Abort the merge and restore the state before it.")),
        *(
            _option(f"--{side}", "side", flag_value=side, about=about)
            for side, about in SIDES.items()
        ),
        _PATHS,
    ),
    _command(
        "operation",
        code.operation,
        Message(
            "Continue, skip or abort what is unfinished: a merge, a rebase, cherry-pick, revert or "
            "bisect of git, an interrupted restore or stash. Without ACTION, show it."
        ),
        _argument("action", required=False, type=click.Choice(["continue", "skip", "abort"])),
    ),
    _command(
        "revert",
        code.revert,
        Message(
            "Create a new snapshot that reverts the last one; with SNAPSHOT, everything after it."
        ),
        _argument("snapshot", required=False, shell_complete=_complete_snapshot),
        _MESSAGE,
    ),
    _command(
        "stage",
        code.stage,
        Message("Stage changes for the next commit; all changes if no PATHS are given."),
        _PATHS,
    ),
    _command(
        "unstage",
        code.unstage,
        Message("Unstage changes; all if no PATHS are given. The files are not changed."),
        _PATHS,
    ),
    _command(
        "tag",
        code.tag,
        Message("List tags, or tag REF (default: HEAD) as NAME."),
        _argument("name", required=False),
        _argument("ref", default="HEAD", shell_complete=_complete_snapshot),
        _option("-m", "--message", about=Message("Tag message.")),
        _DELETE,
    ),
    _command(
        "stash",
        code.stash,
        Message(
            "Stash all changes, including data (push), restore them (pop), or list or drop "
            "stashes; the latest if no ID is given."
        ),
        _argument("action", type=click.Choice(["push", "pop", "list", "drop"]), default="push"),
        _argument("identifier", required=False, metavar="[ID]"),
        _option("-m", "--message", about=Message("Stash message.")),
        _flag("--keep", about=Message("Keep the stash after pop.")),
    ),
    _command(
        "safety",
        code.safety,
        Message(
            "List safety copies of what restores, discards and aborted merges replaced, or restore "
            "COPY, including what was staged."
        ),
        _argument("identifier", required=False, metavar="[COPY]"),
    ),
    _command(
        "fetch",
        code.fetch,
        Message("Update the remote-tracking branches of REMOTE; nothing else changes."),
        _argument("remote", required=False),
        _flag(
            "--prune",
            about=Message("Delete remote-tracking branches that no longer exist on the remote."),
        ),
    ),
    _command(
        "push",
        versions.push,
        Message("Push the data of a branch, then the branch, to REMOTE."),
        _flag(
            "--code-only",
            about=Message("Leave out the data, which others cannot pull until it is pushed."),
        ),
        _argument("remote", required=False),
        _argument("branch", required=False),
    ),
    _command(
        "pull",
        versions.pull,
        Message("Pull a branch of REMOTE, including its data, into the current branch."),
        _argument("remote", required=False),
        _argument("branch", required=False),
    ),
    _command(
        "models",
        versions.models,
        Message(
            "List models, the versions of NAME, or the best versions by a metric (`best METRIC`)."
        ),
        _argument("name", required=False, metavar="[NAME | best METRIC]"),
        _argument("metric", required=False, metavar=""),
        _MODE,
        _flag("--aliases", about=Message("Show the alias history.")),
        _NAME_QUERY,
        _WIDE,
    ),
    _command(
        "runs",
        experiments.runs,
        Message("List runs with their metrics, or only those of FILE."),
        _argument("file", required=False, shell_complete=_complete_workflow),
        _option(
            "-f",
            "--filter",
            about=Message(
                "MLflow search expression, e.g. \"metrics.acc > 0.9 and params.kind = 'forest'\"."
            ),
        ),
        _NAME_QUERY,
        _option(
            "-s",
            "--sort",
            multiple=True,
            metavar="COLUMN",
            about=Message("Sort order, e.g. `metrics.acc DESC`."),
        ),
        _flag("--nested", about=Message("Include the runs of nodes.")),
        _WIDE,
        _NUMBER,
    ),
    _command(
        "compare",
        experiments.compare,
        Message("Compare runs or model versions (MODEL:VERSION) side by side."),
        _argument("things", nargs=-1, metavar="RUN_OR_VERSION...", shell_complete=_complete_run),
    ),
    _command(
        "track",
        experiments.track,
        Message(
            "Run COMMAND as an MLflow run that is linked to an exact commit: uncommitted changes "
            "are saved to a hidden ref first. In a notebook without COMMAND, track what the next "
            "cells log."
        ),
        _argument("command", nargs=-1, type=click.UNPROCESSED),
        _option("--name", about=Message("Name of the run.")),
        _option("--experiment", about=Message("Name of the experiment.")),
        _option(
            "--auto",
            type=click.Choice(["on", "off"]),
            about=Message("In a notebook: track every run that MLflow starts."),
        ),
        _flag("--end", about=Message("In a notebook: end the current run.")),
        passes_on=True,
    ),
    _command(
        "reproduce",
        experiments.reproduce,
        Message(
            "Recreate what RUN (or MODEL:VERSION) started from in a git worktree of its own. "
            "Without RUN, list existing reproductions."
        ),
        _argument("run", required=False, shell_complete=_complete_run),
        _option("--path", type=click.Path(), about=Message("Folder of the worktree.")),
        _flag("--remove", about=Message("Delete the reproduction, including all work in it.")),
    ),
    _command(
        "lineage",
        experiments.lineage,
        Message(
            "Show where ITEM comes from and what was made from it. ITEM is a data path, "
            "MODEL:VERSION, run:ID or snapshot:COMMIT."
        ),
        _argument("of", metavar="ITEM", type=click.Path()),
    ),
    _command(
        "plan",
        commands.plan,
        Message(
            "Show what a run of FILE would do. FILE can be omitted if there is only one workflow."
        ),
        _TARGETS,
        _JOBS,
        _FORCE,
        _ACCEPT_COSMETIC,
    ),
    _command(
        "sweep",
        commands.sweep,
        Message("Show the variants of the sweeps (`foreach`, `matrix`) in FILE, best first."),
        _SWEEP,
        _METRIC,
        _MODE,
    ),
    _command(
        "promote",
        commands.promote,
        Message("Replace a sweep in FILE with its best variant, keeping that variant's result."),
        _SWEEP,
        _option(
            "--variant", metavar="VARIANT", about=Message("Use this variant instead of the best.")
        ),
        _METRIC,
        _MODE,
    ),
    _command(
        "run",
        commands.run,
        Message(
            "Run the workflow FILE, or only what TARGETs need. FILE can be omitted if there is "
            "only one workflow."
        ),
        _TARGETS,
        _option(
            "-p",
            "--param",
            "params",
            multiple=True,
            metavar="NODE.KEY=VALUE",
            about=Message("Override a node's setting for this run."),
        ),
        _JOBS,
        _option(
            "--executor",
            metavar="EXECUTOR",
            about=Message(
                "Where to run: local, dask://HOST:PORT, or dask for the configured "
                "scheduler. Default: MLWS_EXECUTOR."
            ),
        ),
        _FORCE,
        _flag(
            "-k",
            "--keep-going",
            about=Message(
                "After a failure, continue with nodes that do not depend on the failed one."
            ),
        ),
        _PULL,
        _option(
            "--rerun",
            multiple=True,
            metavar="NODE",
            about=Message("Run NODE even if it is up to date."),
        ),
        _option(
            "--accept",
            multiple=True,
            metavar="NODE",
            about=Message("Use the existing output of NODE as its result instead of running it."),
        ),
        _ACCEPT_COSMETIC,
        _option(
            "--skip",
            "skipped",
            multiple=True,
            metavar="NODE",
            about=Message("Skip NODE; nodes that depend on it run with the existing files."),
        ),
    ),
    _command(
        "resume",
        commands.resume,
        Message("Continue RUN (an ID, or latest) from where it stopped."),
        _argument("run", default="latest", shell_complete=_complete_run),
        _PULL,
    ),
    _command(
        "retry",
        commands.retry,
        Message("Rerun NODE of RUN and everything downstream."),
        _RUN,
        _argument("node"),
        _PULL,
    ),
    _command(
        "skip",
        commands.skip,
        Message("Skip NODE of RUN and run everything downstream with its existing output."),
        _RUN,
        _argument("node"),
        _PULL,
    ),
    _command(
        "import",
        commands.import_file,
        Message(
            "Import FILE as a workflow: an Elyra .pipeline, a notebook (split into nodes by the "
            "data flow between its cells), or a JSON workflow definition."
        ),
        _argument("file", type=click.Path()),
        _option("--to", type=click.Path(), about=Message("Folder of the new workflow.")),
        _option("--name", about=Message("Title of the new workflow.")),
        _flag("--dry-run", about=Message("Only show what would be written.")),
    ),
    _command(
        "cancel",
        commands.cancel,
        Message("Cancel RUN, or the active run if RUN is omitted."),
        _argument("run", required=False, shell_complete=_complete_run),
    ),
    _command(
        "logs",
        commands.logs,
        Message("Print the log of NODE in RUN (an ID, or latest)."),
        _RUN,
        _argument("node"),
        _flag("-f", "--follow", about=Message("Follow the log until the node ends.")),
    ),
    _command("components", commands.components, Message("List the available components.")),
    _command(
        "trust",
        commands.trust_project,
        Message("Trust the authors of this project and allow its code to run."),
        _flag("--withdraw", about=Message("Stop trusting this project.")),
    ),
]
PROJECT_COMMANDS: list[CommandSpec] = [
    _command("list", commands.list_projects, Message("List projects.")),
    _command(
        "create",
        commands.create_project,
        Message("Create a project in the folder NAME."),
        _argument("name"),
        _option(
            "--template",
            type=click.Choice(["empty", "example"]),
            default="empty",
            show_default=True,
            about=Message("Project template."),
        ),
    ),
]
DATA_COMMANDS: list[CommandSpec] = [
    _command(
        "list",
        data.list_data,
        Message("List tracked data."),
        _option("-q", "--query", about=Message("Filter by text in the path.")),
    ),
    _command(
        "add", data.add_data, Message("Track PATH as data, or record its current content."), _PATH
    ),
    _command(
        "import",
        data.import_data,
        Message("Download URL to PATH and track it."),
        _argument("url"),
        _PATH,
        _flag("--no-link", about=Message("Do not record the URL.")),
    ),
    _command(
        "diff",
        data.diff_data,
        Message(
            "Compare versions of PATH file by file, from START (default: recorded) to END "
            "(default: working tree)."
        ),
        _PATH,
        _argument("start", required=False, shell_complete=_complete_snapshot),
        _argument("end", required=False, shell_complete=_complete_snapshot),
    ),
    _command(
        "verify",
        data.verify_data,
        Message("Verify every object of PATH in the cache, and check the remote."),
        _PATH,
        _option("--version", about=Message("Version to verify (a snapshot or a hash).")),
        _option(
            "--remote",
            type=click.Choice(["ask", "read", "none"]),
            default="ask",
            show_default=True,
            about=Message(
                "How to check the remote: ask for each object, read each object, or not "
                "at all (none)."
            ),
        ),
    ),
    _command("storage", data.storage, Message("Show the disk usage of data.")),
    _command(
        "remote",
        data.remote,
        Message(
            "List data remotes, test the connection to NAME, or set NAME to URL: a folder, "
            "s3://BUCKET/PATH or ssh://HOST/PATH."
        ),
        _argument("name", required=False),
        _argument("url", required=False),
        _flag("-d", "--delete", about=Message("Remove NAME.")),
        _flag("--default", about=Message("Make it the default remote.")),
        _flag(
            "--credentials",
            about=Message("Prompt for keys or a password (stored on this machine only)."),
        ),
        _option("--endpoint-url", about=Message("S3: endpoint URL of another server.")),
        _option("--region", about=Message("S3: region.")),
        _option("--profile", about=Message("S3: AWS profile.")),
        _option("--user", about=Message("SSH: user name.")),
        _option("--port", type=click.IntRange(1, 65535), about=Message("SSH: port.")),
        _option("--keyfile", about=Message("SSH: private key file.")),
    ),
    _command("show", data.show_data, Message("List the versions of PATH."), _PATH),
    _command(
        "checkout",
        data.checkout_data,
        Message("Restore PATH to VERSION (a snapshot or a hash)."),
        _PATH,
        _argument("version"),
    ),
    _command("push", data.push_data, Message("Push PATH to its remote."), _PATH),
    _command(
        "pull",
        data.pull_data,
        Message("Pull PATH from its remote, or all data not pulled yet if PATH is omitted."),
        _argument("path", required=False, type=click.Path()),
    ),
    _command(
        "gc",
        data.collect,
        Message(
            "Show unused data in the cache (not used by any branch, tag, stash, run or pending "
            "snapshot); with --confirm, delete it."
        ),
        _flag("--confirm", about=Message("Delete the data permanently.")),
    ),
]
