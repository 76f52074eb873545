"""How a network does on each class."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fitwell.evaluation.shares import share, within
from fitwell.found.evaluation import ClassScores
from fitwell.results import Interval

SHOWN = 20
"""Of more classes the confusion matrix is no longer one to read."""


def class_scores(
    called: NDArray[np.int64],
    target: NDArray[np.int64],
    names: Sequence[str],
    groups: NDArray[np.int64] | None = None,
) -> tuple[ClassScores, ...]:
    r"""Recall, precision and F1 of each class.

    With :math:`r` rows of a class, :math:`c` rows called so and :math:`h` of them right, recall is
    :math:`h / r`, precision :math:`h / c` and F1 :math:`2h / (r + c)`. The intervals are Wilson's,
    that of the precision for the calls that were made. F1 is :math:`2J / (1 + J)` with
    :math:`J = h / (r + c - h)`, a share of the rows that are of the class or called so; its bounds
    are those of Wilson's for :math:`J`.

    Args:
        called: the network's class numbers.
        target: the right ones.
        names: of the classes.
        groups: rows of one group count together in the intervals.

    >>> calls, right = np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1])
    >>> [(c.name, c.rows, c.called, round(c.f1.value, 3)) for c in class_scores(calls, right, "ab")]
    [('a', 1, 2, 0.667), ('b', 3, 2, 0.8)]
    """
    found = []
    for number, name in enumerate(names):
        of_class, so_called = target == number, called == number
        either = of_class | so_called
        jaccard = share((of_class & so_called)[either], within(groups, either))
        found.append(
            ClassScores(
                name=name,
                rows=int(of_class.sum()),
                called=int(so_called.sum()),
                recall=share(so_called[of_class], within(groups, of_class)),
                precision=share(of_class[so_called], within(groups, so_called)),
                f1=_f1(jaccard) if jaccard else None,
            )
        )
    return tuple(found)


def _f1(jaccard: Interval) -> Interval:
    value, low, high = (2 * j / (1 + j) for j in (jaccard.value, jaccard.low, jaccard.high))
    return Interval(value=value, low=low, high=high)


def confusion(
    called: NDArray[np.int64], target: NDArray[np.int64], classes: int
) -> tuple[tuple[int, ...], ...]:
    """Count rows by right and by called class; empty above 20 classes.

    >>> confusion(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]), 2)
    ((1, 0), (1, 2))
    """
    if classes > SHOWN:
        return ()
    counts = np.bincount(target * classes + called, minlength=classes**2)
    return tuple(tuple(int(n) for n in row) for row in counts.reshape(classes, classes))
