"""A server with the extension, on an empty project."""

from __future__ import annotations

from typing import Any

import pytest

from jupyter_mlws.project import Project


@pytest.fixture
def jp_root_dir(project: Project) -> Any:
    return project.root


@pytest.fixture
def jp_server_config() -> dict[str, Any]:
    return {"ServerApp": {"jpserver_extensions": {"jupyter_mlws": True}}}
