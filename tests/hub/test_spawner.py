"""A container as a real Hub makes it on a real Docker engine."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from hub_config.engine import Engine
from jupyter_mlws.hub.docker.spawner import MLWSSpawner
from mlws.core.errors import MLWSError
from tests.hub.installation import Hub, host_of, text_of

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

ADA = "spawner-ada"
EVE = "spawner-eve"
SMALL = {"resources": {"cpu": "500m", "memory": "1Gi"}, "environment": {"COLOUR": "blue"}}
QUICK = {"resources": {"cpu": "2", "memory": "1Gi"}}
LIGHT = {**QUICK, "image": "Light"}
MEMORY = 1024 * 1024 * 1024


@pytest.fixture(scope="module")
def lab(hub: Hub) -> Iterator[dict[str, Any]]:
    """Ada's container, as Docker knows it."""
    hub.sign_up(ADA)
    yield hub.start(ADA, SMALL)
    hub.stop(ADA)


@pytest.fixture(scope="module")
def other(hub: Hub) -> Iterator[dict[str, Any]]:
    """Eve's container."""
    hub.sign_up(EVE)
    yield hub.start(EVE, {**SMALL, "image": "Light"})
    hub.stop(EVE)


def first_readable(hub: Hub, *paths: str) -> str:
    """What the first of ``paths`` says that exists: cgroup v2 first, then v1."""
    tries = " || ".join(f"cat {path} 2>/dev/null" for path in paths)
    return hub.shell(ADA, f"cd /sys/fs/cgroup && ({tries})")


def test_the_lab_answers_its_person_and_nobody_else(hub: Hub, lab: dict[str, Any]) -> None:
    hub.sign_up(EVE)
    assert hub.lab("GET", ADA, "api/status").json()["kernels"] == 0
    for reader in (EVE, None):
        answer = hub.request("GET", f"/user/{ADA}/api/contents", reader)
        assert answer.status_code in (302, 403, 404)


def test_another_person_can_neither_start_nor_stop_nor_see_it(
    hub: Hub, lab: dict[str, Any]
) -> None:
    hub.sign_up(EVE)
    assert hub.api("GET", f"users/{ADA}", EVE).status_code == 404
    assert hub.api("POST", f"users/{ADA}/server", EVE).status_code == 404
    assert hub.api("DELETE", f"users/{ADA}/server", EVE).status_code == 404
    assert hub.server(ADA)["ready"]


def test_the_cgroup_has_the_limits(hub: Hub, lab: dict[str, Any]) -> None:
    assert int(first_readable(hub, "memory.max", "memory/memory.limit_in_bytes")) == MEMORY
    swap = first_readable(hub, "memory.swap.max", "memory/memory.memsw.limit_in_bytes")
    # v2 counts the swap alone, v1 memory and swap together.
    assert int(swap) in (0, MEMORY)
    assert int(first_readable(hub, "pids.max", "pids/pids.max")) == 1024
    quota, period = first_readable(
        hub, "cpu.max", "cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us"
    ).split()
    assert int(quota) / int(period) == 0.5


def test_nothing_in_it_has_privileges(hub: Hub, lab: dict[str, Any]) -> None:
    status = dict(
        line.split(":\t", 1)
        for line in hub.shell(ADA, "cat /proc/1/status").splitlines()
        if ":\t" in line
    )
    assert status["Uid"].split() == ["1000"] * 4
    assert status["NoNewPrivs"] == "1"
    for kind in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        assert int(status[kind], 16) == 0
    assert not lab["HostConfig"]["Privileged"]


def test_labels_say_whose_it_is_and_what_it_was_granted(hub: Hub, lab: dict[str, Any]) -> None:
    labels = {k: v for k, v in lab["Config"]["Labels"].items() if k.startswith("mlws.")}
    labels.pop("mlws.wheel", None)
    assert labels == {
        "mlws.hub": hub.name,
        "mlws.id": f"{ADA}--default",
        "mlws.user": ADA,
        "mlws.server": "",
        "mlws.cpu": "0.5",
        "mlws.memory": str(MEMORY),
        "mlws.gpu": "0",
        "mlws.image": "Lab",
    }


