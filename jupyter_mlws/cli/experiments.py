"""What the words of runs do: search, compare, track, reproduce, and where things come from."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from collections.abc import Sequence
from typing import Any

from jupyter_mlws.cli import experiment_views
from jupyter_mlws.cli.commands import FAILED, INTERRUPTED, OK, CommandContext, UsageFaultError
from jupyter_mlws.client.http import segment
from jupyter_mlws.client.project import JSON, Origin, version_id

AUTO_VARIABLE = "MLWS_TRACK"
"""`auto`: every run that code begins with MLflow keeps the working tree's state first."""
OPEN_VARIABLE = "MLWS_TRACKED_RUN"
"""The run that was begun in this kernel and goes on."""
RUN_VARIABLE = "MLFLOW_RUN_ID"
URI_VARIABLE = "MLFLOW_TRACKING_URI"
LONGEST_ERROR = 1000


def runs(
    desk: CommandContext,
    file: str | None,
    number: int,
    filter: str | None,  # noqa: A002  the option's own name
    query: str | None,
    sort: Sequence[str],
    nested: bool,
    wide: bool,
) -> int:
    from jupyter_mlws.cli.commands import workflow_of

    asked: JSON = {"sort": list(sort)}
    if file:
        asked["workflow"] = workflow_of(desk, [file])[0]
    if filter:
        asked["filter"] = filter
    if query:
        asked["q"] = query
    if nested:
        asked["nested"] = True
    found = desk.client.list("runs", number, asked)
    desk.answer(found, lambda rows: desk.views.runs(rows, wide=wide))
    return OK


def compare(desk: CommandContext, things: Sequence[str]) -> int:
    if len(things) < 2:
        raise UsageFaultError(
            desk.views.say("Specify at least two runs, or two model versions as NAME:VERSION.")
        )
    if all(thing.rpartition(":")[2].isdigit() and ":" in thing for thing in things):
        found = desk.client.get("models/compare", {"ids": ",".join(map(version_id, things))})
    else:
        found = _side_by_side([desk.client.get(f"runs/{segment(thing)}") for thing in things])
    desk.answer(found, lambda result: experiment_views.comparison(desk.views, things, result))
    return OK


def _side_by_side(rows: Sequence[JSON]) -> JSON:
    """Runs in the form that versions of models are compared in."""
    found: JSON = {"runs": list(rows)}
    for part in ("params", "metrics"):
        names = sorted({name for row in rows for name in row[part]})
        values = {name: [row[part].get(name) for row in rows] for name in names}
        found[part] = [
            {"name": name, "values": row, "differs": any(value != row[0] for value in row)}
            for name, row in values.items()
        ]
    return found


def lineage(desk: CommandContext, of: str) -> int:
    found = desk.client.get("lineage", {"of": _thing(desk, of)})
    desk.answer(found, lambda graph: experiment_views.lineage(desk.views, graph))
    return OK


def _thing(desk: CommandContext, of: str) -> str:
    """What a person calls a thing, as the API does: data by its path, too."""
    kind, colon, rest = of.partition(":")
    if colon and kind in ("model", "run", "dataset", "snapshot", "node"):
        return f"dataset:{desk.path(rest)}" if kind == "dataset" and "@" not in rest else of
    if (desk.folder / of).exists():
        return f"dataset:{desk.path(of)}"
    return f"model:{of}"


def reproduce(desk: CommandContext, run: str | None, path: str | None, remove: bool) -> int:
    if run is None:
        if remove:
            text = desk.views.say("Specify the reproduction to delete.")
            raise UsageFaultError(text)
        rows = desk.client.list("reproductions")
        desk.answer(rows, lambda found: experiment_views.reproductions(desk.views, found))
        return OK
    if remove:
        gone = desk.client.delete(f"reproductions/{segment(run)}")
        text = desk.views.say("Deleted {path}.", path=gone["path"])
        desk.answer(gone, lambda _: experiment_views.sentence(text))
        return OK
    asked = {"path": desk.path(path)} if path else {}
    made = desk.client.follow(f"runs/{segment(version_id(run))}/reproduce", asked, desk.screen.note)
    desk.answer(made, lambda found: experiment_views.reproduction(desk.views, found))
    return OK


