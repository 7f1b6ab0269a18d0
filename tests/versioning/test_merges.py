"""Merges on real git, DVC and nbdime: code, notebooks and data; nothing is lost on the way."""

from __future__ import annotations

import copy
import os
import random
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyter_mlws.notebook_format.alignment import align, transfer_ids
from jupyter_mlws.notebook_format.document import NotANotebookError, check, parse
from jupyter_mlws.notebook_format.merging import merge
from jupyter_mlws.notebook_format.process import NotebookRefusedError, merge_notebooks
from jupyter_mlws.versioning.code.models import ConflictHow, MergeOutcome, Resolution
from jupyter_mlws.workspace import Workspace
from mlws.core.errors import MLWSError
from tests import python
from tests.series import length
from tests.versioning.working_trees import add_data, tree_of

Command = Callable[..., str]
v4 = nbformat.v4


def refused(call: Callable[[], object]) -> MLWSError:
    with pytest.raises(MLWSError) as error:
        call()
    return error.value


def notebook(*sources: str, **metadata: Any) -> Any:
    cells = [v4.new_code_cell(source) for source in sources]
    return v4.new_notebook(cells=cells, metadata=metadata)


def text(document: Any) -> bytes:
    return nbformat.writes(document).encode() + b"\n"


def sources(content: bytes) -> list[str]:
    document = nbformat.reads(content.decode(), as_version=4)
    nbformat.validate(document)
    return [cell.source for cell in document.cells]


def regenerate(document: Any, seed: int) -> None:
    drawn = random.Random(seed)
    for cell in document.cells:
        cell["id"] = f"{drawn.getrandbits(32):08x}"


class Two:
    """``main`` and ``other``, which both go on from one commit; main is checked out."""

    def __init__(self, versions: Workspace, git: Command) -> None:
        self.versions = versions
        self.root = versions.snapshots.project.root
        self.git = git
        self.merges = versions.merges

    def diverge(self, ours: dict[str, Any], theirs: dict[str, Any]) -> None:
        """Contents of files on either side; None deletes."""
        self.git(self.root, "checkout", "-q", "-b", "other")
        self._commit(theirs)
        self.versions.branches.checkout("main")
        self._commit(ours)

    def _commit(self, files: dict[str, Any]) -> None:
        data = []
        for path, content in files.items():
            target = self.root / path
            if content is None:
                target.unlink()
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content if isinstance(content, bytes) else content.encode())
            if path.startswith("data/") and path.endswith(".csv"):
                data.append(path)
        if data:
            add_data(self.root, *data)
        self.git(self.root, "add", "-A")
        self.git(self.root, "commit", "-qm", "Change")

    def text(self, path: str) -> str:
        return (self.root / path).read_text()


@pytest.fixture
def two(versions: Workspace, git: Command) -> Two:
    return Two(versions, git)


# Notebooks, cell by cell


def test_regenerated_ids_do_not_make_cells_new() -> None:
    old = notebook("import os", "x = 1\ny = 2", "", "plot(x)", "print(x)").cells
    new = notebook("import os", "# added", "x = 1\ny = 3", "", "plot(x)", "print(x)").cells
    assert align(old, new) == {0: 0, 2: 1, 3: 2, 4: 3, 5: 4}
    transfer_ids(old, new)
    assert [cell["id"] for cell in new if cell in old] == [
        old[0]["id"],
        *(c["id"] for c in old[2:]),
    ]
    assert len({cell["id"] for cell in new}) == 6


def test_numbered_ids_do_not_shift_cells() -> None:
    old = notebook(*"abcde").cells
    new = notebook("new one", *"abcde").cells
    for cells in (old, new):
        for number, cell in enumerate(cells):
            cell["id"] = f"cell-{number}"
    assert align(old, new) == {1: 0, 2: 1, 3: 2, 4: 3, 5: 4}


def test_a_rewritten_cell_keeps_its_id() -> None:
    old = notebook("a", "print('one')", "c").cells
    new = copy.deepcopy(old)
    new[1].source = "something = else_entirely(42)"
    assert align(old, new) == {0: 0, 1: 1, 2: 2}


def _worked() -> float:
    """Seconds of processor time, of processes that have ended, too."""
    return sum(os.times()[:4])


def test_two_branches_append_and_edit_with_regenerated_ids() -> None:
    """The acceptance: a valid notebook, no cell lost, in under two seconds."""
    image = v4.new_output("display_data", {"image/png": "A" * 200_000, "text/plain": "figure"})
    base = v4.new_notebook(
        cells=[
            v4.new_code_cell(f"a{n} = load({n})\nplot(a{n})", outputs=[image], execution_count=n)
            for n in range(100)
        ]
    )
    sides = {}
    for name, first in (("ours", 0), ("theirs", 3)):
        side = copy.deepcopy(base)
        for number in range(first, 100, 7):
            side.cells[number].source += f"\n{name}({number})"
        side.cells += [v4.new_code_cell(f"{name} new {n}", outputs=[image]) for n in range(5)]
        side.cells.insert(50, v4.new_markdown_cell(f"# {name}"))
        regenerate(side, first)
        sides[name] = side
    given = [text(base), text(sides["ours"]), text(sides["theirs"])]
    began = _worked()
    merged = merge_notebooks(*given)
    # Of the processor's time, which other work on the machine does not change.
    assert _worked() - began < 2
    assert merged.conflicts == []
    found = sources(merged.text)
    assert len(found) == 112
    for name, first in (("ours", 0), ("theirs", 3)):
        edited = {f"a{n} = load({n})\nplot(a{n})\n{name}({n})" for n in range(first, 100, 7)}
        assert edited <= set(found)
        assert {f"# {name}", *(f"{name} new {n}" for n in range(5))} <= set(found)
    document = nbformat.reads(merged.text.decode(), as_version=4)
    assert all(cell.outputs for cell in document.cells if cell.cell_type == "code")


