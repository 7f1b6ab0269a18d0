"""Runs a page of the documentation from its own text, as a reader follows it.

The blocks of a page are executed in order, in an empty folder:

- ``console``: lines after ``$ `` are typed into one shell, and it must print the lines below them;
  ``…`` stands for anything. With ``exit=1`` in the block's info, the last command fails.
- ``ipython``: a cell of one kernel for the whole page, which must print a ``text`` block right
  after it.
- any language with ``title="FILE"``: the file is written; each block of a notebook is its next
  cell, with ``tags=…``.

A comment ``<!-- start: example -->`` starts in a copy of the example project instead, and
``<!-- run: COMMAND -->`` types a command that the reader is not shown. ``sh`` blocks cannot be
executed on every machine (Docker, a cluster), and a block with ``part=FILE`` is an excerpt;
``test_claims.py`` checks what they name.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from markdown_it import MarkdownIt

ROOT = Path(__file__).parent.parent.parent
PAGES = tuple(
    page
    for folder in ("tutorials", "how-to")
    for page in sorted((ROOT / "docs" / folder).rglob("*.md"))
)
REPRESENTATIVES = ("conflicts", "export-report")
"""The pages that `make test` follows; `make test-all` follows all."""
COMMAND_TIMEOUT = 300
START = "start"
EXAMPLE = "example"


class Block(NamedTuple):
    """A block of a page; the language of a comment is ``start`` or ``run``."""

    page: Path
    line: int
    language: str
    attributes: dict[str, str]
    text: str
    follows: bool
    """True if nothing is between it and the block before it."""

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def parse(page: Path) -> list[Block]:
    """Return the blocks of a page, in order."""
    blocks = []
    end = -1
    for token in MarkdownIt().parse(page.read_text(encoding="utf-8")):
        if token.map is None:
            continue
        if token.type == "fence":
            language, *words = shlex.split(token.info) or [""]
            attributes = dict(word.partition("=")[::2] for word in words)
            text = token.content
        elif comment := re.fullmatch(
            r"<!-- (start|run): (.*) -->\s*", token.content if token.type == "html_block" else ""
        ):
            language, text = comment.groups()
            attributes = {}
        else:
            if token.nesting == 0:
                end = -1
            continue
        blocks.append(
            Block(page, token.map[0] + 1, language, attributes, text, token.map[0] - end in (0, 1))
        )
        end = token.map[1]
    return blocks


def commands(block: Block) -> Iterator[tuple[str, str]]:
    """Yield the commands of a ``console`` block, each with the output below it."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = re.sub(r"\\\n\s*", "", part).partition("\n")
        yield command, output


def assert_printed(expected: str, printed: str, where: str) -> None:
    """Fail unless the lines of ``expected`` are in ``printed``, in order."""
    position = 0
    for line in filter(None, map(str.strip, expected.splitlines())):
        if line == "…":
            continue
        pattern = r"[^\n]*?".join(
            r"\s+".join(map(re.escape, part.split())) for part in re.split(r"\s*…\s*", line)
        )
        match = re.compile(pattern).search(printed, position)
        assert match is not None, f"{where}: missing: {line}\nprinted:\n{printed}"
        position = match.end()


def of_folder(folder: str) -> pytest.MarkDecorator:
    """Run a test for each page of a folder of the documentation."""
    return pytest.mark.parametrize(
        "page",
        [
            pytest.param(
                page,
                id=page.stem,
                marks=() if page.stem in REPRESENTATIVES else pytest.mark.exhaustive,
            )
            for page in PAGES
            if page.parent.name == folder
        ],
    )


class Reader:
    """Follows a page at a shell and in a notebook."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._environment = {
            **os.environ,
            "COLUMNS": "120",
            "LANG": "C.UTF-8",
        }
        self._directory = folder
        self._kernel: tuple[Any, Any] | None = None

    def follow(self, page: Path) -> None:
        """Do what a page says."""
        output = ""
        for block in parse(page):
            if "title" in block.attributes:
                file = self._directory / block.attributes["title"]
                file.parent.mkdir(parents=True, exist_ok=True)
                if file.suffix == ".ipynb":
                    append_cell(file, block)
                else:
                    file.write_text(block.text, encoding="utf-8")
            elif block.language == "console":
                steps = list(commands(block))
                for number, (command, expected) in enumerate(steps, 1):
                    code = int(block.attributes.get("exit", 0)) if number == len(steps) else 0
                    assert_printed(expected, self.type_command(command, block, code), block.where)
            elif block.language == "run":
                self.type_command(block.text, block)
            elif block.language == "ipython":
                output = self.execute(block)
            elif block.language == "text" and block.follows:
                assert_printed(block.text, output, block.where)
            else:
                is_read = block.language in ("sh", "text", "{toctree}", START)
                assert is_read or "part" in block.attributes, f"{block.where}: it is not run"

    def type_command(self, command: str, block: Block, code: int = 0) -> str:
        """Run a command in the page's shell, which keeps its folder and variables."""
        state = self.folder.parent / "shell"
        save = f"code=$?; {{ pwd; env -0; }} > {shlex.quote(str(state))}; exit $code"
        done = subprocess.run(
            ["bash", "-c", f"set -a\n{command}\n{save}"],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_TIMEOUT,
            check=False,
        )
        assert done.returncode == code, f"{block.where}: $ {command}\n{done.stdout}"
        directory, _, variables = state.read_text(encoding="utf-8").partition("\n")
        self._directory = Path(directory)
        self._environment = dict(
            variable.partition("=")[::2] for variable in variables.split("\0") if variable
        )
        return done.stdout

    def execute(self, block: Block) -> str:
        """Run a cell in the page's kernel; return what it prints and displays as text."""
        if self._kernel is None:
            self._kernel = start_new_kernel(
                kernel_name="python3", cwd=str(self._directory), env=self._environment
            )
        printed: list[str] = []

        def record(message: dict[str, Any]) -> None:
            content = message["content"]
            data = content.get("data", {})
            printed.append(content.get("text") or data.get("text/plain", "") + "\n")
            printed.extend(content.get("traceback", []))

        _, client = self._kernel
        reply = client.execute_interactive(
            block.text, output_hook=record, timeout=COMMAND_TIMEOUT, allow_stdin=False
        )
        output = re.sub(r"\x1b\[[0-9;]*m", "", "".join(printed))
        assert reply["content"]["status"] == "ok", f"{block.where}:\n{output}"
        return output

    def close(self) -> None:
        if self._kernel is not None:
            manager, client = self._kernel
            client.stop_channels()
            manager.shutdown_kernel(now=True)


def append_cell(file: Path, block: Block) -> None:
    """Append a block to a notebook, as a cell, as its reader does in JupyterLab."""
    kernel = {"name": "python3", "language": "python", "display_name": "Python 3"}
    notebook = (
        nbformat.read(file, as_version=4)
        if file.exists()
        else nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    )
    make = (
        nbformat.v4.new_code_cell if block.language == "ipython" else nbformat.v4.new_markdown_cell
    )
    metadata = {"tags": [block.attributes["tags"]]} if "tags" in block.attributes else {}
    notebook.cells.append(make(block.text.rstrip("\n"), metadata=metadata))
    nbformat.write(notebook, file)
