"""The area under the ROC curve, and how far it may be off."""

from math import exp, log, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from fitwell.results import Interval


def auc_interval(
    scores: NDArray[np.float64],
    positive: NDArray[np.bool_],
    groups: NDArray[np.int64] | None = None,
    *,
    level: float = 0.95,
) -> Interval:
    r"""Chance that a positive row scores above a negative one, ties half, with its interval.

    The standard error is that of `standard_error`. The interval is
    :math:`\mathrm{logit}(A) \pm z \cdot SE / (A (1 - A))`, turned back, so that it stays within 0
    and 1. Where the standard error is 0, as when the classes do not overlap, it is Newcombe's
    score interval, which is there even at 1.

    Reference:
        DeLong, DeLong and Clarke-Pearson, Biometrics 44, 1988; Pepe, The Statistical Evaluation
        of Medical Tests, 2003 (the logit).

    >>> found = auc_interval(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    >>> round(found.value, 3)
    0.75
    """
    area, error = standard_error(scores, positive, groups)
    z = float(stats.norm.ppf((1 + level) / 2))
    if not 0 < area < 1 or not 0 < error < float("inf"):
        return _newcombe(area, int(positive.sum()), int((~positive).sum()), z, level)
    centre, reach = log(area / (1 - area)), z * error / (area * (1 - area))
    low, high = (1 / (1 + exp(-(centre + sign * reach))) for sign in (-1, 1))
    return Interval(value=area, low=low, high=high, level=level)


def standard_error(
    scores: NDArray[np.float64],
    positive: NDArray[np.bool_],
    groups: NDArray[np.int64] | None = None,
) -> tuple[float, float]:
    r"""Give the area and its standard error after DeLong.

    A positive row :math:`i` has :math:`V_i`, the share of the :math:`n` negative rows below it,
    ties half; a negative one :math:`j` has :math:`W_j`, the share of the :math:`m` positive rows
    above it. Both have the mean :math:`A`, and :math:`SE^2 = s_V^2 / m + s_W^2 / n`. With
    :math:`G` groups the rows' parts :math:`(V_i - A) / m` and :math:`(W_j - A) / n` are first
    summed within each: :math:`SE^2 = \frac{G}{G-1} \sum_g u_g^2`.

    Reference:
        Sun and Xu, IEEE Signal Processing Letters 21, 2014 (by ranks); Obuchowski, Biometrics 53,
        1997 (groups).
    """
    m, n = int(positive.sum()), int((~positive).sum())
    ranks = stats.rankdata(scores)
    above = (ranks[positive] - stats.rankdata(scores[positive])) / n
    below = 1 - (ranks[~positive] - stats.rankdata(scores[~positive])) / m
    area = float(above.mean())
    if groups is None:
        if min(m, n) < 2:
            return area, float("inf")
        return area, sqrt(float(above.var(ddof=1)) / m + float(below.var(ddof=1)) / n)
    parts = np.empty(len(scores))
    parts[positive], parts[~positive] = (above - area) / m, (below - area) / n
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], weights=parts)
    if len(sums) < 2:
        return area, float("inf")
    return area, sqrt(float((sums**2).sum()) * len(sums) / (len(sums) - 1))


def _newcombe(area: float, m: int, n: int, z: float, level: float) -> Interval:
    r"""Solve :math:`|\theta - A| = z \sqrt{V(\theta)}` for both limits.

    .. math:: V = \frac{\theta (1 - \theta)}{mn} \left[1 + \left(\frac{m + n}{2} - 1\right)
              \left(\frac{1 - \theta}{2 - \theta} + \frac{\theta}{1 + \theta}\right)\right]

    Reference:
        Newcombe, Statistics in Medicine 25, 2006 (method 5).
    """

    def excess(theta: float) -> float:
        spread = (1 - theta) / (2 - theta) + theta / (1 + theta)
        variance = theta * (1 - theta) / (m * n) * (1 + ((m + n) / 2 - 1) * spread)
        return abs(theta - area) - z * sqrt(max(0.0, variance))

    inside = 1e-12  # the variance is 0 at 0 and 1, which would be a root itself
    low = float(optimize.brentq(excess, 0.0, area - inside)) if area > 0 else 0.0
    high = float(optimize.brentq(excess, area + inside, 1.0)) if area < 1 else 1.0
    return Interval(value=area, low=low, high=high, level=level)


def gini_of(auc: Interval) -> Interval:
    """Give 2 · AUC - 1, a straight line through the limits.

    >>> str(gini_of(Interval(value=0.75, low=0.7, high=0.8)))
    '0.500 [0.400, 0.600]'
    """
    value, low, high = (2 * number - 1 for number in (auc.value, auc.low, auc.high))
    return Interval(value=value, low=low, high=high, level=auc.level)
