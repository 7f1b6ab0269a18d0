"""Projects that people share, on a real Hub: git, DVC and the REST API with everybody's own rights.

git and DVC are the real programs, on this machine, with a Hub token in their environment alone.
"""

from __future__ import annotations

import hashlib
import json
import os
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from jupyter_mlws.hub.shared_projects.manager import MAX_GIT_REQUESTS_PER_USER
from tests.hub.installation import ADMINISTRATOR, Hub
from tests.hub.test_whole_product import open_sidebar, signed_in

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

TESS, TOM, TIM, TED = "tess", "tom", "tim", "ted"
"""An owner, a writer, a reader, a stranger."""
HELPER = '!f() { printf \'username=%s\\npassword=%s\\n\' "$WHO" "$TOKEN"; }; f'
Data = dict[str, Any]


class Place:
    """A person with a folder of their own and nothing else of the machine's settings."""

    def __init__(self, hub: Hub, user: str, folder: Path) -> None:
        self.hub, self.user, self.folder = hub, user, folder
        folder.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "WHO": user,
            "TOKEN": hub.token(user),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_COUNT": "3",
            "GIT_CONFIG_KEY_0": "credential.helper",
            "GIT_CONFIG_VALUE_0": HELPER,
            "GIT_CONFIG_KEY_1": "user.name",
            "GIT_CONFIG_VALUE_1": user,
            "GIT_CONFIG_KEY_2": "user.email",
            "GIT_CONFIG_VALUE_2": f"{user}@example.org",
        }

    def git(self, *arguments: str, fails: bool = False, inside: str = "work") -> str:
        """What git prints, errors too."""
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.folder if arguments[0] == "clone" else self.folder / inside,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
        )
        assert bool(done.returncode) is fails, done.stdout
        return done.stdout

    def commit(self, name: str, text: str) -> str:
        (self.folder / "work" / name).write_text(text)
        self.git("add", name)
        self.git("commit", "--quiet", "--message", f"change {name}")
        return self.git("rev-parse", "HEAD").strip()

    def ask(self, method: str, path: str, **more: Any) -> requests.Response:
        return self.hub.service(method, f"team/projects{path}", self.user, **more)

    def object(self, method: str, path: str, **more: Any) -> requests.Response:
        """An object of the data, by its address."""
        return self.hub.request(method, f"/services/mlws/data/{path}", self.user, **more)


@pytest.fixture(scope="module")
def people(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Place]:
    folder = tmp_path_factory.mktemp("team")
    for user in (TESS, TOM, TIM, TED):
        hub.sign_up(user)
    return {user: Place(hub, user, folder / user) for user in (TESS, TOM, TIM, TED)}


@pytest.fixture(scope="module")
def shared(people: dict[str, Place]) -> Data:
    """A project of Tess's with Tom as a writer and Tim as a reader; its first commit is there."""
    tess = people[TESS]
    made = tess.ask("POST", "", json={"name": "wine", "description": "Red and white"})
    assert made.status_code == 201, made.text
    assert made.headers["Location"].endswith("/team/projects/wine")
    for user, role in ((TOM, "writer"), (TIM, "reader")):
        assert tess.ask("PUT", f"/wine/members/{user}", json={"role": role}).ok
    project: Data = tess.ask("GET", "/wine").json()["data"]
    tess.git("clone", "--quiet", project["git_url"], "work")
    tess.commit("readme", "of wine")
    tess.git("push", "--quiet", "origin", "HEAD:main")
    return project


@pytest.fixture
def told(hub: Hub) -> Callable[[str, str], list[Data]]:
    """Rows of the audit log about a project, the newest first."""

    def read(action: str, target: str) -> list[Data]:
        def rows() -> list[Data]:
            answer = hub.service("GET", "audit", params={"target": target, "limit": 500})
            found = answer.json()["data"]["items"]
            return [row for row in found if row["action"] == action]

        found: list[Data] = hub.wait_for(rows, f"{action} of {target} is told")
        return found

    return read


