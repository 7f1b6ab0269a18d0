"""Code of a node: a file of the project's components, changed by its ports.

The code is parsed, and neither imported nor run.
"""

from __future__ import annotations

import ast
import io
import itertools
import keyword
import tokenize
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from jupyter_mlws.components.artifacts import ARTIFACTS
from jupyter_mlws.components.registry import FOLDER
from jupyter_mlws.core.schemas import Record, Request
from mlws.core.atomic import atomic_write
from mlws.core.i18n import Message

TEMPLATE = """\
from jupyter_mlws.components import Table, component


@component
def {name}(data: Table) -> Table:
    return data
"""
OUR_MODULE = "jupyter_mlws.components"
LINE_LENGTH = 99
NAME = r"^[A-Za-z_][A-Za-z0-9_]*$"

PortType = Literal["Table", "Model", "Metrics", "Figure", "Text", "Folder", "File"]
Edit = tuple[int, int, str]
"""Start and end in a text, and the text that replaces what is between them."""


class CodePort(Request):
    """An input or output; ``previous`` is its name in the code so far, null for a new one."""

    name: str = Field(pattern=NAME, max_length=100)
    type: PortType
    previous: str | None = None

    @field_validator("name")
    @classmethod
    def _not_reserved(cls, name: str) -> str:
        if keyword.iskeyword(name):
            raise ValueError(f"{name} is a reserved word of Python")
        return name


class CodePorts(Request):
    """All ports of a function; ``columns`` is the input whose columns the output tables have."""

    inputs: list[CodePort] = Field(max_length=50)
    outputs: list[CodePort] = Field(min_length=1, max_length=50)
    columns: str | None = None

    @model_validator(mode="after")
    def _unique(self) -> CodePorts:
        names = [port.name for port in (*self.inputs, *self.outputs)]
        doubles = sorted({name for name in names if names.count(name) > 1})
        if doubles:
            raise ValueError(f"two ports have the name {doubles[0]}")
        return self


class CodeRequest(Request):
    """The code of a component, and the ports that it is to have; only checked without them."""

    name: str = Field(pattern=NAME, max_length=100)
    text: str = Field(max_length=1_000_000)
    ports: CodePorts | None = None


class CodeProblem(Record):
    """Why a code declares no component; lines and columns count from 1."""

    message: Message
    line: int | None
    column: int | None


class Code(Record):
    """The code of a component, changed unless it has a problem."""

    text: str
    problem: CodeProblem | None


def create(root: Path, names: Collection[str]) -> tuple[str, Path]:
    """Write a new file of a component; return the component's name, which is in no ``names``."""
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    candidates = itertools.chain(
        ["python_code"], (f"python_code_{number}" for number in itertools.count(2))
    )
    name = next(
        one for one in candidates if one not in names and not (folder / f"{one}.py").exists()
    )
    file = folder / f"{name}.py"
    atomic_write(file, TEMPLATE.format(name=name))
    return name, file


def edit(request: CodeRequest) -> Code:
    """Check the code, and give its function the requested ports."""
    text = request.text
    problem = _problem(text, request.name)
    if problem is None and request.ports is not None:
        for change in (change_inputs, change_outputs, change_columns, change_imports):
            text = change(text, request.name, request.ports)
        # Such as an input with the name of a setting.
        problem = _problem(text, request.name)
    return Code(text=text if problem is None else request.text, problem=problem)


def _problem(text: str, name: str) -> CodeProblem | None:
    try:
        # Also finds what the grammar alone allows, such as `return` outside a function.
        compile(text, f"{name}.py", "exec", dont_inherit=True)
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line, column = getattr(error, "lineno", None), getattr(error, "offset", None)
        reason = getattr(error, "msg", None) or str(error)
        return CodeProblem(message=Message.verbatim(reason), line=line, column=column)
    if not any(isinstance(one, ast.FunctionDef) and one.name == name for one in tree.body):
        return CodeProblem(
            message=Message(
                "The code does not define the function {name!r}, which the node runs.", name=name
            ),
            line=None,
            column=None,
        )
    return None


