"""Compares two versions of a table by row, in a separate process, which has pandas.

``python -m jupyter_mlws.workflows.table_diff`` reads the paths of both versions, their format and a
folder as JSON from stdin, and prints the fields of a :class:`.TableChange`. The rows that differ
are written to the folder.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from jupyter_mlws.workflows.table_process import answer, ask_process

if TYPE_CHECKING:
    import pyarrow as pa

    from jupyter_mlws.workflows.row_hashes import Hashes
    from jupyter_mlws.workflows.table_batches import TableFile

FORMATS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
    ".xlsx": "excel",
}
"""Formats of the tables that are compared, by their extensions."""
MAX_TABLE_BYTES = 2_000_000_000
"""Bytes of a larger table, which is not compared."""
MAX_ROWS = 200_000
"""Changed rows that are kept to be shown."""
MAX_VALUES = 8_000_000
"""Values of the changed rows that are kept."""
MAX_BYTES = 200_000_000
"""Estimated bytes of the changed rows that are kept."""
KEY_KINDS = frozenset({"integer", "text", "date"})
"""Kinds of columns that identify rows: a measurement that happens to be unique does not."""
CERTAIN = 0.99
"""Share of rows that are matched by a column, for which no better one is looked for."""
NO_ROW = 0xFFFFFFFF
STEP = 1_000_000
"""Rows of large arrays that are compared at once."""
CELLS_AT_ONCE = 16_000_000
ROWS_FILE = "rows.arrow"


def is_table(path: str) -> bool:
    """Return whether a file is a table that can be compared, by its extension."""
    return PurePosixPath(path).suffix.lower() in FORMATS


def compare_tables(old: Path | None, new: Path | None, kind: str, folder: Path) -> dict[str, Any]:
    """Return the fields of a TableChange for two versions of a file; None where there is none.

    The rows that differ are in the file ROWS_FILE of ``folder``. Raises TableRefusedError.
    """
    request = {
        "old": old and str(old),
        "new": new and str(new),
        "format": kind,
        "folder": str(folder),
    }
    return ask_process(__name__, request)


class CollisionError(Exception):
    """Different values have the same hash: they are hashed again, with other seeds."""


@dataclass(frozen=True)
class Side:
    """A version of a table, and the types in which its columns are compared."""

    table: TableFile
    types: Mapping[str, pa.DataType]

    def column(self, batch: pa.RecordBatch, name: str) -> pa.Array:
        """Return a column of a batch in the type in which it is compared."""
        array, kind = batch.column(name), self.types[name]
        if array.type == kind:
            return array
        import pyarrow as pa

        if pa.types.is_nested(array.type):
            return pa.array([None if one is None else str(one) for one in array.to_pylist()])
        return array.cast(kind)

    def keys(self, name: str, seed: Any) -> Hashes:
        """Return the values of a column as whole numbers in their order, or as hashes."""
        import numpy as np

        from jupyter_mlws.workflows.row_hashes import hash_values, to_integers

        keys, sign = np.empty(self.table.rows, dtype=np.uint64), np.uint64(1 << 63)
        for start, batch in self.table.batches([name]):
            array = self.column(batch, name)
            integers = to_integers(array)
            keys[start : start + len(array)] = (
                hash_values(array, [seed])[0] if integers is None else integers ^ sign
            )
        return keys

    def hashes(self, seeds: Mapping[str, Sequence[Any]]) -> tuple[Hashes, Hashes]:
        """Return two hashes of each row; ``seeds`` are those of its columns."""
        import numpy as np

        from jupyter_mlws.workflows.row_hashes import hash_values

        first, second = (np.zeros(self.table.rows, dtype=np.uint64) for _ in range(2))
        if not seeds:
            return first, second
        for start, batch in self.table.batches(list(seeds)):
            part = slice(start, start + batch.num_rows)
            for name, pair in seeds.items():
                one, other = hash_values(self.column(batch, name), pair)
                first[part] += one
                second[part] += other
        return first, second

    def cells(self, names: Sequence[str], rows: Any, seed: Any) -> Hashes:
        """Return hashes of cells of rows, which are in any order."""
        import numpy as np
        import pyarrow as pa

        from jupyter_mlws.workflows.row_hashes import hash_values

        order = np.argsort(rows, kind="stable")
        ordered_rows = rows[order]
        cells = np.empty((len(names), len(rows)), dtype=np.uint64)
        for start, batch in self.table.batches(names, ordered_rows):
            first, last = np.searchsorted(ordered_rows, (start, start + batch.num_rows))
            if first == last:
                continue
            if last - first < batch.num_rows:
                batch = batch.take(pa.array(ordered_rows[first:last].astype(np.int64) - start))
            for number, name in enumerate(names):
                (hashes,) = hash_values(self.column(batch, name), [seed])
                cells[number, order[first:last]] = hashes
        return cells


@dataclass(frozen=True)
class Matches:
    """The rows that differ, by their numbers from 0. ``modified`` are pairs of both."""

    modified: tuple[Any, Any]
    added: Any
    deleted: Any
    is_reordered: bool


def difference(old: TableFile | None, new: TableFile | None, folder: Path) -> dict[str, Any]:
    """Return the differences of two tables, as the fields of a TableChange.

    Rows that differ are written to ROWS_FILE of a folder.
    """
    fields: dict[str, Any] = {
        "rows_before": None if old is None else old.rows,
        "rows_after": None if new is None else new.rows,
    }
    if old is None or new is None:
        return fields
    before, after = ({name: kind_of(one) for name, one in t.types.items()} for t in (old, new))
    fields["columns"] = [
        {"name": name, "before": before.get(name), "after": after.get(name)}
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]
    types = common_types(old, new)
    sides = Side(old, types), Side(new, types)
    while True:
        try:
            key, matches = match_rows(*sides, {name: kind_of(one) for name, one in types.items()})
            mask, counts = differing_cells(*sides, matches, key)
            break
        except CollisionError:
            continue
    if sum(map(len, (matches.modified[0], matches.added, matches.deleted))):
        write_rows(*sides, matches, mask, folder / ROWS_FILE)
    from jupyter_mlws.workflows.table_statistics import compare_columns

    names = list(types)
    if not len(matches.added) and not len(matches.deleted):
        names = [name for name, count in zip(types, counts, strict=True) if count]
    names += [one["name"] for one in fields["columns"] if one["name"] not in names]
    return {
        **fields,
        "key": key,
        "added": len(matches.added),
        "deleted": len(matches.deleted),
        "modified": len(matches.modified[0]),
        "reordered": matches.is_reordered,
        "common": [
            {"name": name, "changed": count} for name, count in zip(types, counts, strict=True)
        ],
        "statistics": compare_columns(old, new, names),
    }


def kind_of(kind: pa.DataType) -> str:
    """Return a type of a column as it is shown."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return kind_of(kind.value_type)
    if types.is_boolean(kind):
        return "boolean"
    if types.is_integer(kind):
        return "integer"
    if types.is_floating(kind) or types.is_decimal(kind):
        return "number"
    return "date" if types.is_date(kind) or types.is_timestamp(kind) else "text"