def refused(answer: requests.Response, status: int, code: str) -> Data:
    assert answer.status_code == status, answer.text
    body: Data = answer.json()
    assert body["code"] == code
    assert body["solution"]
    return body


def clone(place: Place, project: Data, folder: str = "work") -> None:
    if not (place.folder / folder).exists():
        place.git("clone", "--quiet", project["git_url"], folder)


def test_members_see_the_project_and_strangers_nothing(
    people: dict[str, Place], shared: Data
) -> None:
    roles = {row["user"]: row["role"] for row in shared["members"]}
    assert roles == {TESS: "owner", TOM: "writer", TIM: "reader"}
    assert [row["name"] for row in people[TIM].ask("GET", "").json()["data"]["items"]] == ["wine"]
    assert people[TIM].ask("GET", "/wine").json()["data"]["role"] == "reader"
    ted = people[TED]
    assert ted.ask("GET", "").json()["data"]["items"] == []
    for method, path, body in (
        ("GET", "/wine", None),
        ("DELETE", "/wine?confirm=wine", None),
        ("POST", "/wine/restore", None),
        ("PUT", f"/wine/members/{TED}", {"role": "owner"}),
        ("DELETE", f"/wine/members/{TOM}", None),
    ):
        there = refused(ted.ask(method, path, json=body), 404, "10406")
        missing = refused(ted.ask(method, path.replace("wine", "none"), json=body), 404, "10406")
        # Nothing tells whether there is a project of that name.
        assert there["message"].replace("wine", "none") == missing["message"]
    hub = ted.hub
    for method, path in (("GET", ""), ("GET", "/wine")):
        refused(hub.service(method, f"team/projects{path}", None), 403, "50301")


def test_git_serves_members_by_their_roles(people: dict[str, Place], shared: Data) -> None:
    tom, tim, ted = people[TOM], people[TIM], people[TED]
    clone(tom, shared)
    tom.commit("from-tom", "hello")
    tom.git("push", "--quiet", "origin", "HEAD:main")
    clone(tim, shared)
    assert (tim.folder / "work" / "from-tom").read_text() == "hello"
    tim.commit("from-tim", "no")
    assert "403" in tim.git("push", "origin", "HEAD:main", fails=True)
    assert "not found" in ted.git("clone", shared["git_url"], "other", fails=True)
    ted.environment["TOKEN"] = "0123456789abcdef"
    assert "Authentication failed" in ted.git("clone", shared["git_url"], "other", fails=True)
    ted.environment["TOKEN"] = ted.hub.token(TED)
    # Without a token nobody learns even that.
    for path in ("wine.git/info/refs?service=git-upload-pack", "none.git/info/refs?service=git-x"):
        answer = requests.get(f"{ted.hub.url}/services/mlws/git/{path}", timeout=20)
        refused(answer, 401, "10304")
        assert answer.headers["WWW-Authenticate"].startswith("Basic")


def test_only_owners_rewrite_history_and_delete_branches(
    people: dict[str, Place], shared: Data
) -> None:
    tess, tom = people[TESS], people[TOM]
    clone(tom, shared)
    tom.git("fetch", "--quiet")
    tom.git("reset", "--quiet", "--hard", "origin/main")
    tom.git("push", "--quiet", "origin", "HEAD:side")
    tom.git("commit", "--quiet", "--amend", "--message", "another past")
    assert "rejected" in tom.git("push", "--force", "origin", "HEAD:main", fails=True)
    assert "rejected" in tom.git("push", "origin", "--delete", "side", fails=True)
    tess.git("fetch", "--quiet")
    tess.git("reset", "--quiet", "--hard", "origin/main")
    tess.git("commit", "--quiet", "--amend", "--message", "the owner's past")
    tess.git("push", "--quiet", "--force", "origin", "HEAD:main")
    tess.git("push", "--quiet", "origin", "--delete", "side")
    # The branch that everybody gets stays.
    assert "rejected" in tess.git("push", "origin", "--delete", "main", fails=True)


