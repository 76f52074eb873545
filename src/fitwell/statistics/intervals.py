"""Intervals of means, shares and differences: numbers in, numbers out.

All intervals are two-sided at the given level, 95 % by default.
"""

from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fitwell.results import Interval

Numbers = NDArray[np.floating]


def mean_interval(
    values: Numbers, groups: NDArray[np.int64] | None = None, *, level: float = 0.95
) -> Interval:
    r"""Mean with Student's interval; with ``groups``, the rows of a group count together.

    Without groups :math:`s^2 = \sum (x_i-\bar x)^2 / (n(n-1))`; with :math:`G` groups the
    deviations are first summed within each,
    :math:`s^2 = \frac{G}{G-1} \sum_g (\sum_{i \in g} (x_i - \bar x))^2 / n^2`.

    Reference:
        Liang and Zeger, Biometrika 73, 1986 (the grouped form).

    >>> mean_interval(np.array([1.0, 2.0, 3.0]))
    Interval(value=2.0, low=-0.484..., high=4.484..., level=0.95)
    """
    centre = float(np.mean(values, dtype=np.float64))
    error, freedom = standard_error(values, groups)
    return around(centre, error, freedom, level)


def median_interval(values: Numbers, *, level: float = 0.95) -> Interval:
    r"""Median with the interval between two of the sorted values; no distribution is assumed.

    The limits are :math:`x_{(r)}` and :math:`x_{(n+1-r)}` with the largest :math:`r` for which
    :math:`P(B < r) \le (1 - \mathrm{level})/2`, :math:`B \sim \mathrm{Bin}(n, 1/2)`: of 15 values
    the fourth and the twelfth. Without such an :math:`r`, of 5 values and less at 95 %, the
    limits are infinite.

    Reference:
        Conover, Practical Nonparametric Statistics, 1999, section 3.2; as computed by SciPy.

    >>> median_interval(np.arange(1.0, 16.0))
    Interval(value=8.0, low=4.0, high=12.0, level=0.95)
    """
    centre = float(np.median(values))
    limits = stats.quantile_test(values, q=centre, p=0.5).confidence_interval(level)
    low, high = float(limits.low), float(limits.high)
    return Interval(
        value=centre,
        low=-np.inf if np.isnan(low) else low,
        high=np.inf if np.isnan(high) else high,
        level=level,
    )


def standard_error(values: Numbers, groups: NDArray[np.int64] | None = None) -> tuple[float, float]:
    """Give the standard error of the mean, as in `mean_interval`, and its degrees of freedom."""
    values = np.asarray(values, dtype=np.float64)
    deviations = values - values.mean()
    if groups is not None:
        deviations = np.bincount(np.unique(groups, return_inverse=True)[1], weights=deviations)
    units = len(deviations)
    if units < 2:
        return float("inf"), 1.0
    return float(np.sqrt((deviations**2).sum() * units / (units - 1)) / len(values)), units - 1.0


def around(centre: float, error: float, freedom: float, level: float) -> Interval:
    """Student's interval around ``centre``."""
    reach = float(stats.t.ppf((1 + level) / 2, freedom)) * error if error > 0 else 0.0
    return Interval(value=centre, low=centre - reach, high=centre + reach, level=level)


def proportion_interval(hits: int, rows: int, *, level: float = 0.95) -> Interval:
    """Share of hits with Wilson's score interval, which holds up near 0 and 1.

    Reference:
        Wilson, JASA 22, 1927; recommended by Brown, Cai, DasGupta, 2001.
    """
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, rows, alpha=1 - level, method="wilson")
    share = hits / rows  # at 0 and 1 rounding may push a limit past it
    return Interval(
        value=share, low=min(float(low), share), high=max(float(high), share), level=level
    )


def accuracy_interval(
    correct: NDArray[np.bool_], groups: NDArray[np.int64] | None = None, *, level: float = 0.95
) -> Interval:
    """Share of correct rows: Wilson's interval, or with groups that of the grouped mean."""
    if groups is None:
        return proportion_interval(int(correct.sum()), len(correct), level=level)
    interval = mean_interval(correct.astype(np.float64), groups, level=level)
    return clipped(interval)


def clipped(interval: Interval) -> Interval:
    """Cut an interval of a share at 0 and 1."""
    return Interval(
        value=interval.value,
        low=max(0.0, interval.low),
        high=min(1.0, interval.high),
        level=interval.level,
    )


def balanced_accuracy_interval(
    correct: NDArray[np.bool_], target: NDArray[np.int64], *, level: float = 0.95
) -> Interval:
    r"""Mean over the classes present of the share of their rows that are correct.

    The interval combines the classes' Wilson intervals :math:`[l_c, u_c]` around the
    recalls :math:`r_c`: its lower reach is :math:`\sqrt{\sum_c (r_c - l_c)^2} / C`, and
    likewise above.

    Reference:
        Zou and Donner (MOVER), Statistics in Medicine 27, 2008.
    """
    parts = [
        proportion_interval(int(correct[target == c].sum()), int((target == c).sum()), level=level)
        for c in np.unique(target)
    ]
    centre = sum(p.value for p in parts) / len(parts)
    below = sqrt(sum((p.value - p.low) ** 2 for p in parts)) / len(parts)
    above = sqrt(sum((p.high - p.value) ** 2 for p in parts)) / len(parts)
    return Interval(value=centre, low=centre - below, high=centre + above, level=level)


def difference_of(first: Interval, second: Interval) -> Interval:
    r"""First minus second, for independent rows: square-and-add (MOVER).

    With Wilson intervals this is Newcombe's hybrid score interval (his method 10).

    Reference:
        Newcombe, Statistics in Medicine 17, 1998; Zou and Donner, 2008.
    """
    value = first.value - second.value
    below = sqrt((first.value - first.low) ** 2 + (second.high - second.value) ** 2)
    above = sqrt((first.high - first.value) ** 2 + (second.value - second.low) ** 2)
    return Interval(value=value, low=value - below, high=value + above, level=first.level)