def common_types(old: TableFile, new: TableFile) -> dict[str, pa.DataType]:
    """Return the types in which the columns are compared that both tables have.

    Equal values are equal in them, and different ones differ. Columns of CSV files whose types
    differ are read again as texts.
    """
    import pyarrow as pa

    names = [name for name in old.types if name in new.types]
    types = {name: _common_type(old, new, name) for name in names}
    texts = [
        name
        for name, kind in types.items()
        if kind == pa.string() and old.types[name] != new.types[name]
    ]
    if texts and old.is_csv and new.is_csv:
        for table in (old, new):
            table.read_as_texts(texts)
    return types


def _common_type(old: TableFile, new: TableFile, name: str) -> pa.DataType:
    import pyarrow as pa
    from pyarrow import types

    from jupyter_mlws.workflows.table_batches import has_exact_floats

    one, other = (
        kind.value_type if types.is_dictionary(kind) else kind
        for kind in (old.types[name], new.types[name])
    )
    both = (one, other)
    if one == other:
        return one
    if all(types.is_integer(kind) and kind != pa.uint64() for kind in both):
        return pa.int64()
    if all(types.is_floating(kind) or types.is_integer(kind) for kind in both):
        exact = all(
            types.is_floating(table.types[name]) or has_exact_floats(table, name)
            for table in (old, new)
        )
        return pa.float64() if exact else pa.string()
    if all(types.is_timestamp(kind) or types.is_date(kind) for kind in both):
        zones = {getattr(kind, "tz", None) for kind in both}
        units = [getattr(kind, "unit", "s") for kind in both]
        if len(zones) == 1:
            return pa.timestamp(max(units, key=("s", "ms", "us", "ns").index), zones.pop())
    return pa.string()


