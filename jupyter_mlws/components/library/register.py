"""Keep models where others find them, and read them from there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from jupyter_mlws.components import File, Metrics, Model, Text, component

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^/:\"'.][^/:\"']*$")]
Alias = Annotated[str, Field(pattern=r"^[\w-]*$")]


@component(category="Register", title="Register model")
def register_model(
    model: File,
    metrics: Metrics | None = None,
    *,
    name: Name,
    alias: Alias = "",
) -> Text:
    """Make a new version of a model in MLflow's registry, with its measures.

    model: The model's file.
    metrics: How well it does.
    text: The address of the version, such as models:/wine/3.
    name: The name of the model in the registry.
    alias: A name for this version, such as production; it leaves the version that had it.
    """
    from jupyter_mlws.versioning.tracking.mlflow import tracking_uri
    from jupyter_mlws.versioning.tracking.mlflow_registry import MLflowRegistry

    root = Path(os.environ.get("DVC_ROOT") or Path.cwd())
    registry = MLflowRegistry(tracking_uri(root))
    version = registry.register(
        name,
        params=dict(_texts(metrics or {})),
        metrics=dict(_numbers(metrics or {})),
        artifacts={os.path.relpath(model, root): str(model.resolve())},
        tags={},
        run=os.environ.get("MLFLOW_RUN_ID") or None,
        commit=_commit(root),
    )
    if alias:
        registry.set_alias(name, alias, version["version"])
    return f"models:/{name}/{version['version']}\n"


@component(category="Load", title="Load model")
def load_model(*, name: Name, version: Annotated[int, Field(ge=1)]) -> Model:
    """Read a version of a model from MLflow's registry.

    name: The name of the model in the registry.
    version: Which version; a number, so that the same node reads the same model.
    """
    from mlflow.exceptions import MlflowException

    from jupyter_mlws.components import values
    from jupyter_mlws.versioning.tracking.mlflow import tracking_uri
    from jupyter_mlws.versioning.tracking.mlflow_registry import MLflowRegistry

    root = Path(os.environ.get("DVC_ROOT") or Path.cwd())
    registry = MLflowRegistry(tracking_uri(root))
    with tempfile.TemporaryDirectory() as folder:
        try:
            files = registry.fetch(name, version, Path(folder))
        except MlflowException as error:
            raise ValueError(f"models:/{name}/{version}: {error.message}") from None
        models = [path for path in files if path.suffix == ".skops"]
        if len(models) != 1:
            held = ", ".join(path.name for path in files) or "nothing"
            raise ValueError(f"models:/{name}/{version} holds {held}, not one .skops file")
        return values.read("Model", models[0])


def _numbers(metrics: dict[str, Any]) -> dict[str, float]:
    return {
        name: float(value)
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _texts(metrics: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in metrics.items() if isinstance(value, str)}


def _commit(root: Path) -> str | None:
    """The commit that the working tree is at; None where there is no repository or none yet."""
    from jupyter_mlws.errors import MLWSError
    from jupyter_mlws.versioning.git.adapter import Git

    try:
        return Git(root).find("HEAD")
    except MLWSError:
        return None
