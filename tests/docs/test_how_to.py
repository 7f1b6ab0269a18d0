"""The commands of a how-to page work, and print what it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import PAGES


@pytest.mark.slow(reason="runs all commands of a page")
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.parent.name == "how-to"], ids=lambda page: page.stem
)
def test_a_page_works_as_it_is_written(page: Path, follow: Callable[[Path], None]) -> None:
    follow(page)
