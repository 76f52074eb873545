r"""L1: the sum of absolute weights, :math:`\lambda_1 \sum |w|`."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fitwell.errors import InputError
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
    optimizer: torch.optim.Optimizer, weights: Sequence[Tensor], strength: float
) -> None:
    r"""Proximal step of :math:`\lambda_1 \sum |w|` in the optimizer's own metric.

    Each weight moves toward zero by :math:`t` and stops there, with

    .. math:: t = \eta\,\lambda_1 \;\text{(SGD)}, \qquad
              t = \frac{\eta\,\lambda_1}{\sqrt{\hat v} + \varepsilon} \;\text{(Adam, AdamW)},

    where :math:`\eta` is the learning rate and :math:`\hat v` Adam's bias-corrected second
    moment. A plain threshold :math:`\eta\lambda_1` under Adam solves another problem,
    because Adam rescales the gradient but not the threshold.

    Call it after ``optimizer.step()``, which must have seen the loss without the L1 term.

    Raises:
        InputError: the optimizer is neither SGD, Adam nor AdamW, or does not hold a weight.

    Reference:
        Yun, Lozano, Yang: Adaptive Proximal Gradient Methods for Structured Neural
        Networks, NeurIPS 2021.
    """
    group_of = {id(p): group for group in optimizer.param_groups for p in group["params"]}
    for weight in weights:
        if id(weight) not in group_of:
            raise InputError(
                "optimizer does not hold a penalized weight. Build it from the parameters of the"
                " treated module."
            )
        limit = _threshold(optimizer, group_of[id(weight)], weight, strength)
        # w minus its clamp is the soft threshold, and exactly zero inside the band.
        weight.sub_(torch.clamp(weight, -limit, limit))


def _threshold(
    optimizer: torch.optim.Optimizer, group: dict[str, object], weight: Tensor, strength: float
) -> Tensor:
    rate = float(group["lr"])  # type: ignore[arg-type]
    if isinstance(optimizer, torch.optim.SGD):
        return torch.full_like(weight, rate * strength)
    if isinstance(optimizer, (torch.optim.Adam, torch.optim.AdamW)):
        state = optimizer.state[weight]
        if "exp_avg_sq" not in state:  # never stepped: there is no metric yet
            return torch.zeros_like(weight)
        beta2 = float(group["betas"][1])  # type: ignore[index]
        correction = 1 - beta2 ** float(state["step"])
        metric = (state["exp_avg_sq"] / correction).sqrt_().add_(float(group["eps"]))  # type: ignore[arg-type]
        limit: Tensor = metric.reciprocal_().mul_(rate * strength)
        return limit
    raise InputError(
        f"optimizer is {type(optimizer).__name__}, but exact zeros need SGD, Adam or AdamW. Use one"
        " of them, or keep L1 in the loss with exact_zeros=False."
    )
