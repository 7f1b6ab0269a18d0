"""Private names of other packages that this one uses: what to look at first after an upgrade."""

from __future__ import annotations

import inspect
import platform
from importlib import import_module
from importlib.metadata import version
from typing import Any

import pytest

NAMES = [
    ("dvc", "dvc.stage.cache", "_get_cache_hash", ("cache", "key")),
    ("dvc", "dvc.stage.cache:StageCache", "_get_cache_dir", ("self", "key")),
    ("dvc", "dvc.stage.cache:StageCache", "_load_cache", ("self", "key", "value")),
    ("dvc", "dvc.stage:Stage", "_check_missing_outputs", ("self",)),
    ("dvc", "dvc.stage.run", "_enforce_cmd_list", ("cmd",)),
    ("dvc", "dvc.stage.run", "_make_cmd", ("executable", "cmd")),
    ("dvc", "dvc.dvcfile:ProjectFile", "_lockfile", None),
    ("dvc", "dvc.config:Config", "_load_config", ("self", "level")),
    ("dvc", "dvc.utils.serialize:_yaml", "parse_yaml", ("text", "path", "typ")),
    ("Python", "threading", "_shutdown", ()),
    ("Python", "atexit", "_run_exitfuncs", None),
    ("Python", "runpy", "_run_module_as_main", ("mod_name", "alter_argv")),
    ("Python", "sys", "_current_frames", None),
    ("jupyterlab_server", "jupyterlab_server.translation_utils:translator", "_TRANSLATORS", None),
    ("jupyterlab_server", "jupyterlab_server.translation_utils:translator", "_LOCALE", None),
    ("jupyterlab_server", "jupyterlab_server.settings_utils", "_get_schema", (
        "schemas_dir", "schema_name", "overrides", "labextensions_path",
    )),
]  # fmt: skip


@pytest.mark.parametrize(("package", "owner", "name", "parameters"), NAMES)
def test_a_private_name_is_as_it_is_used(
    package: str, owner: str, name: str, parameters: tuple[str, ...] | None
) -> None:
    module, _, part = owner.partition(":")
    place: Any = import_module(module)
    release = platform.python_version() if package == "Python" else version(package)
    member = getattr(getattr(place, part) if part else place, name, None)
    assert member is not None, f"{package} {release} has no {owner}.{name}"
    if parameters is not None:
        now = tuple(inspect.signature(member).parameters)
        assert now == parameters, f"{package} {release}: {owner}.{name} takes {now}"


def test_the_mlflow_client_gives_its_database(tmp_path: Any) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(f"sqlite:///{tmp_path}/runs.db")
    store = getattr(getattr(client, "_tracking_client", None), "store", None)
    assert hasattr(store, "ManagedSessionMaker"), f"mlflow {version('mlflow')}: no database"
