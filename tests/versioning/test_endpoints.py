"""The endpoints of branches, remotes, datasets and models, over HTTP, in both languages."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.workspace import Workspace
from mlws.core.project import Project
from tests.versioning.working_trees import tree_of

Command = Callable[..., str]


async def test_the_way_of_a_branch(call, done, workspace: Project, git: Command) -> None:
    root = workspace.root
    status, answer, headers = await call(
        "POST", "git/branch", {"name": "功能/一", "checkout": True}
    )
    assert (status, answer["data"]["current"]) == (201, True)
    assert headers["Location"].endswith("/git/branch/%E5%8A%9F%E8%83%BD~1%E4%B8%80")
    (root / "data" / "wine.csv").write_text("branch\n")
    await call("POST", "git/commit", {"message": "On the branch"})

    operation = await done("git/checkout", {"branch": "main"})
    assert operation["state"] == "COMPLETED"
    assert operation["result"]["branch"] == "main"
    assert operation["result"]["data"] == ["data/wine.csv"]
    assert (root / "data" / "wine.csv").read_text() == "a,b\n1,2\n"
    _, answer, _ = await call("GET", "git/branches")
    # The newest first, which two commits of one second do not tell.
    found = {branch["name"]: branch["current"] for branch in answer["data"]["items"]}
    assert found == {"功能/一": False, "main": True}
    _, answer, _ = await call("GET", "git/branch/功能~1一")
    assert answer["data"]["subject"] == "On the branch"

    (root / "data" / "wine.csv").write_text("mine\n")
    status, answer, _ = await call("POST", "git/checkout", {"branch": "功能/一"}, "zh-CN")
    assert (status, answer["code"]) == (409, "30202")
    assert answer["details"]["paths"] == ["data/wine.csv"]
    assert answer["message"] == "未提交的更改将会丢失：data/wine.csv"
    assert (root / "data" / "wine.csv").read_text() == "mine\n"

    status, answer, _ = await call("DELETE", "git/branch/功能~1一")
    assert (status, answer["code"]) == (409, "30212")
    status, answer, _ = await call("DELETE", "git/branch/功能~1一", force="true")
    assert (status, answer["data"]["name"]) == (200, "功能/一")
    assert git(root, "branch", "--format=%(refname:short)") == "main\n"


async def test_a_commit_is_found_in_the_history(call, workspace: Project) -> None:
    (workspace.root / "train.py").write_text("changed\n")
    (workspace.root / "big.bin").write_bytes(b"x" * (10 * 1024 * 1024))
    status, answer, _ = await call("POST", "git/commit", {"message": "A change"}, "zh-CN")
    assert status == 201
    version = answer["data"]
    (warning,) = version.pop("warnings")
    assert "big.bin" in warning
    assert "作为数据跟踪" in warning
    _, answer, _ = await call("GET", "git/history")
    assert version in answer["data"]["items"]
    _, answer, _ = await call("GET", f"git/commits/{version['commit_id'][:10]}")
    assert answer["data"] == version


async def test_worktrees_and_submodules_are_listed(
    call, workspace: Project, git: Command, tmp_path: Path
) -> None:
    root = workspace.root
    for path in ("git/submodules", "git/worktrees"):
        _, answer, _ = await call("GET", path)
        assert len(answer["data"]["items"]) == (path == "git/worktrees")
    other = tmp_path / "other tree"
    git(root, "worktree", "add", "-q", "-b", "aside", str(other))
    git(tmp_path, "init", "-q", "-b", "main", "library")
    git(tmp_path / "library", "commit", "-q", "--allow-empty", "-m", "Library")
    allow = ("-c", "protocol.file.allow=always")
    git(root, *allow, "submodule", "--quiet", "add", str(tmp_path / "library"), "lib/部件")
    recorded = git(root / "lib/部件", "rev-parse", "HEAD").strip()
    git(root / "lib/部件", "commit", "-q", "--allow-empty", "-m", "Moved")
    _, answer, _ = await call("GET", "git/worktrees")
    main, aside = answer["data"]["items"]
    assert (main["current"], main["path"], main["branch"]) == (True, str(root), "main")
    assert (aside["path"], aside["branch"], aside["missing"]) == (str(other), "aside", False)
    git(root, "worktree", "lock", str(other))
    shutil.rmtree(other)
    _, answer, _ = await call("GET", "git/worktrees")
    assert answer["data"]["items"][1]["locked"]
    _, answer, _ = await call("GET", "git/submodules")
    (library,) = answer["data"]["items"]
    assert (library["path"], library["commit"]) == ("lib/部件", recorded)
    assert library["head"] == git(root / "lib/部件", "rev-parse", "HEAD").strip() != recorded
    git(root, "submodule", "--quiet", "deinit", "-f", "lib/部件")
    git(root, "config", "-f", ".gitmodules", "submodule.lib/部件.url", "https://me:pw@host/lib")
    _, answer, _ = await call("GET", "git/submodules")
    (library,) = answer["data"]["items"]
    assert library["head"] is None
    assert "pw" not in library["url"]
    (root / ".gitmodules").write_text("[submodule")
    _, answer, _ = await call("GET", "git/submodules")
    assert answer["data"]["items"] == []


async def test_push_and_pull_are_operations(
    call, done, workspace: Project, git: Command, tmp_path: Path
) -> None:
    root = workspace.root
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    git(root, "remote", "add", "origin", str(tmp_path / "bare.git"))
    _, answer, _ = await call("GET", "git/remotes")
    assert [remote["name"] for remote in answer["data"]["items"]] == ["origin"]
    operation = await done("git/push", {})
    assert (operation["state"], operation["error"]["code"]) == ("FAILED", "30214")
    config = f"[core]\n    remote = store\n['remote \"store\"']\n    url = {tmp_path / 'store'}\n"
    with (root / ".dvc" / "config").open("a") as file:
        file.write(config)
    await call("POST", "git/commit", {"message": "A remote for data"})
    operation = await done("git/push", {})
    assert operation["state"] == "COMPLETED", operation
    assert operation["result"]["data"] == ["data/images", "data/wine.csv"]

    git(tmp_path, "clone", "-q", str(tmp_path / "bare.git"), "theirs")
    theirs = Workspace.open(tmp_path / "theirs")
    theirs.remotes.pull()
    (tmp_path / "theirs" / "data" / "wine.csv").write_text("theirs\n")
    theirs.snapshots.create("Theirs")
    theirs.remotes.push()
    operation = await done("git/pull", {})
    assert operation["result"]["outcome"] == "fast_forward", operation
    assert tree_of(root) == tree_of(tmp_path / "theirs")


async def test_the_way_of_a_dataset(call, done, workspace: Project) -> None:
    root = workspace.root
    (root / "data" / "新.csv").write_text("one\n")
    status, answer, headers = await call("POST", "datasets", {"path": "data/新.csv"})
    assert (status, answer["data"]["size"]) == (201, 4)
    assert headers["Location"].endswith("/datasets/data~1%E6%96%B0.csv")
    _, answer, _ = await call("POST", "git/commit", {"message": "First"})
    first = answer["data"]["commit_id"]
    (root / "data" / "新.csv").write_text("two\n")
    await call("POST", "git/commit", {"message": "Second"})
    _, answer, _ = await call("GET", "datasets", limit=1, q=".csv")
    assert [item["path"] for item in answer["data"]["items"]] == ["data/wine.csv"]
    _, answer, _ = await call("GET", "datasets", q=".csv", cursor=answer["data"]["next_cursor"])
    assert [item["path"] for item in answer["data"]["items"]] == ["data/新.csv"]
    _, answer, _ = await call("GET", "datasets/data~1新.csv")
    assert [v["subject"] for v in answer["data"]["versions"]] == ["Second", "First"]
    operation = await done("datasets/data~1新.csv/checkout", {"version": first})
    assert operation["state"] == "COMPLETED", operation
    assert (root / "data" / "新.csv").read_text() == "one\n"
    operation = await done("datasets/data~1新.csv/push")
    assert operation["error"]["code"] == "30214"


async def test_the_way_of_a_model(call, workspace: Project) -> None:
    (workspace.root / "m.bin").write_bytes(b"weights")
    body = {
        "name": "酒",
        "params": {"depth": 3},
        "metrics": {"accuracy": 0.9},
        "artifacts": ["m.bin"],
    }
    status, answer, headers = await call("POST", "models", body)
    assert status == 201, answer
    assert headers["Location"].endswith("/models/%E9%85%92/versions/1")
    made = answer["data"]
    # The fields of the specification's ModelVersion.
    assert {"id", "params", "metrics", "artifacts", "timestamp"} <= set(made)
    assert (made["artifacts"], made["metrics"]) == (["m.bin"], {"accuracy": 0.9})
    await call("POST", "models", {**body, "params": {"depth": 5}})
    _, answer, _ = await call("GET", "models")
    assert [(m["name"], m["newest"]["version"]) for m in answer["data"]["items"]] == [("酒", 2)]
    _, answer, _ = await call("GET", "models/酒")
    assert answer["data"]["versions"][1] == made
    _, answer, _ = await call("GET", "models/酒/versions/1")
    assert answer["data"] == made
    _, answer, _ = await call("GET", "models/compare", ids="酒:1,酒:2")
    assert answer["data"]["params"] == [{"name": "depth", "values": ["3", "5"], "differs": True}]
    status, answer, _ = await call("PUT", "models/酒/aliases/champion", {"version": 1})
    assert (status, answer["data"]["aliases"]) == (200, {"champion": 1})
    status, answer, _ = await call("DELETE", "models/酒/aliases/champion")
    assert (status, answer["data"]["aliases"]) == (200, {})
    wrong = {"name": "a/b", "artifacts": ["no-such"], "run_id": "0" * 32}
    status, answer, _ = await call("POST", "models", wrong, "zh-CN")
    assert (status, answer["code"]) == (400, "50201")
    assert {row["field"]: row["message"] for row in answer["errors"]} == {
        "name": '不能是路径，也不能包含 "/"、":" 或引号',
        "artifacts.0": "文件或文件夹不存在",
        "run_id": "MLflow 中没有该运行",
    }


REFUSED = [
    ("POST", "git/commit", {}, 400, "50201", ["message"]),
    ("POST", "git/commit", {"message": " ", "paths": []}, 400, "50201", ["message", "paths"]),
    ("POST", "git/commit", {"message": 1, "paths": "x"}, 400, "50201", ["message", "paths"]),
    ("POST", "git/commit", {"message": "x"}, 400, "30203", []),
    ("POST", "git/commit", {"message": "x", "paths": ["../y"]}, 403, "50302", []),
    ("GET", "git/history", {"limit": "0", "cursor": "1", "x": "2"}, 400, "50201", ["limit", "x"]),
    ("GET", "git/history", {"ref": "no-such"}, 404, "30404", []),
    ("GET", "models", {"limit": "many", "x": "2"}, 400, "50201", ["limit", "x"]),
    ("GET", "datasets", {"limit": "501", "x": "2"}, 400, "50201", ["limit", "x"]),
    ("POST", "git/branch", {}, 400, "50201", ["name"]),
    ("POST", "git/branch", {"name": "a b"}, 400, "50201", ["name"]),
    ("POST", "git/branch", {"name": 1, "from": 2}, 400, "50201", ["name", "from"]),
    ("POST", "git/branch", {"name": "main"}, 409, "50203", ["name"]),
    ("POST", "git/branch", {"name": "x", "from": "no-such"}, 404, "30404", []),
    ("POST", "git/checkout", {}, 400, "50201", ["branch", "ref"]),
    ("POST", "git/checkout", {"branch": "a..b", "create": True}, 400, "50201", ["branch"]),
    ("POST", "git/checkout", {"branch": "no-such"}, 404, "30404", []),
    ("POST", "git/checkout", {"ref": "--orphan"}, 404, "30404", []),
    ("GET", "git/commits/no-such", None, 404, "30404", []),
    ("GET", "git/branch/no-such", None, 404, "30404", []),
    ("DELETE", "git/branch/main", None, 409, "30211", []),
    ("DELETE", "git/branch/no-such", None, 404, "30404", []),
    ("POST", "git/push", {}, 404, "30404", []),
    ("POST", "git/push", {"remote": 1, "branch": []}, 400, "50201", ["remote", "branch"]),
    ("POST", "git/pull", {"remote": "no-such"}, 404, "30404", []),
    ("POST", "datasets", {}, 400, "50201", ["path"]),
    ("POST", "datasets", {"path": "no-such"}, 400, "50201", ["path"]),
    ("POST", "datasets", {"path": "../x"}, 403, "50302", []),
    ("POST", "datasets", {"path": "train.py"}, 409, "30218", ["path"]),
    ("POST", "datasets", {"path": "data"}, 409, "30219", ["path"]),
    ("GET", "datasets/no-such", None, 404, "30404", []),
    ("POST", "datasets/no-such/push", None, 404, "30404", []),
    ("POST", "datasets/no-such/pull", None, 404, "30404", []),
    ("POST", "datasets/data~1wine.csv/checkout", {"version": "x"}, 404, "30404", []),
    ("POST", "datasets/data~1wine.csv/checkout", {}, 400, "50201", ["version"]),
    ("POST", "models", {"name": " ", "metrics": {"a": "b"}}, 400, "50201", ["name", "metrics.a"]),
    ("POST", "models", {"name": "m", "metrics": {"a": 1e999}}, 400, "50201", ["metrics.a"]),
    ("POST", "models", {"name": "m", "params": {"a": []}}, 400, "50201", ["params.a"]),
    ("POST", "models", {"name": "m", "artifacts": ["../x"]}, 403, "50302", ["artifacts.0"]),
    ("GET", "models/compare", None, 400, "50201", ["ids"]),
    ("GET", "models/no-such", None, 404, "30404", []),
    ("GET", "models/no-such/versions/1", None, 404, "30404", []),
    ("GET", "models/no-such/versions/x", None, 404, "30404", []),
    ("PUT", "models/no-such/aliases/a", {"version": 0}, 400, "50201", ["version"]),
    ("PUT", "models/no-such/aliases/a", {"version": 1}, 404, "30404", []),
    ("DELETE", "models/no-such/aliases/a", None, 404, "30404", []),
]


@pytest.mark.parametrize(("method", "path", "body", "status", "code", "fields"), REFUSED)
async def test_bad_input_is_refused_with_every_field_named(
    method, path, body, status, code, fields, call, workspace: Project
) -> None:
    before = tree_of(workspace.root)
    sent, query = (None, body or {}) if method == "GET" else (body, {})
    answered, english, _ = await call(method, path, sent, **query)
    assert (answered, english["code"]) == (status, code), english
    assert [row["field"] for row in english["errors"]] == fields
    _, chinese, _ = await call(method, path, sent, "zh-CN", **query)
    assert chinese["message"] != english["message"]
    assert all("无效" not in row["message"] for row in chinese["errors"])
    after = {path: text for path, text in tree_of(workspace.root).items() if "mlflow" not in path}
    assert after == before


async def test_the_way_of_a_merge(call, done, workspace: Project, git: Command) -> None:
    root = workspace.root
    git(root, "checkout", "-q", "-b", "other")
    (root / "train.py").write_text("theirs\n")
    git(root, "commit", "-qam", "Theirs")
    git(root, "checkout", "-q", "main")
    (root / "train.py").write_text("ours\n")
    git(root, "commit", "-qam", "Ours")
    operation = await done("git/merge", {"ref": "other"})
    assert operation["result"]["outcome"] == "conflicts", operation
    assert [row["path"] for row in operation["result"]["conflicts"]] == ["train.py"]
    status, answer, _ = await call("POST", "git/merge", {"ref": "other"}, "zh-CN")
    assert (status, answer["code"]) == (409, "30201")
    _, answer, _ = await call("GET", "git/conflicts/train.py")
    sides = answer["data"]
    assert (sides["ours"], sides["theirs"]) == ("ours\n", "theirs\n")
    status, answer, _ = await call("POST", "git/merge/continue", {})
    assert (status, answer["code"]) == (409, "30201")
    status, answer, _ = await call("GET", "git/conflicts/no-such")
    assert (status, answer["code"]) == (404, "30404")
    status, answer, _ = await call("POST", "git/conflicts/train.py", {}, "zh-CN")
    assert (status, answer["code"]) == (400, "50201")
    assert {row["field"] for row in answer["errors"]} == {"take", "text", "cells"}
    status, answer, _ = await call("POST", "git/merge/abort", {})
    assert status == 200
    assert (root / "train.py").read_text() == "ours\n"
    await done("git/merge", {"ref": "other"})
    status, answer, _ = await call("POST", "git/conflicts/train.py", {"take": "both"})
    assert (status, answer["data"]["items"]) == (200, [])
    operation = await done("git/merge/continue", {"message": "合并"})
    assert operation["result"]["outcome"] == "merged", operation
    assert git(root, "log", "-1", "--format=%s") == "合并\n"
    assert (root / "train.py").read_text() == "ours\ntheirs\n"

    # What git itself has begun.
    with pytest.raises(subprocess.CalledProcessError):
        git(root, "revert", "--no-edit", "main~1")
    _, answer, _ = await call("GET", "git/status")
    assert (answer["data"]["operation"], answer["data"]["actions"]) == (
        "revert",
        ["continue", "skip", "abort"],
    )
    for path in ("git/merge/abort", "git/merge/continue", "git/operation/continue"):
        status, answer, _ = await call("POST", path, {})
        assert (status, answer["code"], answer["details"]["operation"]) == (409, "30201", "revert")
    operation = await done("git/operation/abort", {})
    assert (operation["kind"], operation["result"]["unfinished"]) == ("revert", None), operation
    status, answer, _ = await call("POST", "git/operation/skip", {}, "zh-CN")
    assert (status, answer["code"]) == (409, "30260")


async def test_the_way_of_a_hunk(call, workspace: Project, git: Command) -> None:
    root = workspace.root
    (root / "train.py").write_text("print('two')\n")
    (root / "new.py").write_text("new\n")
    _, answer, _ = await call("GET", "git/diff", path="train.py", staged="false")
    assert "data" in answer, answer
    hunk = answer["data"]["hunks"][0]
    body = {"hunks": [{"path": "train.py", "ids": [hunk["id"]]}]}
    status, answer, _ = await call("POST", "git/stage", body)
    assert status == 200
    rows = {row["path"]: row for row in answer["data"]["changes"]}
    assert (rows["train.py"]["index_state"], rows["train.py"]["worktree_state"]) == (
        "modified",
        None,
    )
    status, answer, _ = await call("POST", "git/stage", body, "zh-CN")
    assert (status, answer["code"]) == (409, "30251")
    _, answer, _ = await call("GET", "git/diff", staged="true")
    assert [row["path"] for row in answer["data"]["files"]] == ["train.py"]
    status, answer, _ = await call("POST", "git/commit", {"message": "Staged", "staged": True})
    assert [row["path"] for row in answer["data"]["changes"]] == ["train.py"]
    status, answer, _ = await call(
        "POST", "git/commit", {"message": "x", "staged": True, "paths": ["a"]}, "zh-CN"
    )
    assert (status, answer["errors"][0]["message"]) == (400, "paths 与 staged 不能同时指定")
    await call("POST", "git/stage", {"all": True})
    status, answer, _ = await call("POST", "git/unstage", {"paths": ["new.py"]})
    assert [row["worktree_state"] for row in answer["data"]["changes"]] == ["untracked"]
    status, answer, _ = await call("POST", "git/discard", {"paths": ["new.py"]})
    assert git(root, "show", f"{answer['data']['safety']}:new.py") == "new\n"


async def test_the_way_back(call, done, workspace: Project, git: Command) -> None:
    root = workspace.root
    (root / "train.py").write_text("print('two')\n")
    await call("POST", "git/commit", {"message": "Two"})
    operation = await done("git/rollback", {"to": "HEAD~1", "mode": "revert"})
    assert operation["state"] == "COMPLETED", operation
    assert (root / "train.py").read_text() == "print('one')\n"
    status, answer, headers = await call("POST", "git/tag", {"name": "v/1", "message": "One"})
    assert (status, answer["data"]["message"]) == (201, "One")
    assert headers["Location"].endswith("/git/tag/v~11")
    _, answer, _ = await call("GET", "git/tags")
    assert [tag["name"] for tag in answer["data"]["items"]] == ["v/1"]
    status, answer, _ = await call("POST", "git/tag", {"name": "v/1"})
    assert (status, answer["code"]) == (409, "50203")
    assert (await call("DELETE", "git/tag/v~11"))[0] == 200
    (root / "train.py").write_text("work\n")
    operation = await done("git/stashes", {"message": "Work"})
    assert operation["state"] == "COMPLETED", operation
    _, answer, _ = await call("GET", "git/stashes")
    (stash,) = answer["data"]["items"]
    assert (stash["message"], (root / "train.py").read_text()) == ("Work", "print('one')\n")
    operation = await done(f"git/stashes/{stash['id']}/apply", {})
    assert operation["state"] == "COMPLETED", operation
    assert (root / "train.py").read_text() == "work\n"
    assert (await call("DELETE", f"git/stashes/{stash['id']}"))[1]["code"] == "30404"


async def test_remotes_by_name(call, workspace: Project) -> None:
    status, answer, _ = await call("PUT", "git/remotes/far", {"url": "https://example.com/a.git"})
    assert (status, answer["data"]["url"]) == (200, "https://example.com/a.git")
    wrong = {"url": "https://me:pw@example.com/a.git", "push_url": "ext::sh"}
    status, answer, _ = await call("PUT", "git/remotes/far", wrong, "zh-CN")
    assert (status, {row["field"] for row in answer["errors"]}) == (400, {"url", "push_url"})
    assert "pw" not in json.dumps(answer)
    assert (await call("GET", "git/remotes/far"))[1]["data"]["name"] == "far"
    assert (await call("DELETE", "git/remotes/far"))[0] == 200
    assert (await call("GET", "git/remotes/far"))[1]["code"] == "30404"
