"""Alignment of the cells of two versions of a notebook, by id and by source.

Tools that regenerate the ids of cells would make every cell a new one, in a merge and a diff.
"""

from __future__ import annotations

import uuid
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

Cell = dict[str, Any]
Pairs = dict[int, int]
"""From a cell of the newer notebook to the one of the older that it comes from."""
MIN_SIMILARITY = 0.6
"""The share of a cell's text that stays where it is the same cell, edited."""
MAX_COMPARED_CHARACTERS = 2000
"""Characters of a source that are compared."""


def align(old: Sequence[Cell], new: Sequence[Cell]) -> Pairs:
    """Return the pairs of new and old cells that are versions of one cell.

    Pairs cells with the same id and source first, then the same source in the same order, the
    same id, and then similar or single cells in between. An id alone does not count before a
    source: some tools number the cells.
    """
    pairs: Pairs = {}
    _pair_by_key(pairs, old, new, lambda cell: (cell.get("id"), cell["cell_type"], cell["source"]))
    for olds, news in _iter_gaps(pairs, len(old), len(new)):
        _pair_equal(pairs, old, new, olds, news)
    _pair_by_key(pairs, old, new, lambda cell: cell.get("id") and (cell["id"], cell["cell_type"]))
    for olds, news in _iter_gaps(pairs, len(old), len(new)):
        _pair_similar(pairs, old, new, olds, news)
    for olds, news in _iter_gaps(pairs, len(old), len(new)):
        if len(olds) == len(news) == 1:
            i, j = olds[0], news[0]
            if old[i]["cell_type"] == new[j]["cell_type"]:
                # Between the same neighbours: the cell was rewritten.
                pairs[j] = i
    return pairs


def transfer_ids(old: Sequence[Cell], new: Sequence[Cell], also: Sequence[Cell] = ()) -> None:
    """Give the cells of ``new`` the ids of the ``old`` cells that they come from.

    All others get ids that neither ``old`` nor ``also`` has; but a cell that ``also`` added
    with the same source is the same cell. If it is empty, it must be at the same place.
    """
    pairs = align(old, new)
    old_ids = {cell["id"] for cell in old}
    same = _pair_added(also, new, old_ids, {at: old[index]["id"] for at, index in pairs.items()})
    used_ids = old_ids | {cell["id"] for cell in also}
    for index, cell in enumerate(new):
        if index in pairs:
            cell["id"] = old[pairs[index]]["id"]
        elif index in same:
            cell["id"] = also[same[index]]["id"]
        elif not cell.get("id") or cell["id"] in used_ids:
            cell["id"] = new_id()
        used_ids.add(cell["id"])


def _pair_added(
    also: Sequence[Cell], new: Sequence[Cell], old_ids: set[str], ids: Mapping[int, str]
) -> Pairs:
    """Pair cells that two versions added with the same source, whatever their order.

    Those at the same place come first; others must not be empty. ``ids`` has the ids of the cells
    of ``new`` that are not added.
    """
    old_cells = {at: cell["id"] for at, cell in enumerate(also) if cell["id"] in old_ids}
    olds, news = _list_new_cells(also, old_cells), _list_new_cells(new, ids)
    same: Pairs = {}
    for length in (3, 2):
        free: dict[Any, list[int]] = {}
        for at, key in olds:
            if at not in same.values() and (length == 3 or key[0].strip()):
                free.setdefault(key[:length], []).append(at)
        for at, key in news:
            if at not in same and free.get(key[:length]):
                same[at] = free[key[:length]].pop(0)
    return same


def _list_new_cells(
    cells: Sequence[Cell], old_cells: Mapping[int, str]
) -> list[tuple[int, tuple[str, str, str | None]]]:
    """Return the index of each new cell, with its source, its type and the old cell above."""
    above = None
    rows = []
    for at, cell in enumerate(cells):
        above = old_cells.get(at, above)
        if at not in old_cells:
            rows.append((at, (cell["source"], cell["cell_type"], above)))
    return rows


def make_unique(cells: Iterable[Cell]) -> None:
    """Give every cell an id, and replace duplicate ids."""
    ids: set[str] = set()
    for cell in cells:
        if not cell.get("id") or cell["id"] in ids:
            cell["id"] = new_id()
        ids.add(cell["id"])


