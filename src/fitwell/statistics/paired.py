"""Two networks, or two arms, on the same rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from fitwell.results import Interval
from fitwell.statistics.intervals import Numbers, around, standard_error


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
    return PairedDifference(interval=around(centre, error, freedom, level), p=p)


def mcnemar_exact(first: NDArray[np.bool_], second: NDArray[np.bool_]) -> float:
    r"""Two-sided p-value of "neither network is right more often", row by row.

    Of the :math:`m` rows on which exactly one network is right, the first is right on
    :math:`b`. Under the null :math:`b` is binomial with one half, and
    :math:`p = \min(1, 2 P(B \le \min(b, m - b)))`: exact, and so never above the level.
    Rows are taken as independent. It speaks of these two networks on new rows, not of
    the arms that they were trained by: two seeds of one arm may differ.

    Args:
        first: for each test row, whether the one network is right.
        second: the same for the other network.

    Reference:
        McNemar, Psychometrika 12, 1947; exact form in Dietterich, Neural Computation 10, 1998.

    >>> right, wrong = np.ones(6, dtype=bool), np.zeros(6, dtype=bool)
    >>> mcnemar_exact(right, wrong)
    0.03125
    """
    from statsmodels.stats.contingency_tables import mcnemar

    table = [
        [int((first & second).sum()), int((first & ~second).sum())],
        [int((~first & second).sum()), int((~first & ~second).sum())],
    ]
    return float(mcnemar(table, exact=True).pvalue)


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
