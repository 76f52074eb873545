"""Given weights as a starting point: what they have seen, and what they gain over new ones."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fitwell.comparison.arms import TREATMENT
from fitwell.comparison.judge import LEVEL, Contestant
from fitwell.results import Interval, Seen, StartDifference
from fitwell.statistics import difference_of, hits, holm, paired_difference, row_log_losses


def against_anew(
    starts: Sequence[Contestant],
    anew: Contestant,
    target: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
) -> tuple[StartDifference, ...]:
    """Hold each start against the same recipe from new weights, paired by seed and test row.

    p-values are of the accuracy, Holm-adjusted over the starts.
    """
    assert anew.name == TREATMENT  # the baseline that the result names
    found = []
    for start in starts:
        accuracy, log_loss = (
            paired_difference(
                np.array(
                    [
                        measure(own, target).astype(np.float64) - measure(other, target)
                        for own, other in zip(start.probabilities, anew.probabilities, strict=True)
                    ]
                ),
                groups,
            )
            for measure in (hits, row_log_losses)
        )
        found.append((start.name, accuracy, log_loss.interval))
    adjusted = holm([accuracy.p for _, accuracy, _ in found])
    return tuple(
        StartDifference(
            arm=name,
            accuracy=accuracy.interval,
            log_loss=log_loss,
            p_adjusted=p,
            verdict=(
                "no difference shown"
                if p >= LEVEL
                else "better"
                if accuracy.interval.value > 0
                else "worse"
            ),
        )
        for (name, accuracy, log_loss), p in zip(found, adjusted, strict=True)
    )


def rows_seen(train: Interval, validation: Interval, test: Interval, *, random: bool) -> Seen:
    """Say which rows given weights seem to have been trained on, by their log-loss on each part.

    Rows that were trained on read better than others do. Where the parts were drawn at random
    and validation and test rows are both new to the weights, or both old, the two read alike;
    so a difference between them gives one of them away. That training rows read better than
    both others is what weights look like that saw the training rows alone. If nothing differs,
    the weights may have seen all rows, some of each part, or none: this cannot be told.

    Args:
        train: log-loss on the training rows.
        validation: on the validation rows.
        test: on the test rows.
        random: whether the split is; without it parts may differ for other reasons.
    """
    if not random:
        return "unknown"
    if difference_of(test, validation).low > 0:
        return "validation rows"
    if difference_of(validation, test).low > 0:
        return "test rows"
    clean = difference_of(validation, train).low > 0 and difference_of(test, train).low > 0
    return "training rows" if clean else "unknown"