def match_rows(old: Side, new: Side, kinds: Mapping[str, str]) -> tuple[str | None, Matches]:
    """Return the column that identifies the rows, if there is one, and the rows that differ."""
    from jupyter_mlws.workflows.row_hashes import new_seed

    seeds = {name: (new_seed(), new_seed()) for name in kinds}
    match = find_key(old, new, kinds, new_seed())
    if match is None:
        with ThreadPoolExecutor(2) as both:
            hashes = list(both.map(lambda side: side.hashes(seeds), (old, new)))
        return None, match_content(hashes)
    key, partner = match
    seeds.pop(key)
    with ThreadPoolExecutor(2) as both:
        old_hashes, new_hashes = both.map(lambda side: side.hashes(seeds), (old, new))
    return key, match_partners(partner, old_hashes, new_hashes)


def find_key(old: Side, new: Side, kinds: Mapping[str, str], seed: Any) -> tuple[str, Any] | None:
    """Return the column that identifies the rows of both tables; None if there is none.

    Its values are unique, and at least half of those of the smaller table are in the other one.
    With it comes the number of the old row of each new one, NO_ROW for one that was not there.
    """
    best, most = None, min(old.table.rows, new.table.rows) / 2
    for name, kind in kinds.items():
        if kind not in KEY_KINDS or not (_may_identify(old, name) and _may_identify(new, name)):
            continue
        with ThreadPoolExecutor(2) as both:
            keys = list(both.map(lambda side, one=name: side.keys(one, seed), (old, new)))
        partner = find_partners(*keys)
        if partner is None:
            continue
        matches = int((partner != NO_ROW).sum())
        if matches and (matches > most or (best is None and matches == most)):
            best, most = (name, partner), matches
        if matches >= CERTAIN * min(old.table.rows, new.table.rows):
            break
    return best


