"""Shares with an interval that groups cannot make narrower."""

import numpy as np
from numpy.typing import NDArray

from fitwell.results import Interval
from fitwell.statistics import accuracy_interval


def share(hits: NDArray[np.bool_], groups: NDArray[np.int64] | None) -> Interval | None:
    """Share of hits with Wilson's interval; with groups the wider of it and the grouped one.

    The grouped interval has no width where every group is alike, such as when all rows are
    hits; Wilson's is there then. None without rows.

    >>> share(np.array([True, True, False, True]), None)
    Interval(value=0.75, low=0.3006..., high=0.9544..., level=0.95)
    """
    if not len(hits):
        return None
    alone = accuracy_interval(hits)
    if groups is None:
        return alone
    grouped = accuracy_interval(hits, groups)
    return Interval(
        value=alone.value, low=min(alone.low, grouped.low), high=max(alone.high, grouped.high)
    )


def within(groups: NDArray[np.int64] | None, rows: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """Give the groups of some of the rows."""
    return None if groups is None else groups[rows]
