"""What a person has installed in a container, saved and used by the next start."""

from __future__ import annotations

import base64
import functools
import hashlib
import http.server
import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from jupyter_mlws.containers.models import Amount
from jupyter_mlws.hub.docker import personal_images
from jupyter_mlws.hub.docker.engine import Engine
from jupyter_mlws.hub.docker.personal_images import PersonalImages
from jupyter_mlws.hub.scheduling.policy import ResolvedSpec
from mlws.core.errors import MLWSError
from tests.hub.installation import Hub
from tests.hub.pages import log_in

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

ENID, EARL = "enid", "earl"
SMALL = {"cpu": "1", "memory": "1Gi"}
TOKEN = "correct-horse-environment"
LARGE = 400 * 1024**2
"""Bytes of the content of a package."""
Data = dict[str, Any]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """The test's output stays readable."""


def make_wheel(
    folder: Path, name: str, version: str, content: str, scripts: dict[str, str] | None = None
) -> None:
    """A package of one module and of programs, as pip takes it."""
    info = f"{name}-{version}.dist-info"
    files = {
        f"{name}.py": content,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
        **{f"{name}-{version}.data/scripts/{file}": text for file, text in (scripts or {}).items()},
    }
    rows = []
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            rows.append(f"{path},sha256={digest.decode().rstrip('=')},{len(text.encode())}")
            wheel.writestr(path, text)
        wheel.writestr(f"{info}/RECORD", "\n".join([*rows, f"{info}/RECORD,,"]) + "\n")


