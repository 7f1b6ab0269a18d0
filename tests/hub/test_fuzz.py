"""Whatever a person sends to the Hub's service, its answer is one that the contract has."""

from __future__ import annotations

import pytest

from jupyter_mlws.hub.routes import ROUTES
from tests.fuzzing import MODES, GenerationMode, Place, operations
from tests.hub.installation import Hub

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1500)]

PREFIX = "/services/mlws/api/v1"
LEFT_OUT = ("POST /containers", "POST /resources/allocate", "POST /team/projects")
"""Room and projects that other tests count are not taken by chance."""
OPERATIONS = {
    name: operation
    for name, operation in operations(ROUTES, f"{PREFIX}/openapi.json", projects=False).items()
    if name not in LEFT_OUT
}


@pytest.fixture(scope="module")
def place(hub: Hub) -> Place:
    token = hub.sign_up("fay")
    return Place(f"{hub.url}{PREFIX}", {"Authorization": f"token {token}"})


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_the_contract_holds(name: str, mode: GenerationMode, place: Place) -> None:
    place.answers(OPERATIONS[name], mode)
