"""Charts of plots files, by DVC's own templates and renderer."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlws.dvc import yaml_loader

SUFFIXES = frozenset({".csv", ".tsv", ".json", ".yaml", ".yml"})
"""Of the files that DVC draws; pictures are shown as they are."""
LARGEST = 5_000_000
"""Bytes of a file that is drawn."""
MOST = 10_000
"""Points of a chart."""
INDEX = "step"
"""DVC's name for the number of a row, where no column is the x axis."""


def chart(
    path: Path, suffix: str, properties: Mapping[str, Any], templates: Path
) -> dict[str, Any] | None:
    """Return the Vega-Lite chart of a file; None if the file has no rows to draw.

    ``properties``: the plot's properties in `dvc.yaml` (`x`, `y`, `template`, `title`,
    `x_label`, `y_label`); ``templates``: the directory of the project's own templates.
    ValueError if these do not fit the file: a column that it does not have, an unknown
    template.
    """
    from dvc_render.exceptions import DvcRenderError
    from dvc_render.vega import VegaRenderer

    if path.stat().st_size > LARGEST:
        return None
    rows = _rows(path, suffix)
    if not rows:
        return None
    options = {name: str(value) for name, value in properties.items() if isinstance(value, str)}
    y_setting = properties.get("y") or list(rows[0])[-1]
    columns = [str(one) for one in y_setting] if isinstance(y_setting, list) else [str(y_setting)]
    x, y = options.get("x", INDEX), columns[0] if len(columns) == 1 else "value"
    points = [
        # The name of a line: DVC uses the revision's, but here is only one revision.
        {
            **row,
            x: row.get(x, number),
            y: row.get(column),
            "rev": column if len(columns) > 1 else "workspace",
        }
        for column in columns
        for number, row in enumerate(rows[: MOST // len(columns)])
    ]
    missing = [name for name in (*columns, options.get("x")) if name and name not in rows[0]]
    if missing:
        raise ValueError(f"column not found: {', '.join(missing)}")
    folder = str(templates) if templates.is_dir() else None
    try:
        renderer = VegaRenderer(
            points, path.name, **{**options, "x": x, "y": y, "template_dir": folder}
        )
        spec: dict[str, Any] = renderer.get_filled_template()
    except DvcRenderError as error:
        raise ValueError(str(error)) from error
    return spec


def _rows(path: Path, suffix: str) -> list[dict[str, Any]]:
    if suffix in (".csv", ".tsv"):
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            rows: list[dict[str, Any]] = []
            for row in csv.DictReader(file, delimiter="\t" if suffix == ".tsv" else ","):
                rows.append({name: text for name, text in row.items() if name is not None})
                for name, text in rows[-1].items():
                    with suppress(ValueError):
                        rows[-1][name] = float(text or "")
            return rows
    text = path.read_text(encoding="utf-8")
    if suffix == ".json":
        value = json.loads(text)
        if isinstance(value, dict) and "$schema" in value:
            return []  # It is a chart itself.
    else:
        value = yaml_loader.read_by_ruamel(text)[0]
    return _first_list(value)


def _first_list(value: Any) -> list[dict[str, Any]]:
    """Return the first list of mappings, found as DVC does."""
    if isinstance(value, Mapping):
        candidates = (_first_list(part) for part in value.values())
        return next((rows for rows in candidates if rows), [])
    is_rows = isinstance(value, list) and all(isinstance(row, Mapping) for row in value)
    return [dict(row) for row in value] if is_rows else []