@pytest.fixture(scope="module")
def index(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An index of packages that containers reach, with one package."""
    folder = tmp_path_factory.mktemp("index")
    scripts = {"rm": "#!/bin/sh\ntouch /tmp/rm-of-the-package\n"}
    make_wheel(folder / "simple" / "mlwsprobe", "mlwsprobe", "1.5", "COLOUR = 'green'\n", scripts)
    make_wheel(folder / "simple" / "mlwslarge", "mlwslarge", "1", "#" * LARGE)
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(
        (hub.settings.gateway, hub.settings.host_ports[0]), handler
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://{hub.settings.gateway}:{server.server_port}/simple"
    server.shutdown()
    server.server_close()


def environment(hub: Hub, identifier: str, user: str) -> Data:
    data: Data = hub.service("GET", f"environments/{identifier}", user).json()["data"]
    return data


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_what_was_installed_is_there_at_the_next_start_and_is_the_persons_own(
    hub: Hub, index: str
) -> None:
    for user in (ENID, EARL):
        hub.sign_up(user)
    pip = {
        "PIP_INDEX_URL": index,
        "PIP_TRUSTED_HOST": hub.settings.gateway,
        "MY_TOKEN": TOKEN,
    }
    identifier = hub.create(ENID, resources=SMALL, environment=pip)
    hub.becomes(identifier, "RUNNING")
    hub.shell(ENID, "pip install --quiet mlwsprobe && pip uninstall --quiet --yes pydot")
    hub.shell(ENID, "mkdir ~/own && touch ~/own/own.py && cd ~/own && printf '%s\\n' "
                    "'[project]' 'name = \"own\"' 'version = \"1\"' > pyproject.toml")  # fmt: skip

    # From the lab itself, as its button asks.
    asked = hub.lab("POST", ENID, "mlws/api/v1/environments", json={"name": "probe"})
    assert asked.status_code == 202, asked.text
    saved = f"{ENID}--probe"
    assert asked.json()["data"]["state"] == "SAVING"
    again = hub.service(
        "POST", "environments", ENID, json={"name": "probe", "container": identifier}
    )
    assert (again.status_code, again.json()["code"]) == (409, "10213")
    hub.wait_for(lambda: environment(hub, saved, ENID)["state"] != "SAVING", "it is saved")
    told = environment(hub, saved, ENID)
    assert (told["state"], told["base"], told["packages"]) == ("READY", "Lab", 1), told
    assert 0 < told["size"] < 200 * 1024**2

    # Nothing of the container itself is in the image.
    docker_image = image_of(hub, ENID)
    config = hub.engine.run("inspect", docker_image)
    assert TOKEN not in config
    assert "JUPYTERHUB_API_TOKEN" not in config
    assert "PIP_INDEX_URL" not in config
    assert '"start-lab"' in config
    label = f"label=mlws.builder={hub.name}"
    assert hub.engine.run("ps", "--all", "--quiet", "--filter", label) == ""

    hub.service("POST", f"containers/{identifier}/stop", ENID)
    hub.becomes(identifier, "STOPPED")
    hub.service("POST", f"containers/{identifier}/start", ENID)
    hub.becomes(identifier, "RUNNING")
    assert hub.get(identifier)["config"]["image"] == "my/probe"
    assert hub.shell(ENID, "python -c 'import mlwsprobe; print(mlwsprobe.COLOUR)'") == "green"
    assert hub.shell(ENID, "pip show pydot >/dev/null 2>&1 || echo gone") == "gone"
    assert hub.shell(ENID, "ls /tmp/rm-of-the-package 2>/dev/null || true") == ""
    # The list that it was built from, and the image as the record of an environment has it.
    assert "mlwsprobe" in hub.shell(ENID, "cat /usr/local/share/environment.txt")
    assert "sha256:" in hub.shell(ENID, "echo $MLWS_IMAGE")
    assert hub.lab("GET", ENID, "mlws/api/v1/environments").json()["data"]["items"][0] == told
    session = hub.session(ENID)
    hub.service("POST", f"containers/{identifier}/stop", ENID)
    hub.becomes(identifier, "STOPPED")
    assert "my/probe" in session.get(f"{hub.url}/hub/spawn", timeout=20).text
    refuse_others_and_delete(hub, identifier, saved)


def image_of(hub: Hub, user: str) -> str:
    labels = [f"--filter=label=mlws.environment.user={user}",
              f"--filter=label=mlws.environment.hub={hub.name}"]  # fmt: skip
    return hub.engine.run("images", "--quiet", *labels).split()[0]


def refuse_others_and_delete(hub: Hub, identifier: str, saved: str) -> None:
    wish = {"image": "my/probe", "resources": SMALL}
    refused = hub.service("POST", "containers", EARL, json=wish)
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "image")
    assert hub.service("GET", "environments", EARL).json()["data"]["items"] == []
    for method in ("GET", "DELETE"):
        other = hub.service(method, f"environments/{saved}", EARL)
        assert (other.status_code, other.json()["code"]) == (404, "10408")
    theirs = hub.service("POST", "environments", EARL, json={"name": "x", "container": identifier})
    assert (theirs.status_code, theirs.json()["code"]) == (403, "10301")
    rests = hub.service("POST", "environments", ENID, json={"name": "x", "container": identifier})
    assert (rests.status_code, rests.json()["code"]) == (409, "10204")
    for body, field in (
        ({"name": "A b", "container": identifier}, "name"),
        ({"name": "x"}, "container"),
    ):
        wrong = hub.service("POST", "environments", ENID, json=body)
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, field), wrong.text

    hub.service("POST", f"containers/{identifier}/start", ENID)
    hub.becomes(identifier, "RUNNING")
    used = hub.service("DELETE", f"environments/{saved}", ENID)
    assert (used.status_code, used.json()["code"]) == (409, "10213")
    hub.service("POST", f"containers/{identifier}/stop", ENID)
    hub.becomes(identifier, "STOPPED")
    assert hub.service("DELETE", f"environments/{saved}", ENID).ok
    assert hub.get(identifier)["config"]["image"] == "Lab"
    assert hub.service("GET", "environments", ENID).json()["data"]["items"] == []
    audit = hub.service("GET", "audit", params={"target": saved}).json()["data"]["items"]
    assert [(row["actor"], row["action"]) for row in audit] == [
        (ENID, "environment.delete"),
        (ENID, "environment.save"),
    ]
    hub.service("DELETE", f"containers/{identifier}")
    hub.wait_for(lambda: not hub.get(identifier), "it is deleted")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_a_build_is_ended_once_it_has_written_too_much(
    hub: Hub, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", hub.engine.environment["DOCKER_HOST"])
    monkeypatch.setattr(personal_images, "SIZE_INTERVAL", 0.05)
    engine = Engine(hub.name)
    images = PersonalImages(engine)
    # What is committed is too late to be refused.
    monkeypatch.setattr(PersonalImages, "_commit", lambda *_: pytest.fail("it was committed"))
    wanted = ResolvedSpec("Lab", hub.settings.images["Lab"], Amount(cpu=1, memory=1024**3), {})
    probe = images._builder(wanted, wanted.resources)
    engine.client.start(probe)
    now = images.installed(probe) | {"mlwslarge": "mlwslarge==1"}
    engine.client.remove_container(probe, force=True)
    pip = {"PIP_INDEX_URL": index, "PIP_TRUSTED_HOST": hub.settings.gateway}
    with pytest.raises(MLWSError) as error:
        images.build(
            wanted, ENID, "large", now, pip, 50 * 1024**2, wanted.resources, lambda line: None
        )
    assert error.value.code == "10210"
    engine.close()
    label = f"label=mlws.builder={hub.name}"
    assert hub.engine.run("ps", "--all", "--quiet", "--filter", label) == ""


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
@pytest.mark.browser
def test_the_lab_shows_containers_and_saves_lists_and_deletes_environments(
    hub: Hub, browser: Browser, shoot: Callable[..., None]
) -> None:
    hub.sign_up(ENID)
    identifier = hub.create(ENID, resources=SMALL, image="Lab")
    hub.becomes(identifier, "RUNNING")
    project = {"name": "p", "template": "empty"}
    assert hub.lab("POST", ENID, "mlws/api/v1/projects", json=project).ok
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    try:
        page = context.new_page()
        page.set_default_timeout(120_000)
        log_in(page, hub, ENID)
        page.wait_for_url(f"**/user/{ENID}/**")
        page.goto(f"{hub.url}/user/{ENID}/lab?reset")
        page.locator('.jp-SideBar [data-id="jp-mlws-workspace"]').click()
        section = page.locator("#jp-mlws-containers")
        here = section.locator(f'[data-mlws-container="{identifier}"]')
        expect(here).to_have_attribute("data-mlws-status", "RUNNING")
        expect(here).to_contain_text("current")
        here.locator('[data-mlws-action="logs"]').click()
        expect(page.get_by_role("log")).to_contain_text("jupyter")
        here.locator('[data-mlws-action="stop"]').click()
        expect(page.locator(".jp-Dialog")).to_contain_text("This page will disconnect")
        shoot("lab-containers", page)
        page.locator(".jp-Dialog .jp-mod-reject").click()

        section.get_by_role("button", name="Save Environment").click()
        dialog = page.get_by_role("dialog", name="Save Environment")
        dialog.get_by_label("Name").fill("No Name")
        dialog.get_by_role("button", name="Save").click()
        expect(dialog.get_by_role("alert")).to_contain_text("lowercase letters")
        shoot("lab-save-environment", page)
        dialog.get_by_label("Name").fill("clicked")
        page.keyboard.press("Enter")
        expect(dialog).to_be_hidden()
        row = section.locator(f'[data-mlws-environment="{ENID}--clicked"]')
        expect(row).to_contain_text("0 packages")
        expect(row).to_contain_text("used on next start")
        row.scroll_into_view_if_needed()
        shoot("lab-environments", page)
        row.get_by_role("button", name="Delete environment clicked").click()
        page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
        expect(row).to_be_visible()
    finally:
        context.close()
        hub.service("DELETE", f"containers/{identifier}")
        hub.wait_for(lambda: not hub.get(identifier), "it is deleted")
    assert hub.service("DELETE", f"environments/{ENID}--clicked", ENID).ok