def test_docker_restarts_it_and_checks_its_health(hub: Hub, lab: dict[str, Any]) -> None:
    policy = lab["HostConfig"]["RestartPolicy"]
    assert policy == {"Name": "on-failure", "MaximumRetryCount": 3}
    assert not lab["HostConfig"]["AutoRemove"]
    health = hub.wait_for(
        lambda: hub.inspect(ADA)["State"]["Health"]["Status"] == "healthy", "it is healthy"
    )
    assert health


def test_it_has_the_persons_variables_and_none_of_the_hubs_secrets(
    hub: Hub, lab: dict[str, Any]
) -> None:
    variables = dict(row.split("=", 1) for row in hub.shell(ADA, "env").splitlines() if "=" in row)
    assert variables["COLOUR"] == "blue"
    assert variables["MLWS_SERVICE_URL"] == hub.settings.service_url
    hidden = ("MLWS_ADMISSION_TOKEN", "CONFIGPROXY_AUTH_TOKEN", "MLWS_INSTALLATION", "HUB_DATA")
    assert not set(hidden) & set(variables)


def test_containers_cannot_reach_each_other(
    hub: Hub, lab: dict[str, Any], other: dict[str, Any]
) -> None:
    address = other["NetworkSettings"]["Networks"][hub.name]["IPAddress"]
    ask = "curl --silent --max-time 3 --output /dev/null --write-out '%{http_code}'"
    # From the host it answers, so what fails below is the way between them.
    assert hub.lab("GET", EVE, "api/status").ok
    assert hub.shell(ADA, f"{ask} http://{address}:8888/ || true") == "000"


@pytest.mark.slow(reason="starts real containers")
def test_a_container_reaches_hub_and_service_but_no_engine(hub: Hub, lab: dict[str, Any]) -> None:
    ask = "curl --silent --max-time 30 --output /dev/null --write-out '%{http_code}'"
    gateway = host_of(hub.settings.service_url)
    assert hub.shell(ADA, f'{ask} "$JUPYTERHUB_API_URL"') == "200"
    assert hub.shell(ADA, f'{ask} "$MLWS_SERVICE_URL/services/mlws/api/v1/me"') in ("200", "403")
    assert hub.shell(ADA, "ls /var/run/docker.sock /run/docker.sock 2>/dev/null || true") == ""
    for port in (2375, 2376, hub.settings.port, hub.settings.proxy_api_port):
        assert hub.shell(ADA, f"{ask} --max-time 5 http://{gateway}:{port}/ || true") == "000"


def test_a_container_reaches_no_other_port_of_the_host(hub: Hub, lab: dict[str, Any]) -> None:
    gateway = host_of(hub.settings.service_url)
    ask = "curl --silent --max-time 3 --output /dev/null --write-out '%{http_code}'"
    with (
        http.server.ThreadingHTTPServer((gateway, 0), http.server.BaseHTTPRequestHandler) as closed,
        http.server.ThreadingHTTPServer(
            (gateway, hub.settings.host_ports[0]), http.server.BaseHTTPRequestHandler
        ) as open_,
    ):
        for server in (closed, open_):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            # They have no method GET.
            url = f"http://{gateway}:{closed.server_port}/"
            assert requests.get(url, timeout=5).status_code == 501
            assert hub.shell(ADA, f"{ask} http://{gateway}:{open_.server_port}/ || true") == "501"
            assert hub.shell(ADA, f"{ask} {url} || true") == "000"
        finally:
            closed.shutdown()
            open_.shutdown()