WORDS = st.sampled_from(["x = 1", "y = 2\nz = 3", "", "plot(x)", "print(x)", "# note\nx += 1"])
EDITS = st.lists(
    st.tuples(st.sampled_from(["insert", "edit", "delete"]), st.integers(0, 9), WORDS), max_size=4
)


@settings(max_examples=length(40, 150), deadline=None)
@given(st.lists(WORDS, max_size=6), EDITS, EDITS, st.booleans())
def test_no_edit_is_lost_and_every_result_validates(
    cells: list[str], ours: Any, theirs: Any, regenerated: bool
) -> None:
    base = notebook(*cells)
    sides = []
    inserted = []
    for name, edits in (("ours", ours), ("theirs", theirs)):
        side = copy.deepcopy(base)
        for number, (kind, place, word) in enumerate(edits):
            at = place % (len(side.cells) + 1)
            source = f"{word}\n{name} {number}"
            if kind == "insert" or at == len(side.cells):
                side.cells.insert(at, v4.new_code_cell(source))
            elif kind == "edit":
                side.cells[at].source += f"\n{name} {number}"
            elif not any(mark in side.cells[at].source for mark in ("ours", "theirs")):
                del side.cells[at]
        if regenerated:
            regenerate(side, len(sides))
        inserted += [
            line
            for cell in side.cells
            for line in cell.source.splitlines()
            if line.startswith(("ours ", "theirs "))
        ]
        sides.append(text(side))
    merged = merge(text(base), *sides)
    check(parse(merged.text))
    whole = "\n".join(sources(merged.text))
    assert all(line in whole for line in inserted)
    for choice in ("ours", "theirs", "both"):
        settled = merge(text(base), *sides, {"*": choice})
        assert settled.conflicts == []
        check(parse(settled.text))
    same = merge(text(base), sides[0], text(base))
    assert (same.conflicts, sources(same.text)) == ([], sources(sides[0]))


def picture_cell(**attachments: str) -> Any:
    """A cell of text with pictures; of none, without the key."""
    cell = v4.new_markdown_cell("# Pictures")
    if attachments:
        cell["attachments"] = {name: {"image/png": data} for name, data in attachments.items()}
    return cell


def pictures(content: bytes) -> list[dict[str, str]]:
    document = nbformat.reads(content.decode(), as_version=4)
    nbformat.validate(document)
    return [
        {name: bundle["image/png"] for name, bundle in cell.get("attachments", {}).items()}
        for cell in document.cells
    ]


def versions_of(*cells: Any) -> list[bytes]:
    """The text of three notebooks of one cell, which has one id."""
    for cell in cells:
        cell["id"] = "pictures"
    return [text(v4.new_notebook(cells=[cell])) for cell in cells]


def test_attachments_that_both_sides_add_stay() -> None:
    merged = merge(*versions_of(picture_cell(), picture_cell(a="AA"), picture_cell(b="BB")))
    assert (merged.conflicts, pictures(merged.text)) == ([], [{"a": "AA", "b": "BB"}])
    empty = picture_cell()
    empty["attachments"] = {}
    merged = merge(*versions_of(empty, picture_cell(a="AA"), picture_cell(b="BB")))
    assert (merged.conflicts, pictures(merged.text)) == ([], [{"a": "AA", "b": "BB"}])


def test_an_attachment_that_both_sides_changed_is_a_conflict() -> None:
    given = versions_of(picture_cell(a="A"), picture_cell(a="A1"), picture_cell(a="A2", b="B"))
    assert merge(*given).conflicts == ["pictures"]
    assert pictures(merge(*given, {"*": "ours"}).text) == [{"a": "A1"}]
    assert pictures(merge(*given, {"*": "theirs"}).text) == [{"a": "A2", "b": "B"}]
    assert pictures(merge(*given, {"*": "both"}).text) == [{"a": "A1"}, {"a": "A2", "b": "B"}]
    written = merge(*given, {"*": {"source": "# Mine"}})
    assert (sources(written.text), pictures(written.text)) == (["# Mine"], [{"a": "A1", "b": "B"}])


def test_an_attachment_added_to_a_cell_that_the_other_side_deleted_is_a_conflict() -> None:
    base, _, theirs = versions_of(picture_cell(), picture_cell(), picture_cell(a="A"))
    merged = merge(base, text(v4.new_notebook()), theirs)
    assert (merged.conflicts, pictures(merged.text)) == (["pictures"], [{"a": "A"}])


def test_tags_that_both_sides_add_stay() -> None:
    cells = [picture_cell() for _ in range(3)]
    cells[0].metadata = {"tags": ["old", "kept"]}
    cells[1].metadata = {"tags": ["old", "kept", "ours"], "x": [1]}
    cells[2].metadata = {"tags": ["kept", "theirs"], "x": {"y": 1}}
    document = nbformat.reads(merge(*versions_of(*cells)).text.decode(), as_version=4)
    assert document.cells[0].metadata == {"tags": ["kept", "ours", "theirs"], "x": [1]}


