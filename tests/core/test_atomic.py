"""A file that many replace at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from jupyter_mlws.core.atomic import atomic_write


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
