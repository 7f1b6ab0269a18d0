"""The flow of data between the cells of a notebook: what each needs, and what it makes."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from jupyter_mlws.core.i18n import Message
from jupyter_mlws.workflows.importers.notebook_split import side_effects
from jupyter_mlws.workflows.importers.notebook_split.code import CodeCell, configures
from jupyter_mlws.workflows.importers.notebook_split.kinds import EXTENSIONS, SIMPLE, Kind, one
from jupyter_mlws.workflows.importers.notebook_split.libraries import SPARSE
from jupyter_mlws.workflows.importers.notebook_split.name_usage import Names, names_of
from jupyter_mlws.workflows.importers.notebook_split.type_inference import (
    Function,
    Scope,
    infer,
    learn,
)

HISTORY = re.compile(r"_{1,3}|_\d+|_i+\d*|In|Out|_[ioh]h|_dh")
"""IPython's names for what was shown and run before."""
FILLING = frozenset(("append", "extend", "insert", "update", "add", "setdefault"))
"""The methods that put values into a list, set or mapping."""
REFLECTION = frozenset(("exec", "eval", "globals", "locals", "vars", "dir", "get_ipython"))
GLOBAL_REFLECTION = frozenset(("exec", "eval", "globals"))
"""Those that reach the notebook's names from within a function, too."""


@dataclass(frozen=True, eq=False)
class Carried:
    """Code that is copied to where its names are used: imports, functions, constants, settings."""

    cell: int
    source: str
    names: tuple[str, ...]
    parameters: bool = False
    needs: tuple[Carried, ...] = ()
    """What it reads at once."""

    def closure(self) -> Iterator[Carried]:
        """Yield the code that must come before it, then itself."""
        for need in self.needs:
            yield from need.closure()
        yield self


@dataclass(frozen=True, eq=False)
class Version:
    """Value of a name from one cell on, with its kind; ``carried`` is the code that remakes it."""

    name: str
    cell: int
    kind: Kind
    carried: Carried | None = None

    @property
    def storable(self) -> bool:
        """True if the value can be passed from node to node as a file."""
        return self.kind in EXTENSIONS


@dataclass
class Step:
    """One cell in the flow. Cells are counted among the code cells, from 0."""

    index: int
    cell: CodeCell
    reads: dict[str, Version] = field(default_factory=dict)
    writes: dict[str, Version] = field(default_factory=dict)
    together: list[tuple[int, Message]] = field(default_factory=list)
    carried: list[Carried] = field(default_factory=list)
    files_read: list[str] = field(default_factory=list)
    files_written: list[str] = field(default_factory=list)
    runs: bool = False
    """Whether it has anything but code that is carried to where it is used."""

    @property
    def only_shows(self) -> bool:
        """True if the cell makes nothing that other cells could use."""
        return not self.writes and not self.files_written and not self.cell.shell


