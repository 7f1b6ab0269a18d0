"""Every forbidden request to a shared project is refused with a reason, and changes nothing.

One project, its owner, a writer, a reader, a former member and a stranger, on the whole stack: what
is compared at the end is every ref, setting, log and data file of the projects, all of MLflow's
tables, and every artifact. Git keeps objects of a refused push, which no ref names, for a while.
"""

from __future__ import annotations

import hashlib
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import requests

from tests.hub.stack import Stack
from tests.hub.test_team import Place

pytestmark = [
    pytest.mark.docker,
    pytest.mark.exhaustive,
    pytest.mark.timeout(1500),
    pytest.mark.usefixtures("trust"),
]

OWNER, WRITER, READER, FORMER, STRANGER = "olga", "wim", "rita", "fred", "stan"
NOBODY, UNKNOWN, EXPIRED, NARROW = "nobody", "unknown", "expired", "narrow"
"""Without a token, with one that the Hub never issued, one of the owner's that has expired, and one
of the owner's that is not for this service."""
CODES = {
    "members only": (404, "10406"),
    "role": (403, "10303"),
    "token": (401, "10304"),
    "no such path": (404, "50401"),
    "method": (405, "50202"),
    "content": (400, "10209"),
    "last owner": (409, "10207"),
}
CLIENT_ERRORS = range(400, 500)


class Push(NamedTuple):
    """Arguments of git in somebody's clone, and what git says of them."""

    who: str
    arguments: str
    reason: str


class Request(NamedTuple):
    """A request by HTTP; ``{name}`` in it is filled with what :func:`prepared` has made."""

    who: str
    line: str
    reason: str
    body: Any = None


