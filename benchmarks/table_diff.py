"""Two versions of a large table: ``python benchmarks/table_diff.py [ROWS] [FOLDER]``.

Five columns; 1,000 rows change, 500 are deleted and 500 are added. Each comparison runs in a
process of its own, of which the time and the largest resident memory are measured. Beside it: a
merge of pandas, and ``datacompy`` if it is installed.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import csv

CITIES = pa.array(["Berlin", "Paris", "上海", "New York", "Rome"])
PANDAS = """
import pandas as pd, sys
read = pd.read_csv if sys.argv[1].endswith("csv") else pd.read_parquet
old, new = read(sys.argv[1]), read(sys.argv[2])
if "id" in old:
    both = old.merge(new, on="id", how="outer", indicator=True, suffixes=("", "_new"))
    same = both["_merge"] == "both"
    differs = same & False
    for name in old.columns.drop("id"):
        differs |= same & (both[name] != both[name + "_new"])
    print((both["_merge"] == "right_only").sum(), (both["_merge"] == "left_only").sum(),
          differs.sum())
else:
    names = list(old)
    counts = [table.groupby(names, dropna=False).size() for table in (old, new)]
    difference = counts[1].sub(counts[0], fill_value=0)
    print(difference.clip(lower=0).sum(), -difference.clip(upper=0).sum())
"""
DATACOMPY = """
import pandas as pd, sys
from datacompy import PandasCompare
read = pd.read_csv if sys.argv[1].endswith("csv") else pd.read_parquet
one = PandasCompare(read(sys.argv[1]), read(sys.argv[2]), join_columns="id")
print(len(one.df2_unq_rows), len(one.df1_unq_rows), len(one.all_mismatch()))
"""


def main(rows: int, folder: Path) -> None:
    # A child's memory counts from that of the process that starts it.
    maker = multiprocessing.get_context("spawn").Process(target=make_tables, args=(rows, folder))
    maker.start()
    maker.join()
    for name in ("key", "key, shuffled", "no key", "no key, shuffled"):
        for kind in ("csv", "parquet"):
            old = folder / f"old{'-no' if name.startswith('no') else ''}.{kind}"
            new = Path(str(old).replace("old", "shuffled" if "shuffled" in name else "new"))
            print(f"{rows:,} rows, {kind}, {name}; {old.stat().st_size / 1e6:.0f} MB")
            request = {"old": str(old), "new": str(new), "format": kind}
            with tempfile.TemporaryDirectory(dir=folder) as own:
                measure(
                    "mlws",
                    ["-m", "jupyter_mlws.workflows.table_diff"],
                    json.dumps({**request, "folder": own}),
                )
            measure("pandas merge", ["-c", PANDAS, str(old), str(new)])
            if "no" not in name:
                measure("datacompy", ["-c", DATACOMPY, str(old), str(new)])


def make_tables(rows: int, folder: Path) -> None:
    drawn = np.random.default_rng(0)

    def columns(first: int, count: int) -> dict[str, Any]:
        return {
            "id": pa.array(np.arange(first, first + count)),
            "price": pa.array(drawn.random(count).round(4)),
            "count": pa.array(drawn.integers(0, 100, count)),
            "city": CITIES.take(pa.array(drawn.integers(0, len(CITIES), count))),
            "code": pa.array(drawn.integers(0, 1 << 40, count)).cast(pa.string()),
        }

    old = columns(0, rows)
    prices = old["price"].to_numpy().copy()
    changed, deleted = np.split(drawn.choice(rows, 1500, replace=False), [1000])
    prices[changed] += 1
    keep = np.ones(rows, dtype=bool)
    keep[deleted] = False
    new = pa.table({**old, "price": pa.array(prices)}).filter(pa.array(keep))
    new = pa.concat_tables([new, pa.table(columns(rows, 500))])
    shuffled = new.take(pa.array(drawn.permutation(len(new))))
    for name, table in (("old", pa.table(old)), ("new", new), ("shuffled", shuffled)):
        for suffix, part in (("", table), ("-no", table.drop_columns(["id"]))):
            csv.write_csv(part, folder / f"{name}{suffix}.csv")
            pq.write_table(part, folder / f"{name}{suffix}.parquet")


def measure(name: str, arguments: list[str], stdin: str = "") -> None:
    begun = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdin.write(stdin)
    process.stdin.close()
    output, errors = process.stdout.read(), process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    took = time.perf_counter() - begun
    if status:
        print(f"  {name:13} failed: {(errors.strip().splitlines() or [''])[-1][:100]}")
        return
    if output.startswith("{"):
        fields = json.loads(output)
        output = " ".join(str(fields[key]) for key in ("added", "deleted", "modified"))
    print(
        f"  {name:13} {took:6.1f} s  {usage.ru_utime + usage.ru_stime:6.1f} s of CPU  "
        f"{usage.ru_maxrss / 1e6:5.2f} GB  {output.strip()}",
        flush=True,
    )


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    if len(sys.argv) > 2:
        main(count, Path(sys.argv[2]))
    else:
        with tempfile.TemporaryDirectory() as path:
            main(count, Path(path))
