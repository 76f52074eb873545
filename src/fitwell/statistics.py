"""Intervals, paired tests and corrections: numbers in, numbers out.

All intervals are two-sided at the given level, 95 % by default.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fitwell.results import Interval, Scores

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
    return _around(centre, error, freedom, level)


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


def _around(centre: float, error: float, freedom: float, level: float) -> Interval:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedDifference:
    """A mean difference, its interval, and the two-sided p-value of no difference."""

    interval: Interval
    p: float


def paired_difference(
    differences: Numbers, groups: NDArray[np.int64] | None = None, *, level: float = 0.95
) -> PairedDifference:
    r"""Mean of ``differences[seed, row]``, where seeds and rows are both a sample.

    Seeds and rows are crossed: every seed is judged on the same rows. With the means over
    seeds :math:`\bar d_{\cdot r}` and over rows :math:`\bar d_{s\cdot}`,

    .. math:: SE^2 = \widehat{\mathrm{Var}}(\bar d_{\cdot r}) / n
                   + \widehat{\mathrm{Var}}(\bar d_{s\cdot}) / S,

    which counts the part that seeds and rows share twice and so errs on the wide side.
    Student's t with Satterthwaite's degrees of freedom. With one seed only the rows'
    part is there. It speaks for new rows and new seeds, not for new training data.

    Args:
        differences: one row per seed, one column per test row; rows of the same test
            part for all.
        groups: test rows of one group are not independent; they count together.

    Reference:
        Owen: The pigeonhole bootstrap, Annals of Applied Statistics 1, 2007 (the
        conservative sum of the two variances); Satterthwaite, 1946.
    """
    table = np.atleast_2d(np.asarray(differences, dtype=np.float64))
    error_rows, freedom_rows = standard_error(table.mean(axis=0), groups)
    parts = [(error_rows**2, freedom_rows)]
    if len(table) > 1:
        means = table.mean(axis=1)
        parts.append((float(means.var(ddof=1)) / len(means), len(means) - 1.0))
    variance = sum(v for v, _ in parts)
    centre = float(table.mean())
    if variance == 0:
        same = Interval(value=centre, low=centre, high=centre, level=level)
        return PairedDifference(interval=same, p=1.0 if centre == 0 else 0.0)
    freedom = variance**2 / sum(v**2 / f for v, f in parts)
    error = sqrt(variance)
    p = 2 * float(stats.t.sf(abs(centre) / error, freedom))
    return PairedDifference(interval=_around(centre, error, freedom, level), p=p)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that one false claim in the whole family stays below the level.

    Reference:
        Holm, Scandinavian Journal of Statistics 6, 1979.

    >>> [round(p, 3) for p in holm([0.01, 0.04, 0.03])]
    [0.03, 0.06, 0.06]
    """
    from statsmodels.stats.multitest import multipletests

    if not p_values:
        return []
    return [float(p) for p in multipletests(p_values, method="holm")[1]]


def score(
    probabilities: NDArray[np.float64],
    target: NDArray[np.int64],
    groups: NDArray[np.int64] | None = None,
) -> Scores:
    """Score one network's class probabilities on some rows.

    Args:
        probabilities: one row per row of data, one column per class.
        target: class numbers.
        groups: rows of one group count together in the intervals, but for balanced
            accuracy, where they are taken as independent.
    """
    correct = hits(probabilities, target)
    return Scores(
        rows=len(target),
        accuracy=accuracy_interval(correct, groups),
        log_loss=mean_interval(row_log_losses(probabilities, target), groups),
        balanced_accuracy=balanced_accuracy_interval(correct, target),
    )


def hits(probabilities: NDArray[np.float64], target: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say for each row whether the most probable class is the right one."""
    right: NDArray[np.bool_] = probabilities.argmax(axis=1) == target
    return right


def row_log_losses(
    probabilities: NDArray[np.float64], target: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Give -ln of the probability of the right class, for each row.

    A probability of 0 counts as 1e-15, so that one row costs at most 34.5.
    """
    right = probabilities[np.arange(len(target)), target]
    losses: NDArray[np.float64] = -np.log(np.maximum(right, 1e-15))
    return losses

