"""The whole stack of compose.yaml on a real Docker engine, with images made here."""

from __future__ import annotations

import dataclasses
import functools
import http.server
import json
import threading
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from playwright.sync_api import Browser, expect

from hub_config.compose import FILE, up
from hub_config.settings import Settings
from jupyter_mlws.hub.settings import SHARED_ORIGIN
from tests.hub.pages import log_in
from tests.hub.stack import SMALL, Stack, compose
from tests.hub.test_environments import Quiet, make_wheel

pytestmark = [
    pytest.mark.docker,
    pytest.mark.exhaustive,
    pytest.mark.timeout(1500),
    pytest.mark.usefixtures("trust"),
]

CONNIE, COLIN, CORA = "connie", "colin", "cora"


@pytest.mark.slow(reason="starts real containers")
def test_the_file_is_valid_with_all_that_is_optional(stack: Stack) -> None:
    told = compose(stack, "--profile=grafana", "--profile=minio", "config", "--format=json")
    services = json.loads(told)["services"]
    assert set(services) == {
        "postgres", "engine", "git", "hub", "nginx", "mlflow", "prometheus", "grafana", "minio",
    }  # fmt: skip
    assert not compose(stack, "config", "--quiet")


def test_people_come_through_tls_and_everything_is_in_postgresql(stack: Stack) -> None:
    plain = f"http://127.0.0.1:{stack.environment['HUB_HTTP_PORT']}/hub/login"
    answer = requests.get(plain, timeout=20, allow_redirects=False)
    assert (answer.status_code, answer.headers["Location"][:8]) == (308, "https://")
    stack.sign_up(CONNIE)
    stack.start(CONNIE, {"resources": SMALL})
    assert stack.lab("GET", CONNIE, "api/status").ok
    rows = compose(
        stack, "exec", "-T", "postgres", "sh", "-c",
        "PGPASSWORD=$(cat $POSTGRES_PASSWORD_FILE) psql -h 127.0.0.1 -U mlws -d mlws -At "
        "-c 'select id from containers' -c 'select name from users'",
    )  # fmt: skip
    assert f"{CONNIE}--default" in rows
    assert CONNIE in rows.split()
    secret = (Path(stack.environment["HUB_SECRETS"]) / "database_password").read_text()
    assert secret not in compose(stack, "logs")
    # A lab reaches neither the database nor the engine.
    port = stack.environment["HUB_POSTGRES_PORT"]
    code = (
        "import socket\n"
        f"for place in (('{stack.settings.gateway}', {port}), ('127.0.0.1', {port})):\n"
        "    try: socket.create_connection(place, 3); print('open')\n"
        "    except OSError: print('closed')\n"
    )
    assert stack.shell(CONNIE, f'/opt/lab/bin/python -c "{code}"').split() == ["closed"] * 2


@pytest.mark.slow(reason="starts real containers")
def test_each_user_has_an_mlflow_that_no_other_user_sees(stack: Stack) -> None:
    for user in (CONNIE, COLIN):
        stack.sign_up(user)
        if not stack.server(user):
            stack.start(user, {"resources": SMALL})
    write = (
        "import mlflow; mlflow.set_experiment('team'); mlflow.start_run(); "
        "mlflow.log_metric('accuracy', 0.75); mlflow.log_text('hello', 'note.txt'); "
        "mlflow.end_run()"
    )
    stack.shell(CONNIE, f'/opt/lab/bin/python -c "{write}"')
    count = "import mlflow; print('runs:', len(mlflow.search_runs(search_all_experiments=True)))"
    assert stack.shell(COLIN, f'/opt/lab/bin/python -c "{count}"').endswith("runs: 0")
    read = (
        "import mlflow; run = mlflow.search_runs(experiment_names=['team']).iloc[0]; "
        "print(run['metrics.accuracy'], "
        "mlflow.artifacts.load_text(run.artifact_uri + '/note.txt'))"
    )
    assert stack.shell(CONNIE, f'/opt/lab/bin/python -c "{read}"').endswith("0.75 hello")
    find = "import mlflow; print(mlflow.search_runs(experiment_names=['team']).iloc[0].run_id)"
    identifier = stack.shell(CONNIE, f'/opt/lab/bin/python -c "{find}"').splitlines()[-1]
    delete = f"import mlflow; mlflow.MlflowClient().delete_run('{identifier}')"
    refused = stack.shell(COLIN, f'/opt/lab/bin/python -c "{delete}" 2>&1 || echo refused')
    assert refused.endswith("refused")
    assert stack.shell(CONNIE, f'/opt/lab/bin/python -c "{read}"').endswith("0.75 hello")
    team = f"http://{stack.settings.gateway}:{stack.environment['HUB_TEAM_PORT']}"
    address = f"{team}/mlflow/api/2.0/mlflow/experiments/search?max_results=1"
    for header in ({}, {"Authorization": "Bearer 0123"}):
        assert requests.get(address, headers=header, timeout=20).status_code in (401, 403)
    assert requests.get(f"{team}/hub/login", timeout=20).status_code == 404