def test_a_container_reaches_no_metadata_service(hub: Hub, lab: dict[str, Any]) -> None:
    def list_chain(name: str) -> list[str]:
        command = ["iptables", "-w", "-nvxL", name]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout.splitlines()

    def dropped() -> list[int]:
        (jump,) = (row.split() for row in list_chain("DOCKER-USER") if hub.settings.bridge in row)
        return [int(row.split()[0]) for row in list_chain(jump[2]) if " DROP " in row]

    before = dropped()
    for address in ("169.254.169.254", "168.63.129.16", "100.100.100.200"):
        hub.shell(ADA, f"curl --silent --max-time 2 http://{address}/latest/ || true")
    assert all(new > old for new, old in zip(dropped(), before, strict=True))


@pytest.mark.parametrize(
    ("options", "fields"),
    [
        ({"resources": {"cpu": "two", "memory": "1Gi"}}, ["resources.cpu"]),
        ({"resources": {"cpu": "64", "memory": "1Ti"}}, ["resources.cpu", "resources.memory"]),
        ({"resources": {"cpu": "1", "memory": "1Gi", "gpu": "1"}}, ["resources.gpu"]),
        ({"image": "someone/elses"}, ["image"]),
        ({"environment": {"JUPYTERHUB_API_TOKEN": "x"}}, ["environment", "JUPYTERHUB_API_TOKEN"]),
        ({"environment": {"PATH": "/tmp"}}, ["environment", "PATH"]),
        ({"volumes": {"/": "/host"}, "image": ""}, ["volumes", "image"]),
        ({"resources": "all"}, ["resources"]),
    ],
)
def test_bad_options_are_refused_with_every_field_named(
    hub: Hub, options: dict[str, Any], fields: list[str]
) -> None:
    hub.sign_up("spawner-bob")
    answer = hub.spawn("spawner-bob", options)
    assert answer.status_code == 400
    message = answer.json()["message"]
    assert message.startswith("10201: ")
    for field in fields:
        assert field in message
    assert hub.container("spawner-bob") == ""


def test_a_refusal_is_in_the_persons_language(hub: Hub) -> None:
    hub.sign_up("spawner-bob")
    answer = hub.api(
        "POST",
        "users/spawner-bob/server",
        "spawner-bob",
        json={"user_options": {"image": "none"}},
        headers={"Accept-Language": "zh-CN"},
    )
    assert "容器请求无效" in answer.json()["message"]
    assert "应为 Lab, Light 之一" in answer.json()["message"]


def test_refused_options_are_not_used_by_the_next_start(hub: Hub) -> None:
    """The Hub itself remembers them, and starts with them where none are given."""
    hub.sign_up("spawner-bob")
    assert hub.spawn("spawner-bob", {"image": "none"}).status_code == 400
    answer = hub.api("POST", "users/spawner-bob/server", "spawner-bob")
    assert answer.status_code in (201, 202), answer.text
    hub.wait_for(lambda: hub.server("spawner-bob").get("ready"), "bob's server is ready")
    labels = hub.inspect("spawner-bob")["Config"]["Labels"]
    assert (labels["mlws.cpu"], labels["mlws.memory"]) == ("1", str(2 * MEMORY))
    hub.stop("spawner-bob")


def test_the_spawn_page_offers_sizes_and_shows_a_refusal_as_html(hub: Hub) -> None:
    hub.sign_up("spawner-bob")
    session = hub.session("spawner-bob")
    chinese = {"Accept-Language": "zh-CN"}
    page = session.get(f"{hub.url}/hub/spawn", headers=chinese, timeout=20).content.decode()
    assert "0.5 核，1 GiB 内存" in text_of(page)
    assert "服务器选项" in text_of(page)
    assert 'name="size"' in page
    assert 'value="large"' in page
    form = {"size": "huge", "_xsrf": session.cookies.get("_xsrf", path="/hub/")}
    refused = session.post(f"{hub.url}/hub/spawn", data=form, headers=chinese, timeout=20)
    assert refused.status_code == 400
    shown = refused.content.decode()
    assert "<strong>容器请求无效。</strong>" in shown
    assert "<code>resources</code>" in shown
    assert 'href="/services/mlws/"' in shown


