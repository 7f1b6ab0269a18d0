"""Policies of nodes in their `meta`, and runs that continue others."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyter_mlws.core.errors import WorkflowItemNotFoundError
from jupyter_mlws.workflows.journal.store import RunRequest
from jupyter_mlws.workflows.manager import WorkflowManager
from jupyter_mlws.workflows.models import Run
from mlws.core.errors import NodeResourcesError, OperationInProgressError, WorkflowUnreadableError
from mlws.core.project import Project
from mlws.engine import policy
from mlws.engine.policy import OnFailure, Policy
from tests.workflows.conftest import LIMIT, PATH

FLAKY = """\
stages:
  flaky:
    cmd: echo . >> tries; test $(cat tries | wc -l) -ge 3 && echo 1 > flaky.txt
    outs: [flaky.txt]
    meta: {{retries: {retries}, backoff: 0.05}}
"""
CHAIN = """\
stages:
  one:
    cmd: echo 1 > one.txt && {fails}
    outs: [one.txt: {{persist: true}}]
    meta: {{on_failure: {on_failure}}}
  two:
    cmd: cat one.txt > two.txt
    deps: [one.txt]
    outs: [two.txt]
  other:
    cmd: sleep 0.3 && echo 1 > other.txt
    outs: [other.txt]
"""


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ({}, Policy()),
        (None, Policy()),
        ({"at": [1, 2], "retries": 2}, Policy(retries=2)),
        ({"timeout": "1.5m", "backoff": 3}, Policy(timeout=90.0, backoff=3.0)),
        ({"memory": "2Gi", "cpu": 0.5, "gpu": 1}, Policy(memory=2 * 2**30, cpu=0.5, gpu=1)),
        ({"on_failure": "skip", "warm": False}, Policy(on_failure=OnFailure.SKIP, warm=False)),
    ],
)
def test_wishes_are_read(meta: object, expected: Policy) -> None:
    assert policy.read(meta) == (expected, [])


@pytest.mark.parametrize(
    "meta",
    [
        {"retries": -1},
        {"retries": True},
        {"timeout": "soon"},
        {"timeout": 0},
        {"memory": "2 apples"},
        {"on_failure": "panic"},
        {"cpu": "nan"},
        {"gpu": 0.5},
        {"warm": "yes"},
    ],
)
def test_a_wish_that_cannot_be_read_is_named(
    meta: dict, write: Callable[..., Path], workflows: WorkflowManager
) -> None:
    (name, value), *_ = meta.items()
    value = {True: "true"}.get(value, value) if isinstance(value, bool) else value
    write(PATH, f"stages:\n  a:\n    cmd: 'true'\n    meta: {{{name}: {value}}}\n")
    (problem,) = workflows.validate(PATH)
    assert (problem.node, problem.field, problem.line) == ("a", f"meta.{name}", 4)
    with pytest.raises(WorkflowUnreadableError):
        workflows.runs.execute(PATH, RunRequest())


def test_a_failed_node_is_tried_again(write, run: Callable[..., Run], project: Project) -> None:
    write(PATH, FLAKY.format(retries=2))
    ended = run()
    assert ended.status == "COMPLETED"
    assert [(node.status, node.attempt, node.error) for node in ended.nodes] == [
        ("COMPLETED", 3, None)
    ]


def test_after_the_last_attempt_it_has_failed(write, run: Callable[..., Run]) -> None:
    write(PATH, FLAKY.format(retries=1))
    ended = run()
    assert ended.status == "FAILED"
    assert [(node.status, node.attempt) for node in ended.nodes] == [("FAILED", 2)]


def test_a_node_over_its_time_is_stopped_with_all_it_started(
    write, run: Callable[..., Run], project: Project
) -> None:
    write(
        PATH,
        "stages:\n  slow:\n"
        "    cmd: trap '' TERM; setsid sh -c \"trap '' TERM; sleep 60; echo 1 > late\" & sleep 60\n"
        "    meta: {timeout: 0.3}\n",
    )
    began = time.monotonic()
    ended = run()
    assert time.monotonic() - began < 30
    assert ended.error is not None
    assert ended.error.code == "40103"
    assert ended.error.details["resource"] == "time"
    assert "0.3 s" in ended.error.message.en


def test_a_node_over_its_memory_is_stopped(write, run: Callable[..., Run]) -> None:
    write(
        PATH,
        "stages:\n  fat:\n"
        "    cmd: python3 -c 'import time; a = bytearray(300_000_000); time.sleep(60)'\n"
        "    meta: {memory: 100Mi}\n",
    )
    ended = run()
    assert ended.error is not None
    assert (ended.error.code, ended.error.details["resource"]) == ("40103", "memory")
    assert "100 MiB" in ended.error.message.en


@pytest.mark.parametrize(
    ("wish", "resource"), [("memory: 9000Gi", "memory"), ("cpu: 4096", "cpu"), ("gpu: 99", "gpu")]
)
def test_what_can_never_fit_is_refused_before_the_run(
    wish: str, resource: str, write, workflows: WorkflowManager
) -> None:
    write(PATH, f"stages:\n  big:\n    cmd: 'true'\n    meta: {{{wish}}}\n")
    with pytest.raises(NodeResourcesError) as refused:
        workflows.runs.execute(PATH, RunRequest())
    assert refused.value.facts["resource"] == resource
    assert workflows.runs.page(PATH) == ([], None)


def test_no_more_is_started_than_fits(write, run: Callable[..., Run], project: Project) -> None:
    command = "echo + >> log; sleep 0.2; echo - >> log; echo {n} > {n}.txt"
    stages = "".join(
        f"  n{n}:\n    cmd: {command.format(n=n)}\n    outs: [{n}.txt]\n    meta: {{cpu: 2}}\n"
        for n in range(3)
    )
    write(PATH, f"stages:\n{stages}")
    assert run(jobs=3).status == "COMPLETED"
    assert (project.root / "log").read_text().split() == ["+", "-"] * 3


@pytest.mark.parametrize(
    ("on_failure", "expected"),
    [
        ("stop", {"one": "FAILED", "two": "SKIPPED", "other": "SKIPPED"}),
        ("skip", {"one": "FAILED", "two": "SKIPPED", "other": "COMPLETED"}),
        ("continue", {"one": "FAILED", "two": "COMPLETED", "other": "COMPLETED"}),
    ],
)
def test_what_a_failure_means(
    on_failure: str, expected: dict[str, str], write, run: Callable[..., Run], states
) -> None:
    write(PATH, CHAIN.format(fails="false", on_failure=on_failure))
    ended = run(jobs=1)
    assert ended.status == "FAILED"
    assert states(ended) == expected


def test_a_run_is_resumed_and_nothing_is_done_twice(
    write, run: Callable[..., Run], workflows: WorkflowManager, states, project: Project
) -> None:
    text = (
        "stages:\n"
        "  first:\n    cmd: echo . >> count && cp data.txt first.txt\n"
        "    deps: [data.txt]\n    outs: [first.txt]\n"
        "  second:\n    cmd: test -e there && cp first.txt second.txt\n"
        "    deps: [first.txt]\n    outs: [second.txt]\n"
    )
    write("data.txt", "1\n")
    write(PATH, text)
    assert states(run()) == {"first": "COMPLETED", "second": "FAILED"}
    forced = run(force=True)
    assert states(forced) == {"first": "COMPLETED", "second": "FAILED"}
    write("there", "")
    resumed = workflows.runs.resume(PATH, forced.id)
    ended = Run(**workflows.runs.wait(PATH, resumed["id"], LIMIT, recorded=False))
    assert (ended.status, ended.resumes) == ("COMPLETED", forced.id)
    assert states(ended) == {"first": "CACHED", "second": "COMPLETED"}
    assert (project.root / "count").read_text() == ".\n.\n"


def test_a_node_is_retried_skipped_or_accepted(
    write, run: Callable[..., Run], workflows: WorkflowManager, states, project: Project
) -> None:
    write(PATH, CHAIN.format(fails="test -e there", on_failure="stop"))
    failed = run(jobs=1)
    assert states(failed)["one"] == "FAILED"

    skipped = Run(
        **workflows.runs.wait(
            PATH, workflows.runs.skip(PATH, failed.id, "one")["id"], LIMIT, recorded=False
        )
    )
    assert states(skipped) == {"one": "SKIPPED", "two": "COMPLETED"}
    assert skipped.status == "COMPLETED"
    assert (project.root / "two.txt").read_text() == "1\n"

    write("there", "")
    retried = Run(
        **workflows.runs.wait(
            PATH, workflows.runs.retry(PATH, failed.id, "one")["id"], LIMIT, recorded=False
        )
    )
    assert states(retried)["one"] == "COMPLETED"
    assert [str(why) for why in retried.nodes[0].reasons] == ["rerun requested"]

    (project.root / "one.txt").write_text("by hand\n")
    accepted = run(accept=["one"])
    assert states(accepted) == {"one": "CACHED", "two": "COMPLETED", "other": "COMPLETED"}
    assert states(run())["one"] == "CACHED"
    assert (project.root / "two.txt").read_text() == "by hand\n"


def test_what_goes_on_is_not_resumed(write, workflows: WorkflowManager) -> None:
    write(PATH, "stages:\n  slow:\n    cmd: sleep 30\n")
    execution = workflows.runs.execute(PATH, RunRequest())
    for again in (workflows.runs.resume, lambda *a: workflows.runs.retry(*a, "slow")):
        with pytest.raises(OperationInProgressError):
            again(PATH, execution["id"])
    workflows.runs.cancel(PATH, execution["id"])
    workflows.runs.wait(PATH, execution["id"], LIMIT, recorded=False)
    with pytest.raises(WorkflowItemNotFoundError):
        workflows.runs.retry(PATH, execution["id"], "nobody")
