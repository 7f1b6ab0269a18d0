"""The commands of a how-to page work, and print what it shows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import of_folder


@pytest.mark.slow(reason="runs all commands of a page")
@pytest.mark.timeout(900)
@of_folder("how-to")
def test_a_page_works_as_it_is_written(page: Path, follow: Callable[[Path], None]) -> None:
    follow(page)
