"""A container as a real Hub makes it on a real Docker engine."""

from __future__ import annotations

from typing import Any

import pytest

from tests.hub.installation import Hub

pytestmark = [pytest.mark.docker, pytest.mark.timeout(900)]

MEMORY = 1024 * 1024 * 1024


@pytest.fixture(scope="module")
def lab(hub: Hub) -> dict[str, Any]:
    hub.sign_up("spawner-ada")
    return hub.start(
        "spawner-ada",
        {"resources": {"cpu": "500m", "memory": "1Gi"}, "environment": {"COLOUR": "blue"}},
    )


def test_the_lab_answers_its_person(hub: Hub, lab: dict[str, Any]) -> None:
    assert hub.lab("GET", "spawner-ada", "api/status").status_code == 200