def test_prometheus_scrapes_hub_and_labs_and_has_the_alerts(stack: Stack) -> None:
    stack.sign_up(CONNIE)
    if not stack.server(CONNIE):
        stack.start(CONNIE, {"resources": SMALL})

    def ask(query: str) -> list[dict[str, Any]]:
        answer = requests.get(f"{stack.prometheus}/query", params={"query": query}, timeout=20)
        rows: list[dict[str, Any]] = answer.json()["data"]["result"]
        return rows

    stack.wait_for(
        lambda: [row["value"][1] for row in ask('up{job!="labs"}')] == ["1", "1"],
        "both are scraped",
    )
    memory = f'mlws_container_memory_bytes{{id="{CONNIE}--default"}}'
    stack.wait_for(lambda: ask(memory), "the lab's memory is known")
    assert float(ask(memory)[0]["value"][1]) > 10**7

    def told() -> dict[str, dict[str, Any]]:
        groups = requests.get(f"{stack.prometheus}/rules", timeout=20).json()["data"]["groups"]
        return {rule["name"]: rule for group in groups for rule in group["rules"]}

    # Before Prometheus has evaluated a rule once, its health is unknown.
    stack.wait_for(
        lambda: all(rule["health"] == "ok" for rule in told().values()), "rules are evaluated", 90
    )
    rules = told()
    limits = [rules[f"MachineMemory{name}"]["query"] for name in ("High", "VeryHigh", "Critical")]
    assert [query.rpartition("> ")[2] for query in limits] == ["0.8", "0.85", "0.9"]
    # Its token may read numbers and nothing else.
    secret = (Path(stack.environment["HUB_SECRETS"]) / "metrics_token").read_text()
    header = {"Authorization": f"token {secret}"}
    assert requests.get(
        f"{stack.url}/services/mlws/metrics", headers=header, timeout=20
    ).text.startswith("# HELP mlws_")
    for path in ("services/mlws/api/v1/containers", "hub/api/users"):
        assert requests.get(f"{stack.url}/{path}", headers=header, timeout=20).status_code == 403
    assert stack.request("GET", "/services/mlws/metrics", CONNIE).status_code == 403


@pytest.mark.slow(reason="starts real containers")
def test_prometheus_finds_labs_and_scrapes_what_they_do(stack: Stack) -> None:
    stack.sign_up(CONNIE)
    if not stack.server(CONNIE):
        stack.start(CONNIE, {"resources": SMALL})
    api = "mlws/api/v1"
    made = stack.lab("POST", CONNIE, f"{api}/notebooks", json={"path": "n.ipynb"}).json()["data"]
    ran = stack.lab("POST", CONNIE, f"{api}/notebooks/{made['id']}/execute", json={"code": "1"})
    assert ran.ok, ran.text

    def value(query: str) -> float:
        answer = requests.get(f"{stack.prometheus}/query", params={"query": query}, timeout=20)
        rows = answer.json()["data"]["result"]
        return float(rows[0]["value"][1]) if rows else 0.0

    who = f'{{id="{CONNIE}--default",user="{CONNIE}",job="labs"}}'
    stack.wait_for(lambda: value(f"up{who}") == 1, "the lab is scraped")
    stack.wait_for(
        lambda: value(f"sum(mlws_lab_execution_seconds_count{who})") == 1, "its cell is told", 60
    )
    assert value(f"sum(mlws_lab_kernels{who})") == 1
    # Whoever scrapes the numbers gets nothing else of the lab.
    secret = (Path(stack.environment["HUB_SECRETS"]) / "metrics_token").read_text()
    header = {"Authorization": f"token {secret}"}
    for path in ("api/contents", f"{api}/logs", "lab"):
        answer = requests.get(
            f"{stack.url}/user/{CONNIE}/{path}", headers=header, timeout=20, allow_redirects=False
        )
        assert answer.status_code in (302, 403), path