def track(
    desk: CommandContext,
    command: Sequence[str],
    name: str | None,
    experiment: str | None,
    auto: str | None,
    end: bool,
) -> int:
    kernel = desk.origin is Origin.MAGIC
    if (auto or end) and not kernel:
        raise UsageFaultError(
            desk.views.say(
                "--auto and --end work in notebooks only. In a shell, use: export MLWS_TRACK=auto"
            )
        )
    if auto:
        os.environ[AUTO_VARIABLE] = {"on": "auto", "off": ""}[auto]
        words = experiment_views.sentence(
            desk.views.say("Automatic tracking is on: every MLflow run records its commit.")
            if auto == "on"
            else desk.views.say("Automatic tracking is off.")
        )
        desk.answer({"auto": auto == "on"}, lambda _: words)
        return OK
    if end:
        return _end_open(desk)
    if command:
        return _track_command(desk, command, name, experiment)
    if not kernel:
        text = desk.views.say("Specify the command to run.")
        raise UsageFaultError(text)
    begun = begin(desk, name, experiment)
    os.environ[OPEN_VARIABLE] = begun["id"]
    desk.answer(begun, lambda run: experiment_views.begun(desk.views, run))
    return OK


def begin(desk: CommandContext, name: str | None, experiment: str | None) -> JSON:
    """Begin a run for this process's own code: MLflow finds it by its variables."""
    _check_mlflow(desk)
    # MLflow imports tqdm's bars, which warn in every kernel without ipywidgets.
    warnings.filterwarnings("ignore", message="IProgress not found")
    if os.environ.get(OPEN_VARIABLE):
        raise UsageFaultError(
            desk.views.say("A run is already active. End it first: %mlws track --end")
        )
    begun: JSON = desk.client.post(
        "runs", _request(name, experiment, os.environ.get("JPY_SESSION_NAME"))
    )
    try:
        _check_address(desk, begun["uri"])
    except UsageFaultError:
        desk.client.post(f"runs/{segment(begun['id'])}/end", {"status": "CANCELLED"})
        raise
    os.environ[URI_VARIABLE] = begun["uri"]
    os.environ[RUN_VARIABLE] = begun["id"]
    return begun


def finish(desk: CommandContext, run: str, status: str, error: str | None = None) -> JSON:
    """End a run that :func:`begin` has begun; how MLflow has it then."""
    # Another may be open: a command's run begins and ends beside it.
    for name in (RUN_VARIABLE, OPEN_VARIABLE):
        if os.environ.get(name) == run:
            del os.environ[name]
    mlflow = sys.modules.get("mlflow")
    active = mlflow.active_run() if mlflow is not None else None
    if mlflow is not None and active is not None and active.info.run_id == run:
        # `mlflow.log_metric` and the like begin it, and leave it open.
        mlflow.end_run()
    asked: JSON = {"status": status}
    if error:
        asked["error"] = error[:LONGEST_ERROR]
    ended: JSON = desk.client.post(f"runs/{segment(run)}/end", asked)
    return ended


def _end_open(desk: CommandContext) -> int:
    run = os.environ.get(OPEN_VARIABLE)
    if not run:
        text = desk.views.say("No active run.")
        raise UsageFaultError(text)
    ended = finish(desk, run, "COMPLETED")
    desk.answer(ended, lambda found: desk.views.runs([found]))
    return OK


def _track_command(
    desk: CommandContext, command: Sequence[str], name: str | None, experiment: str | None
) -> int:
    script = next((word for word in command if word.endswith((".py", ".ipynb"))), command[0])
    begun = desk.client.post("runs", _request(name, experiment, script))
    environment = {**os.environ, URI_VARIABLE: begun["uri"], RUN_VARIABLE: begun["id"]}
    try:
        code = subprocess.run(
            list(command), cwd=desk.folder, env=environment, check=False
        ).returncode
    except OSError as error:
        finish(desk, begun["id"], "FAILED", str(error))
        raise UsageFaultError(str(error)) from None
    except KeyboardInterrupt:
        finish(desk, begun["id"], "CANCELLED")
        return INTERRUPTED
    failed = f"exit code {code}" if code else None
    ended = finish(desk, begun["id"], "FAILED" if code else "COMPLETED", failed)
    desk.answer(ended, lambda found: desk.views.runs([found]))
    return FAILED if code else OK


def _request(name: str | None, experiment: str | None, source: str | None) -> JSON:
    given: dict[str, Any] = {"name": name, "experiment": experiment, "source": source}
    return {key: value for key, value in given.items() if value}


def _check_mlflow(desk: CommandContext) -> None:
    mlflow = sys.modules.get("mlflow")
    if mlflow is not None and mlflow.active_run() is not None:
        raise UsageFaultError(
            desk.views.say("An MLflow run is already active. End it first: mlflow.end_run()")
        )


def _check_address(desk: CommandContext, uri: str) -> None:
    """The person's own choice of a store is not changed behind their back."""
    mlflow = sys.modules.get("mlflow")
    if mlflow is None or not mlflow.is_tracking_uri_set():
        return
    if mlflow.get_tracking_uri() != uri:
        raise UsageFaultError(
            desk.views.say(
                "MLflow uses another tracking URI. Call first: mlflow.set_tracking_uri({uri!r})",
                uri=uri,
            )
        )
