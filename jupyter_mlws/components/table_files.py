"""Reads files of tables as people have them: any separator, encoding, decimal sign or sheet."""

from __future__ import annotations

import codecs
import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from jupyter_mlws.components.artifacts import Table
from jupyter_mlws.components.values import storable

Format = Literal["auto", "csv", "parquet", "excel", "json_lines"]
FORMATS: dict[str, Format] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "excel",
    ".jsonl": "json_lines",
    ".ndjson": "json_lines",
}
"""Formats by the extensions of files; all others are text."""
SAMPLE_BYTES = 1_000_000
SEPARATORS = (",", ";", "\t", "|")
LINES = 200
"""Lines that the separator is found from."""
COMMA_NUMBER = re.compile(r"[-+]?\d+,\d+")
POINT_NUMBER = re.compile(r"[-+]?\d+\.\d+")
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class Reading:
    """How a file is read; what is empty is found from its content."""

    format: Format = "auto"
    separator: str = ""
    encoding: str = ""
    decimal: str = ""
    sheet: str = ""
    missing: tuple[str, ...] = ()
    skips_bad_lines: bool = False

    def resolve(self, file: Path) -> Reading:
        """Return it with everything that the content tells."""
        kind = FORMATS.get(file.suffix.lower(), "csv") if self.format == "auto" else self.format
        fields = vars(self) | {"format": kind}
        if kind == "csv" and not (self.separator and self.encoding and self.decimal):
            with file.open("rb") as stream:
                head = stream.read(SAMPLE_BYTES)
            encoding = self.encoding or find_encoding(head)
            # The last character may be cut.
            text = head.decode(encoding, errors="replace")
            separator = self.separator or find_separator(text)
            decimal = self.decimal or find_decimal(text, separator)
            fields |= {"encoding": encoding, "separator": separator, "decimal": decimal}
        return Reading(**fields)


def read_table_file(file: Path, how: Reading, limit: int | None = None) -> Table:
    """Return the first ``limit`` rows of a file, or all; raises ValueError where it is no table."""
    import pandas as pd

    how = how.resolve(file)
    if how.format == "parquet":
        table = pd.read_parquet(file)
        return table if limit is None else table.head(limit)
    if how.format == "json_lines":
        return storable(pd.read_json(file, lines=True, nrows=limit))
    if how.format == "excel":
        table = pd.read_excel(
            file,
            sheet_name=how.sheet or 0,
            engine="openpyxl",
            nrows=limit,
            na_values=list(how.missing),
        )
        return storable(table)
    return pd.read_csv(
        file,
        sep=how.separator,
        encoding=how.encoding,
        decimal=how.decimal,
        nrows=limit,
        # Some write a space behind each separator.
        na_values=[text for one in how.missing for text in (one, f" {one}")],
        on_bad_lines="warn" if how.skips_bad_lines else "error",
        # In parts, a column of numbers and texts would have both types.
        low_memory=False,
    )


def sheet_names(file: Path) -> list[str]:
    """Return the names of an Excel file's sheets; none of other files."""
    if FORMATS.get(file.suffix.lower()) != "excel":
        return []
    import openpyxl

    book = openpyxl.load_workbook(file, read_only=True)
    try:
        return list(book.sheetnames)
    finally:
        book.close()


def find_encoding(head: bytes) -> str:
    """Return the encoding of a text by its first bytes: UTF-8 if they can be, else a guess."""
    for mark, name in MARKS.items():
        if head.startswith(mark):
            return name
    try:
        # The last character of a larger file may be cut.
        codecs.getincrementaldecoder("utf-8")().decode(head, final=len(head) < SAMPLE_BYTES)
    except UnicodeDecodeError:
        from charset_normalizer import from_bytes

        best = from_bytes(head[:100_000]).best()
        # Every byte is a character of it.
        return "latin-1" if best is None else best.encoding
    return "utf-8"


def find_separator(text: str) -> str:
    """Return the separator with which most lines have as many values as the first one."""
    lines = io.StringIO(text, newline="")
    head = "".join(line for line, _ in zip(lines, range(LINES), strict=False))
    best, score = ",", (0.0, 0)
    for separator in SEPARATORS:
        try:
            rows = [row for row in csv.reader(io.StringIO(head), delimiter=separator) if row]
        except csv.Error:
            continue
        width = len(rows[0]) if rows else 0
        if width < 2:
            continue
        same = sum(len(row) == width for row in rows) / len(rows)
        if (same, width) > score:
            best, score = separator, (same, width)
    return best


def find_decimal(text: str, separator: str) -> str:
    """Return the decimal character of most numbers with a fraction; a point if there are none."""
    if separator == ",":
        return "."
    rows: list[Any] = []
    for row in csv.reader(io.StringIO(text), delimiter=separator):
        rows.append(row)
        if len(rows) > LINES:
            break
    cells = [cell.strip() for row in rows[1:] for cell in row]
    commas = sum(bool(COMMA_NUMBER.fullmatch(cell)) for cell in cells)
    points = sum(bool(POINT_NUMBER.fullmatch(cell)) for cell in cells)
    return "," if commas > points else "."