@pytest.mark.parametrize(("before", "after"), [(0, False), (False, 0), (True, 1), (1, 1.0)])
def test_a_value_of_another_type_is_a_change(before: Any, after: Any) -> None:
    cells = [picture_cell() for _ in range(3)]
    for cell, value in zip(cells, (before, before, after), strict=True):
        cell.metadata = {"custom": {"x": value, "y": 2}}
    base, ours, theirs = versions_of(*cells)
    assert merge(base, ours, theirs).text == theirs
    assert merge(base, theirs, ours).text == theirs


BUNDLES = st.sampled_from([{"image/png": "AAAA"}, {"image/png": "BBBB"}, {"image/jpeg": "CC"}])
PICTURES = st.none() | st.dictionaries(st.sampled_from(["a.png", "b.png"]), BUNDLES)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.lists(st.sampled_from("abc"), max_size=2),
    lambda values: st.dictionaries(st.sampled_from("xy"), values, max_size=2),
    max_leaves=4,
)
METADATA = st.fixed_dictionaries(
    {}, optional={"tags": st.lists(st.sampled_from("abc"), unique=True), "custom": VALUES}
)
OUTPUTS = st.lists(st.sampled_from(["one", "two"]), max_size=2)
CELLS = st.lists(st.tuples(st.booleans(), PICTURES, METADATA, OUTPUTS), min_size=3, max_size=3)


def _cells(rows: list[Any], deleted: int) -> list[Any]:
    """Two cells of code and one of text, with what ``rows`` give them."""
    cells = []
    for number, (edited, attachments, metadata, outputs) in enumerate(rows):
        new = v4.new_markdown_cell if number == 2 else v4.new_code_cell
        cell = new(f"cell {number}" + "\nedited" * edited, id=f"cell-{number}")
        cell.metadata = nbformat.from_dict(metadata)
        if number == 2 and attachments is not None:
            cell["attachments"] = nbformat.from_dict(attachments)
        elif number < 2:
            cell.outputs = [v4.new_output("stream", text=output) for output in outputs]
        cells.append(cell)
    return [cell for number, cell in enumerate(cells) if number != deleted]


def _attached(content: bytes) -> Any:
    """What is attached to any cell."""
    cells = nbformat.reads(content.decode(), as_version=4).cells
    return [item for cell in cells for item in cell.get("attachments", {}).items()]


@settings(max_examples=length(50, 200), deadline=None)
@given(CELLS, CELLS, CELLS, st.integers(0, 9), st.integers(0, 9))
def test_whole_cells_merge_to_valid_notebooks_without_a_loss(
    base: Any, ours: Any, theirs: Any, deleted_by_us: int, deleted_by_them: int
) -> None:
    sides = [(base, 9), (ours, deleted_by_us), (theirs, deleted_by_them)]
    given_ = [text(v4.new_notebook(cells=_cells(rows, deleted))) for rows, deleted in sides]
    merged = merge(*given_)
    check(parse(merged.text))
    if not merged.conflicts:
        known = _attached(given_[0])
        added = [item for side in given_[1:] for item in _attached(side) if item not in known]
        assert all(item in _attached(merged.text) for item in added)
    for choice in ("ours", "theirs", "both", {"source": "new"}):
        settled = merge(*given_, {"*": choice})
        assert settled.conflicts == []
        check(parse(settled.text))
    assert merge(given_[0], given_[0], given_[2]).text == given_[2]
    assert merge(given_[0], given_[1], given_[0]).text == given_[1]


SOURCES = st.sampled_from(["", "x = 1", "y = 2", "# Title", "load()\nfit(model, data)\nplot()"])
CHANGES = st.lists(st.tuples(st.sampled_from("aed"), st.integers(0, 5), SOURCES), max_size=4)
"""Cells to add, edit and delete: at which place, and with which source."""


def _changed(base: Any, changes: list[tuple[str, int, str]], *, first_id: int) -> Any:
    """A copy with changes; the ids of its new cells count from ``first_id``."""
    document = copy.deepcopy(base)
    for number, (kind, place, source) in enumerate(changes):
        index = place % (len(document.cells) + 1)
        if kind == "a":
            cell = v4.new_code_cell(source, id=f"new-{first_id + number}")
            document.cells.insert(index, cell)
        elif index < len(document.cells) and kind == "e":
            document.cells[index].source = source
        elif index < len(document.cells):
            del document.cells[index]
    return document


def _base(rows: list[str]) -> Any:
    cells = [v4.new_code_cell(source, id=f"base-{at}") for at, source in enumerate(rows)]
    return v4.new_notebook(cells=cells)


@pytest.mark.parametrize("same_id", [True, False])
def test_an_empty_cell_that_both_sides_added_is_one(same_id: bool) -> None:
    base = _base(["import numpy"])
    ours, theirs = (
        _changed(base, [("a", 1, "")], first_id=0 if same_id else number) for number in range(2)
    )
    ours.cells[0].source = "import numpy as np"
    merged = merge(text(base), text(ours), text(theirs))
    assert (sources(merged.text), merged.conflicts) == (["import numpy as np", ""], [])


@settings(max_examples=length(60, 300), deadline=None)
@given(st.lists(SOURCES, max_size=4), CHANGES, CHANGES, st.booleans(), st.booleans())
def test_the_laws_of_a_merge(
    rows: list[str], ours: Any, theirs: Any, regenerated: bool, without_ids: bool
) -> None:
    base = _base(rows)
    one, other = _changed(base, ours, first_id=0), _changed(base, theirs, first_id=100)
    if regenerated:
        regenerate(one, 1)
    if without_ids:
        one.nbformat_minor = 4
        for cell in one.cells:
            del cell["id"]
    b, x, y = text(base), text(one), text(other)
    # What only one side changed, and what both changed alike, is taken as it is.
    for result in (merge(b, x, x), merge(b, b, x), merge(b, x, b)):
        assert (result.text, result.conflicts) == (x, [])
    forth, back = merge(b, x, y), merge(b, y, x)
    assert bool(forth.conflicts) == bool(back.conflicts)
    if not forth.conflicts:
        assert sorted(sources(forth.text)) == sorted(sources(back.text))


