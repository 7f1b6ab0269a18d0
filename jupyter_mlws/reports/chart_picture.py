"""Geometry of a chart of one metric by its steps, as the page of a run draws it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jupyter_mlws.reports.blocks import Chart

WIDTH, HEIGHT = 480, 180
LEFT, RIGHT, TOP, BOTTOM = 64, 28, 8, 24
"""Margins, in pixels."""
MAX_SPAN = 1e299
"""Largest distance that is not scaled down."""


@dataclass(frozen=True)
class Mark:
    """A labelled place on an axis."""

    place: float
    label: str


@dataclass(frozen=True)
class Drawing:
    """A chart in pixels; ``path`` is that of SVG, with a gap where there is no finite value."""

    path: str
    rows: Sequence[Mark]
    columns: Sequence[Mark]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT


@dataclass(frozen=True)
class Axis:
    """Maps values from ``low`` to ``high`` to pixels."""

    low: float
    high: float
    first: float
    last: float

    @classmethod
    def of(cls, values: Sequence[float], first: float, last: float) -> Axis:
        """Return the axis of these values; a single one is in its middle."""
        low, high = min(values), max(values)
        if low == high:
            half = abs(low) / 2 or 0.5
            low, high = low - half, high + half
        return cls(low, high, first, last)

    def place(self, value: float) -> float:
        """Return the pixel of a value."""
        # Divided first: the span of two large numbers may be infinite.
        share = (value / 2 - self.low / 2) / (self.high / 2 - self.low / 2)
        return round(self.first + share * (self.last - self.first), 1)

    def marks(self, count: int, *, is_integer: bool = False) -> list[Mark]:
        """Return about ``count`` round values of the axis."""
        # Takes a third of a second.
        from matplotlib.ticker import MaxNLocator

        # The span of the largest numbers would be infinite.
        scale = 1e9 if max(-self.low, self.high) > MAX_SPAN else 1.0
        ticks = MaxNLocator(count, integer=is_integer).tick_values(
            self.low / scale, self.high / scale
        )
        values = [float(one) * scale for one in ticks]
        return [Mark(self.place(one), f"{one:g}") for one in values if self.low <= one <= self.high]


def draw(chart: Chart) -> Drawing:
    """Return the geometry of a chart with at least one finite value."""
    finite = [value for value in chart.values if value is not None]
    rows = Axis.of(finite, HEIGHT - BOTTOM, TOP)
    columns = Axis.of(chart.steps, LEFT, WIDTH - RIGHT)

    def commands() -> Iterator[str]:
        is_drawing = False
        for step, value in zip(chart.steps, chart.values, strict=True):
            if value is None:
                is_drawing = False
                continue
            # A point of its own is seen, too, since each part begins with a short line.
            start = "" if is_drawing else f"M{columns.place(step) - 0.5} {rows.place(value)}"
            yield f"{start}L{columns.place(step)} {rows.place(value)}"
            is_drawing = True

    return Drawing("".join(commands()), rows.marks(4), columns.marks(6, is_integer=True))