class Flow:
    """Data flow between the cells, read in order; ``settings`` are what every later node needs."""

    def __init__(self, cells: Sequence[CodeCell]) -> None:
        text = "\n".join(cell.text for cell in cells)
        self.steps: list[Step] = []
        self.settings: list[Carried] = []
        self._scope = Scope(sparse=any(re.search(rf"\b{word}\b", text) for word in SPARSE))
        self._current: dict[str, Version] = {}
        self._shared: dict[str, set[str]] = {}
        self._handed: dict[str, set[int]] = {}
        self._texts: dict[str, str] = {}
        self._bound = Counter(
            name
            for cell in cells
            for one in cell.body
            for name in dict.fromkeys(names_of(one).binds)
        )
        self._states: dict[str, int] = {}
        for index, cell in enumerate(cells):
            step = Step(index, cell)
            self.steps.append(step)
            self._read_cell(step)

    def _read_cell(self, step: Step) -> None:
        if step.cell.opaque is not None:
            self._keep_all(step, step.cell.opaque)
        for path in step.cell.writes:
            step.files_written.append(path)
            step.runs = True
        if step.cell.shell:
            step.runs = True
            self._state(step, "files", FILES, changes=True)
        for statement in step.cell.body:
            self._read_statement(step, statement)

    def _read_statement(self, step: Step, statement: ast.stmt) -> None:
        names = names_of(statement)
        if configures(statement) or side_effects.sets_up(statement, self._scope):
            if all(self._is_code(name) for name in names.reads):
                self.settings.append(self._carry(step, statement, ()))
                return
        elif self._only_seeds(statement, names):
            # Every node begins with the seed; what draws from it stays with its cell.
            self._need(step, names.reads)
            self.settings.append(self._carry(step, statement, ()))
            self._note_seeds(step, statement)
            return
        elif self._is_carriable(step, statement, names):
            self._bring(step, statement, names)
            return
        step.runs = True
        self._read_running(step, statement, names)

    # Code that is carried along

    def _carry(self, step: Step, statement: ast.stmt, names: tuple[str, ...]) -> Carried:
        source = _source(step.cell, statement)
        read = (self._current.get(name) for name in names_of(statement).reads)
        needs = tuple(version.carried for version in read if version and version.carried)
        snippet = Carried(step.index, source, names, step.cell.parameters, needs)
        step.carried.append(snippet)
        return snippet

    def _is_code(self, name: str) -> bool:
        version = self._current.get(name)
        return version is None or version.carried is not None

    def _is_carriable(self, step: Step, statement: ast.stmt, names: Names) -> bool:
        """Return whether a statement only defines something, with the same effect anywhere."""
        if any(self._bound[name] > 1 for name in names.reads):
            # What it reads at once may be another thing where it is copied to.
            return False
        if not all(self._is_code(name) for name in names.reads):
            return False
        if isinstance(statement, ast.Import | ast.ImportFrom):
            return True
        if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return True
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            return self._is_constant(step, statement)
        if isinstance(statement, ast.Try | ast.If):
            inner = [
                s for s in ast.walk(statement) if isinstance(s, ast.stmt) and s is not statement
            ]
            kinds = (ast.Import, ast.ImportFrom, ast.Assign, ast.Pass)
            return all(isinstance(s, kinds) for s in inner) and any(
                isinstance(s, ast.Import | ast.ImportFrom) for s in inner
            )
        return isinstance(statement, ast.Pass)

    def _is_constant(self, step: Step, statement: ast.Assign | ast.AnnAssign) -> bool:
        """Return whether a name gets a constant or a lambda; in a parameters cell, any literal."""
        targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
        if statement.value is None or not all(isinstance(t, ast.Name) for t in targets):
            return False
        if isinstance(statement.value, ast.Lambda):
            return True
        kind = one(infer(statement.value, self._scope))
        allowed = SIMPLE if step.cell.parameters else (Kind.SCALAR,)
        calls = any(isinstance(node, ast.Call | ast.Await) for node in ast.walk(statement.value))
        return kind in allowed and not calls

    def _bring(self, step: Step, statement: ast.stmt, names: Names) -> None:
        self._need(step, names.reads)
        for inner in (
            ast.walk(statement) if isinstance(statement, ast.Try | ast.If) else [statement]
        ):
            if isinstance(inner, ast.stmt):
                learn(inner, self._scope)
        snippet = self._carry(step, statement, tuple(dict.fromkeys(names.binds)))
        if isinstance(statement, ast.ClassDef):
            self._scope.kinds[statement.name] = Kind.CODE
        for name in snippet.names:
            kind = one(self._scope.kinds.get(name, Kind.CODE))
            self._set(step, Version(name, step.index, kind, snippet))
            self._shared.pop(name, None)
        value = getattr(statement, "value", None)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            self._texts |= dict.fromkeys(snippet.names, value.value)

    # Code that runs in its own node

    def _read_running(self, step: Step, statement: ast.stmt, names: Names) -> None:
        scope = self._scope
        identifiers = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
        if any(HISTORY.fullmatch(name) and name not in self._current for name in names.reads):
            self._keep_all(step, PAST)
        if (
            identifiers & REFLECTION - {"get_ipython"}
            and not identifiers & REFLECTION & self._current.keys()
        ):
            self._keep_all(step, REFLECTED)
        used = self._need(
            step, [*names.reads, *names.late, *side_effects.names_in_queries(statement)]
        )
        if used & GLOBAL_REFLECTION - identifiers - self._current.keys():
            # A function or class that it uses runs code or looks names up.
            self._keep_all(step, REFLECTED)
        self._note_states(step, statement)
        self._note_files(step, statement)
        mutated_names = side_effects.changed(statement, scope) | side_effects.written_globals(
            statement, scope
        )
        shared = self._sharing(step, statement)
        for inner in side_effects.walk(statement):
            if isinstance(inner, ast.stmt):
                self._spoil(inner)
                learn(inner, scope)
        for name in dict.fromkeys(names.binds):
            self._bind(step, statement, name, shared)
        for name in sorted(mutated_names):
            self._change(step, name)

    def _bind(self, step: Step, statement: ast.stmt, name: str, shared: set[str]) -> None:
        self._texts.pop(name, None)
        if isinstance(statement, KEEPING):
            # It may keep the value that it had, or change the object that it has.
            self._need(step, [name])
        else:
            for others in self._shared.values():
                others.discard(name)
            self._shared.pop(name, None)
            self._handed.pop(name, None)
        kind = one(self._scope.kinds.get(name, Kind.CODE if name in self._scope.functions
                                         else Kind.OPAQUE))  # fmt: skip
        self._set(step, Version(name, step.index, kind))
        if kind is not Kind.SCALAR:
            self._share(step, name, shared - {name})

    def _share(self, step: Step, name: str, others: set[str]) -> None:
        """Note that names may refer to one object from here on, which other cells passed on."""
        if not others:
            return
        for other in others:
            self._shared.setdefault(name, set()).add(other)
            self._shared.setdefault(other, set()).add(name)
        cells = {self._current[other].cell for other in others} | {step.index}
        for other in (name, *others):
            cells |= self._handed.get(other, set())
        self._handed |= dict.fromkeys((name, *others), cells)

    def _set(self, step: Step, version: Version) -> None:
        self._current[version.name] = version
        if version.carried is None:
            step.writes[version.name] = version
        else:
            step.writes.pop(version.name, None)

    def _sharing(self, step: Step, statement: ast.stmt) -> set[str]:
        """Return the variables that the statement's new names may share objects with."""
        names: set[str] = set()
        for node in side_effects.walk(statement):
            if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
                names |= side_effects.aliases(node.value, self._scope)
            elif isinstance(node, ast.For):
                names |= side_effects.aliases(node.iter, self._scope)
            elif isinstance(node, ast.With):
                for item in node.items:
                    names |= side_effects.aliases(item.context_expr, self._scope)
        # All that share it at this moment: a name in between may go on to mean something else.
        return self._group_of(name for name in names if not self._is_code(name))

    def _group_of(self, names: Iterable[str]) -> set[str]:
        """Return ``names``, and the names that may share an object with one of them."""
        group: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in self._current and name not in group:
                group.add(name)
                waiting += self._shared.get(name, ())
        return group

    def _need(self, step: Step, names: Sequence[str]) -> set[str]:
        """Note the names that are read, also by functions among them; return all names."""
        waiting, visited_names = list(names), set()
        while waiting:
            name = waiting.pop()
            if name in visited_names:
                continue
            visited_names.add(name)
            function = self._scope.functions.get(name)
            if function is not None and name in self._current:
                waiting += _late(function)
            version = self._current.get(name)
            if version is not None and version.cell != step.index:
                step.reads.setdefault(name, version)
            if version is not None and version.carried is not None:
                waiting += [n for n in names_of_source(version.carried.source) if n != name]
        return visited_names

    def _change(self, step: Step, name: str) -> None:
        """Note a change of an object for all names that may share it; they stay together."""
        if name not in self._current:
            return
        group = self._group_of([name])
        self._need(step, sorted(group))
        if len(group) > 1:
            self._keep_shared(step, group)
        for member in sorted(group):
            old = self._current[member]
            kind = old.kind if old.carried is None else Kind.OPAQUE
            kind = one(self._scope.kinds.get(member, kind)) if old.carried is None else kind
            self._set(step, Version(member, step.index, kind))

    def _keep_shared(self, step: Step, group: set[str]) -> None:
        """Keep the cells of a shared object together, as files would make several objects of it."""
        words = Message(
            "{names} may be the same object, which cell {number} modifies",
            names=", ".join(sorted(group)),
            number=step.cell.number,
        )
        cells = {self._current[member].cell for member in group}
        cells |= {cell for member in group for cell in self._handed.get(member, ())}
        step.together += [(cell, words) for cell in sorted(cells) if cell != step.index]

    def _spoil(self, statement: ast.stmt) -> None:
        """Mark a plain list or mapping as opaque if something that is not plain is put into it."""
        for node in ast.walk(statement):
            name, values = self._put_into(node)
            if name is None or self._scope.kinds.get(name) is not Kind.PLAIN:
                continue
            if any(one(infer(v, self._scope)) not in (*SIMPLE, Kind.ARRAY) for v in values):
                self._scope.kinds[name] = Kind.OPAQUE

    def _put_into(self, node: ast.AST) -> tuple[str | None, list[ast.expr]]:
        """Return the container that a node puts values into, and the values."""
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
            return side_effects.root(node.targets[0], self._scope), [node.value]
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            return None, []
        if node.func.attr in FILLING:
            return side_effects.root(node.func.value, self._scope), list(node.args)
        return None, []

    # What is not in variables

    def _keep_all(self, step: Step, reason: Message) -> None:
        """Keep all cells before and after together with this one, which may use any name."""
        step.runs = True
        self._need(step, sorted(self._current))
        step.together += [(other, reason) for other in range(step.index)]
        self._states["everything"] = step.index

    def _state(self, step: Step, name: str, reason: Message, *, changes: bool) -> None:
        last = self._states.get(name)
        if last is not None and last != step.index:
            step.together.append((last, reason))
        if changes:
            self._states[name] = step.index

    def _only_seeds(self, statement: ast.stmt, names: Names) -> bool:
        return (
            isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Call)
            and self._scope.dotted(statement.value.func) in side_effects.SEEDS
            and all(self._is_code(name) for name in names.reads)
        )

    def _note_seeds(self, step: Step, statement: ast.stmt) -> None:
        for state in side_effects.seeds(statement, self._scope):
            self._states[state] = step.index

    def _note_states(self, step: Step, statement: ast.stmt) -> None:
        if "everything" in self._states:
            self._state(step, "everything", REFLECTED, changes=False)
        self._note_seeds(step, statement)
        for state in sorted(side_effects.draws(statement, self._scope)):
            if state in self._states:
                self.steps[self._states[state]].runs = True
                reason = Message(
                    "they draw random numbers in sequence from {state}, which was seeded",
                    state=state,
                )
                self._state(step, state, reason, changes=True)

    def _note_files(self, step: Step, statement: ast.stmt) -> None:
        for writes, path in side_effects.files(statement, self._scope, self._texts):
            if path is None:
                self._state(step, "files", FILES, changes=writes)
            else:
                (step.files_written if writes else step.files_read).append(path)
                self._state(step, "files", FILES, changes=False)


