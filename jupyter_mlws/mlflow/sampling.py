"""Metrics of runs by step, with as few points as a chart can show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

Point = tuple[int, int, float]
"""Step, time in milliseconds since 1970, and value."""

INFINITY = 1.7976931348623157e308
"""What MLflow's databases store in place of infinity."""


def curve(points: Sequence[Point], limit: int) -> dict[str, Any]:
    """Return a curve of at most ``limit`` of the points, which are sorted by step.

    Of many points, the first, the last, and the least and the greatest of equal parts are kept, so
    that no extreme is hidden. ``values`` are null where they are no finite numbers; ``count`` and
    ``not_finite`` are numbers of all points.
    """
    is_finite = [math.isfinite(value) and abs(value) < INFINITY for _, _, value in points]
    not_finite = len(points) - sum(is_finite)
    finite: Sequence[Point] = points
    if not_finite and len(points) > limit:
        finite = [point for point, known in zip(points, is_finite, strict=True) if known]
    kept = sample(finite, limit) if len(finite) > limit else finite
    return {
        "steps": [step for step, _, _ in kept],
        "times": [time / 1000 for _, time, _ in kept],
        "values": [
            value if math.isfinite(value) and abs(value) < INFINITY else None
            for _, _, value in kept
        ],
        "count": len(points),
        "not_finite": not_finite,
    }


def sample(points: Sequence[Point], limit: int) -> list[Point]:
    """Return the first and the last point, and least and greatest of equal parts between them."""
    inner = points[1:-1]
    parts = max((limit - 2) // 2, 0)
    kept = [points[0]]
    for part in range(parts):
        chunk = inner[part * len(inner) // parts : (part + 1) * len(inner) // parts]
        extremes = {min(chunk, key=itemgetter(2)), max(chunk, key=itemgetter(2))} if chunk else ()
        kept += sorted(extremes)
    return [*kept, points[-1]]
