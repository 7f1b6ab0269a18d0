"""Commands of runs: search, comparison, tracking, reproduction and lineage."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from functools import partial

import click

from jupyter_mlws.api.client import segment
from jupyter_mlws.cli import declared as cli
from jupyter_mlws.cli import experiment_views, run_views
from jupyter_mlws.cli.commands import resolve_run, run_id
from jupyter_mlws.cli.console import Tone, line
from jupyter_mlws.cli.context import (
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    EXIT_SUCCESS,
    CommandContext,
    UsageFaultError,
)
from jupyter_mlws.client.project import JSON, Origin, version_id

AUTO_VARIABLE = "MLWS_TRACK"
"""`auto`: every run that MLflow starts is linked to the working tree's state."""
OPEN_VARIABLE = "MLWS_TRACKED_RUN"
"""The active run that was started in this kernel."""
RUN_VARIABLE = "MLFLOW_RUN_ID"
URI_VARIABLE = "MLFLOW_TRACKING_URI"
MAX_ERROR_LENGTH = 1000


@cli.command(
    "Compare runs or model versions (MODEL:VERSION) side by side.",
    cli.argument("things", metavar="RUN_OR_VERSION...", shell_complete=cli.complete_run),
    has_wide=True,
)
def compare(context: CommandContext, things: Sequence[str]) -> int:
    if len(things) < 2:
        raise UsageFaultError(
            context.views.say("Specify at least two runs, or two model versions as NAME:VERSION.")
        )
    if all(thing.rpartition(":")[2].isdigit() and ":" in thing for thing in things):
        comparison = context.client.get(
            "models/compare", {"ids": ",".join(map(version_id, things))}
        )
    else:
        # In the form in which the API compares model versions.
        rows = [
            context.client.get(f"runs/{segment(run_id(context.client, thing))}") for thing in things
        ]
        comparison = {"runs": rows, "environments": []}
        for part in ("params", "metrics"):
            names = sorted({name for row in rows for name in row[part]})
            values = {name: [row[part].get(name) for row in rows] for name in names}
            comparison[part] = [
                {"name": name, "values": row, "differs": any(value != row[0] for value in row)}
                for name, row in values.items()
            ]
    return context.answer(
        comparison, lambda views, result: experiment_views.comparison(views, things, result)
    )


@cli.command(
    "Show where ITEM comes from and what was made from it. ITEM is a data path, "
    "MODEL:VERSION, run:RUN or snapshot:COMMIT.",
    cli.argument("of", metavar="ITEM", type=click.Path()),
    cli.option(
        "Number of steps from ITEM that are shown.",
        "--depth",
        type=click.IntRange(1),
        default=3,
        show_default=True,
    ),
)
def lineage(context: CommandContext, of: str, depth: int) -> int:
    # Data can be specified by its path, and a model without a prefix.
    kind, colon, rest = of.partition(":")
    if colon and kind in ("model", "run", "dataset", "snapshot", "node"):
        if kind == "dataset" and "@" not in rest:
            of = f"dataset:{context.path(rest)}"
        if kind == "run":
            of = f"run:{run_id(context.client, rest)}"
    elif (context.folder / of).exists():
        of = f"dataset:{context.path(of)}"
    else:
        of = f"model:{of}"
    graph = context.client.get("lineage", {"of": of})
    return context.answer(graph, partial(experiment_views.lineage, depth=depth))


@cli.command(
    "Recreate in a git worktree what RUN started from. That is code, data and "
    "environments. MODEL:VERSION or a snapshot may take the place of RUN. Without "
    "RUN, list existing reproductions.",
    cli.option("Folder of the worktree.", "--path", type=click.Path()),
    cli.option("Use the present environment, also where the run's differs.", "--no-environment"),
    cli.option("Delete the reproduction, including all work in it.", "--remove"),
)
def reproduce(
    context: CommandContext, run: str | None, path: str | None, no_environment: bool, remove: bool
) -> int:
    if run is None:
        if remove:
            raise UsageFaultError(context.views.say("Specify the reproduction to delete."))
        return context.answer(context.client.list("reproductions"), experiment_views.reproductions)
    if remove:
        record = context.client.delete(f"reproductions/{segment(run)}")
        text = context.views.say("Deleted {path}.", path=record["path"])
        return context.answer(record, lambda *_: [line(text, Tone.GOOD)])
    request = {
        "path": context.path(path) if path else None,
        "environments": not no_environment,
    }
    # A snapshot or MODEL:VERSION is no run.
    row = resolve_run(context.client, run)
    identifier = version_id(run) if row is None else row["id"] or row["run"]
    reproduction = context.follow(f"runs/{segment(identifier)}/reproduce", request)
    return context.answer(reproduction, experiment_views.reproduction)