PUSHES = [
    # History, branches and tags.
    Push(WRITER, "push origin +{other}:refs/heads/main", "non-fast-forward"),
    Push(WRITER, "push origin :refs/heads/side", "Only an owner"),
    Push(WRITER, "push origin :refs/heads/main", "deletion"),
    Push(OWNER, "push origin :refs/heads/main", "refusing to delete the current branch"),
    Push(WRITER, "push origin +{other}:refs/tags/v1", "Only an owner"),
    Push(WRITER, "push origin :refs/tags/v1", "Only an owner"),
    Push(WRITER, "push --mirror origin", "rejected"),
    Push(WRITER, "push --atomic origin HEAD:refs/heads/new +{other}:refs/heads/main", "rejected"),
    Push(WRITER, "push --atomic origin HEAD:refs/heads/new :refs/tags/v1", "Only an owner"),
    # Refs that are none of these.
    Push(WRITER, "push origin {fake}:refs/replace/{other}", "hidden ref"),
    Push(OWNER, "push origin HEAD:refs/replace/{main}", "hidden ref"),
    Push(WRITER, "push origin HEAD:refs/notes/commits", "hidden ref"),
    Push(WRITER, "push origin +HEAD:refs/internal/secret", "hidden ref"),
    Push(OWNER, "push origin :refs/internal/secret", "hidden ref"),
    Push(OWNER, "fetch origin refs/internal/secret", "couldn't find remote ref"),
    # Content.
    Push(WRITER, "push origin {evil}:refs/heads/evil", "fsck"),
    # Roles.
    Push(READER, "push origin HEAD:refs/heads/main", "403"),
    Push(READER, "push origin HEAD:refs/heads/mine", "403"),
    Push(READER, "push origin HEAD:refs/tags/mine", "403"),
    Push(READER, "push origin :refs/heads/side", "403"),
    Push(FORMER, "fetch origin", "not found"),
    Push(FORMER, "push origin HEAD:refs/heads/mine", "not found"),
    Push(STRANGER, "ls-remote {git}", "not found"),
    Push(STRANGER, "push {git} HEAD:refs/heads/main", "not found"),
    Push(EXPIRED, "ls-remote {git}", "Authentication failed"),
    Push(NARROW, "push {git} HEAD:refs/heads/mine", "Authentication failed"),
]
GIT = [
    Request(READER, "GET {git}/info/refs?service=git-receive-pack", "role"),
    Request(READER, "POST {git}/git-receive-pack", "role", b"0000"),
    Request(STRANGER, "GET {git}/info/refs?service=git-upload-pack", "members only"),
    Request(FORMER, "POST {git}/git-upload-pack", "members only", b"0000"),
    Request(NOBODY, "GET {git}/info/refs?service=git-upload-pack", "token"),
    Request(UNKNOWN, "GET {git}/info/refs?service=git-upload-pack", "token"),
    Request(EXPIRED, "POST {git}/git-receive-pack", "token", b"0000"),
    Request(NARROW, "GET {git}/info/refs?service=git-upload-pack", "token"),
    # Whatever is not git's smart protocol.
    Request(OWNER, "GET {git}/info/refs", "no such path"),
    Request(OWNER, "GET {git}/HEAD", "no such path"),
    Request(OWNER, "GET {git}/config", "no such path"),
    Request(OWNER, "GET {git}/objects/info/packs", "no such path"),
    Request(OWNER, "GET {git}/info/refs?service=git-upload-archive", "no such path"),
    Request(OWNER, "POST {git}/git-upload-archive", "no such path", b"0000"),
    Request(OWNER, "GET {git}/git-receive-pack", "no such path"),
    Request(OWNER, "PUT {git}/git-receive-pack", "no such path", b"0000"),
    Request(OWNER, "DELETE {git}/info/refs?service=git-receive-pack", "no such path"),
    Request(WRITER, "GET {service}git/..%2F{id}%2Frepo.git/HEAD", "no such path"),
    Request(
        WRITER, "GET {service}git/..%2F{id}.git/info/refs?service=git-upload-pack", "members only"
    ),
]
DATA = [
    Request(READER, "PUT {data}/files/md5/{new}", "role", b"new"),
    Request(STRANGER, "GET {data}/files/md5/{object}", "members only"),
    Request(STRANGER, "HEAD {data}/files/md5/{object}", ""),
    Request(STRANGER, "PUT {data}/files/md5/{new}", "members only", b"new"),
    Request(FORMER, "GET {data}/files/md5/{object}", "members only"),
    Request(NOBODY, "GET {data}/files/md5/{object}", "token"),
    Request(NOBODY, "PUT {data}/files/md5/{new}", "token", b"new"),
    Request(EXPIRED, "GET {data}/files/md5/{object}", "token"),
    Request(NARROW, "PUT {data}/files/md5/{new}", "token", b"new"),
    Request(WRITER, "PUT {data}/files/md5/{object}", "content", b"something else"),
    Request(WRITER, "PUT {data}/files/md5/{new}", "content", b"something else"),
    Request(WRITER, "DELETE {data}/files/md5/{object}", "method"),
    Request(OWNER, "DELETE {data}/files/md5/{object}", "method"),
    Request(WRITER, "POST {data}/files/md5/{object}", "method", b"new"),
    Request(WRITER, "PATCH {data}/files/md5/{object}", "method", b"new"),
    # What only another project has, and that project itself.
    Request(WRITER, "GET {data}/files/md5/{foreign}", "no such path"),
    Request(WRITER, "GET {service}data/other/files/md5/{foreign}", "members only"),
    Request(WRITER, "GET {data}/files/md5/00/..%2F..%2F..%2F..%2F{id}%2Fpushes", "no such path"),
    Request(WRITER, "GET {data}/files/md5/../../../repo.git/config", "no such path"),
    Request(WRITER, "GET {data}/..%2Frepo.git%2Fconfig", "no such path"),
    Request(WRITER, "GET {data}/%2Fetc%2Fpasswd", "no such path"),
    Request(WRITER, "PUT {data}/files/md5/zz/../../../repo.git/config", "no such path", b"new"),
    Request(WRITER, "PUT {data}/files/md5/22/AF645D1859CB5CA6DA0C484F1F37EA", "no such path", b"x"),
    Request(WRITER, "PUT {data}/files/md5/{object}.dir.x", "no such path", b"x"),
    Request(WRITER, "PUT {data}/{object}", "no such path", b"x"),
]
MEMBERS = [
    Request(WRITER, "PUT {api}/cask/members/stan", "role", {"role": "reader"}),
    Request(WRITER, "PUT {api}/cask/members/wim", "role", {"role": "owner"}),
    Request(READER, "DELETE {api}/cask/members/wim", "role"),
    Request(READER, "DELETE {api}/cask?confirm=cask", "role"),
    Request(OWNER, "DELETE {api}/cask/members/olga", "last owner"),
    Request(FORMER, "GET {api}/cask", "members only"),
    Request(STRANGER, "DELETE {api}/cask?confirm=cask", "members only"),
    Request(STRANGER, "POST {api}/cask/restore", "members only"),
]
RUN, EXPERIMENT = {"run_id": "{run}"}, {"experiment_id": "{experiment}"}
MODEL = {"name": "vin"}
VERSION = {**MODEL, "version": "1"}
POINT = {"key": "sugar", "value": 1, "timestamp": 1, "step": 0}
ARTIFACTS = "mlflow-artifacts/artifacts"
WRITES = [
    ("POST", "experiments/create", {"name": "mine"}),
    ("POST", "experiments/update", {**EXPERIMENT, "new_name": "mine"}),
    ("POST", "experiments/delete", EXPERIMENT),
    ("POST", "experiments/set-experiment-tag", {**EXPERIMENT, "key": "a", "value": "b"}),
    ("POST", "runs/create", EXPERIMENT),
    ("POST", "runs/update", {**RUN, "status": "FAILED"}),
    ("POST", "runs/delete", RUN),
    ("POST", "runs/log-metric", {**RUN, **POINT}),
    ("POST", "runs/log-parameter", {**RUN, "key": "a", "value": "b"}),
    ("POST", "runs/log-batch", {**RUN, "metrics": [POINT]}),
    ("POST", "runs/set-tag", {**RUN, "key": "a", "value": "b"}),
    ("POST", "runs/delete-tag", {**RUN, "key": "vineyard"}),
    ("POST", "runs/log-model", {**RUN, "model_json": "{}"}),
    ("PATCH", "registered-models/update", {**MODEL, "description": "mine"}),
    ("POST", "registered-models/rename", {**MODEL, "new_name": "mine"}),
    ("DELETE", "registered-models/delete", MODEL),
    ("POST", "registered-models/alias", {**MODEL, "alias": "best", "version": "2"}),
    ("DELETE", "registered-models/alias", {**MODEL, "alias": "best"}),
    ("POST", "model-versions/create", {**MODEL, "source": "mlflow-artifacts:/x"}),
    ("PATCH", "model-versions/update", {**VERSION, "description": "mine"}),
    ("DELETE", "model-versions/delete", VERSION),
    ("POST", "model-versions/transition-stage", {**VERSION, "stage": "Archived"}),
]
"""Requests to MLflow that change something of :func:`prepared`."""
READS = [
    ("GET", "experiments/get?experiment_id={experiment}", None),
    ("GET", "runs/get?run_id={run}", None),
    ("GET", "metrics/get-history?run_id={run}&metric_key=sugar", None),
    ("GET", "artifacts/list?run_id={run}", None),
    ("GET", "registered-models/get?name=vin", None),
]
"""Requests to MLflow that read something of it."""
SHARED, OWN = "{tracking}/api/2.0", "{own}/api/2.0"
TRACKING = [
    # A reader writes.
    *(
        Request(READER, f"{verb} {SHARED}/mlflow/{path}", "denied", body)
        for verb, path, body in WRITES
    ),
    Request(READER, f"PUT {SHARED}/{ARTIFACTS}/{{note}}", "denied", b"mine"),
    Request(READER, f"DELETE {SHARED}/{ARTIFACTS}/{{note}}", "denied"),
    Request(
        READER,
        "POST {tracking}/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run}&path=mine",
        "denied",
        b"mine",
    ),
    # Whoever is no member, and whoever the Hub does not know.
    *(
        Request(who, f"{verb} {SHARED}/mlflow/{path}", "tracking", body)
        for who in (STRANGER, FORMER, NOBODY, UNKNOWN, EXPIRED, NARROW)
        for verb, path, body in (READS[1], WRITES[6])
    ),
    Request(STRANGER, f"GET {SHARED}/{ARTIFACTS}/{{note}}", "tracking"),
    Request(STRANGER, f"PUT {SHARED}/{ARTIFACTS}/{{note}}", "tracking", b"mine"),
    Request(NOBODY, f"POST {OWN}/mlflow/runs/create", "tracking", {"experiment_id": "0"}),
    Request(STRANGER, "GET {gateway}/projects/..%2Fcask/mlflow/", ""),
    Request(STRANGER, "GET {gateway}/projects/none/mlflow/", "tracking"),
    # A workspace of one's own is no way to what is in another.
    *(Request(STRANGER, f"{verb} {OWN}/mlflow/{path}", "", body) for verb, path, body in READS),
    *(
        Request(STRANGER, f"{verb} {OWN}/mlflow/{path}", "", body)
        for verb, path, body in WRITES
        if path not in ("experiments/create", "model-versions/create")
    ),
    Request(STRANGER, f"GET {OWN}/{ARTIFACTS}/{{note}}", ""),
    Request(STRANGER, f"DELETE {OWN}/{ARTIFACTS}/{{note}}", ""),
    Request(WRITER, f"GET {SHARED}/mlflow/runs/get?run_id={{private}}", ""),
    Request(WRITER, f"POST {OWN}/mlflow/runs/delete", "", {"run_id": "{private}"}),
    Request(WRITER, f"DELETE {OWN}/mlflow/registered-models/delete", "", {"name": "private"}),
    # Artifacts elsewhere.
    *(
        Request(WRITER, f"{verb} {SHARED}/{ARTIFACTS}/{path}", "", body)
        for path in ("..%2F..%2Fetc%2Fpasswd", "%2e%2e/%2e%2e/etc/passwd", "%252e%252e%2Fx")
        for verb, body in (("GET", None), ("PUT", b"mine"), ("DELETE", None))
    ),
    Request(WRITER, "GET {tracking}/get-artifact?run_uuid={run}&path=../../../x", ""),
    # MLflow's own accounts, roles and workspaces.
    *(
        Request(WRITER, f"POST {{tracking}}/api/{path}", "roles", {})
        for path in (
            "2.0/mlflow/users/create",
            "3.0/mlflow/roles/create",
            "3.0/mlflow/users/permissions/grant",
            "2.0/mlflow/experiments/permissions/create",
            "3.0/mlflow/workspaces",
        )
    ),
    Request(WRITER, "POST {gateway}/mlflow/ajax-api/2.0/mlflow/users/create", "roles", {}),
    Request(WRITER, "GET {gateway}/hub/api/users", ""),
]


