"""Parses a notebook's code cells as Python, with magics and shell escapes handled separately."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from mlws.core.i18n import Message

CONFIGURATION_MAGICS = frozenset(
    ("matplotlib", "load_ext", "reload_ext", "autoreload", "config", "precision", "env", "set_env")
)
"""Line magics that configure the kernel, which every node needs."""
SHOWING = frozenset(
    ("ls", "pwd", "lsmagic", "history", "hist", "pinfo", "psource", "pdoc", "magic")
)
TIMING_MAGICS = frozenset(("time", "timeit", "prun", "capture"))
"""Magics that run the Python behind them."""
SHELL_MAGICS = frozenset(("bash", "sh", "script", "cmd", "perl", "ruby", "system", "sx", "!"))
DISPLAY_MAGICS = frozenset(("html", "HTML", "javascript", "js", "svg", "SVG", "markdown", "latex"))
INSTALL_COMMAND = re.compile(r"^\s*[%!]\s*(python\d?\s+-m\s+)?(pip|pip3|conda|mamba|uv)\s")


@dataclass
class CodeCell:
    """A code cell: its number among all cells (from 1), its text, and its Python statements.

    ``opaque``: why its effects are unknown. ``shell``: it runs commands whose files are unknown.
    """

    number: int
    source: str
    heading: str = ""
    parameters: bool = False
    body: list[ast.stmt] = field(default_factory=list)
    opaque: Message | None = None
    shell: bool = False
    writes: list[str] = field(default_factory=list)
    remarks: list[Message] = field(default_factory=list)
    text: str = ""
    """The Python that ``body`` was read from."""


class CellSyntaxError(ValueError):
    """A cell that is not valid Python: its number, the line in it, and the error."""

    def __init__(self, number: int, line: int, reason: str) -> None:
        self.number, self.line, self.reason = number, line, reason
        super().__init__(reason)


def read_cell(number: int, source: str, *, parameters: bool = False) -> CodeCell:
    """Parse a code cell; :class:`CellSyntaxError` if it is not valid Python."""
    cell = CodeCell(number, source, parameters=parameters)
    lines = source.splitlines()
    for n, line in enumerate(lines):
        # Packages belong to the environment, which nodes that run side by side must not change.
        if INSTALL_COMMAND.match(line):
            lines[n] = f"# {line.strip()}"
            cell.remarks.append(
                Message(
                    "{line!r} was not imported: install packages before running the workflow",
                    line=line.strip(),
                )
            )
    cell.source = "\n".join(lines)
    cell.text = _to_python(cell, cell.source)
    try:
        cell.body = ast.parse(cell.text).body
    except (SyntaxError, ValueError, RecursionError) as error:
        raise CellSyntaxError(number, getattr(error, "lineno", None) or 1, str(error)) from None
    cell.body = [one for statement in cell.body for one in _expand_magics(cell, statement)]
    return cell


def _to_python(cell: CodeCell, source: str) -> str:
    """Return the cell with IPython's own syntax turned into calls, as IPython does it."""
    first = source.lstrip().partition("\n")
    magic = re.match(r"%%(\S+)\s*(.*)", first[0])
    if magic is None:
        return _transform_ipython_syntax(source)
    name, rest, inner = magic[1], magic[2], first[2]
    if name in TIMING_MAGICS:
        if name == "capture" and rest.strip().isidentifier():
            return f"{rest.strip()} = get_ipython()\n{_transform_ipython_syntax(inner)}"
        return _transform_ipython_syntax(inner)
    if name in DISPLAY_MAGICS:
        return ""
    if name in SHELL_MAGICS:
        _note_shell(cell, f"%%{name}")
    elif name == "writefile":
        cell.writes.append(rest.replace("-a ", "").strip().strip("'\""))
    else:
        cell.opaque = _unknown_effect(f"%%{name}")
    return ""


def _transform_ipython_syntax(source: str) -> str:
    from IPython.core.inputtransformer2 import TransformerManager

    return str(TransformerManager().transform_cell(source))  # type: ignore[no-untyped-call]


def _expand_magics(cell: CodeCell, statement: ast.stmt) -> Iterator[ast.stmt]:
    """Yield the statement, or the Python that its magics run.

    Other magics are replaced by their known effects.
    """
    calls = [node for node in ast.walk(statement) if _is_escape(node)]
    if not calls:
        yield statement
    for call in calls:
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Attribute)
        kind = call.func.attr
        constants = (part.value for part in call.args if isinstance(part, ast.Constant))
        words = [value for value in constants if isinstance(value, str)]
        if kind in ("system", "getoutput"):
            _note_shell(cell, f"!{words[0] if words else ''}")
            yield statement
        elif kind == "run_line_magic" and len(words) == 2:
            name, rest = words
            if name in TIMING_MAGICS:
                try:
                    yield from ast.parse(_transform_ipython_syntax(rest)).body
                except SyntaxError:
                    # Options before the code are left out: `%timeit -n 10 f()`.
                    with suppress(SyntaxError):
                        yield from ast.parse(re.sub(r"^(-\w+\s*\d*\s+)+", "", rest)).body
            elif name in CONFIGURATION_MAGICS:
                yield statement
            elif name not in SHOWING:
                cell.opaque = _unknown_effect(f"%{name}")
        else:
            cell.opaque = _unknown_effect(kind)


def _is_escape(node: ast.AST) -> bool:
    """Return whether a node is ``get_ipython().something(…)``."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Call)
        and isinstance(node.func.value.func, ast.Name)
        and node.func.value.func.id == "get_ipython"
    )


def configures(statement: ast.stmt) -> bool:
    """Return whether a statement is a line magic that configures the kernel."""
    if not isinstance(statement, ast.Expr) or not _is_escape(statement.value):
        return False
    call = statement.value
    assert isinstance(call, ast.Call)
    first = call.args[0] if call.args else None
    return isinstance(first, ast.Constant) and first.value in CONFIGURATION_MAGICS


def _note_shell(cell: CodeCell, what: str) -> None:
    cell.shell = True
    cell.remarks.append(
        Message(
            "{what!r} runs unchanged; the files it reads and writes are unknown, so the cells "
            "that use files from there on stay together",
            what=what,
        )
    )


def _unknown_effect(what: str) -> Message:
    return Message(
        "the effect of {what} on variables is unknown, so everything around it stays in one node",
        what=what,
    )