class _Code:
    """A parsed text with its function."""

    def __init__(self, text: str, name: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._lines = text.split("\n")
        self._starts = list(
            itertools.accumulate((len(line) + 1 for line in self._lines), initial=0)
        )
        self.function = next(
            one
            for one in reversed(self.tree.body)
            if isinstance(one, ast.FunctionDef) and one.name == name
        )

    def offset(self, line: int, column: int) -> int:
        """Return the place in the text; ``column`` is in UTF-8 bytes, as of ``ast``."""
        before = self._lines[line - 1].encode()[:column].decode()
        return self._starts[line - 1] + len(before)

    def span(self, node: ast.expr | ast.stmt | ast.arg | ast.keyword) -> tuple[int, int]:
        """Return the start and end of a node."""
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self.offset(node.lineno, node.col_offset)
        return start, self.offset(node.end_lineno, node.end_col_offset)

    def source(self, node: ast.expr | ast.arg) -> str:
        """Return the text of a node."""
        start, end = self.span(node)
        return self.text[start:end]

    def header(self) -> tuple[int, int, int]:
        """Return the places of the function's parentheses, and of the colon behind them."""
        places: list[int] = []
        depth = 0
        is_inside = False
        for token in tokenize.generate_tokens(io.StringIO(self.text).readline):
            place = self._starts[token.start[0] - 1] + token.start[1]
            is_inside |= token.string == "def" and token.start[0] == self.function.lineno
            if not is_inside or token.type != tokenize.OP:
                continue
            if token.string in "([{":
                depth += 1
                if depth == 1 and not places and token.string == "(":
                    places.append(place)
            elif token.string in ")]}":
                depth -= 1
                if depth == 0 and len(places) == 1:
                    places.append(place)
            elif token.string == ":" and depth == 0 and len(places) == 2:
                return places[0], places[1], place
        raise AssertionError("a function has a header")

    def output_class(self) -> ast.ClassDef | None:
        """Return the class of named outputs."""
        returns = self.function.returns
        if not isinstance(returns, ast.Name):
            return None
        classes = [one for one in self.tree.body if isinstance(one, ast.ClassDef)]
        return next((one for one in classes if one.name == returns.id), None)

    def outputs(self) -> list[tuple[str, str]]:
        """Return the names and types of the outputs."""
        fields = self.output_class()
        if fields is None:
            kind = _type_of(self.function.returns)
            return [(kind.lower(), kind)]
        return [
            (one.target.id, _type_of(one.annotation))
            for one in fields.body
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
        ]

    def returns(self) -> Iterator[ast.expr]:
        """Yield the values that the function returns."""
        pending: list[ast.AST] = list(self.function.body)
        while pending:
            node = pending.pop()
            if isinstance(node, ast.Return) and node.value is not None:
                yield node.value
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                pending += ast.iter_child_nodes(node)


def _apply(text: str, edits: Sequence[Edit]) -> str:
    for start, end, words in sorted(edits, reverse=True):
        text = text[:start] + words + text[end:]
    return text


def _type_of(annotation: ast.expr | None) -> str:
    """Return the name of an artifact type: that of ``list[Model]`` and of ``Model | None``."""
    names = [
        node.id if isinstance(node, ast.Name) else node.attr
        for node in (ast.walk(annotation) if annotation else ())
        if isinstance(node, ast.Name | ast.Attribute)
    ]
    return next((name for name in names if name in ARTIFACTS), "")


def change_inputs(text: str, name: str, ports: CodePorts) -> str:
    """Give the function the inputs, and rename the variables that they are in its body."""
    code = _Code(text, name)
    arguments = code.function.args
    parameters = [*arguments.posonlyargs, *arguments.args]
    defaults = dict(
        zip([one.arg for one in reversed(parameters)], reversed(arguments.defaults), strict=False)
    )
    before = [(one.arg, _type_of(one.annotation)) for one in parameters]
    if before == [(port.name, port.type) for port in ports.inputs]:
        return text
    by_name = {one.arg: one for one in parameters}
    required, optional = [], []
    for port in ports.inputs:
        old = by_name.get(port.previous or "")
        default = defaults.get(port.previous or "")
        annotation: str = port.type
        if old is not None and old.annotation is not None:
            annotation = code.source(old.annotation)
            if _type_of(old.annotation) != port.type:
                annotation = f"{port.type} | None" if default is not None else port.type
        if default is None:
            required.append(f"{port.name}: {annotation}")
        else:
            optional.append(f"{port.name}: {annotation} = {code.source(default)}")
    parts = [*required, *optional]
    opening, closing, colon = code.header()
    if arguments.kwonlyargs:
        start = code.span(arguments.kwonlyargs[0])[0]
        parts += ["*", text[start:closing].strip().rstrip(",")]
    head = ", ".join(parts)
    if len(f"def {name}(){text[closing:colon]}") + len(head) > LINE_LENGTH:
        head = "\n    " + ",\n    ".join(parts) + ",\n"
    edits: list[Edit] = [(opening + 1, closing, head)]
    names = {
        port.previous: port.name
        for port in ports.inputs
        if port.previous in by_name and port.previous != port.name
    }
    for node in (one for statement in code.function.body for one in ast.walk(statement)):
        if isinstance(node, ast.Name) and node.id in names:
            edits.append((*code.span(node), names[node.id]))
    return _apply(text, edits)


def change_outputs(text: str, name: str, ports: CodePorts) -> str:
    """Declare the outputs and return them: several in a class of their own."""
    code = _Code(text, name)
    before = code.outputs()
    if before == [(port.name, port.type) for port in ports.outputs]:
        return text
    fields = code.output_class()
    _, closing, colon = code.header()
    first = ports.outputs[0]
    is_single = len(ports.outputs) == 1 and first.name == first.type.lower()
    edits: list[Edit] = []
    body = [f"    {port.name}: {port.type}" for port in ports.outputs]
    if is_single:
        edits.append((closing + 1, colon, f" -> {first.type}"))
        class_name = fields.name if fields else ""
        if fields is not None:
            start, end = code.span(fields)
            rest = text[end:]
            edits.append((start, end + len(rest) - len(rest.lstrip("\n")), ""))
    elif fields is not None:
        class_name = fields.name
        lines = [one for one in fields.body if isinstance(one, ast.AnnAssign)]
        start = code.offset(lines[0].lineno, 0)
        edits.append((start, code.span(lines[-1])[1], "\n".join(body)))
    else:
        classes = {one.name for one in code.tree.body if isinstance(one, ast.ClassDef)}
        class_name = "Outputs" if "Outputs" not in classes else f"Outputs_{name}"
        decorators = code.function.decorator_list
        line = decorators[0].lineno if decorators else code.function.lineno
        place = code.offset(line, 0)
        words = f"class {class_name}(NamedTuple):\n" + "\n".join(body) + "\n\n\n"
        edits += [(place, place, words), (closing + 1, colon, f" -> {class_name}")]
    old_names = [one for one, _ in before]
    for value in code.returns():
        sources = _sources(code, value, class_name, old_names)
        if sources is None:
            continue
        if is_single:
            result = sources.get(first.previous or "", next(iter(sources.values()), "None"))
        else:
            values = [
                f"{port.name}={sources.get(port.previous or '', 'None')}" for port in ports.outputs
            ]
            result = f"{class_name}({', '.join(values)})"
        edits.append((*code.span(value), result))
    return _apply(text, edits)


def _sources(
    code: _Code, value: ast.expr, class_name: str, names: Sequence[str]
) -> dict[str, str] | None:
    """Return the texts of the outputs in a returned value; None if it is ambiguous."""
    is_call = (
        isinstance(value, ast.Call)
        and isinstance(value.func, ast.Name)
        and value.func.id == class_name
    )
    if isinstance(value, ast.Call) and is_call:
        positional = dict(zip(names, map(code.source, value.args), strict=False))
        by_keyword = {one.arg: code.source(one.value) for one in value.keywords if one.arg}
        return positional | by_keyword
    return {names[0]: code.source(value)} if len(names) == 1 else None


def change_columns(text: str, name: str, ports: CodePorts) -> str:
    """Declare whose columns the output tables have; other rules stay."""
    code = _Code(text, name)
    tables = [port.name for port in ports.inputs if port.type == "Table"]
    columns = ports.columns if ports.columns in tables else None
    for decorator in code.function.decorator_list:
        call = decorator if isinstance(decorator, ast.Call) else None
        target = call.func if call else decorator
        if not (isinstance(target, ast.Name) and target.id == "component"):
            continue
        options = {one.arg: one for one in call.keywords} if call else {}
        rule = options.get("columns")
        if rule is None:
            if columns is None:
                return text
            parts = [text[slice(*code.span(one))] for one in options.values()]
            parts.append(f'columns=like("{columns}")')
            return _apply(text, [(*code.span(decorator), f"component({', '.join(parts)})")])
        is_like = (
            isinstance(rule.value, ast.Call)
            and isinstance(rule.value.func, ast.Name)
            and rule.value.func.id == "like"
        )
        if not (isinstance(rule.value, ast.Call) and is_like):
            return text
        if columns is not None and rule.value.args:
            return _apply(text, [(*code.span(rule.value.args[0]), f'"{columns}"')])
        rest = [text[slice(*code.span(one))] for one in options.values() if one is not rule]
        words = f"component({', '.join(rest)})" if rest else "component"
        return _apply(text, [(*code.span(decorator), words)])
    return text


def change_imports(text: str, name: str, _: CodePorts) -> str:
    """Import the names that the code uses, and no types that it does not use any more."""
    code = _Code(text, name)
    used = {node.id for node in ast.walk(code.tree) if isinstance(node, ast.Name)}
    ours = next(
        (
            one
            for one in code.tree.body
            if isinstance(one, ast.ImportFrom) and one.module == OUR_MODULE
        ),
        None,
    )
    if ours is None:
        return text
    managed = {*ARTIFACTS, "like"}
    entries = {
        alias.asname or alias.name: f"{alias.name} as {alias.asname}"
        if alias.asname
        else alias.name
        for alias in ours.names
    }
    names = {
        **{one: entry for one, entry in entries.items() if one not in managed or one in used},
        **{one: one for one in managed & used},
    }
    edits: list[Edit] = []
    if names.keys() != entries.keys():
        words = ", ".join(names[one] for one in sorted(names))
        edits.append((*code.span(ours), f"from {OUR_MODULE} import {words}"))
    typing = [
        one for one in code.tree.body if isinstance(one, ast.ImportFrom) and one.module == "typing"
    ]
    has_tuple = any(alias.name == "NamedTuple" for one in typing for alias in one.names)
    start = code.span(ours)[0]
    if "NamedTuple" in used and not has_tuple:
        edits.append((start, start, "from typing import NamedTuple\n\n"))
    elif "NamedTuple" not in used:
        for one in typing:
            if [alias.name for alias in one.names] == ["NamedTuple"]:
                begin, end = code.span(one)
                rest = text[end:]
                edits.append((begin, end + len(rest) - len(rest.lstrip("\n")), ""))
    return _apply(text, edits)