KEEPING = (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.AugAssign)
FILES = Message("it is unknown which files are written here, and later cells use files")
PAST = Message("IPython's history of earlier cells is used")
REFLECTED = Message("code is executed or names are looked up dynamically")


def _late(function: Function) -> Iterator[str]:
    names = names_of(function.node)
    yield from (*names.reads, *names.late)


def names_of_source(source: str) -> list[str]:
    """Return the names that carried code reads, at once and when called."""
    try:
        names = names_of(ast.parse(source))
    except SyntaxError:
        # A line magic.
        return []
    return [*names.reads, *names.late]


def _source(cell: CodeCell, statement: ast.stmt) -> str:
    """Return a statement as it is written; a magic in IPython's own syntax."""
    if configures(statement):
        line = cell.text.splitlines()[statement.lineno - 1]
        magic = re.search(r"run_line_magic\('(.*?)', '(.*)'\)", line)
        return f"%{magic[1]} {magic[2]}".rstrip() if magic else line
    lines = cell.text.splitlines()
    first = min([statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))])
    if statement.col_offset == 0 and _alone(statement, cell):
        return "\n".join(lines[first - 1 : statement.end_lineno])
    return ast.get_source_segment(cell.text, statement) or ast.unparse(statement)


def _alone(statement: ast.stmt, cell: CodeCell) -> bool:
    """Return whether no other statement is on the same lines."""
    return not any(
        other is not statement
        and other.lineno <= (statement.end_lineno or 0)
        and (other.end_lineno or 0) >= statement.lineno
        for other in cell.body
    )