def test_hub_service_and_labs_log_json_lines_with_ecs_names(stack: Stack) -> None:
    stack.sign_up(CONNIE)
    if not stack.server(CONNIE):
        stack.start(CONNIE, {"resources": SMALL})
    hub = stack.logs(f"{stack.name}-hub-1")
    lab = stack.logs(stack.container(CONNIE))
    rows = [json.loads(line) for line in (hub + lab).splitlines() if line.startswith('{"@time')]
    for row in rows:
        assert {"@timestamp", "log.level", "message", "ecs.version", "log.logger"} <= set(row)
    named = {row["event.dataset"] for row in rows}
    assert named == {"mlws.hub", "mlws.service", "mlws.server"}
    # People read them as before.
    tail = stack.service("GET", f"containers/{CONNIE}--default/logs", CONNIE).json()["data"]
    assert any(line["text"].startswith("[I 20") for line in tail["lines"])


def test_every_number_of_the_dashboard_is_one_that_is_told(stack: Stack) -> None:
    board = json.loads((FILE.parent / "grafana" / "dashboards" / "hub.json").read_text())
    for panel in board["panels"]:
        for target in panel["targets"]:
            answer = requests.get(
                f"{stack.prometheus}/query", params={"query": target["expr"]}, timeout=20
            ).json()
            assert answer["status"] == "success", (target["expr"], answer)
    assert yaml.safe_load((FILE.parent / "prometheus" / "prometheus.yml").read_text())


@pytest.mark.slow(reason="starts real containers")
def test_the_proxys_number_of_a_dead_hub_is_no_process_of_the_next(stack: Stack) -> None:
    """The volume keeps it; in the next container it may be anybody's, here the first process's."""
    hub = f"{stack.name}-hub-1"
    stack.engine.run("exec", hub, "sh", "-c", "echo 1 > /data/proxy.pid")
    stack.engine.run("kill", hub)
    stack.engine.run("start", hub)
    form = "{{.RestartCount}} {{.State.Status}} {{.State.Health.Status}}"
    stack.wait_for(
        lambda: stack.engine.run("inspect", "--format", form, hub).strip() == "0 running healthy",
        "the Hub is healthy",
    )
    stack.forget()
    assert stack.service("GET", "me").ok


BEYOND = """
import docker
from docker.errors import APIError
client = docker.APIClient(version="auto", **docker.utils.kwargs_from_env())
name = "{name}"
root = client.create_host_config(binds=["/:/machine"], network_mode="host", privileged=True)
for work in (
    lambda: client.create_container("{image}", "id", host_config=root),
    lambda: client.create_container("{image}", "id", labels=dict([("mlws.hub", name)])),
    lambda: client.exec_create(name + "-postgres-1", "id"),
    lambda: client.stop(name + "-nginx-1"),
    lambda: client.remove_container(name + "-git-1", force=True),
    lambda: client.inspect_container(name + "-engine-1"),
    lambda: client.commit(name + "-postgres-1", "stolen"),
    lambda: client.get_archive(name + "-postgres-1", "/run/secrets"),
    lambda: client.remove_volume(name + "_database"),
    lambda: client.create_volume(name + "-x", driver_opts=dict(type="none", o="bind", device="/")),
    lambda: client.inspect_network("bridge") and client.remove_network(name + "_default"),
):
    try: work(); print("done")
    except APIError as error: print(error.response.status_code)
"""
"""Requests to Docker that go beyond a Hub's own containers."""


def test_the_hub_reaches_nothing_of_docker_but_what_is_its_own(stack: Stack) -> None:
    def run(service: str, *command: str) -> str:
        return stack.engine.run("exec", f"{stack.name}-{service}-1", *command)

    code = BEYOND.format(name=stack.name, image=stack.environment["HUB_IMAGE"])
    assert run("hub", "python", "-c", code).split() == ["403"] * 11
    for service in ("hub", "git"):
        assert run(service, "id", "-u") == "1000"
        assert run(service, "sh", "-c", "test -e /var/run/docker.sock || echo no") == "no"
    # What parses what people push has neither a network nor a secret.
    assert run("git", "ls", "/sys/class/net") == "lo"
    for there in ("test -e /run/secrets", "touch /x"):
        assert run("git", "sh", "-c", f"{there} 2>/dev/null || echo no") == "no"


