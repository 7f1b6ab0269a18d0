"""People's volumes on a real Hub and Docker: sizes, quota, rescue, trash, backup and restore."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from hub_config.backup import BackupError, restore_volume, save_volume
from hub_config.engine import Engine
from tests.hub.installation import Hub

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

VERA, VIC, FULL = "vera", "vic", "full"
SMALL = {"cpu": "500m", "memory": "768Mi"}
MIB = 1024**2
Data = dict[str, Any]


PEOPLE = (VERA, VIC)
# Homes may have 32 MiB.
SETTINGS = {"home_quota": "32Mi", "default_resources": SMALL}


def start(hub: Hub, user: str, **wish: Any) -> str:
    identifier = hub.create(user, **{"image": "Light", **wish})
    hub.becomes(identifier, "RUNNING")
    return identifier


def stop(hub: Hub, identifier: str) -> None:
    hub.service("POST", f"containers/{identifier}/stop")
    hub.becomes(identifier, "STOPPED", "CRASHED")


def volumes(hub: Hub, user: str) -> list[Data]:
    answer = hub.service("GET", "volumes", user)
    assert answer.ok, answer.text
    items: list[Data] = answer.json()["data"]["items"]
    return items


@pytest.mark.slow(reason="starts real containers")
def test_a_volume_goes_to_the_trash_and_comes_back(hub: Hub) -> None:
    identifier = start(hub, VERA)
    hub.shell(VERA, "echo precious > ~/file")
    (volume,) = volumes(hub, VERA)
    assert (volume["user"], volume["in_use"], volume["trashed_at"]) == (VERA, True, None)
    assert volume["quota"] == 32 * MIB
    name = volume["name"]
    busy = hub.service("POST", f"volumes/{name}/trash", VERA)
    assert (busy.status_code, busy.json()["code"]) == (409, "10206")
    stop(hub, identifier)
    for verb, path in (("GET", ""), ("POST", "/trash"), ("POST", "/restore"), ("DELETE", "")):
        other = hub.service(verb, f"volumes/{name}{path}", VIC)
        assert (other.status_code, other.json()["code"]) == (404, "10405")
    kept = hub.service("DELETE", f"volumes/{name}", VERA)
    assert (kept.status_code, kept.json()["code"]) == (409, "10206")
    trashed = hub.service("POST", f"volumes/{name}/trash", VERA).json()["data"]
    assert trashed["trashed_at"]
    assert trashed["purge_at"] > trashed["trashed_at"]

    hub.service("POST", f"containers/{identifier}/start", VERA)
    hub.becomes(identifier, "RUNNING")
    assert hub.shell(VERA, "ls ~/file || echo none") == "none"
    stop(hub, identifier)
    restored = hub.service("POST", f"volumes/{name}/restore", VERA)
    assert restored.status_code == 200, restored.text
    old = [row["name"] for row in volumes(hub, VERA) if row["trashed_at"]]
    assert old == [f"{name}-2"]
    hub.service("POST", f"containers/{identifier}/start", VERA)
    hub.becomes(identifier, "RUNNING")
    assert hub.shell(VERA, "cat ~/file") == "precious"
    assert hub.service("DELETE", f"volumes/{old[0]}", VERA).status_code == 200
    assert old[0] not in hub.engine.run("volume", "ls", "--quiet").split()
    assert [row["name"] for row in volumes(hub, VERA)] == [name]
    actions = [row["action"] for row in hub.service("GET", "audit").json()["data"]["items"]]
    assert {"volume.trash", "volume.restore", "volume.purge"} <= set(actions)
    hub.service("DELETE", f"containers/{identifier}")


@pytest.mark.slow(reason="starts real containers")
def test_a_home_over_its_quota_is_told_and_rescued(hub: Hub) -> None:
    # Sizes are up to two seconds old at a start. A lab takes longer to start than that.
    identifier = start(hub, VIC, image="Lab")
    hub.shell(VIC, "dd if=/dev/zero of=$HOME/big bs=1M count=40 2>&1")
    stop(hub, identifier)
    answer = hub.spawn(VIC, {})
    assert answer.status_code == 507, answer.text
    assert "10107" in answer.json()["message"]
    assert "32Mi" in answer.json()["message"]
    assert volumes(hub, VIC)[0]["size"] > 40 * MIB
    start(hub, VIC, name="rescue", image="Lab", rescue=True)
    hub.shell(VIC, "rm ~/big", "rescue")
    hub.service("DELETE", f"containers/{VIC}--rescue", VIC)
    hub.start(VIC, {"image": "Light"})
    hub.stop(VIC)


@pytest.mark.exhaustive
def test_a_rescue_starts_where_the_disk_is_full(hub: Hub, docker: Engine) -> None:
    """40 MiB of memory below the home, filled to the last byte."""
    volume = f"{hub.name}-home-{FULL}"
    options = ("type=tmpfs", "device=tmpfs", "o=size=40m,uid=1000,gid=1000")
    given = [f"--opt={option}" for option in options]
    labels = [f"--label=mlws.hub={hub.name}", f"--label=mlws.user={FULL}"]
    docker.run("volume", "create", *labels, *given, volume)
    hub.sign_up(FULL)
    # A volume in memory lives as long as somebody has it mounted.
    holder = docker.run(
        "run", "--detach", "--rm", f"--volume={volume}:/full", "--user=1000",
        "--entrypoint=sh", hub.settings.images["Lab"], "-c",
        "dd if=/dev/zero of=/full/big bs=4k; sleep 600",
    )  # fmt: skip
    try:
        hub.wait_for(lambda: "No space left" in hub.logs(holder), "the disk is full")
        start(hub, FULL, image="Lab", rescue=True)
        hub.wait_for(lambda: hub.lab("GET", FULL, "api/status").ok, "the lab answers")
        assert "fails" in hub.shell(FULL, "echo x > ~/new || echo fails; rm -f ~/new")
        assert hub.lab("GET", FULL, "api/contents/big", params={"content": "0"}).ok
        hub.shell(FULL, "rm ~/big; echo room > ~/note")
        assert hub.shell(FULL, "cat ~/note") == "room"
        hub.service("DELETE", f"containers/{FULL}--default", FULL)
        hub.wait_for(lambda: not hub.container(FULL), "it is gone")
    finally:
        docker.run("rm", "--force", holder)


LOSSY = """#!/bin/sh
# Docker, which loses what goes through it the first {times} times, and reports success.
echo >> {calls}
[ "$(wc -l < {calls})" -gt {times} ] && exec {docker} "$@"
case "$*" in
*--create*) {docker} "$@" > {calls}.whole && head -c {length} {calls}.whole ;;
*) head -c {length} | {docker} "$@" ;;
esac
"""


@pytest.mark.exhaustive
@pytest.mark.parametrize("length", [0, 512, 20480])
def test_bytes_that_docker_loses_are_moved_again(
    hub: Hub, docker: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int
) -> None:
    settings, archive = hub.settings, tmp_path / "archive.tar"
    source, target = (f"{hub.name}-{name}-{length}" for name in ("source", "target"))
    real, path = shutil.which("docker"), os.environ["PATH"]

    def in_volume(volume: str, script: str) -> str:
        mounted = (f"--volume={volume}:/volume", "--workdir=/volume", "--entrypoint=sh")
        image = settings.images["Lab"]
        return docker.run("run", "--rm", "--user=0", *mounted, image, "-c", script)

    def lose(times: int) -> None:
        folder = tmp_path / f"{archive.exists()}-{times}"
        folder.mkdir()
        script = folder / "docker"
        script.write_text(
            LOSSY.format(docker=real, times=times, length=length, calls=folder / "calls")
        )
        script.chmod(0o700)
        monkeypatch.setenv("PATH", f"{folder}:{path}")

    docker.run("volume", "create", source)
    docker.run("volume", "create", target)
    try:
        in_volume(source, "head -c 300000 /dev/urandom > a; chown 1234:5678 a; chmod 640 a")
        lose(3)
        with pytest.raises(BackupError, match=r"Docker lost bytes of lost\.tar"):
            save_volume(settings, docker, source, tmp_path / "lost.tar")
        lose(2)
        save_volume(settings, docker, source, archive)
        lose(3)
        with pytest.raises(BackupError, match=r"lost bytes of archive\.tar|failed: tar: "):
            restore_volume(settings, docker, target, archive)
        lose(2)
        restore_volume(settings, docker, target, archive)
        state = "sha256sum a; stat -c '%u %g %a' a"
        assert in_volume(target, state) == in_volume(source, state)
    finally:
        monkeypatch.undo()
        docker.run("volume", "rm", source, target)
