"""What an adapter does around one step of an optimizer; no framework is known here."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer
from torch.utils.hooks import RemovableHandle

from fitwell.errors import InputError
from fitwell.treatment import Treated


def check_optimizers(treated: Treated, optimizers: Sequence[Optimizer]) -> None:
    """Refuse a training that could not see the penalty.

    Raises:
        InputError: an optimizer reads the loss itself, or another network is trained.
    """
    for optimizer in optimizers:
        if isinstance(optimizer, torch.optim.LBFGS):
            raise InputError(
                "optimizer is LBFGS, which reads the loss, but the adapter adds the penalty to the"
                " gradient alone. Use another one, or add treated.penalty() to the loss yourself."
            )
    if not any(trained(treated, optimizer) for optimizer in optimizers):
        raise InputError(
            "treated: the optimizer holds no weight of treated.module, so another network is being"
            " trained. Build the training from treated.module."
        )


def trained(treated: Treated, optimizer: Optimizer) -> list[nn.Parameter]:
    """List the treated network's tensors that this optimizer trains."""
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    return [p for p in treated.module.parameters() if p.requires_grad and id(p) in held]


@torch.enable_grad()  # some optimizers run their closure without
def add_penalty_gradient(treated: Treated, optimizer: Optimizer, scale: float = 1.0) -> None:
    """Add the gradient of ``treated.penalty()``, as if it had been a term of the loss.

    Args:
        treated: the network whose penalty it is.
        optimizer: only weights that it trains are touched.
        scale: the factor that a gradient scaler will divide by; 1 without one.
    """
    weights = trained(treated, optimizer)
    penalty = treated.penalty()
    if not weights or not penalty.requires_grad:
        return
    # Not backward(): the hooks of DistributedDataParallel must not see a second pass.
    gradients = torch.autograd.grad(penalty, weights, allow_unused=True)
    for weight, gradient in zip(weights, gradients, strict=True):
        if gradient is not None:
            gradient = gradient * scale
            weight.grad = gradient if weight.grad is None else weight.grad.add_(gradient)


def hook_steps(treated: Treated, optimizer: Optimizer, *, decay: bool) -> list[RemovableHandle]:
    """Take proximal steps, and decoupled decay where there is some, at the optimizer's steps.

    A hook on the optimizer comes before any change of the learning rate, and not at all
    when a gradient scaler leaves the step out.

    Args:
        treated: the network whose steps these are.
        optimizer: gets the hooks.
        decay: whether decoupled L2 is taken just before the step. Not for a step with a
            closure, which has no gradient yet at that time: call ``treated.decay_`` later.

    Returns:
        The hooks, to be removed at the end.
    """

    def before(stepped: Optimizer, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> None:
        if moves(treated, stepped):
            treated.decay_(stepped)

    def after(stepped: Optimizer, _args: tuple[Any, ...], _kwargs: dict[str, Any]) -> None:
        if moves(treated, stepped) and treated.shrinks:
            treated.shrink_(stepped)

    hooks = [optimizer.register_step_post_hook(after)]
    return [optimizer.register_step_pre_hook(before), *hooks] if decay else hooks


def moves(treated: Treated, optimizer: Optimizer) -> bool:
    """Say whether a step moves the weights: they have gradients, and none has overflowed."""
    # A gradient scaler calls a fused optimizer in any case, which looks at this itself.
    overflow = getattr(optimizer, "found_inf", None)
    if overflow is not None and overflow.item():
        return False
    return any(weight.grad is not None for weight in trained(treated, optimizer))


def named_terms(treated: Treated) -> dict[str, float]:
    """Give the two terms under the names they have in every log."""
    return dict(zip(("penalty_l1", "penalty_l2"), treated.terms(), strict=True))
