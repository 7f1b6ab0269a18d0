"""Files that are replaced in one step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlws.core.atomic import atomic_write


def test_threads_do_not_take_each_others_files(tmp_path: Path) -> None:
    place = tmp_path / "memory.json"
    texts = [str(number) * 50_000 for number in range(8)]

    def work(text: str) -> None:
        for _ in range(50):
            atomic_write(place, text)
            assert place.read_text() in texts

    with ThreadPoolExecutor(len(texts)) as pool:
        list(pool.map(work, texts))
    assert list(tmp_path.iterdir()) == [place]


def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path: Path) -> None:
    script = tmp_path / "run.sh"
    script.write_text("old")
    script.chmod(0o750)
    atomic_write(script, "new", durable=True)
    assert (script.read_text(), script.stat().st_mode & 0o777) == ("new", 0o750)
    atomic_write(script, b"secret", mode=0o600)
    assert (script.read_bytes(), script.stat().st_mode & 0o777) == (b"secret", 0o600)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    file.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        atomic_write(file, "\ud800")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]
