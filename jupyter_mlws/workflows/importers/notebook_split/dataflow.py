"""Data flow between the cells of a notebook: what each cell reads and writes."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from jupyter_mlws.workflows.importers.notebook_split import side_effects
from jupyter_mlws.workflows.importers.notebook_split.code import CodeCell, configures
from jupyter_mlws.workflows.importers.notebook_split.kinds import EXTENSIONS, SIMPLE, Kind, one
from jupyter_mlws.workflows.importers.notebook_split.libraries import SPARSE_OUTPUT_NAMES
from jupyter_mlws.workflows.importers.notebook_split.name_usage import Names, names_of
from jupyter_mlws.workflows.importers.notebook_split.type_inference import (
    Scope,
    infer,
    record_bindings,
)
from mlws.core.i18n import Message

DEFINITIONS = (
    *(ast.Import, ast.ImportFrom),
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass),
)
HISTORY_NAMES = re.compile(r"_{1,3}|_\d+|_i+\d*|In|Out|_[ioh]h|_dh")
"""IPython's names for the inputs and outputs of earlier cells."""
INSERTION_METHODS = frozenset(("append", "extend", "insert", "update", "add", "setdefault"))
"""Methods that put values into a list, set or mapping."""
REFLECTION_FUNCTIONS = frozenset(
    ("exec", "eval", "globals", "locals", "vars", "dir", "get_ipython")
)
GLOBAL_REFLECTION_FUNCTIONS = frozenset(("exec", "eval", "globals"))
"""Functions that reach the notebook's names from within a function, too."""
PRESERVING_STATEMENTS = (ast.If, ast.For, ast.While, ast.Try, ast.With, ast.AugAssign)
FILES_REASON = Message("it is unknown which files are written here, and later cells use files")
HISTORY_REASON = Message("IPython's history of earlier cells is used")
REFLECTION_REASON = Message("code is executed or names are looked up dynamically")


@dataclass(frozen=True, eq=False)
class Snippet:
    """Code that is copied to where its names are used: imports, functions, constants, settings."""

    cell: int
    source: str
    names: tuple[str, ...]
    parameters: bool = False
    needs: tuple[Snippet, ...] = ()
    """Snippets that must run before it."""

    def closure(self) -> Iterator[Snippet]:
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
    carried: Snippet | None = None

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
    carried: list[Snippet] = field(default_factory=list)
    files_read: list[str] = field(default_factory=list)
    files_written: list[str] = field(default_factory=list)
    runs: bool = False
    """True if it has statements that are not copied to where they are used."""

    @property
    def only_shows(self) -> bool:
        """True if the cell makes nothing that other cells could use."""
        return not self.writes and not self.files_written and not self.cell.shell


