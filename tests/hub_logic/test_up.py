"""What ``make hub`` prints."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from hub_config import up


def test_a_long_step_says_what_it_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(up, "REPORT_INTERVAL", 0.05)
    log = tmp_path / "image.log"
    with up.step("Building", log):
        time.sleep(0.2)
        log.write_text("#1 first\n#2 second\n\n")
        time.sleep(0.2)
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "Building …"
    assert "  0 s" in printed
    assert "  0 s  #2 second" in printed
    assert not any("#1" in line for line in printed)
    time.sleep(0.1)
    assert capsys.readouterr().out == ""