def test_writers_change_no_ref_but_branches_and_new_tags(
    people: dict[str, Place], shared: Data
) -> None:
    tess, tom = people[TESS], people[TOM]
    clone(tom, shared)
    tom.git("fetch", "--quiet")
    tom.git("reset", "--quiet", "--hard", "origin/main")
    tom.git("tag", "v7")
    tom.git("push", "--quiet", "origin", "v7")
    before = tom.git("ls-remote", "origin")
    # A commit with another history, which a replacement makes look like a child of main.
    main = tom.git("rev-parse", "HEAD").strip()
    other = tom.git("commit-tree", "HEAD^{tree}", "-m", "another past").strip()
    fake = tom.git("commit-tree", "HEAD^{tree}", "-p", main, "-m", "another past").strip()
    for refspecs in (
        [f"{fake}:refs/replace/{other}"],
        [f"{fake}:refs/replace/{other}", f"+{other}:refs/heads/main"],
        [f"+{other}:refs/heads/main"],
        [f"+{other}:refs/tags/v7"],
        [":refs/tags/v7"],
        [f"{other}:refs/notes/commits"],
        [f"{other}:refs/mlws/anything"],
    ):
        assert "rejected" in tom.git("push", "--atomic", "origin", *refspecs, fails=True)
        assert "rejected" in tom.git("push", "origin", *refspecs, fails=True)
        assert tom.git("ls-remote", "origin") == before
    assert "rejected" in tess.git("push", "origin", "HEAD:refs/replace/" + main, fails=True)
    tess.git("push", "--quiet", "origin", ":refs/tags/v7")


def test_a_damaged_record_of_a_push_does_not_stop_the_service(
    hub: Hub, people: dict[str, Place], shared: Data
) -> None:
    home = next((hub.settings.data / "team").glob("p-*"))
    (home / "pushes" / "empty").touch()
    (home / "pushes" / "truncated").write_text("tess\n0000")
    hub.end_service()
    assert people[TESS].ask("GET", "/wine").ok
    assert sorted(path.name for path in (home / "damaged-pushes").iterdir()) == [
        "empty",
        "truncated",
    ]
    assert not [*(home / "pushes").iterdir()]


@pytest.mark.exhaustive
def test_a_push_that_is_killed_half_way_leaves_nothing(
    people: dict[str, Place], shared: Data
) -> None:
    tom = people[TOM]
    clone(tom, shared)
    tom.git("fetch", "--quiet")
    tom.git("reset", "--quiet", "--hard", "origin/main")
    (tom.folder / "work" / "big").write_bytes(os.urandom(96 * 1024**2))
    tom.git("add", "big")
    tom.git("commit", "--quiet", "--message", "much")
    before = tom.git("ls-remote", "origin", "main")
    repository = next((tom.hub.settings.data / "team").glob("p-*/repo.git"))
    slow = ["-c", "http.postBuffer=65536", "-c", "core.compression=0"]
    push = subprocess.Popen(
        ["git", *slow, "push", "--quiet", "origin", "HEAD:main"],
        cwd=tom.folder / "work",
        env=tom.environment,
        start_new_session=True,
    )
    arriving = "objects/tmp_objdir-incoming-*"
    # It is there for a fraction of a second only.
    while not [*repository.glob(arriving)]:
        assert push.poll() is None, "the push ended before it was seen to arrive"
        time.sleep(0.002)
    os.killpg(push.pid, signal.SIGKILL)
    push.wait()
    tom.hub.wait_for(lambda: not [*repository.glob(arriving)], "it is cleared away")
    assert tom.git("ls-remote", "origin", "main") == before
    assert not [*repository.parent.glob("pushes/*")]
    tom.git("push", "--quiet", "origin", "HEAD:main")
    assert tom.git("ls-remote", "origin", "main") != before


