r"""L1: the sum of absolute weights, :math:`\lambda_1 \sum |w|`."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fitwell.remedies.metric import (
    Group,
    groups_of,
    inverse_metric,
    mean_square,
    step_length,
    warmed_up,
)
from fitwell.remedies.passes import one_pass, shrink_
from fitwell.remedies.remedy import Parameter, Remedy

REMEDY = Remedy(
    name="l1",
    parameters=(Parameter(name="l1", low=1e-6, high=1e-3, log=True, off=0.4, default=0.0),),
)


def l1_penalty(weights: Sequence[Tensor], strength: float) -> Tensor:
    r"""Sum of absolute weights times the strength: :math:`\lambda_1 \sum |w|`.

    Added to a loss, it gives no exact zeros: torch takes the slope of \|w\| at 0 as 0 and
    an optimizer's steps jump across. `l1_shrink_` takes the same term as a proximal step.

    Args:
        weights: the penalized tensors.
        strength: :math:`\lambda_1`, in units of loss; zero gives zero.

    >>> l1_penalty([torch.tensor([3.0, -4.0])], 0.5)
    tensor(3.5000)
    """
    total = weights[0].new_zeros(())
    for weight in weights:
        total = total + weight.abs().sum()
    return strength * total


@torch.no_grad()
def l1_shrink_(
    optimizer: torch.optim.Optimizer, weights: Sequence[Tensor], strength: float, warm_up: int = 0
) -> None:
    r"""Proximal step of :math:`\lambda_1 \sum |w|` in the optimizer's own metric.

    Each weight moves toward zero by :math:`t = \eta\,\lambda_1 / D` and stops there, where
    :math:`\eta` is `step_length` and :math:`D` the metric of `inverse_metric`: 1 for SGD,
    :math:`\sqrt{\hat v} + \varepsilon` for Adam. A plain threshold
    :math:`\eta\lambda_1` under Adam solves another problem, because Adam rescales the
    gradient but not the threshold.

    Call it after ``optimizer.step()``, which must have seen the loss without the L1 term.
    With ``warm_up`` the strength rises in a line over so many steps, see `warmed_up`.

    Raises:
        InputError: an optimizer without such a metric, or one that does not hold a weight.

    Reference:
        Yun, Lozano, Yang: Adaptive Proximal Gradient Methods for Structured Neural
        Networks, NeurIPS 2021.
    """
    if not strength:
        return
    for group, places in groups_of(optimizer, weights):
        held = [weights[place] for place in places]
        limit = step_length(optimizer, group) * strength * warmed_up(optimizer, held, warm_up)
        slow = [weight for weight in held if not _one_pass(optimizer, group, weight, limit)]
        if slow:
            soft_threshold_(slow, limit, inverse_metric(optimizer, group, slow))


def _one_pass(optimizer: torch.optim.Optimizer, group: Group, weight: Tensor, limit: float) -> bool:
    """Take the step in one pass where there is one for it; say whether it was taken."""
    state = optimizer.state[weight]
    known = isinstance(optimizer, (torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop))
    if not known or "step" not in state or group.get("centered"):
        return False
    squares, correction = mean_square(optimizer, group, state)
    if not one_pass(weight, squares):
        return False
    shrink_(weight, squares, correction, float(group["eps"]), limit)
    return True


def soft_threshold_(
    weights: list[Tensor], limit: float, scales: list[Tensor] | None = None
) -> None:
    """Move each weight toward zero by ``limit`` times its scale, and stop there.

    >>> weight = torch.tensor([0.5, -0.2, 0.1])
    >>> soft_threshold_([weight], 0.2)
    >>> weight
    tensor([0.3000, 0.0000, 0.0000])
    """
    # w minus its clamp is the soft threshold, and exactly zero inside the band.
    if scales is None:
        inside = torch._foreach_clamp_max(weights, limit)
        torch._foreach_clamp_min_(inside, -limit)
    else:
        torch._foreach_mul_(scales, limit)
        inside = torch._foreach_minimum(weights, scales)
        torch._foreach_neg_(scales)
        torch._foreach_maximum_(inside, scales)
    torch._foreach_sub_(weights, inside)