class Flow:
    """Data flow between the cells, read in order; ``settings`` are what every later node needs."""

    def __init__(self, cells: Sequence[CodeCell]) -> None:
        text = "\n".join(cell.text for cell in cells)
        self.steps: list[Step] = []
        self.settings: list[Snippet] = []
        self._scope = Scope(
            sparse=any(re.search(rf"\b{word}\b", text) for word in SPARSE_OUTPUT_NAMES)
        )
        self._current: dict[str, Version] = {}
        self._aliases: dict[str, set[str]] = {}
        self._alias_cells: dict[str, set[int]] = {}
        self._texts: dict[str, str] = {}
        self._binding_counts = Counter(
            name
            for cell in cells
            for one in cell.body
            for name in dict.fromkeys(names_of(one).binds)
        )
        self._states: dict[str, int] = {}
        for index, cell in enumerate(cells):
            step = Step(index, cell, files_written=list(cell.writes))
            step.runs = bool(cell.writes or cell.shell)
            self.steps.append(step)
            if cell.opaque is not None:
                self._keep_all_together(step, cell.opaque)
            if cell.shell:
                self._use_state(step, "files", FILES_REASON, changes=True)
            for statement in cell.body:
                self._read_statement(step, statement)

    def _read_statement(self, step: Step, statement: ast.stmt) -> None:
        names = names_of(statement)
        reads_only_code = all(self._is_code(name) for name in names.reads)
        if configures(statement) or side_effects.sets_up(statement, self._scope):
            if reads_only_code:
                self.settings.append(self._add_snippet(step, statement, ()))
                return
        elif (
            reads_only_code
            and isinstance(statement, ast.Expr)
            and isinstance(statement.value, ast.Call)
            and self._scope.dotted_name(statement.value.func) in side_effects.SEED_FUNCTIONS
        ):
            # Every node begins with the seed; code that draws from it stays with the first draw.
            self._add_reads(step, names.reads)
            self.settings.append(self._add_snippet(step, statement, ()))
            self._note_seeds(step, statement)
            return
        elif reads_only_code and self._is_definition(step, statement, names):
            self._read_definition(step, statement, names)
            return
        step.runs = True
        self._read_executable(step, statement, names)

    def _add_snippet(self, step: Step, statement: ast.stmt, names: tuple[str, ...]) -> Snippet:
        source = _source(step.cell, statement)
        read = (self._current.get(name) for name in names_of(statement).reads)
        needs = tuple(version.carried for version in read if version and version.carried)
        snippet = Snippet(step.index, source, names, step.cell.parameters, needs)
        step.carried.append(snippet)
        return snippet

    def _is_code(self, name: str) -> bool:
        version = self._current.get(name)
        return version is None or version.carried is not None

    def _is_definition(self, step: Step, statement: ast.stmt, names: Names) -> bool:
        """Return whether a statement only defines something, with the same effect anywhere."""
        if any(self._binding_counts[name] > 1 for name in names.reads):
            # A name that it reads at once may have another value where it is copied to.
            return False
        if isinstance(statement, DEFINITIONS):
            return True
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            # A constant or a lambda; in a parameters cell, any literal.
            targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target]
            value = statement.value
            if value is None or not all(isinstance(target, ast.Name) for target in targets):
                return False
            if isinstance(value, ast.Lambda):
                return True
            allowed = SIMPLE if step.cell.parameters else (Kind.SCALAR,)
            calls = any(isinstance(node, ast.Call | ast.Await) for node in ast.walk(value))
            return not calls and one(infer(value, self._scope)) in allowed
        if isinstance(statement, ast.Try | ast.If):
            inner = [
                s for s in ast.walk(statement) if isinstance(s, ast.stmt) and s is not statement
            ]
            kinds = (ast.Import, ast.ImportFrom, ast.Assign, ast.Pass)
            return all(isinstance(s, kinds) for s in inner) and any(
                isinstance(s, ast.Import | ast.ImportFrom) for s in inner
            )
        return False

    def _read_definition(self, step: Step, statement: ast.stmt, names: Names) -> None:
        self._add_reads(step, names.reads)
        for inner in (
            ast.walk(statement) if isinstance(statement, ast.Try | ast.If) else [statement]
        ):
            if isinstance(inner, ast.stmt):
                record_bindings(inner, self._scope)
        snippet = self._add_snippet(step, statement, tuple(dict.fromkeys(names.binds)))
        if isinstance(statement, ast.ClassDef):
            self._scope.kinds[statement.name] = Kind.CODE
        for name in snippet.names:
            kind = one(self._scope.kinds.get(name, Kind.CODE))
            self._set(step, Version(name, step.index, kind, snippet))
            self._aliases.pop(name, None)
        value = getattr(statement, "value", None)
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            self._texts |= dict.fromkeys(snippet.names, value.value)

    def _read_executable(self, step: Step, statement: ast.stmt, names: Names) -> None:
        scope = self._scope
        identifiers = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
        if any(HISTORY_NAMES.fullmatch(name) and name not in self._current for name in names.reads):
            self._keep_all_together(step, HISTORY_REASON)
        if (
            identifiers & REFLECTION_FUNCTIONS - {"get_ipython"}
            and not identifiers & REFLECTION_FUNCTIONS & self._current.keys()
        ):
            self._keep_all_together(step, REFLECTION_REASON)
        used = self._add_reads(
            step, [*names.reads, *names.late, *side_effects.names_in_queries(statement)]
        )
        if used & GLOBAL_REFLECTION_FUNCTIONS - identifiers - self._current.keys():
            # It uses a function or class that runs code or looks names up.
            self._keep_all_together(step, REFLECTION_REASON)
        self._note_states(step, statement)
        for writes, path in side_effects.files(statement, scope, self._texts):
            if path is None:
                self._use_state(step, "files", FILES_REASON, changes=writes)
            else:
                (step.files_written if writes else step.files_read).append(path)
                self._use_state(step, "files", FILES_REASON, changes=False)
        mutated_names = side_effects.find_mutated_variables(
            statement, scope
        ) | side_effects.written_globals(statement, scope)
        shared = self._find_aliases(step, statement)
        for inner in side_effects.walk(statement):
            if isinstance(inner, ast.stmt):
                self._mark_opaque(inner)
                record_bindings(inner, scope)
        for name in dict.fromkeys(names.binds):
            self._bind(step, statement, name, shared)
        for name in sorted(mutated_names):
            self._add_mutation(step, name)

    def _bind(self, step: Step, statement: ast.stmt, name: str, shared: set[str]) -> None:
        self._texts.pop(name, None)
        if isinstance(statement, PRESERVING_STATEMENTS):
            # The name may keep its value, or its object may change.
            self._add_reads(step, [name])
        else:
            for others in self._aliases.values():
                others.discard(name)
            self._aliases.pop(name, None)
            self._alias_cells.pop(name, None)
        default = Kind.CODE if name in self._scope.functions else Kind.OPAQUE
        kind = one(self._scope.kinds.get(name, default))
        self._set(step, Version(name, step.index, kind))
        others = shared - {name}
        if kind is Kind.SCALAR or not others:
            return
        # From here on the names may refer to one object, which other cells passed on.
        for other in others:
            self._aliases.setdefault(name, set()).add(other)
            self._aliases.setdefault(other, set()).add(name)
        cells = {self._current[other].cell for other in others} | {step.index}
        for other in (name, *others):
            cells |= self._alias_cells.get(other, set())
        self._alias_cells |= dict.fromkeys((name, *others), cells)

    def _set(self, step: Step, version: Version) -> None:
        self._current[version.name] = version
        if version.carried is None:
            step.writes[version.name] = version
        else:
            step.writes.pop(version.name, None)

    def _find_aliases(self, step: Step, statement: ast.stmt) -> set[str]:
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
        # All names that share it now: one of them may get another value later.
        return self._group_of(name for name in names if not self._is_code(name))

    def _group_of(self, names: Iterable[str]) -> set[str]:
        """Return ``names``, and the names that may share an object with one of them."""
        group: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name in self._current and name not in group:
                group.add(name)
                waiting += self._aliases.get(name, ())
        return group

    def _add_reads(self, step: Step, names: Sequence[str]) -> set[str]:
        """Note the names that are read, also by functions among them; return all names."""
        waiting, visited_names = list(names), set()
        while waiting:
            name = waiting.pop()
            if name in visited_names:
                continue
            visited_names.add(name)
            function = self._scope.functions.get(name)
            if function is not None and name in self._current:
                inner = names_of(function.node)
                waiting += [*inner.reads, *inner.late]
            version = self._current.get(name)
            if version is not None and version.cell != step.index:
                step.reads.setdefault(name, version)
            if version is not None and version.carried is not None:
                waiting += [n for n in names_of_source(version.carried.source) if n != name]
        return visited_names

    def _add_mutation(self, step: Step, name: str) -> None:
        """Note a change of an object for all names that may share it; they stay together."""
        if name not in self._current:
            return
        group = self._group_of([name])
        self._add_reads(step, sorted(group))
        if len(group) > 1:
            # Files would make several objects of the one that the names share.
            words = Message(
                "{names} may be the same object, which cell {number} modifies",
                names=", ".join(sorted(group)),
                number=step.cell.number,
            )
            cells = {self._current[member].cell for member in group}
            cells |= {cell for member in group for cell in self._alias_cells.get(member, ())}
            step.together += [(cell, words) for cell in sorted(cells) if cell != step.index]
        for member in sorted(group):
            old = self._current[member]
            kind = old.kind if old.carried is None else Kind.OPAQUE
            kind = one(self._scope.kinds.get(member, kind)) if old.carried is None else kind
            self._set(step, Version(member, step.index, kind))

    def _mark_opaque(self, statement: ast.stmt) -> None:
        """Mark a plain list or mapping as opaque if a value that is not plain is put into it."""
        for node in ast.walk(statement):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript):
                name, values = side_effects.root(node.targets[0], self._scope), [node.value]
            elif (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in INSERTION_METHODS
            ):
                name, values = side_effects.root(node.func.value, self._scope), node.args
            else:
                continue
            if name is None or self._scope.kinds.get(name) is not Kind.PLAIN:
                continue
            if any(one(infer(v, self._scope)) not in (*SIMPLE, Kind.ARRAY) for v in values):
                self._scope.kinds[name] = Kind.OPAQUE

    def _keep_all_together(self, step: Step, reason: Message) -> None:
        """Keep all cells before and after together with this one, which may use any name."""
        step.runs = True
        self._add_reads(step, sorted(self._current))
        step.together += [(other, reason) for other in range(step.index)]
        self._states["everything"] = step.index

    def _use_state(self, step: Step, name: str, reason: Message, *, changes: bool) -> None:
        last = self._states.get(name)
        if last is not None and last != step.index:
            step.together.append((last, reason))
        if changes:
            self._states[name] = step.index

    def _note_seeds(self, step: Step, statement: ast.stmt) -> None:
        for state in side_effects.seeds(statement, self._scope):
            self._states[state] = step.index

    def _note_states(self, step: Step, statement: ast.stmt) -> None:
        if "everything" in self._states:
            self._use_state(step, "everything", REFLECTION_REASON, changes=False)
        self._note_seeds(step, statement)
        for state in sorted(side_effects.draws(statement, self._scope)):
            if state in self._states:
                self.steps[self._states[state]].runs = True
                reason = Message(
                    "they draw random numbers in sequence from {state}, which was seeded",
                    state=state,
                )
                self._use_state(step, state, reason, changes=True)


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
    shares_lines = any(
        other is not statement
        and other.lineno <= (statement.end_lineno or 0)
        and (other.end_lineno or 0) >= statement.lineno
        for other in cell.body
    )
    if statement.col_offset == 0 and not shares_lines:
        return "\n".join(lines[first - 1 : statement.end_lineno])
    return ast.get_source_segment(cell.text, statement) or ast.unparse(statement)