def test_git_runs_apart_with_the_repositories_alone(people: dict[str, Place], shared: Data) -> None:
    hub = people[TESS].hub
    inspected = hub.client.inspect_container(hub.settings.git_container)
    host = inspected["HostConfig"]
    assert (host["NetworkMode"], host["ReadonlyRootfs"]) == ("none", True)
    assert host["CapDrop"] == ["ALL"]
    assert inspected["Config"]["User"].split(":")[0] not in ("", "0")
    assert [mount["Destination"] for mount in inspected["Mounts"]] == ["/team"]
    # Without it nothing is served, and the reason is told.
    hub.engine.run("stop", hub.settings.git_container)
    try:
        answer = hub.request(
            "GET", "/services/mlws/git/wine.git/info/refs?service=git-upload-pack", TESS
        )
        refused(answer, 502, "10104")
    finally:
        hub.engine.run("start", hub.settings.git_container)
    hub.wait_for(lambda: _succeeds(people[TESS], ["ls-remote", shared["git_url"]]), "it is back")


def test_paths_lead_nowhere_else(people: dict[str, Place], shared: Data) -> None:
    tess = people[TESS]
    for path in (
        "git/wine.git/config",
        "git/wine.git/HEAD",
        "git/wine.git/../../../mlws.sqlite",
        "git/..%2f..%2fmlws.sqlite.git/info/refs?service=git-upload-pack",
        "git/wine.git/info/refs?service=git-shell",
        "data/wine/files/md5/..%2f..%2f..%2fpushes",
        "data/wine/files/md5/00/../../../../repo.git/config",
        "data/wine/repo.git/config",
    ):
        url = f"{tess.hub.settings.service_url}/services/mlws/{path}"
        request = requests.Request(
            "GET", url, headers={"Authorization": f"token {tess.hub.token(TESS)}"}
        ).prepare()
        request.url = url  # as it stands, without dots resolved here
        with requests.Session() as session:
            answer = session.send(request, timeout=20, allow_redirects=False)
        assert answer.status_code == 404, (path, answer.status_code, answer.text)