@settings(max_examples=length(60, 300), deadline=None)
@given(st.lists(SOURCES, max_size=4), CHANGES, st.integers(0, 1))
def test_the_same_changes_of_both_sides_are_made_once(
    rows: list[str], changes: Any, other_ids: int
) -> None:
    base = _base(rows)
    ours, theirs = (_changed(base, changes, first_id=at) for at in (0, 100 * other_ids))
    # Otherwise the whole notebook is the same.
    theirs.metadata["title"] = "Theirs"
    merged = merge(text(base), text(ours), text(theirs))
    assert (sources(merged.text), merged.conflicts) == (sources(text(ours)), [])


def test_a_cell_that_both_changed_is_a_conflict_and_chosen() -> None:
    base = notebook("a", "x = 1", "b", "gone")
    ours, theirs = copy.deepcopy(base), copy.deepcopy(base)
    ours.cells[1].source, theirs.cells[1].source = "x = 2", "x = 3"
    ours.cells[3].source = "gone? no"
    del theirs.cells[3]
    given = [text(base), text(ours), text(theirs)]
    merged = merge(*given)
    edited, deleted = base.cells[1]["id"], base.cells[3]["id"]
    assert merged.conflicts == [edited, deleted]
    assert sources(merged.text)[3] == "gone? no"
    row = next(row for row in merged.rows if row["id"] == edited)
    assert (row["base"], row["ours"], row["theirs"]) == ("x = 1", "x = 2", "x = 3")
    chosen = merge(*given, {edited: "theirs", deleted: "theirs"})
    assert (chosen.conflicts, sources(chosen.text)) == ([], ["a", "x = 3", "b"])
    chosen = merge(*given, {edited: "both", "*": "ours"})
    assert sources(chosen.text) == ["a", "x = 2", "x = 3", "b", "gone? no"]
    assert merge(*given, {edited: "base"}).conflicts == [deleted]
    written = merge(*given, {edited: {"source": "x = 2 + 3"}, deleted: {"source": ""}})
    assert (written.conflicts, sources(written.text)) == ([], ["a", "x = 2 + 3", "b", ""])


def test_a_cell_that_was_written_anew_has_no_outputs_of_another_source() -> None:
    base = notebook("x = 1")
    ours, theirs = copy.deepcopy(base), copy.deepcopy(base)
    for side, number in ((ours, 2), (theirs, 3)):
        side.cells[0].source = f"x = {number}"
        side.cells[0].outputs = [v4.new_output("stream", text=str(number))]
    name = base.cells[0]["id"]
    for source, outputs in (("x = 4", []), ("x = 3", ["3"]), ("x = 2", ["2"])):
        merged = merge(text(base), text(ours), text(theirs), {name: {"source": source}})
        cell = nbformat.reads(merged.text.decode(), as_version=4).cells[0]
        assert (cell.source, [output.text for output in cell.outputs]) == (source, outputs)


def test_old_and_broken_notebooks() -> None:
    old = notebook("a", "b")
    for cell in old.cells:
        del cell["id"]
    old.nbformat_minor = 4
    changed = copy.deepcopy(old)
    changed.cells[0].source = "a1"
    merged = merge(text(old), text(changed), text(old))
    document = nbformat.reads(merged.text.decode(), as_version=4)
    assert document.nbformat_minor == 4
    assert sources(merged.text) == ["a1", "b"]
    for broken in (b"{", b"[]", b'{"nbformat": 4, "cells": [1]}', b'{"nbformat": 99}', b"\xff"):
        with pytest.raises(NotANotebookError):
            merge(text(old), broken, text(changed))
    with pytest.raises(NotebookRefusedError):
        merge_notebooks(text(old), broken, text(changed))
    with pytest.raises(NotebookRefusedError, match="timed out"):
        merge_notebooks(text(old), text(changed), text(old), limit=0.01)


# Branches


def test_what_does_not_conflict_is_one_commit_with_its_data(two: Two, dvc: Command) -> None:
    two.diverge(
        {"train.py": "print('ours')\n", "data/mine.csv": "mine\n"},
        {"new.py": "new\n", "data/wine.csv": "theirs\n", "data/more.csv": "more\n"},
    )
    (two.root / "open.py").write_text("not committed\n")
    head, theirs = (two.git(two.root, "rev-parse", ref).strip() for ref in ("main", "other"))
    merged = two.merges.merge("other")
    assert merged.outcome is MergeOutcome.MERGED
    assert merged.data == ["data/more.csv", "data/wine.csv"]
    assert (
        two.git(two.root, "log", "-1", "--format=%P %s").strip() == f"{head} {theirs} Merge other"
    )
    assert two.text("data/wine.csv") == "theirs\n"
    assert two.text("data/mine.csv") == "mine\n"
    assert two.text("open.py") == "not committed\n"
    assert [c.path for c in two.versions.snapshots.status().changes] == ["open.py"]
    assert "up to date" in dvc(two.root, "status")
    assert two.merges.merge("other").outcome is MergeOutcome.UP_TO_DATE
    two.git(two.root, "checkout", "-q", "--detach", theirs)
    two.versions.snapshots.restore(theirs)
    assert two.merges.merge("main").outcome is MergeOutcome.FAST_FORWARD