def test_the_navigation_bar_leads_to_the_containers(hub: Hub) -> None:
    chinese = {"Accept-Language": "zh-CN"}
    page = hub.session().get(f"{hub.url}/hub/home", headers=chinese, timeout=20).content.decode()
    assert '<a class="nav-link" href="/services/mlws/">容器</a>' in page


@pytest.mark.slow(reason="starts real containers")
def test_files_outlive_the_container_and_limits_do_not(hub: Hub) -> None:
    hub.sign_up("spawner-cy")
    first = hub.start("spawner-cy", LIGHT)
    hub.shell("spawner-cy", "echo kept > ~/note && echo lost > /tmp/note")
    hub.stop("spawner-cy")
    assert hub.container("spawner-cy") == ""
    other = {"resources": {"cpu": "750m", "memory": "768Mi"}, "image": "Light"}
    second = hub.start("spawner-cy", other)
    assert first["Id"] != second["Id"]
    assert second["HostConfig"]["Memory"] == second["HostConfig"]["MemorySwap"] == 768 * 1024**2
    assert second["HostConfig"]["CpuQuota"] == 75_000
    assert hub.shell("spawner-cy", "cat ~/note; cat /tmp/note 2>/dev/null || true") == "kept"
    # The files are the person's, not the server's.
    named = hub.start("spawner-cy", LIGHT, "second")
    assert named["Config"]["Labels"]["mlws.id"] == "spawner-cy--second"
    assert hub.shell("spawner-cy", "cat ~/note", "second") == "kept"
    hub.stop("spawner-cy", "second", remove=True)
    hub.stop("spawner-cy")


def kill_lab(hub: Hub, user: str) -> None:
    """SIGKILL from outside, as the kernel does it."""
    os.kill(hub.inspect(user)["State"]["Pid"], signal.SIGKILL)


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_a_killed_lab_is_restarted_three_times_and_then_given_up(hub: Hub) -> None:
    hub.sign_up("spawner-dan")
    hub.start("spawner-dan", QUICK)
    container = hub.container("spawner-dan")
    for count in (1, 2, 3):
        kill_lab(hub, "spawner-dan")
        hub.wait_for(
            lambda count=count: (
                hub.inspect("spawner-dan")["RestartCount"] == count
                and hub.inspect("spawner-dan")["State"]["Running"]
            ),
            f"restart {count}",
        )
        # The same address or a new one: the Hub's route leads to it.
        hub.wait_for(
            lambda: hub.lab("GET", "spawner-dan", "api/status").status_code == 200,
            f"the lab answers after restart {count}",
        )
        assert hub.server("spawner-dan")["ready"]
    kill_lab(hub, "spawner-dan")
    hub.wait_for(lambda: not hub.server("spawner-dan"), "the Hub knows that it is gone")
    state = hub.inspect("spawner-dan")["State"]
    assert (state["Status"], state["ExitCode"]) == ("exited", 137)
    # The log is there to be read until the next start, which begins anew.
    assert "is running at" in hub.logs(container)
    hub.start("spawner-dan", QUICK)
    assert hub.container("spawner-dan") != container
    hub.stop("spawner-dan")


