"""Intervals drawn with letters, for a terminal."""

from collections.abc import Sequence
from dataclasses import dataclass

from fitwell.results import Interval

CELLS = 25
"""Letters in a bar."""


@dataclass(frozen=True)
class Scale:
    """The numbers from ``low`` to ``high``, laid out on the cells of a bar."""

    low: float
    high: float

    @classmethod
    def of(cls, intervals: Sequence[Interval]) -> "Scale":
        """Take in all of the intervals, and zero."""
        ends = [0.0, *(i.low for i in intervals), *(i.high for i in intervals)]
        return cls(min(ends), max(ends))

    def cell(self, value: float) -> int:
        """Give the cell of a number, from 0 to `CELLS` − 1."""
        span = self.high - self.low
        return round((value - self.low) / span * (CELLS - 1)) if span > 0 else CELLS // 2

    def bar(self, interval: Interval) -> str:
        """Draw an interval as a line, its value as a point and zero as a stroke.

        >>> Scale(-2.0, 4.0).bar(Interval(value=1.0, low=-1.0, high=3.0))
        '    ├───┼───●───────┤    '
        """
        cells = [" "] * CELLS
        first, last = self.cell(interval.low), self.cell(interval.high)
        cells[first : last + 1] = "─" * (last - first + 1)
        cells[first], cells[last] = "├", "┤"
        zero = self.cell(0.0)
        cells[zero] = "┼" if first < zero < last else "│" if cells[zero] == " " else cells[zero]
        cells[self.cell(interval.value)] = "●"
        return "".join(cells)
