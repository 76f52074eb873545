"""What the arms did on the outer resamples, held against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitwell.results import Difference
from fitwell.statistics import (
    PairedDifference,
    clustered_difference,
    resampled_difference,
)

FEWEST = 2
"""So many resamples are needed for a spread."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One resample: what every arm did on its judging rows.

    Attributes:
        correct: by arm, for each row 1 if it is right.
        losses: by arm, the log-loss of each row.
        units: the number of each row, or of its group, in all the data.
        train_rows: how many rows were trained on, stopped and chosen by.
    """

    correct: Mapping[str, NDArray[np.float64]]
    losses: Mapping[str, NDArray[np.float64]]
    units: NDArray[np.int64]
    train_rows: int

    @property
    def test_rows(self) -> int:
        """How many rows judged."""
        return len(self.units)


@dataclass(frozen=True)
class Resamples:
    """All of them; every arm was judged on each.

    Intervals are clustered by row and by resample, see `clustered_difference`: simulated, 93.6
    to 97.6 % of them hold the truth, wherever the noise comes from. A claim needs the corrected
    resampled t-test besides, see `resampled_difference`: p is the larger of the two. So nothing
    is claimed whose interval holds 0.
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
        return tuple(float((j.correct[name] - j.correct[other]).mean()) for j in self.judged)

    def gain(self, name: str, other: str) -> PairedDifference:
        """Test the mean difference in accuracy."""
        return self._tested([one.correct[name] - one.correct[other] for one in self.judged])

    def difference(self, name: str, other: str) -> Difference:
        """Give the mean differences in accuracy and in log-loss with their intervals."""
        losses = [one.losses[name] - one.losses[other] for one in self.judged]
        return Difference(
            baseline=other,
            accuracy=self.gain(name, other).interval,
            log_loss=self._tested(losses).interval,
        )

    def _tested(self, differences: Sequence[NDArray[np.float64]]) -> PairedDifference:
        clustered = clustered_difference(differences, [one.units for one in self.judged])
        corrected = resampled_difference(
            np.array([d.mean() for d in differences]),
            train_rows=self.train_rows,
            test_rows=self.test_rows,
        )
        return PairedDifference(interval=clustered.interval, p=max(clustered.p, corrected.p))
