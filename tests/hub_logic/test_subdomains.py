"""``HUB_SUBDOMAIN``: what it may be, and what follows from it; without a Hub."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub_config.kubernetes import values
from hub_config.setting_kinds import SettingError
from hub_config.settings import ROOT, Settings


@pytest.mark.parametrize(
    ("given", "origin"),
    [
        ("", ""),
        ("hub.example.org", "https://hub.example.org"),
        ("https://Hub.example.org/", "https://hub.example.org"),
        ("http://hub.localhost:8000", "http://hub.localhost:8000"),
    ],
)
def test_the_setting_is_an_origin(given: str, origin: str) -> None:
    settings = Settings.read({"HUB_SUBDOMAIN": given, "HUB_IP": "0.0.0.0"})
    assert settings.subdomain == origin
    assert settings.shares_origin is (origin == "")
    assert settings.public_url == (origin or "http://127.0.0.1:8000")
    # A browser takes cookies with this prefix over TLS alone.
    assert settings.cookies_for_host_alone is origin.startswith("https")


@pytest.mark.parametrize(
    "wrong", ["10.0.0.1", "https://[::1]", "ftp://hub.example.org", "https://hub.example.org/lab"]
)
def test_an_address_that_has_no_sub_domains_is_refused(wrong: str) -> None:
    with pytest.raises(SettingError, match=r"^Invalid HUB_SUBDOMAIN"):
        Settings.read({"HUB_SUBDOMAIN": wrong})


@pytest.mark.parametrize("module", ["up", "compose", "kubernetes"])
def test_a_program_says_so(module: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"hub_config.{module}"],
        cwd=ROOT,
        env={**os.environ, "HUB_SUBDOMAIN": "10.0.0.1", "HUB_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode
    assert done.stderr.strip().startswith("Invalid HUB_SUBDOMAIN")


def test_only_an_address_beyond_this_machine_is_warned_of() -> None:
    assert not Settings.read({}).for_service()["shares_origin"]
    assert Settings.read({"HUB_IP": "10.0.0.1"}).for_service()["shares_origin"]


def test_the_charts_proxy_routes_by_names_too() -> None:
    printed = values(Settings.read({"HUB_SUBDOMAIN": "hub.example.org"}), "github")
    assert printed["hub"]["config"]["JupyterHub"]["subdomain_host"] == "https://hub.example.org"
    assert printed["proxy"]["chp"]["extraCommandLineFlags"] == ["--host-routing"]
    assert values(Settings.read({}), "github")["proxy"]["chp"]["extraCommandLineFlags"] == []
