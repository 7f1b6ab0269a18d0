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
    "test_admin_page": "hub",
    "test_environments": "hub",
    "test_forwarding": "hub",
    "test_fuzz": "hub",
    "test_many": "hub",
    "test_pages": "hub",
    "test_queue": "hub",
    "test_resize": "hub",
    "test_service": "hub",
    "test_spawner": "hub",
    "test_team": "hub",
    "test_volumes": "hub",
    "test_whole_product": "hub",
    "test_backup": "own",
    "test_culling": "own",
    "test_installation": "own",
    "test_subdomains": "own",
    "test_compose": "stack",
    "test_compose_sharing": "stack",
    "test_forbidden": "stack",
}
"""Of files in this folder."""
FOLDER = "tests/hub/"
LONG = ("tests/ui/test_survive.py", "tests/ui/test_code.py", "tests/ui/test_canvas_runs.py")
"""Files of the browser that come first, so that no worker is left with one at the end."""


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

    def order(item: pytest.Item) -> tuple[bool, bool, bool]:
        needs = {marker.name for marker in item.iter_markers()}
        return "docker" not in needs, "browser" in needs, not item.nodeid.startswith(LONG)

    items.sort(key=order)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    if config.getoption("dist") != "loadfile":
        return None
    return GroupScheduling(config, log)
