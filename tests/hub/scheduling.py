"""Distribution of tests among the workers of pytest-xdist, a plugin of pytest.

    pytest -n 4 --dist loadfile --no-loadscope-reorder -p tests.hub.scheduling

The tests of a file run in one worker, and so do those of all files that share an installation.
``--dist loadgroup`` does not work: pytest 9 ignores the names that pytest-xdist 3.8 gives to tests.
"""

from __future__ import annotations

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

GROUPS = {
    "test_admin_page": "hub-pages",
    "test_environments": "hub-pages",
    "test_whole_product": "hub-pages",
    "test_forwarding": "hub",
    "test_fuzz": "hub",
    "test_many": "hub",
    "test_spawner": "hub",
    "test_team": "hub",
    "test_compose": "stack",
    "test_compose_sharing": "stack",
}
"""Of files in this folder."""
FOLDER = "tests/hub/"


class GroupScheduling(LoadScopeScheduling):
    """LoadScopeScheduling by groups of files."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        name = file.removeprefix(FOLDER).removesuffix(".py")
        return GROUPS.get(name, file) if file.startswith(FOLDER) else file


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that need Docker: some of their files take longest.

    End with those of the browser alone: Chromium drops its requests when networks come and go,
    as Docker's do.
    """

    def order(item: pytest.Item) -> tuple[bool, bool]:
        needs = {marker.name for marker in item.iter_markers()}
        return "docker" not in needs, "browser" in needs

    items.sort(key=order)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    if config.getoption("dist") != "loadfile":
        return None
    return GroupScheduling(config, log)