@pytest.mark.slow(reason="starts real containers")
def test_what_is_forbidden_is_refused_with_a_reason_and_changes_nothing(
    stack: Stack, tmp_path: Path
) -> None:
    people = {}
    for user in (OWNER, WRITER, READER, FORMER, STRANGER):
        stack.sign_up(user)
        people[user] = Place(stack, user, tmp_path / user)
    made = prepared(stack, people)
    tokens = {**{user: stack.token(user) for user in people}, **tokens_of_no_use(stack)}
    for who in (EXPIRED, NARROW):
        people[who] = Place(stack, OWNER, tmp_path / who)
        people[who].environment["TOKEN"] = tokens[who]
        people[who].git("init", "--quiet", ".", inside=".")
        people[who].git("commit", "--quiet", "--allow-empty", "--message", "x", inside=".")
    before = everything(stack)
    wrong = []
    for push in PUSHES:
        arguments = [part.format(**made) for part in push.arguments.split()]
        inside = "work" if (people[push.who].folder / "work").is_dir() else "."
        try:
            said = people[push.who].git(*arguments, fails=True, inside=inside)
        except AssertionError as error:
            said = f"accepted: {error}"
        if push.reason not in said or said.startswith("accepted"):
            wrong.append(f"{push.who}: git {push.arguments}: {said}")
    for asked in [*GIT, *DATA, *MEMBERS, *TRACKING]:
        answer = ask(asked, made, tokens.get(asked.who))
        if not is_refusal(answer, asked):
            wrong.append(f"{asked.who}: {asked.line}: {answer.status_code} {answer.text[:300]}")
    assert not wrong, "\n".join(wrong)
    assert len(PUSHES) + len(GIT) + len(DATA) + len(MEMBERS) + len(TRACKING) >= 40
    after = everything(stack)
    for name, rows in before.items():
        assert set(after[name]) ^ set(rows) == set(), name


