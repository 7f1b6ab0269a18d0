"""A plugin of pytest for DVC's own tests: `dvc repro` in them is ours.

``MLWS_JOBS``: how many stages run at once.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest.mock import Mock, call

import dvc.repo
from dvc import exceptions
from dvc.stage import run
from dvc.stage.exceptions import StageFileDoesNotExistError, StageNotFound
from dvc.utils.collections import ensure_list

FLAGS = {
    "recursive": "--recursive",
    "pipeline": "--pipeline",
    "all_pipelines": "--all-pipelines",
    "downstream": "--downstream",
    "single_item": "--single-item",
    "glob": "--glob",
    "force": "--force",
    "dry": "--dry",
    "interactive": "--interactive",
    "force_downstream": "--force-downstream",
    "pull": "--pull",
    "allow_missing": "--allow-missing",
    "no_commit": "--no-commit",
}
ON_ERROR = {"keep-going": "--keep-going", "ignore": "--ignore-errors"}


def reproduce(
    self: Any,
    targets: Iterable[str] | str | None = None,
    on_error: str | None = "fail",
    run_cache: bool = True,
    **options: Any,
) -> list[Any]:
    """Do as ``dvc.repo.reproduce.reproduce``, by our command in a process of its own."""
    # Not `python -m`, which would import what lies in the working folder.
    command = [str(Path(sys.executable).with_name("jupyter-mlws")), "repro", "--json"]
    command += ["-j", os.environ.get("MLWS_JOBS", "1")]
    command += [flag for name, flag in FLAGS.items() if options.get(name)]
    command += [ON_ERROR[on_error]] if on_error in ON_ERROR else []
    command += [] if run_cache else ["--no-run-cache"]
    command += ["--", *(str(target) for target in ensure_list(targets or ()))]
    process = subprocess.run(command, capture_output=True, text=True, check=False)
    sys.stderr.write(process.stderr)
    if not process.stdout.strip():
        raise RuntimeError(process.stderr)
    answer = json.loads(process.stdout.splitlines()[-1])
    self._reset()
    _report(self, answer, options)
    if answer["code"]:
        raise _error(answer)
    return [_stage(self, name) for name in answer["reproduced"]]


def _report(repo: Any, answer: dict[str, Any], options: dict[str, Any]) -> None:
    """Tell the functions of DVC that a test watches what was done in their place."""
    ran = [*answer["reproduced"], *answer["failures"]]
    visited = [_stage(repo, name) for name in (*answer["unchanged"], *ran)]
    upstream = repo.index.graph.successors
    for stage in visited:
        calls = {"upstream": list(upstream(stage)), "force": bool(options.get("force"))}
        if _is_watched(stage.reproduce):
            stage.reproduce(**calls)
        if "repro_fn" in options:
            options["repro_fn"].call_args_list.append(call(stage, **calls, interactive=False))
    for name in ran:
        stage, restore = _stage(repo, name), repo.stage_cache.restore
        if name in answer["restored"]:
            if _is_watched(restore):
                pull = {"pull": True} if options.get("pull") else {}
                with repo.lock:
                    restore(stage, **pull, dry=False)
        elif _is_watched(run.cmd_run):
            run.cmd_run(stage, dry=False, run_env=None)


def _is_watched(function: Any) -> bool:
    """Whether it is a mock, or the spy of a real function."""
    return isinstance(function, Mock) or hasattr(function, "mock")


def _stage(repo: Any, address: str) -> Any:
    file, _, name = address.rpartition(":")
    if address.endswith(".dvc"):
        file, name = address, None
    return repo.stage.load_one(str(Path(repo.root_dir, file or "dvc.yaml")), name)


def _error(answer: dict[str, Any]) -> Exception:
    message, reason = answer["error"], answer["reason"]
    kinds = {
        "failed": exceptions.ReproductionError,
        "no repository": exceptions.NotDvcRepoError,
    }
    bare = {
        "duplicate output": exceptions.OutputDuplicationError,
        "overlapping output": exceptions.OverlappingOutputPathsError,
        "stage in output": exceptions.StagePathAsOutputError,
        "cycle": exceptions.CyclicGraphError,
        "no stage": StageNotFound,
        "no file": StageFileDoesNotExistError,
    }
    if reason in kinds:
        return kinds[reason](message)
    if reason in bare:
        # Their own initializers want stages.
        error = bare[reason].__new__(bare[reason])
        exceptions.DvcException.__init__(error, message)
        return error
    return exceptions.DvcException(message)


dvc.repo.Repo.reproduce = reproduce
