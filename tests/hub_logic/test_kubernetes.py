"""The Helm chart gets the profiles, limits and images that Docker's Hub has."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from hub_config.kubernetes import main, values
from hub_config.settings import PROFILES, Settings

ROOT = Path(__file__).parents[2]
GIB = 1024**3


@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"HUB_IDLE_LIMIT": "600", "HUB_HOME_QUOTA": "20Gi", "HUB_SUBDOMAIN": "https://hub.test"},
        {
            "HUB_MAX_RESOURCES": '{"cpu": "8", "memory": "32Gi", "gpu": "1"}',
            "HUB_IMAGES": '{"Python": "registry:5000/lab:1", "R": "registry:5000/r"}',
        },
    ],
)
def test_the_chart_knows_every_value(variables: dict[str, str]) -> None:
    schema = json.loads((Path(__file__).parent / "helm_chart.schema.json").read_text())
    jsonschema.validate(values(Settings.read(variables), "github"), schema)


def test_all_images_are_pulled_before_a_start() -> None:
    images = {"Python": "lab:1", "R": "registry:5000/r"}
    told = values(Settings.read({"HUB_IMAGES": json.dumps(images)}), "github")
    extra = told["prePuller"]["extraImages"]
    assert list(extra.values()) == [{"name": "registry:5000/r", "tag": "latest"}]


def test_an_open_page_is_no_activity() -> None:
    config = values(Settings.read({}), "github")["hub"]["config"]["JupyterHub"]
    assert config["last_activity_interval"] > 365 * 24 * 3600


def test_profiles_and_limits_are_those_of_docker() -> None:
    told = values(Settings.read({}), "github")
    lab = told["singleuser"]
    assert [one["slug"] for one in lab["profileList"]] == ["small", "medium", "large"]
    large = lab["profileList"][-1]["kubespawner_override"]
    assert (large["cpu_limit"], large["mem_limit"]) == (2, 4 * GIB)
    assert large["mem_guarantee"] == large["mem_limit"]
    assert lab["memory"]["limit"] == 2 * GIB
    assert lab["allowPrivilegeEscalation"] is False
    assert told["cull"]["enabled"] is False
    policy = lab["networkPolicy"]
    assert policy["egressAllowRules"] == {"nonPrivateIPs": False}
    (block,) = policy["egress"][0]["to"]
    assert {"169.254.0.0/16", "168.63.129.16/32"} < set(block["ipBlock"]["except"])


def test_devices_are_offered_where_they_are_allowed() -> None:
    most = {"cpu": "8", "memory": "32Gi", "gpu": "1"}
    told = values(
        Settings.read({"HUB_MAX_RESOURCES": json.dumps(most), "HUB_IDLE_LIMIT": "600"}), "github"
    )
    profiles = {one["slug"]: one for one in told["singleuser"]["profileList"]}
    assert set(profiles) == set(PROFILES)
    override = profiles["gpu"]["kubespawner_override"]
    assert override["extra_resource_limits"] == {"nvidia.com/gpu": "1"}
    keys = [one["key"] for one in override["tolerations"]]
    assert keys == ["hub.jupyter.org/dedicated", "hub.jupyter.org_dedicated", "nvidia.com/gpu"]
    assert told["cull"] == {"enabled": True, "timeout": 600}


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("registry:5000/team/lab", {"name": "registry:5000/team/lab", "tag": "latest"}),
        ("team/lab:2", {"name": "team/lab", "tag": "2"}),
    ],
)
def test_an_image_has_a_name_and_a_tag(image: str, told: dict[str, str]) -> None:
    assert values(Settings.read({"HUB_IMAGE": image}), "native")["singleuser"]["image"] == told


def test_the_command_prints_them() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hub_config.kubernetes"],
        cwd=ROOT,
        env={**os.environ, "HUB_IMAGE": "team/lab:2", "HUB_AUTHENTICATOR": "native"},
        check=True,
        capture_output=True,
        text=True,
    )
    printed = json.loads(done.stdout)
    assert printed["singleuser"]["image"] == {"name": "team/lab", "tag": "2"}
    assert printed["hub"]["config"]["JupyterHub"]["authenticator_class"] == "native"


@pytest.mark.parametrize(
    "authenticator", ["", " ", "dummy", "jupyterhub.auth.DummyAuthenticator", "shared-password"]
)
def test_no_values_are_printed_without_an_authenticator(
    authenticator: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUB_AUTHENTICATOR", authenticator)
    assert main() == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "Set HUB_AUTHENTICATOR" in printed.err
