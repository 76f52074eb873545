"""How far one unit of force moves a weight under an optimizer: what a proximal step needs."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from fitwell.errors import InputError

Group = dict[str, Any]


METRICS = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW, torch.optim.RMSprop)


def adam(parameters: Sequence[Tensor], learning_rate: float) -> torch.optim.Adam:
    """Build the quickest Adam that knows how many steps it made without asking a device.

    The fused one counts them where the parameters are, and on a graphics card a proximal step
    would have to wait for the count.
    """
    fused = True if all(parameter.is_cpu for parameter in parameters) else None  # torch's choice
    return torch.optim.Adam(parameters, lr=learning_rate, fused=fused)


def has_metric(optimizer: torch.optim.Optimizer) -> bool:
    """Whether `inverse_metric` knows the optimizer, so that L1 can leave exact zeros."""
    return isinstance(optimizer, METRICS)


def groups_of(
    optimizer: torch.optim.Optimizer, weights: Sequence[Tensor]
) -> list[tuple[Group, list[int]]]:
    """Sort weights by the optimizer's parameter groups: each group with places in ``weights``.

    Raises:
        InputError: the optimizer does not hold a weight.
    """
    number = {id(p): i for i, group in enumerate(optimizer.param_groups) for p in group["params"]}
    places: dict[int, list[int]] = {}
    for place, weight in enumerate(weights):
        if id(weight) not in number:
            raise InputError(
                "optimizer does not hold a penalized weight. Build it from the parameters of the"
                " treated module."
            )
        places.setdefault(number[id(weight)], []).append(place)
    return [(optimizer.param_groups[i], held) for i, held in places.items()]


def step_length(optimizer: torch.optim.Optimizer, group: Group) -> float:
    r"""Give how far a constant force of 1 moves a weight in one step, where :math:`D = 1`.

    :math:`\eta` for Adam, whose momentum is a mean; :math:`\eta\,(1 - d) / (1 - \mu)` for
    momentum :math:`\mu` with dampening :math:`d`, which is a sum. Without the factor the
    penalty would be 10 times too weak at :math:`\mu = 0.9`.
    """
    rate, momentum = float(group["lr"]), float(group.get("momentum", 0.0))
    if momentum and not isinstance(optimizer, (torch.optim.Adam, torch.optim.AdamW)):
        return rate * (1 - float(group.get("dampening", 0.0))) / (1 - momentum)
    return rate


def warmed_up(optimizer: torch.optim.Optimizer, weights: Sequence[Tensor], steps: int) -> float:
    r"""Give the share of its strength that a proximal step has: :math:`\min(1, t / T)`.

    :math:`t` steps are taken, :math:`T` is ``steps``; 0 gives 1. Adam's and RMSprop's first
    means of squares rest on few batches: a weight whose gradient was near zero in them has a
    metric near zero and so a giant threshold, whatever it is worth. SGD has no such mean and
    gets 1. Ours.
    """
    counts = [optimizer.state[weight].get("step") for weight in weights] if steps else []
    taken = max((float(count) for count in counts if count is not None), default=steps)
    return min(1.0, taken / steps) if steps else 1.0


def inverse_metric(
    optimizer: torch.optim.Optimizer, group: Group, weights: Sequence[Tensor]
) -> list[Tensor] | None:
    r"""Give :math:`1 / D` for each weight, where a step is :math:`-\eta\,m / D`.

    .. math:: D = 1 \;\text{(SGD)}, \quad
              D = \sqrt{v / (1 - \beta_2^t)} + \varepsilon \;\text{(Adam, AdamW)}, \quad
              D = \sqrt{v} + \varepsilon \;\text{(RMSprop)},

    with the optimizer's running mean of squares :math:`v` (for ``amsgrad`` its maximum, for
    ``centered`` less the squared mean). None stands for 1 everywhere; a weight that was
    never stepped has no metric yet, and 0 is given, so that it stays.

    Raises:
        InputError: another optimizer.
    """
    if isinstance(optimizer, torch.optim.SGD):
        return None
    if not has_metric(optimizer):
        raise InputError(
            f"optimizer is {type(optimizer).__name__}, but exact zeros need SGD, Adam, AdamW or"
            " RMSprop. Use one of them, or keep the term in the loss with exact_zeros=False."
        )
    states = [optimizer.state[weight] for weight in weights]
    if not all("step" in state for state in states):
        return [
            inverse_metric(optimizer, group, [weight])[0]  # type: ignore[index]
            if "step" in state
            else torch.zeros_like(weight)
            for weight, state in zip(weights, states, strict=True)
        ]
    metric = _mean_squares(optimizer, group, states)
    torch._foreach_sqrt_(metric)
    torch._foreach_add_(metric, float(group["eps"]))
    torch._foreach_reciprocal_(metric)
    return metric


def _mean_squares(
    optimizer: torch.optim.Optimizer, group: Group, states: Sequence[dict[str, Tensor]]
) -> list[Tensor]:
    """Copy the means of squares, bias-corrected where the optimizer does so."""
    if group.get("centered"):
        return [s["square_avg"] - s["grad_avg"].square() for s in states]
    held = [mean_square(optimizer, group, state) for state in states]
    corrections = {correction for _, correction in held}
    if len(corrections) == 1:
        return list(torch._foreach_div([square for square, _ in held], corrections.pop()))
    return [square / correction for square, correction in held]


def mean_square(
    optimizer: torch.optim.Optimizer, group: Group, state: dict[str, Tensor]
) -> tuple[Tensor, float]:
    r"""Give a weight's mean of squares :math:`v`, and :math:`c` where :math:`v / c` is unbiased.

    Of Adam and AdamW, or of an RMSprop that is not centered.
    """
    if isinstance(optimizer, torch.optim.RMSprop):
        return state["square_avg"], 1.0
    square = state["max_exp_avg_sq" if group["amsgrad"] else "exp_avg_sq"]
    return square, 1 - float(group["betas"][1]) ** float(state["step"])
