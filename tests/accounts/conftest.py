"""A Hub for the tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.accounts.plain_hub import PlainHub, plain_hub


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlainHub]:
    """A Hub with an administrator; tests use names of their own."""
    with plain_hub(tmp_path_factory.mktemp("hub")) as running:
        yield running