def ask(asked: Request, made: dict[str, str], token: str | None) -> requests.Response:
    """Send the request as it stands: dots and escapes in its path are not resolved here."""
    verb, url = asked.line.format(**made).split(" ", 1)
    body = asked.body
    if not isinstance(body, (bytes, type(None))):
        text = json.dumps(body)
        for name in ("run", "experiment", "private"):
            text = text.replace(f"{{{name}}}", made[name])
        body = text.encode()
    headers = {
        "Content-Type": "application/json",
        # Those that nginx alone may set.
        "X-MLFLOW-WORKSPACE": made["workspace"],
        "X-MLWS-Role": "owner",
    }
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    request = requests.Request(verb, url, headers=headers, data=body).prepare()
    request.url = url
    with requests.Session() as session:
        return session.send(request, timeout=60, allow_redirects=False)


def is_refusal(answer: requests.Response, asked: Request) -> bool:
    if asked.reason in CODES:
        status, code = CODES[asked.reason]
        body = answer.json()
        return answer.status_code == status and body["code"] == code and bool(body["solution"])
    refused = answer.status_code in CLIENT_ERRORS
    if asked.reason == "denied":
        return answer.status_code == 403 and "ermission denied" in answer.text
    if asked.reason == "tracking":
        return answer.status_code in (401, 403) and "of the Hub" in answer.json()["message"]
    if asked.reason == "roles":
        return answer.status_code == 404 and "members" in answer.json()["message"]
    return refused


