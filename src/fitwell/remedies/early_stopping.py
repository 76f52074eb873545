"""Early stopping: keep the epoch that does best on rows the network is not trained on."""

import numpy as np
from numpy.typing import NDArray

from fitwell.remedies.remedy import Remedy

REMEDY = Remedy(name="early stopping", fixed={"early_stopping": True})

PARTS = 10
"""The validation rows are cut into so many parts, or into as many as they have groups."""


class Patience:
    """Says when no watched series has reached a new minimum for ``patience`` epochs.

    The series are those of `watched`: the mean validation loss, and that without each part of
    the validation rows, so that `cross_fitted` has a minimum of its own for every part.
    """

    def __init__(self, patience: int) -> None:
        self.patience = patience
        self._epoch = 0
        self._best = np.array([np.inf])
        self._last = 0

    def update(self, losses: NDArray[np.float32], part: NDArray[np.int64]) -> bool:
        """Take one epoch's loss per row; return whether the overall mean is a new minimum."""
        self._epoch += 1
        [means] = watched(losses[None], part)
        lower = means < self._best
        if lower.any():
            self._last = self._epoch
        self._best = np.minimum(means, self._best)
        return bool(lower[0])

    @property
    def exhausted(self) -> bool:
        """Whether training should end."""
        return self._epoch - self._last >= self.patience


def split_parts(rows: int, seed: int, groups: NDArray[np.int64] | None = None) -> NDArray[np.int64]:
    """Deal the validation rows, or their groups whole, into `PARTS` parts at random.

    Returns:
        The part of each row, from 0. Every part has rows.
    """
    unit = np.arange(rows) if groups is None else np.unique(groups, return_inverse=True)[1]
    units = int(unit.max(initial=-1)) + 1
    part = np.empty(units, dtype=np.int64)
    part[np.random.default_rng([seed, 0x4A1F]).permutation(units)] = np.arange(units) % PARTS
    return part[unit]


def watched(losses: NDArray[np.float32], part: NDArray[np.int64]) -> NDArray[np.float64]:
    """Give the mean loss of all rows, then that of all rows but each part.

    Where one part is all there is, its column holds the mean of all rows.

    Args:
        losses: ``[series, rows]``.
        part: of each row.

    Returns:
        ``[series, 1 + parts]``.

    >>> watched(np.array([[1.0, 3.0, 5.0]], dtype=np.float32), np.array([0, 1, 1]))
    array([[3., 4., 1.]])
    """
    overall = losses.mean(axis=1, dtype=np.float64)[:, None]
    order = np.argsort(part, kind="stable")
    sizes = np.bincount(part)
    # Each part is added up by itself, so that a series does not depend on its company.
    starts = np.concatenate([[0], sizes.cumsum()[:-1]])
    sums = np.add.reduceat(losses.take(order, axis=1), starts, axis=1, dtype=np.float64)
    rest = len(part) - sizes
    with np.errstate(invalid="ignore"):  # of a network that diverged
        others = (sums.sum(axis=1, keepdims=True) - sums) / np.maximum(rest, 1)
    return np.hstack([overall, np.where(rest > 0, others, overall)])


def cross_fitted(losses: NDArray[np.float32], part: NDArray[np.int64]) -> NDArray[np.float32]:
    """Loss of each validation row at the epoch that the *other* parts would stop at.

    Choosing the epoch on the rows that then judge it promises too much. Here all other parts
    choose the epoch for each part, so that each row is judged at an epoch it had no part in
    choosing, and none is lost. Ours. Ten parts and not two: an epoch that half of the rows
    choose is worse than the one that is kept, by which all of them speak.

    Args:
        losses: one row per epoch, one column per validation row.
        part: of each column.

    >>> losses = np.array([[1.0, 1.0, 5.0, 5.0], [2.0, 2.0, 3.0, 3.0]], dtype=np.float32)
    >>> cross_fitted(losses, np.array([0, 0, 1, 1]))
    array([2., 2., 5., 5.], dtype=float32)
    """
    epoch = watched(losses, part)[:, 1:].argmin(axis=0)
    judged: NDArray[np.float32] = losses[epoch[part], np.arange(losses.shape[1])]
    return judged
