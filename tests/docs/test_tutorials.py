"""A reader who follows a tutorial gets what it promises."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.pages import of_folder


@pytest.mark.slow(reason="runs all commands of a tutorial")
@pytest.mark.timeout(900)
@of_folder("tutorials")
def test_a_tutorial_works_as_it_is_written(page: Path, follow: Callable[[Path], None]) -> None:
    follow(page)