def tokens_of_no_use(stack: Stack) -> dict[str, str]:
    """By whom they are called in the tables."""
    made = {}
    for name, options in (
        (EXPIRED, {"expires_in": 1}),
        (NARROW, {"scopes": ["read:users:name!user"]}),
    ):
        answer = stack.api("POST", f"users/{OWNER}/tokens", OWNER, json=options)
        assert answer.status_code == 201, answer.text
        made[name] = answer.json()["token"]
    time.sleep(2)
    return {**made, UNKNOWN: "0123456789abcdef"}


def prepared(stack: Stack, people: dict[str, Place]) -> dict[str, str]:
    """The projects, with commits, data, runs, models and artifacts; what the tables name."""
    olga, wim = people[OWNER], people[WRITER]
    assert olga.ask("POST", "", json={"name": "cask"}).status_code == 201
    for user, role in ((WRITER, "writer"), (READER, "reader"), (FORMER, "writer")):
        assert olga.ask("PUT", f"/cask/members/{user}", json={"role": role}).ok
    project = olga.ask("GET", "/cask").json()["data"]
    olga.git("clone", "--quiet", project["git_url"], "work")
    olga.commit("readme", "of wine")
    olga.git("tag", "v1")
    olga.git("push", "--quiet", "origin", "HEAD:main", "HEAD:side", "v1")
    for user in (WRITER, READER, FORMER):
        people[user].git("clone", "--quiet", project["git_url"], "work")
    (people[STRANGER].folder / "work").mkdir()
    people[STRANGER].git("init", "--quiet")
    people[STRANGER].commit("mine", "x")
    for user in (READER, FORMER):
        people[user].commit("mine", "x")
    assert olga.ask("DELETE", f"/cask/members/{FORMER}").ok
    made = {
        **objects(wim, olga.git("rev-parse", "HEAD").strip()),
        "git": project["git_url"],
        "data": project["data_url"],
        "tracking": project["tracking_url"],
        "service": project["git_url"].removesuffix("git/cask.git"),
        "gateway": project["tracking_url"].partition("/projects/")[0],
    }
    made["api"] = f"{made['service']}api/v1/team/projects"
    made["own"] = f"{made['gateway']}/mlflow"
    token = {"Authorization": f"token {stack.token(OWNER)}"}
    seen = requests.get(f"{made['service']}tracking/cask", headers=token, timeout=20)
    made["id"] = made["workspace"] = seen.headers["X-MLWS-Workspace"]
    git = f"git -c safe.directory='*' --git-dir /team/{made['id']}/repo.git"
    run_in(stack, "hub", f"{git} update-ref refs/internal/secret {made['main']}")

    # Objects, the second in a project of the stranger's.
    made["new"] = store_name(b"new")
    made["object"] = stored(olga, "cask", b"grapes")
    assert people[STRANGER].ask("POST", "", json={"name": "other"}).status_code == 201
    made["foreign"] = stored(people[STRANGER], "other", b"hops")

    # Runs, a model of two versions, and something private of the owner's.
    shared = Tracking(made["tracking"], stack.token(OWNER))
    made["experiment"], made["run"], made["note"] = shared.run("red", "vin")
    shared.ask("POST", "registered-models/alias", **MODEL, alias="best", version="1")
    _, made["private"], _ = Tracking(made["own"], stack.token(OWNER)).run("private", "private")
    for user in (WRITER, READER):
        # MLflow's rights of a role begin with its first request.
        Tracking(made["tracking"], stack.token(user)).ask(
            "POST", "experiments/search", max_results=1
        )
    for user in (WRITER, STRANGER):
        Tracking(made["own"], stack.token(user)).ask("POST", "experiments/search", max_results=1)
    return made