def test_data_is_stored_whole_or_not_at_all(people: dict[str, Place], shared: Data) -> None:
    tom, tim, ted = people[TOM], people[TIM], people[TED]
    content = os.urandom(3 * 1024**2)
    md5 = hashlib.md5(content).hexdigest()
    path = f"wine/files/md5/{md5[:2]}/{md5[2:]}"
    refused(tom.object("GET", path), 404, "50401")
    refused(tim.object("PUT", path, data=content), 403, "10303")
    refused(ted.object("PUT", path, data=content), 404, "10406")
    refused(tom.object("PUT", path, data=content[:-1]), 400, "10209")
    assert tom.object("HEAD", path).status_code == 404
    # The connection ends before all of it is there.
    target = tom.hub.settings.url.removeprefix("http://").split(":")
    with socket.create_connection((target[0], int(target[1]))) as line:
        head = (
            f"PUT /services/mlws/data/{path} HTTP/1.1\r\nHost: hub\r\n"
            f"Authorization: token {tom.hub.token(TOM)}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        line.sendall(head.encode() + content[:100_000])
        incoming = next((tom.hub.settings.data / "team").glob("p-*/incoming"))
        tom.hub.wait_for(lambda: [*incoming.iterdir()], "half of it is there")
    tom.hub.wait_for(lambda: not [*incoming.iterdir()], "it is cleared away")
    assert tom.object("HEAD", path).status_code == 404
    assert tom.object("PUT", path, data=content).status_code == 204
    assert tom.object("PUT", path, data=content).status_code == 204
    assert tim.object("GET", path).content == content
    part = tim.object("GET", path, headers={"Range": "bytes=5-14"})
    assert (part.status_code, part.content) == (206, content[5:15])
    refused(ted.object("GET", path), 404, "10406")
    refused(tom.object("DELETE", path), 405, "50202")
    refused(tom.object("PUT", "wine/readme", data=b"x"), 404, "50401")


@pytest.mark.exhaustive
def test_a_project_takes_no_more_than_it_may(people: dict[str, Place]) -> None:
    ted = people[TED]
    assert ted.ask("POST", "", json={"name": "cellar"}).status_code == 201
    content = os.urandom(100 * 1024**2)
    md5 = hashlib.md5(content).hexdigest()
    path = f"cellar/files/md5/{md5[:2]}/{md5[2:]}"
    assert ted.object("PUT", path, data=content).status_code == 204
    # Sent again, it does not count twice.
    assert ted.object("PUT", path, data=content).status_code == 204
    more = os.urandom(40 * 1024**2)
    other = hashlib.md5(more).hexdigest()
    second = f"cellar/files/md5/{other[:2]}/{other[2:]}"
    chunks = (more[start : start + 2**20] for start in range(0, len(more), 2**20))
    refused(ted.object("PUT", second, data=chunks), 507, "10214")
    assert ted.object("HEAD", second).status_code == 404
    ted.git("clone", "--quiet", ted.ask("GET", "/cellar").json()["data"]["git_url"], "work")
    (ted.folder / "work" / "large").write_bytes(more)
    ted.git("add", "large")
    ted.git("commit", "--quiet", "--message", "too much")
    assert "exceeds maximum allowed size" in ted.git("push", "origin", "HEAD:main", fails=True)
    assert ted.git("ls-remote", "origin") == ""
    small = b"small"
    third = hashlib.md5(small).hexdigest()
    answer = ted.object("PUT", f"cellar/files/md5/{third[:2]}/{third[2:]}", data=small)
    assert answer.status_code == 204
    assert ted.ask("DELETE", "/cellar?confirm=cellar").ok
    assert ted.ask("DELETE", "/cellar?confirm=cellar").ok


def test_a_user_owns_no_more_projects_than_allowed(people: dict[str, Place]) -> None:
    ted = people[TED]
    most = int(ted.hub.settings.shared_projects)
    for number in range(most):
        assert ted.ask("POST", "", json={"name": f"cask-{number}"}).status_code == 201
    refused(ted.ask("POST", "", json={"name": "cask-more"}), 409, "10215")
    for _ in range(2):
        for number in range(most):
            assert ted.ask("DELETE", f"/cask-{number}?confirm=cask-{number}").ok


def test_silent_requests_hold_few_processes(people: dict[str, Place], shared: Data) -> None:
    tom = people[TOM]
    host, port = tom.hub.settings.service_url.removeprefix("http://").split(":")
    head = (
        "POST /services/mlws/git/wine.git/git-upload-pack HTTP/1.1\r\nHost: hub\r\n"
        f"Authorization: token {tom.hub.token(TOM)}\r\n"
        "Content-Type: application/x-git-upload-pack-request\r\nContent-Length: 1000\r\n\r\n"
    )
    lines = [socket.create_connection((host, int(port)), timeout=60) for _ in range(20)]
    try:
        for line in lines:
            line.sendall(head.encode())
        ready: list[socket.socket] = []

        def all_others_are_refused() -> bool:
            ready.extend(select.select([one for one in lines if one not in ready], [], [], 0.1)[0])
            return len(ready) == len(lines) - MAX_GIT_REQUESTS_PER_USER

        tom.hub.wait_for(all_others_are_refused, "all but a few are refused")
        for line in ready:
            assert b" 429 " in line.recv(4096).splitlines()[0]
        # One user's requests are in no other user's way.
        assert requests.get(
            f"{tom.hub.settings.url}/services/mlws/git/wine.git/info/refs?service=git-upload-pack",
            headers={"Authorization": f"token {tom.hub.token(TIM)}"},
            timeout=60,
        ).ok
    finally:
        for line in lines:
            line.close()
    ask = ["ls-remote", shared["git_url"]]
    tom.hub.wait_for(lambda: _succeeds(tom, ask), "they are forgotten when they are closed")


def _succeeds(place: Place, arguments: list[str]) -> bool:
    command = ["git", *arguments]
    answer = subprocess.run(command, env=place.environment, cwd=place.folder, capture_output=True)
    return answer.returncode == 0


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_dvc_itself_pushes_and_pulls(people: dict[str, Place], shared: Data) -> None:
    tess, tom = people[TESS], people[TOM]

    def dvc(place: Place, *arguments: str) -> None:
        command = [sys.executable, "-m", "dvc", *arguments]
        done = subprocess.run(
            command,
            cwd=place.folder / "data",
            env=place.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert not done.returncode, done.stdout + done.stderr

    for place in (tess, tom):
        place.git("clone", "--quiet", shared["git_url"], "data")
        (place.folder / "data" / ".dvc").mkdir()
        (place.folder / "data" / ".dvc" / "config").write_text(
            "[core]\n    remote = team\n['remote \"team\"']\n"
            f"    url = {shared['data_url']}\n    method = PUT\n    auth = custom\n"
            "    custom_auth_header = Authorization\n"
            f"    password = token {place.hub.token(place.user)}\n"
        )
    folder = tess.folder / "data" / "grapes"
    folder.mkdir()
    for number in range(5):
        (folder / str(number)).write_bytes(os.urandom(1000))
    dvc(tess, "add", "--quiet", "grapes")
    dvc(tess, "push", "--quiet")
    shutil.copy(tess.folder / "data" / "grapes.dvc", tom.folder / "data" / "grapes.dvc")
    dvc(tom, "pull", "--quiet")
    for number in range(5):
        got = (tom.folder / "data" / "grapes" / str(number)).read_bytes()
        assert got == (folder / str(number)).read_bytes()


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
def test_dvc_in_a_terminal_needs_no_set_up(people: dict[str, Place], shared: Data) -> None:
    hub = people[TESS].hub
    for user in (TESS, TOM):
        hub.start(user)

    def terminal(user: str, script: str) -> str:
        return hub.shell(user, f"bash -lec {shlex.quote(script)}")

    address = urlsplit(shared["git_url"]).path
    clone = f"git clone -q $MLWS_SERVICE_URL{address} vines && cd vines"
    share = "git add --all && git commit -qm vines && git push -q"
    terminal(
        TESS, f"{clone}; dvc init -q; echo old > vines.txt; dvc add -q vines.txt; dvc push; {share}"
    )
    assert terminal(TOM, f"{clone}; dvc pull -q; cat vines.txt") == "old"
    for user in (TESS, TOM):
        assert "token " not in terminal(user, "cat vines/.dvc/config*")
        hub.stop(user)


def test_owners_choose_the_members(people: dict[str, Place]) -> None:
    tess, tom, tim = people[TESS], people[TOM], people[TIM]
    assert tess.ask("POST", "", json={"name": "beer"}).status_code == 201
    refused(tom.ask("POST", "", json={"name": "beer"}), 409, "50203")
    unknown = refused(
        tess.ask("PUT", "/beer/members/nobody", json={"role": "reader"}), 400, "50201"
    )
    assert unknown["errors"][0]["field"] == "user"
    refused(tess.ask("PUT", f"/beer/members/{TOM}", json={"role": "king"}), 400, "50201")
    refused(tess.ask("PUT", f"/beer/members/{TESS}", json={"role": "reader"}), 409, "10207")
    refused(tess.ask("DELETE", f"/beer/members/{TESS}"), 409, "10207")
    refused(tess.ask("DELETE", f"/beer/members/{TOM}"), 404, "10407")
    assert tess.ask("PUT", f"/beer/members/{TOM}", json={"role": "writer"}).ok
    refused(tom.ask("PUT", f"/beer/members/{TIM}", json={"role": "reader"}), 403, "10303")
    assert tess.ask("PUT", f"/beer/members/{TOM}", json={"role": "owner"}).ok
    assert tom.ask("PUT", f"/beer/members/{TIM}", json={"role": "reader"}).ok
    assert tom.ask("DELETE", f"/beer/members/{TESS}").ok
    refused(tess.ask("GET", "/beer"), 404, "10406")
    # Everybody may leave.
    assert tim.ask("DELETE", f"/beer/members/{TIM}").ok
    refused(tim.ask("GET", "/beer"), 404, "10406")
    for name in ("", "Beer", "-beer", "../beer", "beer.git", "b" * 70, "be er"):
        body = refused(tess.ask("POST", "", json={"name": name}), 400, "50201")
        assert [row["field"] for row in body["errors"]] == ["name"]


def test_a_project_is_deleted_with_care(people: dict[str, Place]) -> None:
    tess, tom = people[TESS], people[TOM]
    assert tess.ask("POST", "", json={"name": "cider"}).status_code == 201
    assert tess.ask("PUT", f"/cider/members/{TOM}", json={"role": "writer"}).ok
    project = tess.ask("GET", "/cider").json()["data"]
    tess.git("clone", "--quiet", project["git_url"], "cider")
    (tess.folder / "cider" / "apples").write_text("many")
    tess.git("add", "apples", inside="cider")
    tess.git("commit", "--quiet", "--message", "apples", inside="cider")
    tess.git("push", "--quiet", "origin", "HEAD:main", inside="cider")
    refused(tom.ask("DELETE", "/cider", params={"confirm": "cider"}), 403, "10303")
    wrong = refused(tess.ask("DELETE", "/cider", params={"confirm": "wine"}), 400, "50201")
    assert wrong["errors"][0]["field"] == "confirm"
    refused(tess.ask("POST", "/cider/restore"), 409, "10208")
    assert tess.ask("DELETE", "/cider", params={"confirm": "cider"}).ok
    assert tess.ask("GET", "/cider").json()["data"]["trashed_at"]
    refused(tom.ask("GET", "/cider"), 404, "10406")
    assert "not found" in tess.git("fetch", fails=True, inside="cider")
    refused(tess.ask("PUT", f"/cider/members/{TIM}", json={"role": "reader"}), 404, "10406")
    # The name is taken as long as it can come back.
    refused(tom.ask("POST", "", json={"name": "cider"}), 409, "50203")
    assert tess.ask("POST", "/cider/restore").ok
    tom.git("clone", "--quiet", project["git_url"], "cider")
    assert (tom.folder / "cider" / "apples").read_text() == "many"
    team = tess.hub.settings.data / "team"
    there = {path.name for path in team.glob("p-*")}
    for _ in range(2):
        assert tess.ask("DELETE", "/cider", params={"confirm": "cider"}).ok
    refused(tess.ask("GET", "/cider"), 404, "10406")
    assert len(there - {path.name for path in team.glob("p-*")}) == 1
    # A new one of the same name has nothing of the old.
    assert tom.ask("POST", "", json={"name": "cider"}).status_code == 201
    assert tom.git("ls-remote", project["git_url"], inside="cider") == ""


def test_the_audit_log_tells_who_did_what(
    people: dict[str, Place], shared: Data, told: Callable[[str, str], list[Data]]
) -> None:
    tess, tom, tim = people[TESS], people[TOM], people[TIM]
    clone(tom, shared)
    tom.git("fetch", "--quiet")
    tom.git("reset", "--quiet", "--hard", "origin/main")
    old = tom.git("rev-parse", "HEAD").strip()
    new = tom.commit("for-the-log", "x")
    tom.git("tag", "v1")
    tom.git("push", "--quiet", "origin", "HEAD:main", "v1")
    push = told("project.push", "wine")[0]
    assert push["actor"] == TOM
    refs = {row["ref"]: (row["old"], row["new"]) for row in push["details"]["refs"]}
    assert refs == {"refs/heads/main": (old, new), "refs/tags/v1": ("0" * 40, new)}
    tim.git("clone", "--quiet", shared["git_url"], "for-the-log")

    def fetched() -> bool:
        return TIM in [row["actor"] for row in told("project.fetch", "wine")]

    tim.hub.wait_for(fetched, "Tim's clone is told")
    content = b"for the log"
    md5 = hashlib.md5(content).hexdigest()
    path = f"wine/files/md5/{md5[:2]}/{md5[2:]}"
    assert tom.object("PUT", path, data=content).ok
    assert tim.object("GET", path).ok
    for action, actor in (("project.data.write", TOM), ("project.data.read", TIM)):
        tim.hub.wait_for(
            lambda action=action, actor=actor: [
                row
                for row in told(action, "wine")
                if row["actor"] == actor and row["details"]["bytes"] >= len(content)
            ],
            f"{action} is told",
            20,
        )
    assert told("project.create", "wine")[0]["actor"] == TESS
    added = told("project.member.add", "wine")
    assert {row["details"]["user"]: row["details"]["role"] for row in added} == {
        TOM: "writer",
        TIM: "reader",
    }
    assert tess.hub.token(TOM) not in json.dumps(told("project.push", "wine"))
    assert all(tess.hub.token(user) not in tess.hub.log.read_text() for user in (TESS, TOM))


def test_administrators_are_owners_everywhere(people: dict[str, Place], shared: Data) -> None:
    hub = people[TESS].hub
    found = hub.service("GET", "team/projects/wine", ADMINISTRATOR).json()["data"]
    assert found["role"] == "owner"
    assert ADMINISTRATOR not in [row["user"] for row in found["members"]]


@pytest.mark.exhaustive
@pytest.mark.slow(reason="starts real containers")
@pytest.mark.browser
def test_the_lab_shows_shares_and_clones(
    people: dict[str, Place], browser: Browser, shoot: Callable[[str, Page], None]
) -> None:
    hub = people[TESS].hub
    with signed_in(browser, hub, TESS) as page:
        hub.start(TESS, {"resources": {"cpu": "1", "memory": "1Gi"}})
        page.goto(f"{hub.url}/user/{TESS}/lab?reset")
        open_sidebar(page)
        # Who has no project yet may begin here.
        beginning = page.locator("#jp-mlws-team-alone")
        beginning.get_by_role("button", name="New Shared Project").click()
        dialog = page.get_by_role("dialog", name="New Shared Project")
        dialog.get_by_label("Name").fill("No Name")
        dialog.get_by_role("button", name="Create").click()
        expect(dialog.get_by_role("alert")).to_contain_text("use lowercase letters")
        shoot("team-create-refused", page)
        dialog.get_by_label("Name").fill("grapes")
        dialog.get_by_label("Description").fill("For everybody at the table")
        dialog.get_by_role("button", name="Create").click()
        row = beginning.locator('[data-mlws-shared="grapes"]')
        expect(row).to_contain_text("Owner")
        row.locator("summary").click()
        row.get_by_label("Add Hub user").fill("nobody")
        row.get_by_role("button", name="Add", exact=True).click()
        expect(row.get_by_role("alert")).to_contain_text("is not a user of this Hub")
        row.get_by_label("Add Hub user").fill(TOM)
        row.get_by_role("button", name="Add", exact=True).click()
        expect(row.locator(f'[data-mlws-member="{TOM}"]')).to_be_visible()
        shoot("team-members", page)
        row.get_by_role("button", name="Clone grapes").click()
        config = "cat ~/grapes/.dvc/config.local ~/grapes/.git/config 2>/dev/null || true"
        hub.wait_for(lambda: "/data/grapes" in hub.shell(TESS, config), "it is cloned")
        assert "/git/grapes.git" in hub.shell(TESS, config)
        shoot("team-cloned", page)
        page.locator(".jp-mlws-TrustButton").click()
        page.locator('.jp-SideBar [data-id="jp-mlws-workspace"]').click()
        titles = page.locator("#jp-mlws-workspace .lm-AccordionPanel-title")
        titles.filter(has=page.get_by_text("Shared projects", exact=True)).click()
        row = page.locator('#jp-mlws-team [data-mlws-shared="grapes"]')
        expect(row).to_contain_text("2 members")
        shoot("team-section", page)
        row.get_by_role("button", name="Delete grapes").click()
        page.get_by_label("Type the project name to confirm").fill("grapes")
        page.locator(".jp-Dialog .jp-mod-accept").click()
        expect(row).to_contain_text("In trash")
        row.get_by_role("button", name="Restore grapes").click()
        expect(row).to_contain_text("Owner")
    assert people[TOM].ask("GET", "/grapes").json()["data"]["role"] == "writer"
    hub.stop(TESS)
