"""Metrics of runs by step, with as few points as a chart can show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

Point = tuple[int, int, float]
"""Step, time in milliseconds since 1970, and value."""

INFINITY = 1.7976931348623157e308
"""Value that MLflow's databases have in place of infinity."""


def curve(points: Sequence[Point], limit: int) -> dict[str, Any]:
    """Return a curve of at most ``limit`` of the points, which are sorted by step.

    Of more points it has the first, the last, and the least and the greatest of equal parts, so
    that no extreme is hidden. ``values`` are null where they are no finite numbers; ``count`` and
    ``not_finite`` are numbers of all points.
    """
    numbers = [point for point in points if is_finite(point[2])]
    selection = points
    if len(points) > limit:
        selection = sample(numbers, limit) if len(numbers) > limit else numbers
    return {
        "steps": [step for step, _, _ in selection],
        "times": [time / 1000 for _, time, _ in selection],
        "values": [value if is_finite(value) else None for _, _, value in selection],
        "count": len(points),
        "not_finite": len(points) - len(numbers),
    }


def is_finite(value: float) -> bool:
    """Return whether a value that MLflow stored is a finite number."""
    return math.isfinite(value) and abs(value) < INFINITY


def sample(points: Sequence[Point], limit: int) -> list[Point]:
    """Return the first and the last point, and least and greatest of equal parts between them."""
    inner = points[1:-1]
    parts = max((limit - 2) // 2, 0)
    selection = [points[0]]
    for part in range(parts):
        chunk = inner[part * len(inner) // parts : (part + 1) * len(inner) // parts]
        extremes = {min(chunk, key=itemgetter(2)), max(chunk, key=itemgetter(2))} if chunk else ()
        selection += sorted(extremes)
    return [*selection, points[-1]]
