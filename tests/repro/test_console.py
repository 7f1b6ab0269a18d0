"""What `repro` shows on a terminal while several stages run, and what it does not elsewhere."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml

from mlws.repro.live import cut, printable, text_width
from tests import python
from tests.command_line import written_to_terminal

PROGRAM = "import sys; from mlws.repro.program import main; sys.exit(main())"
STAGES = {
    # Each ends when the other has started: both lines are shown, whatever the machine does.
    "left": {
        "cmd": "touch l; echo on the left; until [ -e r ]; do sleep 0.1; done; sleep 1; cp l left",
        "outs": ["left"],
    },
    "right": {
        "cmd": "touch r; until [ -e l ]; do sleep 0.1; done; sleep 1; printf end; cp r right",
        "outs": ["right"],
    },
    "both": {"cmd": "cat left right > both", "deps": ["left", "right"], "outs": ["both"]},
}
MOVE_UP = re.compile(r"\x1b\[\d+A")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / ".dvc").mkdir()
    write(tmp_path, STAGES)
    return tmp_path


def write(root: Path, stages: Mapping[str, object]) -> None:
    text = yaml.safe_dump({"stages": dict(stages)}, sort_keys=False, allow_unicode=True)
    (root / "dvc.yaml").write_text(text, encoding="utf-8")


def on_terminal(
    root: Path, *words: str, code: int = 0, variables: Mapping[str, str] | None = None
) -> str:
    output = written_to_terminal(root, 40, *words, program=PROGRAM, code=code, variables=variables)
    # At the exit of colorama, which this process has imported with DVC.
    return output.removesuffix("\x1b[0m")


def screen(output: str) -> list[str]:
    """Return the lines that are left on a terminal of enough rows."""
    lines = [""]
    row = 0
    for move, erase, text in re.findall(r"\x1b\[(\d+)A|\x1b\[(J)|([^\x1b]+)|\x1b\[[\d;]*m", output):
        row -= int(move or 0)
        if erase:
            del lines[row + 1 :]
            lines[row] = ""
        for piece in text.replace("\r", "").splitlines(keepends=True):
            lines[row] += piece.rstrip("\n")
            if piece.endswith("\n"):
                row += 1
                lines += [""] * (row + 1 - len(lines))
    return lines[:-1]


def test_running_stages_have_lines_that_are_gone_at_the_end(root: Path) -> None:
    output = on_terminal(root, "repro", "-j", "2")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", output).replace("\r", "")
    assert re.search(r"left  +[\d.]+ s  on the left\nright +[\d.]+ s", shown)
    left = screen(output)
    assert not [line for line in left if re.match(r"(left|right|both) +[\d.]+ s", line)]
    for text in ("Running stage 'both':", "on the left", "Output of stage 'right':", "end"):
        assert text in left
    assert re.fullmatch(r"3 ran · [\d.]+ s", left[-1])
    output = on_terminal(root, "repro", "-j", "2")
    assert re.fullmatch(r"3 unchanged · [\d.]+ s", screen(output)[-1])
    (root / "both").unlink()
    assert screen(on_terminal(root, "repro", "-j", "2"))[-1].startswith(
        "2 unchanged, 1 from the cache · "
    )


def test_the_summary_counts_what_failed_and_what_did_not_run(root: Path) -> None:
    write(root, {"wrong": {"cmd": "exit 3", "outs": ["left"]}, "both": STAGES["both"]})
    (root / "right").touch()
    assert " failed · " not in on_terminal(root, "repro", "-j", "1", code=255)
    left = screen(on_terminal(root, "repro", "-j", "2", code=255))
    assert left[-2].startswith("1 failed, 1 not run · ")
    assert left[-1].startswith("ERROR: ")


@pytest.mark.parametrize(("name", "value"), [("TERM", "dumb"), ("NO_COLOR", "1")])
def test_terminals_without_colors_or_movement_are_respected(
    root: Path, name: str, value: str
) -> None:
    output = on_terminal(root, "repro", "-j", "2", variables={name: value})
    assert bool(MOVE_UP.search(output)) == (name == "NO_COLOR")
    assert not re.search(r"\x1b\[[\d;]*m", output)
    assert ("3 ran" in output) == (name == "NO_COLOR")


def test_without_a_terminal_nothing_is_added(root: Path) -> None:
    done = python.run(PROGRAM, "repro", "-j", "2", cwd=root, env={**os.environ, "TERM": "xterm"})
    assert done.returncode == 0, done.stderr
    assert "\x1b" not in done.stdout + done.stderr
    assert done.stdout.splitlines()[-1] == (
        "Use `dvc push` to send your updates to remote storage."
    )
    assert "3 ran" not in done.stdout


def test_dry_runs_and_json_have_no_summary(root: Path) -> None:
    for option in ("--dry", "--json"):
        output = on_terminal(root, "repro", "-j", "2", option)
        assert "\x1b" not in output
        assert " ran · " not in output


def test_texts_are_cut_by_the_columns_they_take() -> None:
    assert text_width("训练 e\u0301") == 6
    assert cut("训练模型", 8) == "训练模型"
    assert cut("训练模型", 6) == "训练…"
    assert cut("training", 5) == "trai…"
    assert cut("training", 0) == ""
    assert printable("\x1b[32mepoch\t3\x1b[0m \x07") == "epoch 3"
