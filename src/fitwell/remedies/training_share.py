"""A larger training share: the validation rows are trained on too.

What it costs: nothing is left to stop by, so the number of epochs is that of earlier
trainings which stopped early (`epochs_without_validation`).
"""

from collections.abc import Sequence
from statistics import median

from fitwell.remedies.remedy import Remedy

REMEDY = Remedy(name="training share", fixed={"all_rows": True})


def epochs_without_validation(best_epochs: Sequence[int]) -> int:
    """Give the median best epoch of trainings that could stop early, at least 1.

    >>> epochs_without_validation([7, 12, 9])
    9
    """
    return max(1, round(median(best_epochs)))
