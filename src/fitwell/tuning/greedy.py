"""Greedy weights: which of several trained networks to mix, and in which shares."""

import numpy as np
from numpy.typing import NDArray

PICKS = 8
"""So many times a network is picked; a share is a number of eighths."""

FLOOR = 1e-15
"""A probability of 0 counts as this, as in `row_log_losses`."""


def greedy_weights(
    right: NDArray[np.float64], rows: NDArray[np.float64] | None = None, *, picks: int = PICKS
) -> NDArray[np.float64]:
    r"""Pick networks one after the other, each time the one that helps the mean the most.

    With :math:`p_m(r)` a network's probability of row :math:`r`'s right class and the picks
    :math:`m_1 \dots m_{k-1}`, the next is

    .. math:: m_k = \arg\min_m \sum_r -v_r
              \ln \frac{p_{m_1}(r) + \dots + p_{m_{k-1}}(r) + p_m(r)}{k},

    and a network's weight is the share of the picks that it got. It may be picked again. Of
    equals the earlier one is picked. The number of picks is ours.

    Args:
        right: :math:`p_m(r)`, one row per network, one column per row of data.
        rows: :math:`v_r`, how much each row counts; alike where None.
        picks: how many.

    Returns:
        One weight per network, of sum 1; 0 where it was never picked.

    Reference:
        Caruana, Niculescu-Mizil, Crew and Ksikes: Ensemble Selection from Libraries of Models,
        ICML 2004 (selection with replacement).

    >>> greedy_weights(np.array([[0.9, 0.1], [0.1, 0.9], [0.2, 0.2]]), picks=2)
    array([0.5, 0.5, 0. ])
    """
    counted = np.ones(right.shape[1]) if rows is None else rows
    total = np.zeros(right.shape[1])
    taken = np.zeros(len(right))
    for pick in range(1, picks + 1):
        means = np.maximum((total + right) / pick, FLOOR)
        best = int((-np.log(means) @ counted).argmin())
        total = total + right[best]
        taken[best] += 1
    return taken / picks
