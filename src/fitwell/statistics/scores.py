"""One network's probabilities on some rows, and how good they are."""

import numpy as np
from numpy.typing import NDArray

from fitwell.results import Scores
from fitwell.statistics.intervals import (
    accuracy_interval,
    balanced_accuracy_interval,
    mean_interval,
)


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
