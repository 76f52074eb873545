r"""Decoupled decay: weights shrink beside the gradient step, not through it.

These are not penalties in the loss, and carry names of their own. Under plain SGD
decoupled decay of :math:`\delta` equals the penalty :math:`\lambda_2 = \delta / 2`; under
Adam it equals none.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from fitwell.remedies.l1 import soft_threshold_
from fitwell.remedies.metric import groups_of
from fitwell.remedies.remedy import Parameter, Remedy

REMEDY = Remedy(
    name="decoupled L2",
    parameters=(
        Parameter(name="decay_epochs", low=5.0, high=2000.0, log=True, off=0.4, default=30.0),
    ),
)


@torch.no_grad()
def decay_(optimizer: torch.optim.Optimizer, weights: Sequence[Tensor], decay: float) -> None:
    r"""Multiply each weight by :math:`1 - \eta\,\delta`, as AdamW does with ``weight_decay``.

    Call it before ``optimizer.step()``: then Adam with it is AdamW, step by step.

    Args:
        optimizer: gives the learning rate :math:`\eta` of each weight.
        weights: the tensors to decay.
        decay: :math:`\delta`, per unit of learning rate; zero changes nothing.

    Raises:
        InputError: the optimizer does not hold a weight.

    Reference:
        Loshchilov and Hutter: Decoupled Weight Decay Regularization, ICLR 2019.
    """
    if decay:
        for group, places in groups_of(optimizer, weights):
            held = [weights[place] for place in places]
            torch._foreach_mul_(held, 1 - float(group["lr"]) * decay)


@torch.no_grad()
def decay_l1_(optimizer: torch.optim.Optimizer, weights: Sequence[Tensor], decay: float) -> None:
    r"""Move each weight toward zero by :math:`\eta\,\delta_1` and stop there.

    The same distance for every weight, whatever the optimizer's metric; call it after
    ``optimizer.step()``. It leaves exact zeros. Under SGD it is the proximal step of L1.

    Raises:
        InputError: the optimizer does not hold a weight.
    """
    if decay:
        for group, places in groups_of(optimizer, weights):
            held = [weights[place] for place in places]
            soft_threshold_(held, float(group["lr"]) * decay)


def decay_of_timescale(epochs: float, steps_per_epoch: int, learning_rate: float) -> float:
    r"""Turn a timescale in epochs into decoupled decay: :math:`\delta = 1 / (\eta\, n\, \tau)`.

    After :math:`\tau` epochs of :math:`n` steps an undisturbed weight has shrunk to about
    :math:`1/e`. The timescale, not :math:`\delta`, carries over to another batch size,
    learning rate or number of rows.

    Reference:
        Wang and Aitchison: How to set AdamW's weight decay as you scale model and dataset
        size, 2024.

    >>> decay_of_timescale(20, 50, 1e-3)
    1.0
    """
    return 1 / (learning_rate * steps_per_epoch * epochs)


def timescale_of_decay(decay: float, steps_per_epoch: int, learning_rate: float) -> float:
    """Turn decoupled decay into a timescale in epochs; the inverse of `decay_of_timescale`."""
    return 1 / (learning_rate * steps_per_epoch * decay)