def test_conflicts_of_text_are_told_resolved_and_finished(two: Two) -> None:
    two.diverge(
        {"train.py": "ours\n", "a.txt": "ours a\n", "data/wine.csv": "ours\n"},
        {"train.py": "theirs\n", "a.txt": "theirs a\n", "clean.py": "clean\n"},
    )
    merged = two.merges.merge("other")
    assert merged.outcome is MergeOutcome.CONFLICTS
    assert [(c.path, c.how) for c in merged.conflicts] == [
        ("a.txt", ConflictHow.BOTH_ADDED),
        ("train.py", ConflictHow.BOTH_MODIFIED),
    ]
    found = two.merges.conflicts()
    assert (found.operation, found.ours, found.theirs) == ("merge", "main", "other")
    assert two.versions.snapshots.status().operation == "merge"
    one = two.merges.conflict("train.py")
    assert (one.base, one.ours, one.theirs) == ("print('one')\n", "ours\n", "theirs\n")
    assert one.merged is not None
    assert "<<<<<<<" in one.merged
    assert refused(two.merges.finish).facts["paths"] == ["a.txt", "train.py"]
    assert refused(lambda: two.merges.merge("other")).code == "30201"
    assert refused(lambda: two.merges.conflict("new.py")).code == "30404"
    assert refused(lambda: two.merges.conflict("../x")).code == "50302"
    error = refused(lambda: two.merges.resolve("train.py", Resolution(text=one.merged)))
    assert (error.code, error.faults[0].field) == ("50201", "text")
    error = refused(lambda: two.merges.resolve("train.py", Resolution()))
    assert {fault.field for fault in error.faults} == {"take", "text", "cells"}
    assert refused(lambda: two.merges.resolve("a.txt", Resolution(take="base"))).code == "50201"
    left = two.merges.resolve("train.py", Resolution(text="both of us\n"))
    assert [row.path for row in left.items] == ["a.txt"]
    assert two.merges.resolve("a.txt", Resolution(take="both")).items == []
    done = two.merges.finish("Our merge")
    assert (done.outcome, done.previous) == (MergeOutcome.MERGED, merged.commit)
    assert two.text("train.py") == "both of us\n"
    assert two.text("a.txt") == "ours a\ntheirs a\n"
    assert two.text("clean.py") == "clean\n"
    assert two.git(two.root, "log", "-1", "--format=%s").strip() == "Our merge"
    assert len(two.git(two.root, "log", "-1", "--format=%P").split()) == 2
    assert two.git(two.root, "status", "--porcelain") == ""
    assert refused(two.merges.finish).code == "30252"
    assert refused(two.merges.abort).code == "30252"


def test_deleted_on_one_side(two: Two) -> None:
    two.diverge({"train.py": "ours\n", "b.py": "b\n"}, {"train.py": None})
    merged = two.merges.merge("other")
    assert [c.how for c in merged.conflicts] == [ConflictHow.DELETED_BY_THEM]
    one = two.merges.conflict("train.py")
    assert (one.ours, one.theirs) == ("ours\n", None)
    assert two.merges.resolve("train.py", Resolution(take="theirs")).items == []
    two.merges.finish()
    assert not (two.root / "train.py").exists()
    assert two.git(two.root, "status", "--porcelain") == ""


def test_notebooks_are_merged_by_cells_and_stay_valid(two: Two) -> None:
    base = notebook("import os", "x = 1", "plot(x)")
    (two.root / "nb.ipynb").write_bytes(text(base))
    (two.root / "clash.ipynb").write_bytes(text(base))
    two.git(two.root, "add", "-A")
    two.git(two.root, "commit", "-qm", "Notebooks")
    sides: list[dict[str, Any]] = []
    for name in ("ours", "theirs"):
        clean, clash = copy.deepcopy(base), copy.deepcopy(base)
        clean.cells.append(v4.new_code_cell(f"{name} = 1"))
        clash.cells[1].source = f"x = '{name}'"
        regenerate(clean, len(sides))
        regenerate(clash, len(sides) + 5)
        sides.append({"nb.ipynb": text(clean), "clash.ipynb": text(clash)})
    two.diverge(*sides)
    merged = two.merges.merge("other")
    assert [c.path for c in merged.conflicts] == ["clash.ipynb"]
    appended = sources((two.root / "nb.ipynb").read_bytes())
    assert appended == ["import os", "x = 1", "plot(x)", "ours = 1", "theirs = 1"]
    # Also with a conflict in it the notebook opens.
    assert "<<<<<<<" in sources((two.root / "clash.ipynb").read_bytes())[1]
    one = two.merges.conflict("clash.ipynb")
    assert one.cells is not None
    cell = next(cell for cell in one.cells if cell.conflict)
    assert (cell.ours, cell.theirs) == ("x = 'ours'", "x = 'theirs'")
    error = refused(lambda: two.merges.resolve("clash.ipynb", Resolution(cells={"no": "ours"})))
    assert error.faults[0].field == "cells.no"
    error = refused(lambda: two.merges.resolve("clash.ipynb", Resolution(text="{}")))
    assert error.code == "50201"
    two.merges.resolve("clash.ipynb", Resolution(cells={cell.id: "both"}))
    two.merges.finish()
    found = sources((two.root / "clash.ipynb").read_bytes())
    assert found == ["import os", "x = 'ours'", "x = 'theirs'", "plot(x)"]
    assert two.git(two.root, "status", "--porcelain") == ""