def objects(place: Place, main: str) -> dict[str, str]:
    """Commits in a clone: another past, the same after main, and one with a file `.git`."""
    tree = place.git("rev-parse", f"{main}^{{tree}}").strip()
    blob = place.git("rev-parse", f"{main}:readme").strip()
    (place.folder / "tree").write_bytes(b"100644 .git\0" + bytes.fromhex(blob))
    evil = place.git("hash-object", "-t", "tree", "-w", "--literally", "../tree").strip()
    return {
        "main": main,
        "other": place.git("commit-tree", tree, "-m", "another past").strip(),
        "fake": place.git("commit-tree", tree, "-p", main, "-m", "another past").strip(),
        "evil": place.git("commit-tree", evil, "-p", main, "-m", "evil").strip(),
    }


def store_name(content: bytes) -> str:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return f"{md5[:2]}/{md5[2:]}"


def stored(place: Place, project: str, content: bytes) -> str:
    name = store_name(content)
    answer = place.object("PUT", f"{project}/files/md5/{name}", data=content)
    assert answer.status_code == 204, answer.text
    return name


class Tracking:
    """MLflow's REST API, as far as it takes to record something."""

    def __init__(self, address: str, token: str) -> None:
        self.address = f"{address}/api/2.0"
        self.headers = {"Authorization": f"Bearer {token}"}

    def ask(self, verb: str, path: str, **body: Any) -> dict[str, Any]:
        url = f"{self.address}/mlflow/{path}"
        answer = requests.request(verb, url, headers=self.headers, json=body, timeout=60)
        assert answer.ok, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def run(self, experiment: str, model: str) -> tuple[str, str, str]:
        """A run with a metric, a tag, an artifact and a model: its experiment, id and artifact."""
        identifier = self.ask("POST", "experiments/create", name=experiment)["experiment_id"]
        run = self.ask("POST", "runs/create", experiment_id=identifier)["run"]["info"]
        self.ask("POST", "runs/log-metric", run_id=run["run_id"], **POINT)
        self.ask("POST", "runs/set-tag", run_id=run["run_id"], key="vineyard", value="south")
        note = run["artifact_uri"].removeprefix("mlflow-artifacts:/").lstrip("/") + "/note.txt"
        put = requests.put(
            f"{self.address}/{ARTIFACTS}/{note}", headers=self.headers, data=b"hello", timeout=60
        )
        assert put.ok, put.text
        self.ask("POST", "registered-models/create", name=model)
        for _ in range(2):
            source = {"source": run["artifact_uri"], "run_id": run["run_id"]}
            self.ask("POST", "model-versions/create", name=model, **source)
        return identifier, run["run_id"], note


def run_in(stack: Stack, service: str, script: str) -> str:
    return stack.engine.run("exec", f"{stack.name}-{service}-1", "sh", "-c", script)


def everything(stack: Stack) -> dict[str, list[str]]:
    """Hashes of the projects' files and of MLflow's artifacts, and MLflow's tables."""
    hashes = "find {} -type f ! -path '*.git/objects/*' -exec sha256sum {{}} + | sort -k 2"
    dump = (
        "PGPASSWORD=$(cat $POSTGRES_PASSWORD_FILE)"
        " pg_dump -h 127.0.0.1 -U mlws --data-only --restrict-key=tests mlflow"
    )
    found = {
        "projects": run_in(stack, "hub", hashes.format("/team")),
        "artifacts": run_in(stack, "mlflow", hashes.format("/artifacts")),
        "runs": run_in(stack, "postgres", dump),
    }
    assert "COPY public.runs" in found["runs"], found["runs"][-2000:]
    assert "note.txt" in found["artifacts"]
    assert "repo.git" in found["projects"]
    return {name: text.splitlines() for name, text in found.items()}
