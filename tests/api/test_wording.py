"""A field that does not fit is told in words, not by a regular expression."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from jupyter_mlws.core.schemas import Request
from jupyter_mlws.core.validation_messages import faults
from jupyter_mlws.projects.models import ProjectCreate
from jupyter_mlws.shared_projects.models import TeamProjectCreate
from jupyter_mlws.versioning.models import SnapshotCreate
from mlws.core.i18n import CHINESE


@pytest.mark.parametrize(
    ("model", "body", "field", "english", "chinese"),
    [
        (TeamProjectCreate, {"name": "No Name"}, "name", "use lowercase letters", "小写字母"),
        (ProjectCreate, {"name": ".hidden"}, "name", "use letters", "不能以点开头"),
        (SnapshotCreate, {"message": "  "}, "message", "must not be blank", "不能为空白"),
    ],
)
def test_a_pattern(
    model: type[Request], body: dict[str, str], field: str, english: str, chinese: str
) -> None:
    with pytest.raises(ValidationError) as refusal:
        model.model_validate(body)
    [fault] = faults(refusal.value)
    assert fault.field == field
    assert english in fault.message.en
    assert chinese in fault.message.in_(CHINESE)
