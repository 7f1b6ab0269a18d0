"""Fixtures of the pages: the example project, and a reader who follows a page."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jupyter_mlws.core.trust import trust
from jupyter_mlws.projects.example import create_example
from tests.conftest import _set_up_home
from tests.docs.pages import START, Reader, parse


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example project with its three runs, for pages to copy."""
    root = tmp_path_factory.mktemp("example") / "wine"
    with pytest.MonkeyPatch.context() as monkeypatch:
        _set_up_home(tmp_path_factory, monkeypatch)
        create_example(root)
    return root


@pytest.fixture
def follow(
    request: pytest.FixtureRequest, tmp_path: Path, home: Path
) -> Iterator[Callable[[Path], None]]:
    """Follow a page: ``follow(page)``."""
    readers = []

    def run(page: Path) -> None:
        folder = tmp_path / "work"
        if any(block.language == START for block in parse(page)):
            shutil.copytree(request.getfixturevalue("example"), folder, symlinks=True)
            trust(folder)
        else:
            folder.mkdir()
        reader = Reader(folder)
        readers.append(reader)
        reader.follow(page)

    yield run
    for reader in readers:
        reader.close()
