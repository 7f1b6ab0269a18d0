"""Two people share a project on the stack of compose.yaml, and a third sees nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from hub_config.compose import up
from tests.hub.installation import ADMINISTRATOR
from tests.hub.stack import SMALL, Stack, compose

pytestmark = [
    pytest.mark.docker,
    pytest.mark.exhaustive,
    pytest.mark.timeout(1500),
    pytest.mark.usefixtures("trust"),
]

VITA, VALE, VERO = "vita", "vale", "vero"
"""Who pushes, who restores, who is a stranger."""
PROJECT = "vines"
BYTES = 5_000_000
TRAIN = """
import mlflow, numpy
from pathlib import Path
from sklearn.linear_model import LinearRegression
data = numpy.frombuffer(Path("grapes.bin").read_bytes()[:2000], dtype="uint8").astype(float)
model = LinearRegression().fit(data[:-1].reshape(-1, 1), data[1:])
mlflow.log_metric("grapes", 0.75)
mlflow.log_text("of the vines", "note.txt")
mlflow.sklearn.log_model(model, name="model", registered_model_name="vintner")
print("trained")
"""
Data = dict[str, Any]


class Desk:
    """A person in their own lab, by its REST API and its terminal."""

    def __init__(self, stack: Stack, user: str) -> None:
        self.stack, self.user = stack, user
        stack.sign_up(user)
        stack.start(user, {"resources": SMALL})

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        answer: requests.Response = self.stack.lab(
            method, self.user, f"mlws/api/v1/{path}", timeout=120, **more
        )
        return answer

    def done(self, answer: requests.Response) -> Any:
        """What an operation has led to, at its end."""
        assert answer.status_code == 202, answer.text
        identifier = answer.json()["data"]["id"]

        def ended() -> Data | None:
            found: Data = self.ask("GET", f"operations/{identifier}").json()["data"]
            return None if found["state"] in ("PENDING", "RUNNING", "WAITING") else found

        found = self.stack.wait_for(ended, f"operation {identifier} ends")
        assert found["state"] == "COMPLETED", found
        return found["result"]

    def clone(self, name: str) -> None:
        """Clone a shared project and trust its members."""
        self.done(self.ask("POST", f"team/projects/{name}/clone", json={}))
        answer = self.ask("PUT", f"projects/trust?project={name}", json={})
        assert answer.ok, answer.text

    def shell(self, script: str) -> str:
        return self.stack.shell(self.user, f"export PATH=/opt/lab/bin:$PATH; cd ~; {script}")

    def python(self, code: str) -> str:
        """What Python code prints in the clone's folder."""
        return self.shell(f"cd {PROJECT}; python - <<'PY'\n{code}\nPY")


@pytest.fixture(scope="module")
def desks(stack: Stack) -> dict[str, Desk]:
    return {user: Desk(stack, user) for user in (VITA, VALE, VERO)}


@pytest.fixture(scope="module")
def pushed(desks: dict[str, Desk]) -> Data:
    """Vita's project: a snapshot with data, a run and a model, all pushed."""
    vita = desks[VITA]
    made = vita.ask("POST", "team/projects", json={"name": PROJECT})
    assert made.status_code == 201, made.text
    member = vita.ask("PUT", f"team/projects/{PROJECT}/members/{VALE}", json={"role": "reader"})
    assert member.ok, member.text
    vita.clone(PROJECT)
    vita.shell(
        f"git config --global user.name Vita; git config --global user.email vita@example.org;"
        f"head -c {BYTES} /dev/urandom > {PROJECT}/grapes.bin"
    )
    vita.shell(f"cat > {PROJECT}/train.py <<'PY'\n{TRAIN}\nPY")
    in_project = {"params": {"project": PROJECT}}
    added = vita.ask("POST", "datasets", json={"path": "grapes.bin"}, **in_project)
    assert added.ok, added.text
    if added.status_code == 202:
        vita.done(added)
    told = vita.shell(f"cd {PROJECT}; jupyter mlws track python train.py")
    assert "trained" in told
    snapshot = vita.ask("POST", "snapshots", json={"message": "The vines"}, **in_project)
    assert snapshot.status_code == 201, snapshot.text
    vita.done(vita.ask("POST", "git/push", json={}, **in_project))
    return {
        "snapshot": snapshot.json()["data"],
        "hash": vita.shell(f"sha256sum < {PROJECT}/grapes.bin"),
        "project": made.json()["data"],
    }


