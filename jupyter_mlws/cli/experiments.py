"""Commands of runs: search, comparison, tracking, reproduction and lineage."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

from jupyter_mlws.api.client import segment
from jupyter_mlws.cli import experiment_views, workflow_views
from jupyter_mlws.cli.commands import (
    EXIT_FAILURE,
    EXIT_INTERRUPTED,
    EXIT_SUCCESS,
    CommandContext,
    UsageFaultError,
    run_id,
    workflow_of,
)
from jupyter_mlws.cli.console import Tone, line
from jupyter_mlws.client.project import JSON, Origin, version_id

AUTO_VARIABLE = "MLWS_TRACK"
"""`auto`: every run that MLflow starts is linked to the working tree's state."""
OPEN_VARIABLE = "MLWS_TRACKED_RUN"
"""The active run that was started in this kernel."""
RUN_VARIABLE = "MLFLOW_RUN_ID"
URI_VARIABLE = "MLFLOW_TRACKING_URI"
MAX_ERROR_LENGTH = 1000


def runs(
    context: CommandContext,
    file: str | None,
    number: int,
    filter: str | None,  # noqa: A002  the option's own name
    query: str | None,
    sort: Sequence[str],
    nested: bool,
    wide: bool,
) -> int:
    parameters: JSON = {"sort": list(sort)}
    if file:
        parameters["workflow"] = workflow_of(context, [file])[0]
    if filter:
        parameters["filter"] = filter
    if query:
        parameters["q"] = query
    if nested:
        parameters["nested"] = True
    items = context.client.list("runs", number, parameters)
    return context.answer(items, partial(workflow_views.runs, wide=wide))


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
        comparison = {"runs": rows}
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


def lineage(context: CommandContext, of: str) -> int:
    # Data can be specified by its path, and a model without a prefix.
    kind, colon, rest = of.partition(":")
    if colon and kind in ("model", "run", "dataset", "snapshot", "node"):
        if kind == "dataset" and "@" not in rest:
            of = f"dataset:{context.path(rest)}"
    elif (context.folder / of).exists():
        of = f"dataset:{context.path(of)}"
    else:
        of = f"model:{of}"
    return context.answer(context.client.get("lineage", {"of": of}), experiment_views.lineage)


def reproduce(context: CommandContext, run: str | None, path: str | None, remove: bool) -> int:
    if run is None:
        if remove:
            raise UsageFaultError(context.views.say("Specify the reproduction to delete."))
        return context.answer(context.client.list("reproductions"), experiment_views.reproductions)
    if remove:
        record = context.client.delete(f"reproductions/{segment(run)}")
        text = context.views.say("Deleted {path}.", path=record["path"])
        return context.answer(record, lambda *_: [line(text, Tone.GOOD)])
    request = {"path": context.path(path)} if path else {}
    run = version_id(run_id(context.client, run))
    reproduction = context.follow(f"runs/{segment(run)}/reproduce", request)
    return context.answer(reproduction, experiment_views.reproduction)


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
        return context.answer_one(finish(context, run, "COMPLETED"), workflow_views.runs)
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
    request: JSON = {"status": status}
    if error:
        request["error"] = error[:MAX_ERROR_LENGTH]
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
    context.answer_one(record, workflow_views.runs)
    return EXIT_FAILURE if code else EXIT_SUCCESS


def _request(name: str | None, experiment: str | None, source: str | None) -> JSON:
    fields: dict[str, Any] = {"name": name, "experiment": experiment, "source": source}
    return {key: value for key, value in fields.items() if value}
