"""Both programs complete words in bash, zsh and fish."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.repro.test_repro import CHAIN, PROGRAMS, Pair, call, template

__all__ = ["template"]


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "pair", symlinks=True)
    pair = Pair(tmp_path / "pair" / "theirs", tmp_path / "pair" / "ours")
    pair.write(CHAIN)
    return pair.ours


def complete(program: str, folder: Path, line: str) -> list[str]:
    """Return the words that bash offers for the end of a line."""
    words = line.split(" ")
    name = program.replace("-", "_")
    lines = [
        f"source <({PROGRAMS / program} completion bash)",
        f"COMP_WORDS=({' '.join(words[:-1])} '{words[-1]}'); COMP_CWORD={len(words) - 1}",
        f"_{name}_completion {PROGRAMS / program}; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
    ]
    answer = subprocess.run(
        ["bash", "-c", "complete() { :; }; compopt() { :; }\n" + "\n".join(lines)],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return answer.stdout.split()


def test_bash_completes_commands_options_and_stages(project: Path) -> None:
    assert complete("mlws", project, "mlws st") == ["status"]
    assert complete("mlws", project, "mlws repro --force-d") == ["--force-downstream"]
    assert complete("mlws", project, "mlws repro al") == ["alone"]
    assert complete("mlws", project, "mlws metrics d") == ["diff"]
    assert complete("mlws", project, "mlws doctor rem") == ["remotes"]
    assert complete("jupyter-mlws", project, "jupyter-mlws rest") == ["restore"]


def test_nothing_is_offered_from_a_faulty_file(project: Path) -> None:
    (project / "dvc.yaml").write_text("stages: [")
    assert complete("mlws", project, "mlws repro al") == []
    assert complete("mlws", project / "..", "mlws repro al") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
@pytest.mark.parametrize("program", ["mlws", "jupyter-mlws"])
def test_each_shell_has_a_script(project: Path, program: str, shell: str) -> None:
    answer = call(program, project, "completion", shell)
    assert (answer.code, answer.err) == (0, "")
    assert program in answer.out
    assert call(program, project, "completion", "csh").code == 2
