"""What errors cost where one kind is dearer than the other."""

import numpy as np
from numpy.typing import NDArray

from fitwell.evaluation.shares import weighted
from fitwell.found.evaluation import CostCurve, CostRatio

STEPS = 51
"""Places on the curve: 0, 0.02, ..., 1."""

RATIOS = (1.0, 5.0, 10.0)
"""A missed positive costs as much as so many false alarms."""

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


def cost_curve(
    false: Floats,
    found: Floats,
    probabilities: Floats,
    positive: Flags,
    groups: NDArray[np.int64] | None = None,
) -> CostCurve:
    r"""Normalized expected cost against probability-cost.

    With the share :math:`\pi` of positive rows and the costs :math:`C_m` of a missed positive and
    :math:`C_f` of a false alarm, the probability-cost is
    :math:`x = \pi C_m / (\pi C_m + (1 - \pi) C_f)`. The cost of a rule with sensitivity :math:`s`
    and false positive rate :math:`f`, divided by that of getting every row wrong, is

    .. math:: (1 - s) x + f (1 - x).

    ``lowest`` takes the best of all thresholds at each :math:`x`, picked on these rows, so nobody
    has it beforehand. ``trivial`` is :math:`\min(x, 1 - x)`: all rows called one class.

    Args:
        false: false positive rates of all thresholds.
        found: sensitivities of the same.
        probabilities: one row per row of data, two columns.
        positive: whether a row is of the second class.
        groups: rows of one group count together in the intervals.

    Reference:
        Drummond and Holte, Machine Learning 65, 2006; the threshold 1 / (1 + ratio) is Elkan's,
        IJCAI 2001.
    """
    places = np.linspace(0, 1, STEPS)
    called = probabilities[:, 1] > probabilities[:, 0]
    misses, alarms = float((~called[positive]).mean()), float(called[~positive].mean())
    return CostCurve(
        probability_cost=tuple(float(round(x, 9)) for x in places),
        lowest=tuple(_lowest(x, false, found) for x in places),
        at_half=tuple(float(misses * x + alarms * (1 - x)) for x in places),
        ratios=tuple(_ratio(r, false, found, probabilities, positive, groups) for r in RATIOS),
    )


def _ratio(
    ratio: float,
    false: Floats,
    found: Floats,
    probabilities: Floats,
    positive: Flags,
    groups: NDArray[np.int64] | None,
) -> CostRatio:
    share = float(positive.mean())
    x = share * ratio / (share * ratio + 1 - share)
    # In this form a ratio of 1 calls what the network calls, ties included.
    called = ratio * probabilities[:, 1] > probabilities[:, 0]
    return CostRatio(
        ratio=ratio,
        probability_cost=x,
        threshold=1 / (1 + ratio),
        cost=weighted([(x, positive, ~called), (1 - x, ~positive, called)], groups),
        lowest=_lowest(x, false, found),
        trivial=min(x, 1 - x),
    )


def _lowest(x: float, false: Floats, found: Floats) -> float:
    return float(((1 - found) * x + false * (1 - x)).min())