def test_a_container_stopped_behind_the_hubs_back_is_known_at_once(hub: Hub) -> None:
    hub.sign_up("spawner-dan")
    hub.start("spawner-dan", LIGHT)
    hub.engine.run("rm", "--force", hub.container("spawner-dan"))
    hub.wait_for(lambda: not hub.server("spawner-dan"), "the Hub knows that it is gone")


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_a_lab_that_cannot_start_says_why_with_its_last_lines(hub: Hub) -> None:
    """Its home is unreadable: a start that fails by itself, four times."""
    hub.sign_up("spawner-fay")
    volume = f"{hub.name}-home-spawner-2dfay"
    hub.engine.run("volume", "create", "--label", f"mlws.hub={hub.name}", volume)
    hub.start("spawner-fay", QUICK)
    hub.shell(
        "spawner-fay",
        "mkdir -p ~/.jupyter && echo 'raise SystemExit(\"broken on purpose\")' "
        "> ~/.jupyter/jupyter_server_config.py",
    )
    hub.stop("spawner-fay")
    answer = hub.spawn("spawner-fay", QUICK)
    if answer.status_code == 202:
        hub.wait_for(lambda: not hub.server("spawner-fay"), "the start is given up")
    else:
        assert answer.status_code == 500
        assert answer.json()["message"].startswith("10105: ")
    page = hub.session("spawner-fay").get(f"{hub.url}/hub/spawn-pending/spawner-fay", timeout=20)
    assert "broken on purpose" in page.text
    assert "(error, exit code 1)" in page.text
    assert hub.inspect("spawner-fay")["State"]["Status"] == "exited"
    hub.engine.run("rm", "--force", hub.container("spawner-fay"))


def test_deleting_a_server_removes_its_dead_container(hub: Hub) -> None:
    hub.sign_up("spawner-gus")
    hub.start("spawner-gus", LIGHT, "lone")
    hub.engine.run("kill", hub.container("spawner-gus", "lone"))
    hub.wait_for(lambda: not hub.server("spawner-gus", "lone"), "the Hub knows")
    assert hub.container("spawner-gus", "lone")
    answer = hub.api(
        "DELETE", "users/spawner-gus/servers/lone", "spawner-gus", json={"remove": True}
    )
    assert answer.status_code == 204
    hub.wait_for(lambda: not hub.container("spawner-gus", "lone"), "it is removed")


def test_the_progress_of_a_start_is_told_in_the_persons_language(hub: Hub) -> None:
    hub.sign_up("spawner-hal")
    session = hub.session("spawner-hal")
    session.get(f"{hub.url}/hub/spawn", timeout=20)
    form = {"size": "small", "_xsrf": session.cookies.get("_xsrf", path="/hub/")}
    session.post(
        f"{hub.url}/hub/spawn", data=form, headers={"Accept-Language": "zh-CN"}, timeout=20
    )
    told = hub.api("GET", "users/spawner-hal/server/progress", "spawner-hal", stream=True)
    rows = [
        json.loads(line.removeprefix(b"data:"))
        for line in told.iter_lines()
        if line.startswith(b"data:")
    ]
    messages = [row["message"] for row in rows]
    assert "正在创建容器（0.5 核，1 GiB 内存）" in messages
    assert rows[-1]["ready"]
    hub.stop("spawner-hal")


def test_an_image_that_cannot_be_pulled_is_unavailable_after_some_tries(docker: Engine) -> None:
    spawner = MLWSSpawner(pull_wait=0.01, client_kwargs=client_of(docker))
    with pytest.raises(MLWSError) as refused:
        # Nothing listens on that port.
        asyncio.run(spawner.pull_image("127.0.0.1:1/missing:2"))
    assert refused.value.code == "10102"
    assert refused.value.facts["image"] == "127.0.0.1:1/missing:2"


def test_a_local_image_serves_where_a_newer_one_cannot_be_pulled(
    docker: Engine, image: str
) -> None:
    docker.run("tag", image, "127.0.0.1:1/local:2")
    try:
        spawner = MLWSSpawner(pull_wait=0.01, pull_policy="always", client_kwargs=client_of(docker))
        asyncio.run(spawner.pull_image("127.0.0.1:1/local:2"))
    finally:
        docker.run("rmi", "127.0.0.1:1/local:2")


def client_of(docker: Engine) -> dict[str, str]:
    return {"base_url": docker.host} if docker.host else {}
