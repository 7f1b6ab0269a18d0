"""The packages of a container that its saved image gets: values, without an engine."""

from __future__ import annotations

from jupyter_mlws.hub.docker.personal_images import lock


def test_a_lock_holds_what_can_be_had_elsewhere_and_nothing_that_pip_reads_otherwise() -> None:
    base = {"Kept": "Kept==1", "pydot": "pydot==3", "Older_Name": "Older_Name==1"}
    now = {
        "kept": "Kept==1",
        "older-name": "older-name==2",
        "flow": "flow @ git+https://example.org/flow@0a1b2c",
        "local": "local @ file:///home/mlws/local",
        "evil": "--index-url=http://elsewhere",
        "evil2": "a==1\n--pre",
    }
    found = lock(base, now)
    assert found.install == ("flow @ git+https://example.org/flow@0a1b2c", "older-name==2")
    assert found.remove == ("pydot",)
    assert found.left_out == (
        "--index-url=http://elsewhere",
        "a==1\n--pre",
        "local @ file:///home/mlws/local",
    )
