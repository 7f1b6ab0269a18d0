"""DVC's run cache as DVC reads it, without what a killed process left in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dvc.stage.cache import StageCache, _get_stage_hash


class SafeStageCache(StageCache):  # type: ignore[misc]  # DVC has no types
    """DVC's run cache, in which a file that was not written to its end hides no other.

    DVC takes the newest file of a directory, whatever it is, and fails where there is none.
    """

    def _load(self, stage: Any) -> Any:
        key = _get_stage_hash(stage)
        return self.newest(key) if key else None

    def newest(self, key: str) -> Any:
        """Return the newest readable entry of a key; None if there is none."""
        files = [path for path in Path(self._get_cache_dir(key)).glob("[!.]*") if path.is_file()]
        files.sort(key=lambda path: path.stat().st_mtime, reverse=True)
        entries = (self._load_cache(key, path.name) for path in files)
        return next(filter(None, entries), None)
