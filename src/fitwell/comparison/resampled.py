"""What the arms did on the outer resamples, held against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fitwell.results import Difference
from fitwell.statistics import PairedDifference, resampled_difference

FEWEST = 2
"""So many resamples are needed for a spread."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One resample: the means over its judging rows, by arm.

    Attributes:
        accuracy: share of rows that are right.
        log_loss: mean over the rows.
        train_rows: rows that were trained on, stopped and chosen by.
        test_rows: rows that judged.
    """

    accuracy: Mapping[str, float]
    log_loss: Mapping[str, float]
    train_rows: int
    test_rows: int


@dataclass(frozen=True)
class Resamples:
    """All of them; every arm was judged on each.

    Differences are tested by the corrected resampled t-test, since resamples share rows; see
    `resampled_difference`.
    """

    judged: Sequence[Judged]

    @property
    def count(self) -> int:
        """How many."""
        return len(self.judged)

    @property
    def train_rows(self) -> int:
        """Rows of a resample that do not judge, on average."""
        return round(sum(one.train_rows for one in self.judged) / self.count)

    @property
    def test_rows(self) -> int:
        """Rows of a resample that judge, on average."""
        return round(sum(one.test_rows for one in self.judged) / self.count)

    def differences(self, name: str, other: str) -> tuple[float, ...]:
        """Give the accuracy of an arm minus another's, resample by resample."""
        return tuple(one.accuracy[name] - one.accuracy[other] for one in self.judged)

    def gain(self, name: str, other: str) -> PairedDifference:
        """Test the mean difference in accuracy."""
        return self._tested(self.differences(name, other))

    def difference(self, name: str, other: str) -> Difference:
        """Give the mean differences in accuracy and in log-loss with their intervals."""
        losses = tuple(one.log_loss[name] - one.log_loss[other] for one in self.judged)
        return Difference(
            baseline=other,
            accuracy=self.gain(name, other).interval,
            log_loss=self._tested(losses).interval,
        )

    def _tested(self, differences: Sequence[float]) -> PairedDifference:
        return resampled_difference(
            np.array(differences), train_rows=self.train_rows, test_rows=self.test_rows
        )