@pytest.fixture(scope="module")
def fetched(desks: dict[str, Desk], pushed: Data) -> Desk:
    """Vale's clone, in which the snapshot is restored."""
    vale = desks[VALE]
    vale.clone(PROJECT)
    restore = f"snapshots/{pushed['snapshot']['id']}/restore"
    vale.done(vale.ask("POST", restore, json={}, params={"project": PROJECT}))
    return vale


@pytest.mark.slow(reason="starts real containers")
def test_another_member_restores_it_to_the_byte_and_sees_the_run(
    fetched: Desk, pushed: Data
) -> None:
    vale = fetched
    in_project = {"params": {"project": PROJECT}}
    identifier = pushed["snapshot"]["id"]
    assert vale.shell(f"sha256sum < {PROJECT}/grapes.bin") == pushed["hash"]
    proof = vale.ask("GET", f"snapshots/{identifier}", **in_project).json()["data"]
    assert proof["message"].startswith("The vines")
    runs = vale.ask("GET", "runs", **in_project).json()["data"]["items"]
    assert [run["metrics"]["grapes"] for run in runs if "grapes" in run["metrics"]] == [0.75]
    models = vale.ask("GET", "models", **in_project).json()["data"]["items"]
    assert [model["name"] for model in models] == ["vintner"]
    # By MLflow itself, in the kernel's own words.
    uri = pushed["project"]["tracking_url"]
    code = (
        f"import mlflow; mlflow.set_tracking_uri('{uri}')\n"
        "run = mlflow.search_runs(search_all_experiments=True).iloc[0]\n"
        "print(mlflow.artifacts.load_text(run.artifact_uri + '/note.txt'))\n"
        "print(type(mlflow.sklearn.load_model('models:/vintner/1')).__name__)"
    )
    assert vale.python(code).splitlines()[-2:] == ["of the vines", "LinearRegression"]


def test_a_project_that_is_there_already_is_shared_from_then_on(desks: dict[str, Desk]) -> None:
    vita, vale, name = desks[VITA], desks[VALE], "cellar"
    in_project = {"params": {"project": name}}
    assert vita.ask("POST", "projects", json={"name": name}).status_code == 201
    vita.shell(f"head -c {BYTES} /dev/urandom > {name}/casks.bin")
    added = vita.ask("POST", "datasets", json={"path": "casks.bin"}, **in_project)
    if added.status_code == 202:
        vita.done(added)
    made = vita.ask("POST", "snapshots", json={"message": "The casks"}, **in_project).json()
    assert vita.ask("POST", "team/projects", json={"name": name}).status_code == 201
    connected = vita.ask("POST", f"team/projects/{name}/connect", **in_project)
    assert connected.ok, connected.text
    vita.done(vita.ask("POST", "git/push", json={}, **in_project))

    # A second person connects a folder of their own; it is theirs to push from once they may.
    assert vale.ask("POST", "projects", json={"name": "mine"}).status_code == 201
    theirs = {"params": {"project": "mine"}}
    assert vale.ask("POST", f"team/projects/{name}/connect", **theirs).status_code == 404
    for role, expected in (("reader", 403), ("writer", 200)):
        vita.ask("PUT", f"team/projects/{name}/members/{VALE}", json={"role": role})
        answer = vale.ask("POST", f"team/projects/{name}/connect", **theirs)
        assert answer.status_code == expected, answer.text
    vale.clone(name)
    identifier = made["data"]["id"]
    vale.done(vale.ask("POST", f"snapshots/{identifier}/restore", json={}, **in_project))
    hashes = {desk.shell(f"sha256sum < {name}/casks.bin") for desk in (vita, vale)}
    assert len(hashes) == 1


