"""Publish models in a registry."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field

from jupyter_mlws.components import File, Metrics, Text, component

Name = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^/:\"'.][^/:\"']*$")]
Alias = Annotated[str, Field(pattern=r"^[\w-]*$")]


@component(category="Register", title="Register Model")
def register_model(
    model: File,
    metrics: Metrics | None = None,
    *,
    name: Annotated[Name, Field(title="Model name")],
    alias: Alias = "",
) -> Text:
    """Register a new model version, with its metrics, in the MLflow registry.

    model: Model file.
    metrics: Metrics of the model.
    text: URI of the version, such as models:/wine/3.
    name: Name of the model in the registry.
    alias: An alias such as “production”. It moves here from the version that has it now.
    """
    from jupyter_mlws.git.adapter import Git
    from jupyter_mlws.mlflow.registry import MLflowRegistry
    from jupyter_mlws.mlflow.store import tracking_uri
    from mlws.core.errors import MLWSError

    root = Path(os.environ.get("DVC_ROOT") or Path.cwd())
    numbers, texts = {}, {}
    for key, value in (metrics or {}).items():
        if isinstance(value, str):
            texts[key] = value
        elif isinstance(value, int | float) and not isinstance(value, bool):
            numbers[key] = float(value)
    try:
        commit = Git(root).find("HEAD")
    except MLWSError:
        # There is no repository, or no commit yet.
        commit = None
    registry = MLflowRegistry(tracking_uri(root))
    version = registry.register(
        name,
        params=texts,
        metrics=numbers,
        artifacts={os.path.relpath(model, root): str(model.resolve())},
        tags={},
        run=os.environ.get("MLFLOW_RUN_ID") or None,
        commit=commit,
    )
    if alias:
        registry.set_alias(name, alias, version["version"])
    return f"models:/{name}/{version['version']}\n"
