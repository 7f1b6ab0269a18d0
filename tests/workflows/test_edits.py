"""A setting given to a run changes exactly its own place in the file."""

from __future__ import annotations

import pytest

from jupyter_mlws.core.errors import InvalidRunParameterError
from jupyter_mlws.workflows.document.authoring import with_settings
from mlws.document.parse import parse


def set_setting(text: str, node: str, key: str, value: object) -> str:
    document = parse("dvc.yaml", text)
    stages = {stage.id: stage for stage in document.stages()}
    return with_settings(document, stages, {f"{node}.{key}": value})


@pytest.mark.parametrize(
    "command",
    ["jupyter mlws node x ${other}", "jupyter mlws node x ${a}", "jupyter mlws node x | cat"],
)
def test_what_has_no_safe_place_is_refused(command: str) -> None:
    with pytest.raises(InvalidRunParameterError) as refused:
        set_setting(f"stages:\n  a:\n    cmd: {command}\n", "a", "alpha", 2)
    assert refused.value.faults[0].field == "params.a.alpha"