def test_a_reader_changes_nothing(fetched: Desk, pushed: Data) -> None:
    vale = fetched
    told = vale.shell(
        f"cd {PROJECT}; git -c user.name=v -c user.email=v@e.org commit -q --allow-empty -m no;"
        "git push origin HEAD:main 2>&1 || true"
    )
    assert "403" in told
    uri = pushed["project"]["tracking_url"]
    code = (
        f"import mlflow; mlflow.set_tracking_uri('{uri}')\n"
        "for work in (lambda: mlflow.create_experiment('mine'),"
        " lambda: mlflow.MlflowClient().delete_registered_model('vintner'),"
        " lambda: mlflow.MlflowClient().delete_experiment("
        "mlflow.search_experiments()[0].experiment_id)):\n"
        "    try: work(); print('done')\n"
        "    except mlflow.MlflowException as error: print('denied' in str(error))"
    )
    assert vale.python(code).splitlines()[-3:] == ["True"] * 3
    answer = vale.ask("PUT", f"team/projects/{PROJECT}/members/{VERO}", json={"role": "reader"})
    assert (answer.status_code, answer.json()["code"]) == (403, "10303")


def test_a_stranger_sees_nothing_of_it(stack: Stack, desks: dict[str, Desk], pushed: Data) -> None:
    vero = desks[VERO]
    project = pushed["project"]
    assert vero.ask("GET", "team/projects").json()["data"]["items"] == []
    for method, path in (("GET", ""), ("POST", "/clone"), ("POST", "/connect")):
        answer = vero.ask(method, f"team/projects/{PROJECT}{path}", json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "10406"), path
    told = vero.shell(f"git clone {project['git_url']} stolen 2>&1 || true")
    assert "not found" in told
    md5 = vero.stack.shell(VITA, f"md5sum < ~/{PROJECT}/grapes.bin").split()[0]
    token = {"Authorization": f"token {stack.token(VERO)}"}
    path = f"files/md5/{md5[:2]}/{md5[2:]}"
    answer = requests.get(f"{project['data_url']}/{path}", headers=token, timeout=20)
    assert answer.status_code == 404
    mine = {"Authorization": f"token {stack.token(VITA)}"}
    assert requests.head(f"{project['data_url']}/{path}", headers=mine, timeout=20).ok
    # MLflow: not through the project, not through everybody's, and not through one of her own.
    assert vero.ask("POST", "team/projects", json={"name": "corks"}).status_code == 201
    own = vero.ask("GET", "team/projects/corks").json()["data"]["tracking_url"]
    shared = own.replace("projects/corks/mlflow", "mlflow")
    listing = "api/2.0/mlflow/experiments/search?max_results=100"
    for base, expected in ((project["tracking_url"], 403), (own, 200), (shared, 200)):
        for header in ({}, {"X-MLFLOW-WORKSPACE": "default", "X-MLWS-Role": "owner"}):
            answer = requests.get(f"{base}/{listing}", headers={**token, **header}, timeout=20)
            assert answer.status_code == expected, (base, answer.text)
            assert "p-" not in answer.text or base == own
    found = requests.get(f"{project['tracking_url']}/{listing}", headers=mine, timeout=20).json()
    place = found["experiments"][0]["artifact_location"].removeprefix("mlflow-artifacts:/")
    search = f"{project['tracking_url']}/api/2.0/mlflow/runs/search"
    asked = {"experiment_ids": [row["experiment_id"] for row in found["experiments"]]}
    run = requests.post(search, json=asked, headers=mine, timeout=20).json()["runs"][0]["info"]
    note = run["artifact_uri"].removeprefix("mlflow-artifacts:/") + "/note.txt"
    artifacts = "api/2.0/mlflow-artifacts/artifacts"
    assert place.split("/")[1] in note
    for base in (own, shared, project["tracking_url"]):
        answer = requests.get(f"{base}/{artifacts}/{note}", headers=token, timeout=20)
        assert answer.status_code in (403, 404), (base, answer.status_code)
        one = f"api/2.0/mlflow/runs/get?run_id={run['run_id']}"
        answer = requests.get(f"{base}/{one}", headers=token, timeout=20)
        assert answer.status_code in (403, 404), (base, answer.text)
    # Nobody gives rights by MLflow's own words.
    granting = "api/3.0/mlflow/users/permissions/grant"
    answer = requests.post(f"{own}/{granting}", json={}, headers=token, timeout=20)
    assert answer.status_code == 404


