"""Was it trained for too long: does the validation loss rise after its minimum?"""

import numpy as np
from numpy.typing import NDArray

from fitwell.results import Evidence
from fitwell.statistics import mean_interval

RISES = "The validation loss rose after its best epoch: stopping earlier would have helped."
FLAT = "The validation loss did not rise after its best epoch."


def check_overtraining(
    last: NDArray[np.float64],
    best: NDArray[np.float64],
    groups: NDArray[np.int64] | None,
) -> Evidence:
    """Compare the loss at the last epoch with that at the best one, row by row.

    Args:
        last: log-loss of each validation row at the last epoch.
        best: the same at an epoch that other rows chose, so that it is not flattered.
        groups: of the validation rows, where rows are grouped.
    """
    rise = mean_interval(last - best, groups)
    return Evidence(
        check="rise of the validation loss",
        finding=RISES if rise.low > 0 else FLAT,
        value=rise.value,
        low=rise.low,
        high=rise.high,
        threshold=0.0,
    )