def _may_identify(side: Side, name: str) -> bool:
    """Return whether no value of a column is missing, and those of the first batch differ."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_nested(side.types[name]):
        return False
    is_first = True
    for _, batch in side.table.batches([name]):
        array = batch.column(name)
        if array.null_count:
            return False
        if is_first and pc.count_distinct(side.column(batch, name)).as_py() < len(array):
            return False
        is_first = False
    return True


def find_partners(old: Hashes, new: Hashes) -> Any:
    """Return the place in ``old`` of each value of ``new``; None if values are not unique."""
    import numpy as np

    if len(old) == len(new) and np.array_equal(old, new):
        return np.arange(len(new), dtype=np.uint32) if _sorted_unique(old)[1] else None
    with ThreadPoolExecutor(2) as both:
        (old_order, is_unique), (new_order, is_other_unique) = both.map(_sorted_unique, (old, new))
    if not (is_unique and is_other_unique):
        return None
    partner = np.full(len(new), NO_ROW, dtype=np.uint32)
    if not len(old):
        return partner
    old_values = old if old_order is None else old[old_order]
    for start in range(0, len(new), STEP):
        part = slice(start, start + STEP)
        rows = (
            np.arange(start, min(start + STEP, len(new))) if new_order is None else new_order[part]
        )
        values = new[rows]
        places = np.minimum(np.searchsorted(old_values, values), len(old) - 1)
        is_there = old_values[places] == values
        old_rows = places[is_there] if old_order is None else old_order[places[is_there]]
        partner[rows[is_there]] = old_rows
    return partner


def _sorted_unique(values: Hashes) -> tuple[Any, bool]:
    """Return the order of values, None if they are sorted, and whether all of them differ."""
    import numpy as np

    if not len(values) or bool((values[1:] > values[:-1]).all()):
        return None, True
    # Most columns with repeated values are found by a share of their values. A sort takes half the
    # time of one that tells the order.
    some = np.sort(values[values % np.uint64(16) == 0])
    if not bool((some[1:] != some[:-1]).all()):
        return None, False
    values_in_order = np.sort(values)
    if not bool((values_in_order[1:] != values_in_order[:-1]).all()):
        return None, False
    del values_in_order
    return np.argsort(values).astype(np.uint32), True


def match_partners(partner: Any, old: Sequence[Hashes], new: Sequence[Hashes]) -> Matches:
    """Return the rows that differ, of tables whose rows belong together by their key."""
    import numpy as np

    parts, is_deleted = [], np.ones(len(old[0]), dtype=bool)
    in_order, last = True, -1
    for start in range(0, len(partner), STEP):
        rows = partner[start : start + STEP]
        places = np.flatnonzero(rows != NO_ROW)
        old_rows = rows[places]
        is_deleted[old_rows] = False
        if in_order and len(old_rows):
            in_order = int(old_rows[0]) > last and bool((old_rows[1:] > old_rows[:-1]).all())
            last = int(old_rows[-1])
        differs = np.zeros(len(places), dtype=bool)
        for one, other in zip(old, new, strict=True):
            differs |= one[old_rows] != other[start + places]
        parts.append(start + places[differs])
    new_rows = np.concatenate([np.empty(0, dtype=np.int64), *parts])
    added, deleted = np.flatnonzero(partner == NO_ROW), np.flatnonzero(is_deleted)
    is_same = not (len(added) or len(deleted) or len(new_rows))
    return Matches((partner[new_rows], new_rows), added, deleted, is_same and not in_order)


def match_content(hashes: list[tuple[Hashes, Hashes]]) -> Matches:
    """Return the rows that only one table has, each as often as it has it more often.

    Rows that are at the same places of two tables of the same length are one row that changed.
    Raises CollisionError. ``hashes`` is emptied.
    """
    import numpy as np

    (old, _), (new, _) = hashes
    shorter = min(len(old), len(new))
    same = np.ones(shorter, dtype=bool)
    for one, other in zip(*hashes, strict=True):
        same &= one[:shorter] == other[:shorter]
    is_same_length = len(old) == len(new)
    if is_same_length:
        places = [np.flatnonzero(~same)] * 2
    else:
        first = shorter if same.all() else int(same.argmin())
        same = np.ones(shorter - first, dtype=bool)
        for one, other in zip(*hashes, strict=True):
            same &= one[len(old) - len(same) :] == other[len(new) - len(same) :]
        rest = len(same) if same.all() else int(same[::-1].argmin())
        places = [np.arange(first, len(one) - rest) for one in (old, new)]
    del old, new, same, one, other
    is_identical = not (len(places[0]) or len(places[1]))
    parts: list[list[Hashes]] = []
    for rows in places:
        pair = list(hashes.pop(0))
        for number, one in enumerate(pair):
            pair[number] = one if len(rows) == len(one) else one[rows]
        parts.append(pair)
    del one, pair
    deleted, added = (
        rows[extra] for rows, extra in zip(places, multiset_difference(*parts), strict=True)
    )
    nothing = np.empty(0, dtype=np.int64)
    if len(deleted) and is_same_length and np.array_equal(deleted, added):
        return Matches((deleted, added), nothing, nothing, is_reordered=False)
    is_reordered = not is_identical and not (len(deleted) or len(added))
    return Matches((nothing, nothing), added, deleted, is_reordered)


def multiset_difference(old: Sequence[Hashes], new: Sequence[Hashes]) -> tuple[Any, Any]:
    """Return the places of the rows that each side has more often than the other one.

    Of equal rows, these are the last ones. Raises CollisionError if rows are equal in the first
    hash and differ in the second one.
    """
    import numpy as np

    with ThreadPoolExecutor(2) as both:
        values_in_order = list(both.map(np.sort, (old[0], new[0])))
        extra = list(both.map(_extra_values, values_in_order, reversed(values_in_order)))
        del values_in_order
        places = list(both.map(_last_places, (old[0], new[0]), extra))
    # The other rows are the same, so the sums of their second hashes are.
    sums = [
        int(side[1].sum()) - int(side[1][rows].sum())
        for side, rows in zip((old, new), places, strict=True)
    ]
    if (sums[0] - sums[1]) % 2**64:
        raise CollisionError
    return places[0], places[1]


def _extra_values(own: Hashes, other: Hashes) -> Hashes:
    """Return the values that ``own`` has more often, as often as it does; both are sorted."""
    import numpy as np

    parts = [np.empty(0, dtype=np.uint64)]
    for start in range(0, len(own), STEP):
        values = own[start : start + STEP]
        numbers = np.arange(start, start + len(values))
        is_first = np.ones(len(values), dtype=bool)
        is_first[1:] = values[1:] != values[:-1]
        firsts = np.where(is_first, numbers, 0)
        firsts[0] = np.searchsorted(own, values[0])
        # The place where the other side has its copy of the value with the same number.
        places = np.searchsorted(other, values) + numbers - np.maximum.accumulate(firsts)
        has = places < len(other)
        has[has] = other[places[has]] == values[has]
        parts.append(values[~has])
    return np.concatenate(parts)


def _last_places(values: Hashes, extra: Hashes) -> Any:
    """Return the last places of sorted values, as many as they are."""
    import numpy as np

    if not len(extra):
        return np.empty(0, dtype=np.int64)
    distinct, counts = np.unique(extra, return_counts=True)
    parts = [np.empty(0, dtype=np.int64)]
    for start in range(0, len(values), STEP):
        part = values[start : start + STEP]
        near = np.minimum(np.searchsorted(distinct, part), len(distinct) - 1)
        parts.append(start + np.flatnonzero(distinct[near] == part))
    places = np.concatenate(parts)
    groups = np.searchsorted(distinct, values[places])
    order = np.argsort(groups, kind="stable")
    ends = np.searchsorted(groups[order], groups[order], side="right")
    is_extra = ends - np.arange(len(order)) <= counts[groups[order]]
    return np.sort(places[order[is_extra]])


def differing_cells(
    old: Side, new: Side, matches: Matches, key: str | None
) -> tuple[Any, list[int]]:
    """Return which cells of the first changed rows differ, and how many of all, by column.

    Raises CollisionError if the keys of a pair differ.
    """
    import numpy as np

    from jupyter_mlws.workflows.row_hashes import new_seed

    names, (old_rows, new_rows) = list(old.types), matches.modified
    shown = kept_rows(old, new, len(new_rows))
    mask, counts = np.zeros((len(names), shown), dtype=bool), [0] * len(names)
    if not len(new_rows):
        return mask, counts
    seed, at_once = new_seed(), max(1, CELLS_AT_ONCE // len(new_rows))
    for start in range(0, len(names), at_once):
        part = names[start : start + at_once]
        with ThreadPoolExecutor(2) as both:
            one = both.submit(old.cells, part, old_rows, seed)
            differs = new.cells(part, new_rows, seed) != one.result()
        mask[start : start + at_once] = differs[:, :shown]
        counts[start : start + at_once] = differs.sum(axis=1).tolist()
    if key is not None and counts[names.index(key)]:
        raise CollisionError
    return mask, counts


def kept_rows(old: Side, new: Side, count: int) -> int:
    """Return how many of a number of changed rows are kept to be shown."""
    columns = 2 * max(1, len(old.types))
    size = sum(side.table.size / max(1, side.table.rows) for side in (old, new))
    return min(count, MAX_ROWS, MAX_VALUES // columns, int(MAX_BYTES / max(1.0, size)))


def write_rows(old: Side, new: Side, matches: Matches, mask: Any, file: Path) -> None:
    """Write the first rows that differ: modified, then added, then deleted ones."""
    import numpy as np
    import pyarrow as pa
    from pyarrow import ipc

    names = list(old.types)
    nothing = np.empty(0, dtype=np.int64)
    parts = []
    space = kept_rows(old, new, MAX_ROWS)
    for state, old_rows, new_rows in (
        ("modified", *matches.modified),
        ("added", nothing, matches.added),
        ("deleted", matches.deleted, nothing),
    ):
        rows = [one[:space] for one in (old_rows, new_rows)]
        count = max(map(len, rows))
        space -= count
        if not count:
            continue
        columns: dict[str, pa.Array | pa.ChunkedArray] = {
            "state": pa.array([state] * count),
            **{
                name: pa.array(one.astype(np.int64) + 1)
                if len(one)
                else pa.nulls(count, pa.int64())
                for name, one in zip(("before", "after"), rows, strict=True)
            },
        }
        for prefix, side, one in zip(("from", "to"), (old, new), rows, strict=True):
            table = side.table.take(one, names) if len(one) and names else None
            for number, name in enumerate(names):
                columns[f"{prefix}{number}"] = (
                    table.column(name)
                    if table is not None
                    else pa.nulls(count, side.table.types[name])
                )
        for number in range(len(names)):
            columns[f"changed{number}"] = (
                pa.array(mask[number, :count])
                if state == "modified"
                else pa.nulls(count, pa.bool_())
            )
        parts.append(pa.table(columns))
    whole = pa.concat_tables(parts).replace_schema_metadata({"names": json.dumps(names)})
    with ipc.new_file(str(file), whole.schema) as writer:
        writer.write_table(whole, STEP // 100)


def answer_request(request: dict[str, Any]) -> dict[str, Any]:
    """Return the difference of the tables of a request of :func:`compare_tables`."""
    from jupyter_mlws.workflows.table_batches import TableFile

    folder = Path(request["folder"])

    def read(side: str) -> TableFile | None:
        path = request[side]
        return path and TableFile(Path(path), request["format"], folder / f"{side}.arrow")

    try:
        with ThreadPoolExecutor(2) as both:
            old, new = both.map(read, ("old", "new"))
        return difference(old, new, folder)
    finally:
        for side in ("old", "new"):
            (folder / f"{side}.arrow").unlink(missing_ok=True)


def main() -> None:
    """Answer the request on stdin."""
    answer(answer_request, reserves=True)


if __name__ == "__main__":
    main()
