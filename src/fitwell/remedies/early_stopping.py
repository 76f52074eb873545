"""Early stopping: keep the epoch that does best on rows the network is not trained on."""

import numpy as np
from numpy.typing import NDArray

from fitwell.remedies.remedy import Remedy

REMEDY = Remedy(name="early stopping", fixed={"early_stopping": True})


class Patience:
    """Says when no watched series has reached a new minimum for ``patience`` epochs.

    Three series are watched: the mean validation loss, and that of each half of the
    validation rows, so that `cross_fitted` has a minimum of its own for either half.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self._epoch = 0
        self._best = np.full(3, np.inf)
        self._last = 0

    def update(self, losses: NDArray[np.float32], halves: NDArray[np.bool_]) -> bool:
        """Take one epoch's loss per row; return whether the overall mean is a new minimum."""
        self._epoch += 1
        means = np.array(
            [losses.mean(dtype=np.float64)]
            + [losses[half].mean(dtype=np.float64) for half in (halves, ~halves)]
        )
        lower = means < self._best
        if lower.any():
            self._last = self._epoch
        self._best = np.minimum(means, self._best)
        return bool(lower[0])

    @property
    def exhausted(self) -> bool:
        """Whether training should end."""
        return self._epoch - self._last >= self.patience


def split_halves(
    rows: int, seed: int, groups: NDArray[np.int64] | None = None
) -> NDArray[np.bool_]:
    """Mark a random half of the validation rows, or all rows of half of the groups."""
    unit = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    units = int(unit.max(initial=-1)) + 1
    halves = np.zeros(units, dtype=bool)
    halves[np.random.default_rng([seed, 0x4A1F]).permutation(units)[: units // 2]] = True
    return halves[unit]


def cross_fitted(losses: NDArray[np.float32], halves: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Loss of each validation row at the epoch that the *other* half would stop at.

    Choosing the epoch on the rows that then judge it promises too much. Here one half
    chooses the epoch for the other and the reverse, so that each row is judged at an
    epoch it had no part in choosing, and none is lost. Ours.

    Args:
        losses: one row per epoch, one column per validation row.
        halves: which columns belong to the first half.

    >>> losses = np.array([[1.0, 1.0, 5.0, 5.0], [2.0, 2.0, 3.0, 3.0]], dtype=np.float32)
    >>> cross_fitted(losses, np.array([True, True, False, False]))
    array([2., 2., 5., 5.], dtype=float32)
    """
    judged = np.empty(losses.shape[1], dtype=np.float32)
    for half in (halves, ~halves):
        other = ~half
        epoch = int(losses[:, other].mean(axis=1, dtype=np.float64).argmin())
        judged[half] = losses[epoch, half]
    return judged
