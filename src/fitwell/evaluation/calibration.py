"""Whether predicted probabilities come true."""

from math import pi, sqrt

import numpy as np
from numpy.typing import NDArray

from fitwell.evaluation.shares import share, within
from fitwell.found.evaluation import Calibration, CalibrationBin
from fitwell.results import Interval
from fitwell.statistics import mean_interval

BINS = 10
"""Bins of equal width on [0, 1]; ours. Guo et al. take 15."""

Floats = NDArray[np.float64]


def calibration(
    probabilities: Floats, target: NDArray[np.int64], groups: NDArray[np.int64] | None = None
) -> Calibration:
    r"""Compare predicted probabilities with shares, bin by bin.

    Of two classes the probability :math:`p` is that of the second one, and it comes true where
    the row is of that class. Of more it is that of the likeliest class, and it comes true where
    that is the right one. With bins :math:`b` of :math:`n_b` rows, the expected calibration error
    is

    .. math:: \sum_b \frac{n_b}{n} \left| \bar y_b - \bar p_b \right|.

    It is above 0 by chance even if all probabilities are true: then :math:`\bar y_b - \bar p_b` is
    about normal, and the expectation is
    :math:`\frac{1}{n} \sqrt{2/\pi} \sum_b \sqrt{\sum_{i \in b} p_i (1 - p_i)}`, for rows that are
    independent.

    Args:
        probabilities: one row per row of data, one column per class.
        target: class numbers.
        groups: rows of one group count together in the intervals.

    Reference:
        Naeini et al., AAAI 2015; Guo et al., ICML 2017 (the likeliest class); what chance
        alone gives is ours.
    """
    if probabilities.shape[1] == 2:
        predicted, true = probabilities[:, 1], target == 1
    else:
        predicted, true = probabilities.max(axis=1), probabilities.argmax(axis=1) == target
    places = np.minimum((predicted * BINS).astype(np.int64), BINS - 1)
    bins = tuple(
        _bin(int(place), places == place, predicted, true, groups) for place in np.unique(places)
    )
    rows = len(target)
    spread = np.bincount(places, weights=predicted * (1 - predicted), minlength=BINS)
    return Calibration(
        bins=bins,
        expected_error=sum(b.rows * abs(b.observed.value - b.predicted) for b in bins) / rows,
        by_chance=sqrt(2 / pi) * float(np.sqrt(np.maximum(spread, 0)).sum()) / rows,
        brier=brier(probabilities, target, groups),
    )


def _bin(
    place: int,
    inside: NDArray[np.bool_],
    predicted: Floats,
    true: NDArray[np.bool_],
    groups: NDArray[np.int64] | None,
) -> CalibrationBin:
    observed = share(true[inside], within(groups, inside))
    assert observed is not None  # only bins with rows are made
    return CalibrationBin(
        low=place / BINS,
        high=(place + 1) / BINS,
        rows=int(inside.sum()),
        predicted=float(predicted[inside].mean()),
        observed=observed,
    )


def brier(
    probabilities: Floats, target: NDArray[np.int64], groups: NDArray[np.int64] | None = None
) -> Interval:
    r"""Mean squared distance of the probabilities from the truth, with Student's interval.

    Of two classes :math:`(p - y)^2` for the second one, 0 to 1; of more
    :math:`\sum_c (p_c - y_c)^2`, 0 to 2. These are scikit-learn's conventions.

    Reference:
        Brier, Monthly Weather Review 78, 1950.

    >>> brier(np.array([[0.5, 0.5], [0.1, 0.9]]), np.array([0, 1])).value
    0.13
    """
    truth = np.eye(probabilities.shape[1])[target]
    squares = ((probabilities - truth) ** 2).sum(axis=1)
    if probabilities.shape[1] == 2:
        squares = squares / 2  # both classes are off by the same
    found = mean_interval(squares, groups)
    return Interval(value=found.value, low=max(0.0, found.low), high=min(2.0, found.high))
