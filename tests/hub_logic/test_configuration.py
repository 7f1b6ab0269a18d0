"""The Hub's configuration, with the additional file of an installation."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import PyFileConfigLoader

import hub_config
from jupyter_mlws.hub.docker.spawner import MLWSSpawner
from jupyter_mlws.hub.settings import Settings
from mlws.core.errors import MLWSError

ADDITIONAL = """
c.MLWSSpawner.allowed_images = {"Small": "small:1"}
c.MLWSSpawner.default_image = "Small"
c.MLWSSpawner.max_resources = {"cpu": "2", "memory": "4Gi"}
c.JupyterHub.services.append({"name": "report"})
"""
FOLDER = str(Path(hub_config.__file__).parent)


@pytest.fixture
def service_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The settings that the service gets."""
    file = tmp_path / "additional.py"
    file.write_text(ADDITIONAL)
    monkeypatch.setenv("HUB_DATA", str(tmp_path))
    monkeypatch.setenv("HUB_CONFIG", str(file))
    monkeypatch.setattr(sys, "path", [*sys.path])
    config: Any = PyFileConfigLoader("jupyterhub_config.py", FOLDER).load_config()
    services = {service["name"]: service for service in config.JupyterHub.services}
    assert "report" in services
    return Settings.read(services["mlws"]["environment"])


@pytest.mark.parametrize(
    ("options", "field"),
    [({"resources": {"cpu": "3", "memory": "1Gi"}}, "resources.cpu"), ({"image": "Lab"}, "image")],
)
def test_the_service_enforces_what_an_additional_file_sets_for_the_spawner(
    service_settings: Settings, options: dict[str, Any], field: str
) -> None:
    policy = service_settings.policy
    assert policy.check(policy.read({})).image == "small:1"
    with pytest.raises(MLWSError) as refused:
        policy.check(policy.read(options))
    assert field in [fault.field for fault in refused.value.faults]


def test_every_setting_of_the_spawner_is_documented() -> None:
    own = MLWSSpawner.class_own_traits(config=True)
    added = {name: trait for name, trait in own.items() if trait.this_class is MLWSSpawner}
    assert len(added) > 10
    assert all(trait.help.strip() for trait in added.values())