def new_id() -> str:
    """Return a new id in Jupyter's format."""
    return uuid.uuid4().hex[:8]


def _pair_by_key(pairs: Pairs, old: Sequence[Cell], new: Sequence[Cell], key: Any) -> None:
    """Pair the cells with the same key, if the key is unique in both notebooks."""
    paired_indices = set(pairs.values())
    olds = _index_unique(
        (index, key(cell)) for index, cell in enumerate(old) if index not in paired_indices
    )
    news = _index_unique((index, key(cell)) for index, cell in enumerate(new) if index not in pairs)
    pairs.update({index: olds[name] for name, index in news.items() if name in olds})


def _index_unique(rows: Iterable[tuple[int, Any]]) -> dict[Any, int]:
    groups: dict[Any, list[int]] = {}
    for index, name in rows:
        if name:
            groups.setdefault(name, []).append(index)
    return {name: indices[0] for name, indices in groups.items() if len(indices) == 1}


def _iter_gaps(pairs: Pairs, olds: int, news: int) -> Iterator[tuple[list[int], list[int]]]:
    """Yield the groups of unpaired cells between pairs that kept their order."""
    paired_indices = set(pairs.values())
    start_old = start_new = 0
    for new, old in [*_longest_increasing_subsequence(pairs), (news, olds)]:
        free_old = [index for index in range(start_old, old) if index not in paired_indices]
        free_new = [index for index in range(start_new, new) if index not in pairs]
        if free_old and free_new:
            yield free_old, free_new
        start_old, start_new = old + 1, new + 1


def _longest_increasing_subsequence(pairs: Pairs) -> list[tuple[int, int]]:
    """Return the longest increasing subsequence: the most pairs in the same order on both sides."""
    rows = sorted(pairs.items())
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for at, (_, old) in enumerate(rows):
        place = bisect_left(tails, old)
        tails[place : place + 1] = [old]
        ends[place : place + 1] = [at]
        before.append(ends[place - 1] if place else -1)
    chain: list[tuple[int, int]] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        chain.append(rows[at])
        at = before[at]
    return chain[::-1]


def _pair_equal(
    pairs: Pairs,
    old: Sequence[Cell],
    new: Sequence[Cell],
    olds: Sequence[int],
    news: Sequence[int],
) -> None:
    """Pair cells with the same type and source, in order."""
    first = [(old[index]["cell_type"], old[index]["source"]) for index in olds]
    second = [(new[index]["cell_type"], new[index]["source"]) for index in news]
    matcher = SequenceMatcher(None, first, second, autojunk=False)
    for block in matcher.get_matching_blocks():
        for step in range(block.size):
            pairs[news[block.b + step]] = olds[block.a + step]


def _pair_similar(
    pairs: Pairs,
    old: Sequence[Cell],
    new: Sequence[Cell],
    olds: Sequence[int],
    news: Sequence[int],
) -> None:
    """Pair edited cells in order, so that as much text as possible is unchanged."""
    best = [[0.0] * (len(news) + 1) for _ in range(len(olds) + 1)]
    score = [[_similarity(old[i], new[j]) for j in news] for i in olds]
    for i in range(len(olds) - 1, -1, -1):
        for j in range(len(news) - 1, -1, -1):
            together = score[i][j] + best[i + 1][j + 1] if score[i][j] else 0.0
            best[i][j] = max(together, best[i + 1][j], best[i][j + 1])
    i = j = 0
    while i < len(olds) and j < len(news):
        if score[i][j] and best[i][j] == score[i][j] + best[i + 1][j + 1]:
            pairs[news[j]] = olds[i]
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            i += 1
        else:
            j += 1


def _similarity(old: Cell, new: Cell) -> float:
    """Return the ratio of equal text in two cells; 0 if they are not versions of one cell."""
    if old["cell_type"] != new["cell_type"]:
        return 0.0
    matcher = SequenceMatcher(
        None,
        old["source"][:MAX_COMPARED_CHARACTERS],
        new["source"][:MAX_COMPARED_CHARACTERS],
        False,
    )
    if matcher.real_quick_ratio() < MIN_SIMILARITY or matcher.quick_ratio() < MIN_SIMILARITY:
        return 0.0
    ratio = matcher.ratio()
    return ratio if ratio >= MIN_SIMILARITY else 0.0