@pytest.mark.slow(reason="starts real containers")
def test_a_container_is_resized_read_and_saved_all_the_same(stack: Stack, tmp_path: Path) -> None:
    make_wheel(tmp_path / "simple" / "mlwsprobe", "mlwsprobe", "1.5", "COLOUR = 'green'\n")
    handler = functools.partial(Quiet, directory=str(tmp_path))
    server = http.server.ThreadingHTTPServer((stack.settings.gateway, 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    index = f"http://{stack.settings.gateway}:{server.server_port}/simple"
    pip = {"PIP_INDEX_URL": index, "PIP_TRUSTED_HOST": stack.settings.gateway}
    stack.sign_up(CORA)
    identifier = stack.create(CORA, resources=SMALL, environment=pip)
    try:
        stack.becomes(identifier, "RUNNING")
        larger = {"resources": {"memory": "1536Mi"}}
        assert stack.service("PATCH", f"containers/{identifier}", CORA, json=larger).ok
        assert stack.inspect(CORA)["HostConfig"]["Memory"] == 1536 * 1024**2
        log = stack.service("GET", f"containers/{identifier}/logs", CORA).json()["data"]["lines"]
        assert any("jupyter" in line["text"].lower() for line in log)
        stack.shell(CORA, "pip install --quiet mlwsprobe")
        wish = {"name": "probe", "container": identifier}
        assert stack.service("POST", "environments", CORA, json=wish).status_code == 202
        saved = f"environments/{CORA}--probe"
        stack.wait_for(
            lambda: stack.service("GET", saved, CORA).json()["data"]["state"] != "SAVING",
            "it is saved",
        )
        environment = stack.service("GET", saved, CORA).json()["data"]
        assert (environment["state"], environment["packages"]) == ("READY", 1), environment
    finally:
        server.shutdown()
        server.server_close()
        stack.service("DELETE", f"containers/{identifier}", CORA)
        stack.wait_for(lambda: not stack.container(CORA), "it is gone")
    # The Hub learns a moment after Docker that no container uses it any more.
    stack.wait_for(lambda: stack.service("DELETE", saved, CORA).ok, "the environment is deleted")


@pytest.mark.slow(reason="starts real containers")
@pytest.mark.browser
def test_labs_and_service_have_sub_domains_behind_tls(stack: Stack, browser: Browser) -> None:
    hub = f"{stack.name}-hub-1"
    assert SHARED_ORIGIN in stack.logs(hub)
    for user in (CONNIE, COLIN):
        stack.sign_up(user)
        if stack.server(user):
            stack.stop(user)
    port = stack.environment["HUB_TLS_PORT"]
    environment = {**stack.environment, "HUB_SUBDOMAIN": f"https://hub.localhost:{port}"}
    named = dataclasses.replace(
        stack,
        settings=Settings.read(environment),
        environment=environment,
        _sessions={},
        _tokens={},
    )
    try:
        done = up(stack.engine, environment)
        assert done.returncode == 0, done.stderr
        assert SHARED_ORIGIN not in stack.logs(hub)
        context = browser.new_context(ignore_https_errors=True)
        page = context.new_page()
        log_in(page, named, COLIN)
        page.wait_for_url("**/hub/**")
        named.start(COLIN, {"resources": SMALL})
        page.goto(f"https://{named.host('/services/mlws/')}/services/mlws/")
        row = page.locator(f'[data-mlws-container="{COLIN}--default"]')
        expect(row).to_have_attribute("data-mlws-status", "RUNNING")
        page.goto(str(row.get_by_role("link").first.get_attribute("href")))
        expect(page.locator("#jp-main-dock-panel")).to_be_visible(timeout=120_000)
        login = [one for one in context.cookies() if one["name"].startswith("__Host-")]
        assert {one["domain"] for one in login} == {
            named.host(path).partition(":")[0]
            for path in ("/hub/", "/services/mlws/", f"/user/{COLIN}/")
        }
        assert all(one["secure"] for one in login)
        context.close()
        # MLflow knows the lab by its token, and Prometheus by its name.
        count = "import mlflow; print(len(mlflow.search_runs(search_all_experiments=True)))"
        assert named.shell(COLIN, f'/opt/lab/bin/python -c "{count}"').endswith("0")

        def scraped() -> bool:
            query = f'up{{job="labs",user="{COLIN}"}}'
            answer = requests.get(f"{stack.prometheus}/query", params={"query": query}, timeout=20)
            rows = answer.json()["data"]["result"]
            return bool(rows) and rows[0]["value"][1] == "1"

        named.wait_for(scraped, "the lab is scraped")
        named.stop(COLIN)
    finally:
        up(stack.engine, stack.environment)
        stack.forget()