def test_the_audit_log_tells_all_of_it(stack: Stack, fetched: Desk) -> None:
    assert fetched.ask("GET", "runs", params={"project": PROJECT}).ok

    def rows() -> dict[str, set[str]]:
        answer = stack.service(
            "GET", "audit", ADMINISTRATOR, params={"target": PROJECT, "limit": 500}
        )
        told: dict[str, set[str]] = {}
        for row in answer.json()["data"]["items"]:
            told.setdefault(row["action"], set()).add(row["actor"])
        return told

    expected = {
        "project.create": {VITA},
        "project.member.add": {VITA},
        "project.push": {VITA},
        "project.fetch": {VALE},
        "project.data.write": {VITA},
        "project.data.read": {VALE},
        "project.runs.write": {VITA},
        "project.runs.read": {VALE},
    }
    told: Callable[[], bool] = lambda: all(  # noqa: E731
        actors <= rows().get(action, set()) for action, actors in expected.items()
    )
    stack.wait_for(told, "all of it is told")
    assert not any(VERO in actors for actors in rows().values())


def test_no_token_is_written_anywhere(stack: Stack, desks: dict[str, Desk], pushed: Data) -> None:
    # Jupyter's own server writes its token for its own clients, into files that nobody else reads.
    search = (
        'grep -rlF -- "$JUPYTERHUB_API_TOKEN" ~ /tmp 2>/dev/null'
        " | grep -v /.local/share/jupyter/runtime/ || true"
    )
    for user in (VITA, VALE):
        assert desks[user].shell(search) == ""
    for user in (VITA, VALE):
        token = desks[user].shell("echo $JUPYTERHUB_API_TOKEN")
        assert token not in compose(stack, "logs", "hub", "nginx", "mlflow")


@pytest.mark.slow(reason="starts real containers")
def test_it_all_comes_back_from_a_backup(
    stack: Stack, desks: dict[str, Desk], pushed: Data, tmp_path: Path
) -> None:
    project, backup = pushed["project"], tmp_path / "backup"
    tip = desks[VALE].shell(f"git ls-remote {project['git_url']} main")
    said = stack.module("hub_config.compose_backup", "backup", str(backup))
    assert "Saved the databases" in said
    refused = stack.module("hub_config.compose_backup", "restore", str(backup), fails=True)
    assert "not empty" in refused
    # Everything goes.
    stack.engine.run("rm", "--force", *stack.containers())
    compose(stack, "down", "--volumes", "--timeout=5")
    label = f"--filter=label=mlws.hub={stack.name}"
    stack.engine.run("volume", "rm", *stack.engine.run("volume", "ls", "-q", label).split())
    stack.module("hub_config.compose_backup", "restore", str(backup))
    done = up(stack.engine, stack.environment)
    assert done.returncode == 0, f"{done.stderr}\n{stack.logs(f'{stack.name}-hub-1')[-4000:]}"
    stack.forget()
    # Accounts with their passwords, members with their roles, records.
    found = stack.service("GET", f"team/projects/{PROJECT}", VALE).json()["data"]
    assert found["role"] == "reader"
    assert stack.service("GET", f"team/projects/{PROJECT}", VERO).status_code == 404
    rows = stack.service("GET", "audit", params={"target": PROJECT}).json()["data"]["items"]
    assert "project.push" in [row["action"] for row in rows]
    # Homes, code, data and runs.
    stack.token(VITA)
    vita = Desk(stack, VITA)
    assert vita.shell(f"sha256sum < {PROJECT}/grapes.bin") == pushed["hash"]
    assert vita.shell(f"git ls-remote {project['git_url']} main") == tip
    vita.shell(f"rm -rf {PROJECT}")
    vita.clone(PROJECT)
    in_project = {"params": {"project": PROJECT}}
    identifier = pushed["snapshot"]["id"]
    vita.done(vita.ask("POST", f"snapshots/{identifier}/restore", json={}, **in_project))
    assert vita.shell(f"sha256sum < {PROJECT}/grapes.bin") == pushed["hash"]
    runs = vita.ask("GET", "runs", **in_project).json()["data"]["items"]
    assert 0.75 in [run["metrics"].get("grapes") for run in runs]
    stack.engine.run("rm", "--force", *stack.containers())
