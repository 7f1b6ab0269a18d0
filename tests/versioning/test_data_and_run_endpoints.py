"""The endpoints of datasets' contents, remotes for data, runs, reproductions and lineage."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from mlws.core.project import Project


async def test_the_way_of_data(call, done, workspace: Project, tmp_path: Path) -> None:
    remotes = "datasets/remotes"
    secret = {"access_key_id": "key", "secret_access_key": "hush-hush"}
    status, answer, _ = await call("PUT", f"{remotes}/away", {"url": "s3://b/x", **secret})
    assert (status, answer["data"]["credentials"]) == (200, ["access_key_id", "secret_access_key"])
    for path in (remotes, f"{remotes}/away"):
        _, answer, _ = await call("GET", path)
        assert "hush" not in str(answer)
    status, answer, _ = await call("PUT", f"{remotes}/A", {"url": "s3://b", "user": "u"}, "zh-CN")
    assert (status, answer["code"]) == (400, "50201")
    assert [row["field"] for row in answer["errors"]] == ["name", "user"]
    for odd in ({"url": "s3://["}, {"url": "s3://b", "endpoint_url": "http://["}):
        status, answer, _ = await call("PUT", f"{remotes}/away", odd)
        assert (status, answer["errors"][0]["field"]) == (400, [*odd][-1])
    status, _, _ = await call("PUT", f"{remotes}/away", {"url": "s3://b", "secret": "x"})
    assert status == 400
    assert (await call("DELETE", f"{remotes}/away"))[1]["data"]["name"] == "away"
    assert (await call("DELETE", f"{remotes}/away"))[0] == 404
    await call("PUT", f"{remotes}/store", {"url": str(tmp_path / "store")})
    _, answer, _ = await call("POST", f"{remotes}/store/check", {})
    assert answer["data"] == {"name": "store", "reachable": True}

    dataset = "datasets/data~1images"
    places = (await done("datasets/places"))["result"]
    assert (places["remote"], places["unreachable"]) == ("store", None)
    assert [(p["path"], p["cached"], p["remote"]) for p in places["items"]] == [
        ("data/images", True, False),
        ("data/wine.csv", True, False),
    ]
    assert (await done(f"{dataset}/push"))["state"] == "COMPLETED"
    shutil.rmtree(workspace.root / ".dvc" / "cache")
    places = (await done("datasets/places"))["result"]
    assert [(p["cached"], p["remote"]) for p in places["items"]] == [(False, True), (False, False)]
    assert (await done(f"{dataset}/pull"))["state"] == "COMPLETED"
    (tmp_path / "store").rename(tmp_path / "away")
    (tmp_path / "store").write_text("no folder")
    places = (await done("datasets/places"))["result"]
    assert "NotADirectory" in places["unreachable"]
    assert [(p["cached"], p["remote"]) for p in places["items"]] == [(True, None), (False, None)]
    (tmp_path / "store").unlink()
    (tmp_path / "away").rename(tmp_path / "store")
    verified = (await done(f"{dataset}/verify", {"remote": "read"}))["result"]
    assert (verified["whole"], verified["objects"]) == (True, 4)
    status, answer, _ = await call("POST", f"{dataset}/verify", {"version": "nowhere"})
    assert (status, answer["code"]) == (404, "30404")
    status, answer, _ = await call("POST", f"{dataset}/verify", {"remote": "maybe"})
    assert (status, answer["errors"][0]["field"]) == (400, "remote")
    (workspace.root / "data" / "images" / "more.bin").write_bytes(b"12")
    _, answer, _ = await call("GET", f"{dataset}/diff")
    (item,) = answer["data"]["items"]
    assert (item["path"], item["old_path"]) == ("data/images/more.bin", None)
    assert (item["state"], item["from_size"], item["to_size"]) == ("added", None, 2)
    _, answer, _ = await call(
        "GET", f"{dataset}/diff", None, "en", **{"from": "HEAD", "to": "HEAD"}
    )
    assert (answer["data"]["unchanged"], answer["data"]["from"]["files"]) == (3, 3)
    _, answer, _ = await call("GET", "datasets/storage")
    assert answer["data"]["remote"] == "store"
    given = {"url": (tmp_path / "x.csv").as_uri(), "path": "x.csv"}
    (tmp_path / "x.csv").write_text("x\n")
    assert (await done("datasets/import", given))["result"]["path"] == "x.csv"
    odd = {**given, "url": "http://["}
    for body, field in (({**given, "url": "x"}, "url"), (odd, "url"), (given, "path")):
        status, answer, _ = await call("POST", "datasets/import", body)
        assert (status, answer["errors"][0]["field"]) == (400, field)


@pytest.mark.slow(reason="real runs and commits")
async def test_the_way_of_a_run(call, done, workspace: Project) -> None:
    (workspace.root / "train.py").write_text("print('now')\n")
    _, answer, _ = await call("POST", "runs/state", {})
    assert answer["data"]["dirty"] is True
    status, answer, headers = await call("POST", "runs", {"name": "one", "params": {"a": 1}})
    begun = answer["data"]
    assert status == 201
    assert headers["Location"].endswith(f"/runs/{begun['id']}")
    _, answer, _ = await call("GET", f"runs/{begun['id']}")
    assert (answer["data"]["status"], answer["data"]["params"]) == ("RUNNING", {"a": "1"})
    _, answer, _ = await call("POST", f"runs/{begun['id']}/end", {"status": "FAILED", "error": "x"})
    assert answer["data"]["status"] == "FAILED"
    _, answer, _ = await call("GET", "runs", sort="params.a DESC", columns="params.a")
    assert [row["name"] for row in answer["data"]["items"]] == ["one"]
    status, answer, _ = await call("GET", "runs", None, "zh-CN", filter="bad", sort="bad")
    assert (status, answer["errors"][0]["field"]) == (400, "filter")
    curve = {"metric": "loss", "ids": begun["id"]}
    assert (await call("GET", "runs/curves", None, "en", **curve))[1]["data"] == {
        "metric": "loss",
        "items": [
            {
                "run": begun["id"],
                "steps": [],
                "times": [],
                "values": [],
                "count": 0,
                "not_finite": 0,
            }
        ],
    }
    for part in ("metrics", "files", "models"):
        assert (await call("GET", f"runs/{begun['id']}/{part}"))[1]["data"]["items"] == []
    _, answer, _ = await call("GET", f"runs/{begun['id']}/environments", previous=begun["id"])
    assert answer["data"] == {"environments": [], "changes": []}
    assert (await call("GET", f"runs/{begun['id']}/preview", path="no-such"))[0] == 404
    assert (await call("GET", "runs/curves", None, "en", **{**curve, "ids": "nobody"}))[0] == 404
    columns = {
        "params": ["a"],
        "metrics": [],
        "tags": [],
        "experiments": ["project"],
        "migration": None,
    }
    assert (await call("GET", "runs/columns"))[1]["data"] == columns
    _, answer, _ = await call("GET", "runs/groups", by="params.a")
    group = {"value": "1", "count": 1, "metrics": {}}
    assert answer["data"] == {"items": [group], "more": 0}
    status, answer, _ = await call("GET", "runs/groups", by="metrics.a")
    assert (status, answer["errors"][0]["field"]) == (400, "by")

    change = {"name": "best", "note": "*x*", "tags": {"team": "a"}}
    _, answer, _ = await call("PATCH", f"runs/{begun['id']}", change)
    assert [answer["data"][key] for key in ("title", "note", "tags")] == [*change.values()]
    refused = {"tags": {"mlflow.x": "1", "y": 1}, "archived": "perhaps"}
    status, answer, _ = await call("PATCH", f"runs/{begun['id']}", refused)
    assert (status, len(answer["errors"])) == (400, 2)
    status, answer, _ = await call("PATCH", f"runs/{begun['id']}", {"tags": {"mlflow.x": "1"}})
    assert (status, answer["errors"][0]["field"]) == (400, "tags.mlflow.x")
    assert (await call("PATCH", "runs/nobody", {"name": "x"}))[0] == 404
    bulk = {"ids": [begun["id"], "nobody"], "starred": True}
    status, answer, _ = await call("POST", "runs/tags", bulk)
    assert (status, answer["details"]["name"]) == (404, "nobody")
    _, answer, _ = await call("POST", "runs/tags", {**bulk, "ids": [begun["id"]]})
    assert [row["starred"] for row in answer["data"]["items"]] == [True]
    _, answer, _ = await call("GET", "runs/resolve", name="best")
    assert answer["data"]["id"] == begun["id"]
    _, answer, _ = await call("DELETE", f"runs/{begun['id']}")
    assert answer["data"]["restore"] == f"jupyter mlws runs restore {begun['id']}"
    assert (await call("GET", "runs"))[1]["data"]["items"] == []
    assert len((await call("GET", "runs", deleted="true"))[1]["data"]["items"]) == 1
    _, answer, _ = await call("POST", f"runs/{begun['id']}/restore", {})
    assert answer["data"]["deleted"] is False

    _, answer, _ = await call("POST", "models", {"name": "wine", "run_id": begun["id"]})
    await call("PUT", "models/wine/aliases/champion", {"version": 1})
    _, answer, _ = await call("GET", "models/wine/aliases/history")
    assert [(row["alias"], row["version"]) for row in answer["data"]["items"]] == [("champion", 1)]
    _, answer, _ = await call("GET", "models/best", metric="loss")
    assert (answer["data"]["mode"], answer["data"]["items"]) == ("min", [])
    _, answer, _ = await call("GET", "lineage", of="model:wine:1")
    assert {node["kind"] for node in answer["data"]["nodes"]} >= {"model", "run", "snapshot"}
    status, answer, _ = await call("GET", "lineage", of="nothing")
    assert (status, answer["errors"][0]["field"]) == (400, "of")

    made = (await done("runs/wine:1/reproduce", {}))["result"]
    assert (workspace.root / made["path"] / "train.py").read_text() == "print('now')\n"
    status, answer, _ = await call("POST", f"runs/{begun['id']}/reproduce", {})
    assert (status, answer["code"]) == (409, "30272")
    assert (await call("GET", "reproductions"))[1]["data"]["items"] == [made]
    assert (await call("DELETE", f"reproductions/{made['id']}"))[1]["data"] == made
    assert (await call("DELETE", f"reproductions/{made['id']}"))[0] == 404
    assert (await call("POST", "runs/nobody/reproduce", {}))[0] == 404


async def test_views_of_the_table_of_runs(call, workspace: Project) -> None:
    column = {"kind": "metric", "name": "acc", "pinned": True}
    layout = {"columns": [column], "group": "params.kind", "baseline": "r1"}
    _, answer, _ = await call("GET", "runs/views")
    assert (answer["data"]["layout"]["columns"], answer["data"]["items"]) == (None, [])
    await call("PUT", "runs/layout", {"layout": layout, "in_project": True})
    shared = workspace.root / ".mlws" / "run-views.json"
    assert json.loads(shared.read_text()) == {"layout": layout}
    private = {"layout": {"columns": []}}
    _, answer, _ = await call("PUT", "runs/layout", private)
    assert (answer["data"]["layout"]["columns"], answer["data"]["in_project"]) == ([], False)
    _, answer, _ = await call("DELETE", "runs/layout")
    assert (answer["data"]["layout"]["baseline"], answer["data"]["in_project"]) == ("r1", True)

    view = {"layout": layout, "search": {"filter": "metrics.acc > 0.5"}}
    path = "runs/views/a~1b ☃"
    await call("PUT", path, view)
    assert "views" not in json.loads(shared.read_text())
    _, answer, _ = await call("PUT", path, {**view, "in_project": True})
    ((name, in_project),) = [(one["name"], one["in_project"]) for one in answer["data"]["items"]]
    assert (name, in_project) == ("a/b ☃", True)
    await call("PUT", "runs/views/other", view)
    assert (await call("PATCH", path, {"name": "other"}))[0] == 409
    _, answer, _ = await call("PATCH", path, {"name": "best"})
    (best, other) = answer["data"]["items"]
    assert (best["name"], best["search"]["filter"]) == ("best", "metrics.acc > 0.5")
    assert (await call("DELETE", path))[0] == 404
    _, answer, _ = await call("DELETE", "runs/views/best")
    assert answer["data"]["items"] == [other]
    status, answer, _ = await call("PUT", f"runs/views/{'x' * 101}", view)
    assert (status, answer["errors"][0]["field"]) == (400, "name")

    # A file of another person may hold anything.
    shared.write_text('{"layout": {"columns": [{"kind": "odd", "name": "acc"}]}}')
    status, answer, _ = await call("GET", "runs/views")
    assert (status, answer["code"]) == (409, "30284")
    assert "layout.columns.0.kind" in answer["message"]
    shared.unlink()
    os.mkfifo(shared)
    assert (await call("GET", "runs/views"))[1]["code"] == "30284"
    shared.unlink()
    shared.symlink_to("/etc/passwd")
    assert (await call("PUT", "runs/layout", private))[0] == 403