def test_notebooks_whose_lines_fit_together_are_merged_by_cells_too(two: Two) -> None:
    """git alone would make one with an id twice."""
    base = notebook(*(f"cell {number}\n" * 5 for number in range(6)))
    (two.root / "nb.ipynb").write_bytes(text(base))
    two.git(two.root, "add", "-A")
    two.git(two.root, "commit", "-qm", "Notebook")
    sides: list[dict[str, Any]] = []
    for name, at in (("ours", 1), ("theirs", 5)):
        side = copy.deepcopy(base)
        cell = v4.new_code_cell(name)
        cell["id"] = "same-id"
        side.cells.insert(at, cell)
        sides.append({"nb.ipynb": text(side)})
    two.diverge(*sides)
    assert two.merges.merge("other").outcome is MergeOutcome.MERGED
    content = (two.root / "nb.ipynb").read_bytes()
    check(parse(content))
    assert {"ours", "theirs"} <= set(sources(content))


def test_a_notebook_that_one_side_renamed_is_merged_by_cells_too(two: Two) -> None:
    base = notebook(*(f"cell {number}\n" * 5 for number in range(6)))
    (two.root / "nb.ipynb").write_bytes(text(base))
    two.git(two.root, "add", "-A")
    two.git(two.root, "commit", "-qm", "Notebook")
    ours, theirs = copy.deepcopy(base), copy.deepcopy(base)
    ours.cells.insert(1, v4.new_code_cell("ours", id="same-id"))
    theirs.cells.insert(5, v4.new_code_cell("theirs", id="same-id"))
    two.diverge({"nb.ipynb": text(ours)}, {"nb.ipynb": None, "new/name.ipynb": text(theirs)})
    assert two.merges.merge("other").outcome is MergeOutcome.MERGED
    content = (two.root / "new" / "name.ipynb").read_bytes()
    check(parse(content))
    assert {"ours", "theirs"} <= set(sources(content))
    assert not (two.root / "nb.ipynb").exists()


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_data_in_conflict_is_told_by_file_and_resolved_by_side(two: Two, side: str) -> None:
    two.diverge({"data/wine.csv": "ours\n"}, {"data/wine.csv": "theirs\n", "data/b.csv": "b\n"})
    merged = two.merges.merge("other")
    assert [(c.path, c.kind.value) for c in merged.conflicts] == [("data/wine.csv.dvc", "data")]
    one = two.merges.conflict("data/wine.csv.dvc")
    assert {name: rows[0].path for name, rows in one.data.items()} == dict.fromkeys(
        ("base", "ours", "theirs"), "data/wine.csv"
    )
    assert len({rows[0].md5 for rows in one.data.values()}) == 3
    wrong = Resolution(take="both")
    assert refused(lambda: two.merges.resolve("data/wine.csv.dvc", wrong)).code == "50201"
    broken = Resolution(text="outs: [")
    assert refused(lambda: two.merges.resolve("data/wine.csv.dvc", broken)).code == "50201"
    two.merges.resolve("data/wine.csv.dvc", Resolution(take=side))
    done = two.merges.finish()
    assert two.text("data/wine.csv") == f"{side}\n"
    assert two.text("data/b.csv") == "b\n"
    assert "data/b.csv" in done.data
    assert two.versions.snapshots.status().changes == []


TABLE = "id,a,b\n1,x,1\n2,y,2\n3,z,3\n"


@pytest.mark.parametrize("path", ["table.csv", "data/wine.csv"])
def test_a_table_in_conflict_is_merged_by_row(two: Two, path: str) -> None:
    (two.root / path).write_text(TABLE)
    if path.startswith("data/"):
        add_data(two.root, path)
    two.git(two.root, "add", "-A")
    two.git(two.root, "commit", "-qm", "Table")
    ours = TABLE.replace("1,x,1", "1,ours,1").replace("2,y", "2,mine")
    theirs = TABLE.replace("1,x,1", "1,x,7").replace("2,y", "2,yours") + "4,new,4\n"
    two.diverge({path: ours}, {path: theirs})
    conflict = f"{path}.dvc" if path.startswith("data/") else path
    assert [one.path for one in two.merges.merge("other").conflicts] == [conflict]
    tables = two.versions.tables.merges
    merged = tables.preview(conflict)
    assert (merged.problem, merged.key, merged.from_theirs, merged.unresolved) == (None, "id", 1, 1)
    (cell,) = merged.conflicts
    assert (cell.key, cell.column, cell.base, cell.ours, cell.theirs) == (
        "2", "a", "y", "mine", "yours"
    )  # fmt: skip
    before = tree_of(two.root)
    error = refused(lambda: tables.resolve(conflict, {}))
    assert (error.code, error.facts["paths"]) == ("30250", ["2 a"])
    assert tree_of(two.root) == before

    tables.resolve(conflict, {cell.id: "theirs"})
    assert two.merges.conflicts().items == []
    two.merges.finish()
    result = "id,a,b\n1,ours,7\n2,yours,2\n3,z,3\n4,new,4\n"
    assert two.text(path) == result
    assert two.versions.snapshots.status().changes == []
    # The data of both sides is kept.
    for commit, text in (("HEAD^1", ours), ("HEAD^2", theirs)):
        two.git(two.root, "checkout", "-q", commit)
        if path.startswith("data/"):
            two.versions.datasets.checkout(path, "HEAD")
        assert two.text(path) == text
        two.git(two.root, "checkout", "-q", "main")


