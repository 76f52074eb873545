"""Intervals, paired tests and corrections: numbers in, numbers out.

All intervals are two-sided at the given level, 95 % by default.
"""

from fitwell.statistics.gains import DISAGREEMENT, smallest_gain, smallest_resampled_gain
from fitwell.statistics.intervals import (
    Numbers,
    accuracy_interval,
    balanced_accuracy_interval,
    clipped,
    difference_of,
    mean_interval,
    median_interval,
    proportion_interval,
    standard_error,
)
from fitwell.statistics.paired import (
    PairedDifference,
    holm,
    mcnemar_exact,
    paired_difference,
)
from fitwell.statistics.resampled import clustered_difference, resampled_difference
from fitwell.statistics.scores import hits, row_log_losses, score

__all__ = [
    "DISAGREEMENT",
    "Numbers",
    "PairedDifference",
    "accuracy_interval",
    "balanced_accuracy_interval",
    "clipped",
    "clustered_difference",
    "difference_of",
    "hits",
    "holm",
    "mcnemar_exact",
    "mean_interval",
    "median_interval",
    "paired_difference",
    "proportion_interval",
    "resampled_difference",
    "row_log_losses",
    "score",
    "smallest_gain",
    "smallest_resampled_gain",
    "standard_error",
]