@cli.command(
    "Run COMMAND as an MLflow run of an exact commit. Uncommitted changes are saved "
    "to a hidden ref first. In a notebook without COMMAND, track what the next cells "
    "log.",
    cli.argument("command", type=click.UNPROCESSED),
    cli.option("Name of the run.", "--name"),
    cli.option("Name of the experiment.", "--experiment"),
    cli.option(
        "In a notebook: track every run that MLflow starts.",
        "--auto",
        type=click.Choice(["on", "off"]),
    ),
    cli.option("In a notebook: end the current run.", "--end"),
    passes_on=True,
)
def track(
    context: CommandContext,
    command: Sequence[str],
    name: str | None,
    experiment: str | None,
    auto: str | None,
    end: bool,
) -> int:
    kernel = context.origin is Origin.MAGIC
    if (auto or end) and not kernel:
        raise UsageFaultError(
            context.views.say(
                "--auto and --end work in notebooks only. In a shell, use: export MLWS_TRACK=auto"
            )
        )
    if auto:
        os.environ[AUTO_VARIABLE] = {"on": "auto", "off": ""}[auto]
        text = (
            context.views.say("Automatic tracking is on: every MLflow run records its commit.")
            if auto == "on"
            else context.views.say("Automatic tracking is off.")
        )
        return context.answer({"auto": auto == "on"}, lambda *_: [line(text, Tone.GOOD)])
    if end:
        run = os.environ.get(OPEN_VARIABLE)
        if not run:
            raise UsageFaultError(context.views.say("No active run."))
        return context.answer_one(finish(context, run, "COMPLETED"), run_views.runs)
    if command:
        return _track_command(context, command, name, experiment)
    if not kernel:
        raise UsageFaultError(context.views.say("Specify the command to run."))
    new_run = begin(context, name, experiment)
    os.environ[OPEN_VARIABLE] = new_run["id"]
    return context.answer(new_run, experiment_views.started_run)


def begin(context: CommandContext, name: str | None, experiment: str | None) -> JSON:
    """Start a run for this process's own code; MLflow finds it by environment variables."""
    mlflow = sys.modules.get("mlflow")
    if mlflow is not None and mlflow.active_run() is not None:
        raise UsageFaultError(
            context.views.say("An MLflow run is already active. End it first: mlflow.end_run()")
        )
    # MLflow imports tqdm's progress bars, which warn in kernels without ipywidgets.
    warnings.filterwarnings("ignore", message="IProgress not found")
    if os.environ.get(OPEN_VARIABLE):
        raise UsageFaultError(
            context.views.say("A run is already active. End it first: %mlws track --end")
        )
    run: JSON = context.client.post(
        "runs", _request(name, experiment, os.environ.get("JPY_SESSION_NAME"))
    )
    # A tracking URI that the user has set is not replaced.
    mlflow = sys.modules.get("mlflow")
    is_set = mlflow is not None and mlflow.is_tracking_uri_set()
    if mlflow is not None and is_set and mlflow.get_tracking_uri() != run["uri"]:
        context.client.post(f"runs/{segment(run['id'])}/end", {"status": "CANCELLED"})
        raise UsageFaultError(
            context.views.say(
                "MLflow uses another tracking URI. Call first: mlflow.set_tracking_uri({uri!r})",
                uri=run["uri"],
            )
        )
    os.environ[URI_VARIABLE] = run["uri"]
    os.environ[RUN_VARIABLE] = run["id"]
    return run


def finish(context: CommandContext, run: str, status: str, error: str | None = None) -> JSON:
    """End a run that :func:`begin` started, and return it as MLflow has stored it."""
    # Another run may be active: that of a command is independent of it.
    for name in (RUN_VARIABLE, OPEN_VARIABLE):
        if os.environ.get(name) == run:
            del os.environ[name]
    mlflow = sys.modules.get("mlflow")
    active = mlflow.active_run() if mlflow is not None else None
    if mlflow is not None and active is not None and active.info.run_id == run:
        # Functions such as `mlflow.log_metric` start it, and leave it active.
        mlflow.end_run()
    request = {"status": status, "error": error[:MAX_ERROR_LENGTH] if error else None}
    record: JSON = context.client.post(f"runs/{segment(run)}/end", request)
    return record


def _track_command(
    context: CommandContext, command: Sequence[str], name: str | None, experiment: str | None
) -> int:
    script = next((word for word in command if word.endswith((".py", ".ipynb"))), command[0])
    run = context.client.post("runs", _request(name, experiment, script))
    environment = {**os.environ, URI_VARIABLE: run["uri"], RUN_VARIABLE: run["id"]}
    try:
        code = subprocess.run(
            list(command), cwd=context.folder, env=environment, check=False
        ).returncode
    except OSError as error:
        finish(context, run["id"], "FAILED", str(error))
        raise UsageFaultError(str(error)) from None
    except KeyboardInterrupt:
        finish(context, run["id"], "CANCELLED")
        return EXIT_INTERRUPTED
    failure = f"exit code {code}" if code else None
    record = finish(context, run["id"], "FAILED" if code else "COMPLETED", failure)
    context.answer_one(record, run_views.runs)
    return EXIT_FAILURE if code else EXIT_SUCCESS


def _request(name: str | None, experiment: str | None, source: str | None) -> JSON:
    return {"name": name or None, "experiment": experiment or None, "source": source or None}