def test_data_that_is_of_no_side_is_not_replaced_by_a_merge_of_rows(two: Two) -> None:
    (two.root / "data/wine.csv").write_text(TABLE)
    add_data(two.root, "data/wine.csv")
    two.git(two.root, "add", "-A")
    two.git(two.root, "commit", "-qm", "Table")
    two.diverge(
        {"data/wine.csv": TABLE.replace("x", "o")}, {"data/wine.csv": TABLE.replace("z", "t")}
    )
    two.merges.merge("other")
    (two.root / "data" / "wine.csv").write_text("mine\n")
    before = tree_of(two.root)
    error = refused(lambda: two.versions.tables.merges.resolve("data/wine.csv.dvc", {}))
    assert error.code == "30202"
    assert tree_of(two.root) == before


def test_what_cannot_be_merged_by_row_is_told(two: Two) -> None:
    two.diverge(
        {"train.py": "ours\n", "data/wine.csv": "x\n1.5\n"},
        {"train.py": "theirs\n", "data/wine.csv": "y\n1.5\n"},
    )
    two.merges.merge("other")
    for path in ("train.py", "data/wine.csv.dvc"):
        assert two.versions.tables.merges.preview(path).problem is not None
        error = refused(lambda one=path: two.versions.tables.merges.resolve(one, {}))
        assert error.code == "50201"
    error = refused(lambda: two.versions.tables.merges.preview("none.csv"))
    assert error.code == "30404"


def test_data_resolved_by_new_data_is_kept(two: Two, dvc: Command) -> None:
    two.diverge({"data/wine.csv": "ours\n"}, {"data/wine.csv": "theirs\n"})
    two.merges.merge("other")
    two.git(two.root, "checkout", "--ours", "data/wine.csv.dvc")
    (two.root / "data" / "wine.csv").write_text("both\n")
    dvc(two.root, "add", "data/wine.csv")
    two.git(two.root, "add", "data/wine.csv.dvc")
    two.merges.finish()
    assert two.text("data/wine.csv") == "both\n"
    assert two.versions.snapshots.status().changes == []


def test_aborting_brings_everything_back(two: Two) -> None:
    two.diverge({"train.py": "ours\n"}, {"train.py": "theirs\n", "data/wine.csv": "theirs\n"})
    (two.root / "open.py").write_text("not committed\n")
    before = tree_of(two.root)
    two.merges.merge("other")
    two.merges.resolve("train.py", Resolution(text="resolved with care\n"))
    gone = two.merges.abort()
    assert tree_of(two.root) == before
    assert two.merges.conflicts().items == []
    assert gone.safety is not None
    assert two.git(two.root, "show", f"{gone.safety}:train.py") == "resolved with care\n"


def test_what_would_be_lost_stops_a_merge(two: Two) -> None:
    two.diverge({"a.py": "ours\n"}, {"a.py": "theirs\n", "train.py": "theirs\n", "n.py": "n\n"})
    (two.root / "train.py").write_text("mine\n")
    (two.root / "n.py").write_text("mine\n")
    before = tree_of(two.root)
    error = refused(lambda: two.merges.merge("other"))
    assert (error.code, error.facts["paths"]) == ("30202", ["n.py", "train.py"])
    assert tree_of(two.root) == before
    assert two.versions.snapshots.status().operation is None
    two.git(two.root, "checkout", "train.py")
    (two.root / "n.py").rename(two.root / "staged.py")
    two.git(two.root, "add", "staged.py")
    assert refused(lambda: two.merges.merge("other")).facts["paths"] == ["staged.py"]


def test_hooks_have_their_say(two: Two) -> None:
    two.diverge({"a.py": "ours\n"}, {"b.py": "theirs\n"})
    hook = two.root / ".git" / "hooks" / "commit-msg"
    hook.write_text("#!/bin/sh\necho not like this >&2; exit 1\n")
    hook.chmod(0o755)
    before = tree_of(two.root)
    error = refused(lambda: two.merges.merge("other"))
    assert (error.code, error.facts["hook"]) == ("30207", "commit-msg")
    assert tree_of(two.root) == before
    hook.write_text("#!/bin/sh\necho 'Seen: yes' >> $1\n")
    two.merges.merge("other")
    assert "Seen: yes" in two.git(two.root, "log", "-1", "--format=%B")


def test_a_merge_is_in_progress_until_its_commit(two: Two) -> None:
    two.diverge({"train.py": "ours\n"}, {"train.py": "theirs\n", "data/wine.csv": "theirs\n"})
    two.merges.merge("other")
    two.merges.resolve("train.py", Resolution(take="ours"))
    began, proceed = two.root / ".git" / "began", two.root / ".git" / "proceed"
    for pipe in (began, proceed):
        os.mkfifo(pipe)
    hook = two.root / ".git" / "hooks" / "commit-msg"
    hook.write_text(f"#!/bin/sh\necho >{began}\ncat {proceed}\n")
    hook.chmod(0o755)
    with ThreadPoolExecutor() as pool:
        finish = pool.submit(two.merges.finish)
        began.read_text()
        during = two.versions.snapshots.status()
        proceed.write_text("")
        assert finish.result().outcome is MergeOutcome.MERGED
    assert during.operation == "merge"
    assert two.versions.snapshots.status().operation is None


