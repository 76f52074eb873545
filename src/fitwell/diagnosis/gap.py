"""The gap between training and test rows, in eval mode, with its interval."""

import numpy as np
from numpy.typing import NDArray

from fitwell.results import Evidence, State
from fitwell.statistics import difference_of, score

TOLERANCE = 0.02
"""A gap of at most two points of accuracy is not called overfitting. Ours."""

REAL = "The gap between training and test accuracy is larger than the tolerance."
SMALL = "The gap between training and test accuracy is within the tolerance."
OPEN = "The test part is too small to tell whether the gap is within the tolerance."
LOSS_REAL = "The log-loss is higher on test rows than on training rows."
LOSS_OPEN = "No difference in log-loss between training and test rows is shown."


def state(
    network: str,
    train: tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64] | None],
    test: tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64] | None],
) -> State:
    """Measure one network on both parts.

    Args:
        network: how to call it.
        train: class probabilities, class numbers, groups of the rows it was trained on.
        test: the same for the test rows.
    """
    seen, new = score(*train), score(*test)
    return State(
        network=network,
        train=seen,
        test=new,
        gap=difference_of(seen.accuracy, new.accuracy),
        gap_log_loss=difference_of(new.log_loss, seen.log_loss),
    )


def check_gap(before: State) -> Evidence:
    """Hold the accuracy gap against `TOLERANCE`."""
    gap = before.gap
    finding = REAL if gap.low > TOLERANCE else SMALL if gap.high < TOLERANCE else OPEN
    return Evidence(
        check="gap in accuracy",
        finding=finding,
        value=gap.value,
        low=gap.low,
        high=gap.high,
        threshold=TOLERANCE,
    )


def check_gap_log_loss(before: State) -> Evidence:
    """Hold the log-loss gap against zero."""
    gap = before.gap_log_loss
    return Evidence(
        check="gap in log-loss",
        finding=LOSS_REAL if gap.low > 0 else LOSS_OPEN,
        value=gap.value,
        low=gap.low,
        high=gap.high,
        threshold=0.0,
    )
