"""Shares with an interval that groups cannot make narrower."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fitwell.results import Interval
from fitwell.statistics import accuracy_interval, mean_interval

Flags = NDArray[np.bool_]
Term = tuple[float, Flags, Flags]
"""A coefficient, which rows, and which of them are hits."""


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


def weighted(terms: Sequence[Term], groups: NDArray[np.int64] | None) -> Interval:
    r"""Sum of coefficients times shares of rows that no other term has: :math:`\sum_i c_i p_i`.

    With Wilson's bounds :math:`l_i, u_i` of each share the lower bound is

    .. math:: \sum_i c_i p_i - \sqrt{\sum_i c_i^2 d_i^2}, \qquad
              d_i = p_i - l_i \text{ where } c_i > 0, \text{ else } u_i - p_i,

    and the upper one likewise. With groups it is never narrower than that of the mean of
    each row's part in the sum, by groups.

    Args:
        terms: each with at least one row.
        groups: of all rows.

    Reference:
        Newcombe, Statistics in Medicine 17, 1998 (a difference); Zou and Donner, Statistics in
        Medicine 27, 2008 (any sum).

    >>> rows = np.arange(4) < 2
    >>> weighted([(1.0, rows, rows), (-1.0, ~rows, rows)], None)
    Interval(value=1.0, low=0.0699..., high=1.0, level=0.95)
    """
    value = below = above = 0.0
    parts = np.zeros(len(terms[0][1]))
    for coefficient, rows, hits in terms:
        found = accuracy_interval(hits[rows])
        down, up = found.value - found.low, found.high - found.value
        if coefficient < 0:
            down, up = up, down
        value += coefficient * found.value
        below, above = below + (coefficient * down) ** 2, above + (coefficient * up) ** 2
        parts[rows] = coefficient * (hits[rows] - found.value) * len(rows) / rows.sum()
    low, high = value - below**0.5, value + above**0.5
    if groups is not None:
        grouped = mean_interval(parts, groups)
        low, high = min(low, value + grouped.low), max(high, value + grouped.high)
    return Interval(value=value, low=low, high=high)


def within(groups: NDArray[np.int64] | None, rows: NDArray[np.bool_]) -> NDArray[np.int64] | None:
    """Give the groups of some of the rows."""
    return None if groups is None else groups[rows]