def test_histories_without_a_common_commit(two: Two) -> None:
    two.git(two.root, "checkout", "-q", "--orphan", "apart")
    two.git(two.root, "commit", "-qm", "Apart")
    two.git(two.root, "checkout", "-q", "main")
    assert refused(lambda: two.merges.merge("apart")).code == "30217"
    assert refused(lambda: two.merges.merge("no-such")).code == "30404"
    assert refused(lambda: two.merges.merge("--abort")).code == "30404"


KILLED = """
import os, sys, pathlib
from jupyter_mlws.versioning.code.merging import MergeManager
from jupyter_mlws.workspace import Workspace
MergeManager._write_merge_result = lambda self, joined: os.kill(os.getpid(), 9)
Workspace.open(pathlib.Path(sys.argv[1])).merges.merge("other")
"""


def test_a_merge_that_was_killed_can_be_resolved_or_given_up(two: Two) -> None:
    base = notebook("x = 1", "y")
    (two.root / "nb.ipynb").write_bytes(text(base))
    two.git(two.root, "add", "-A")
    two.git(two.root, "commit", "-qm", "Notebook")
    two.diverge(
        {"nb.ipynb": text(notebook("x = 2", "y"))}, {"nb.ipynb": text(notebook("x = 3", "y"))}
    )
    before = tree_of(two.root)
    for _ in range(2):
        assert python.run(KILLED, str(two.root)).returncode == -9
        assert [c.path for c in two.merges.conflicts().items] == ["nb.ipynb"]
        two.merges.abort()
        assert tree_of(two.root) == before
    assert python.run(KILLED, str(two.root)).returncode == -9
    two.merges.resolve("nb.ipynb", Resolution(take="both"))
    two.merges.finish()
    assert sources((two.root / "nb.ipynb").read_bytes()) == ["x = 2", "x = 3", "y"]


def test_links_and_modes(two: Two) -> None:
    (two.root / "run.sh").write_text("one\n")
    (two.root / "run.sh").chmod(0o755)
    two.git(two.root, "add", "-A")
    two.git(two.root, "commit", "-qm", "Script")
    two.diverge({"run.sh": "ours\n"}, {"run.sh": "theirs\n"})
    two.merges.merge("other")
    two.merges.resolve("run.sh", Resolution(text="settled\n"))
    two.merges.finish()
    assert (Path(two.root) / "run.sh").stat().st_mode & 0o111


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A folder on a disk of 8 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(folder)]
    if subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small disk can only be mounted by root")
    yield folder
    # What git does in the background may still stand in it.
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.parametrize("conflicting", [False, True])
def test_a_full_disk_leaves_everything_as_it_was(
    small_disk: Path, git: Command, conflicting: bool
) -> None:

    git(small_disk, "init", "-q", "project")
    root = small_disk / "project"
    (root / "a.py").write_text("base\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Base")
    git(root, "checkout", "-qb", "other")
    (root / "large.bin").write_bytes(random.Random(1).randbytes(2_500_000))
    (root / "a.py").write_text("theirs\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Other")
    git(root, "checkout", "-q", "main")
    (root / ("a.py" if conflicting else "b.py")).write_text("ours\n")
    git(root, "add", "-A")
    git(root, "commit", "-qm", "Ours")
    before = tree_of(root)
    free = 1_500_000
    with (small_disk / "filler").open("wb") as file:
        stat = os.statvfs(small_disk)
        file.write(b"x" * (stat.f_bavail * stat.f_frsize - free))
    versions = Workspace.open(root)
    assert refused(lambda: versions.merges.merge("other")).code == "30102"
    assert tree_of(root) == before
    assert versions.snapshots.status().operation is None
    assert versions.snapshots.status().changes == []
    (small_disk / "filler").unlink()
    merged = versions.merges.merge("other")
    assert merged.outcome.value == ("conflicts" if conflicting else "merged")
    versions.close()


def test_another_git_program_is_told_apart_from_a_fault(two: Two) -> None:
    two.diverge({"a.py": "ours\n"}, {"a.py": "theirs\n"})
    lock = two.root / ".git" / "index.lock"
    lock.touch()
    error = refused(lambda: two.merges.merge("other"))
    assert (error.code, error.status) == ("30103", 423)
    lock.unlink()
    two.merges.merge("other")
    lock.touch()
    resolve = Resolution(take="ours")
    assert refused(lambda: two.merges.resolve("a.py", resolve)).code == "30103"
    assert refused(two.merges.abort).code == "30103"
    lock.unlink()
    two.merges.resolve("a.py", resolve)
    two.merges.finish()
    assert two.text("a.py") == "ours\n"


@pytest.mark.parametrize("ours", ["a.py", "b.py"])
def test_what_git_wrote_before_it_failed_is_undone(two: Two, ours: str) -> None:
    """With and without conflicts: a filter of git's fails in the middle of the files."""
    two.diverge(
        {ours: "ours\n"},
        {
            "a.py": "theirs\n",
            "train.py": "theirs\n",
            "x.bad": "x\n",
            ".gitattributes": "*.bad filter=bad\n",
        },
    )
    (two.root / "open.py").write_text("mine\n")
    before = tree_of(two.root)
    for name, value in (("smudge", "false"), ("clean", "cat"), ("required", "true")):
        two.git(two.root, "config", f"filter.bad.{name}", value)
    assert refused(lambda: two.merges.merge("other")).code == "30106"
    assert tree_of(two.root) == before
    assert [c.path for c in two.versions.snapshots.status().changes] == ["open.py"]
    assert two.versions.snapshots.status().operation is None
    two.git(two.root, "config", "filter.bad.smudge", "cat")
    assert two.merges.merge("other").outcome.value in ("merged", "conflicts")
