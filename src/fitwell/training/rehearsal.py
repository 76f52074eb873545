"""One step on a few rows before any training: a loss or an optimizer that cannot work shows."""

import numpy as np
import torch
from torch import Tensor

from fitwell.determinism import one_thread, seeded
from fitwell.errors import InputError
from fitwell.own.loss import OwnLoss
from fitwell.own.optimizer import Optimizer
from fitwell.recipe import Recipe
from fitwell.remedies.metric import has_metric
from fitwell.task import Material
from fitwell.training.loop import build
from fitwell.training.loss import Part, part

ROWS = 8


def rehearse(material: Material, recipe: Recipe, device: str) -> None:
    """Take one step with what is the user's own.

    Raises:
        InputError: the loss is not one finite number per row with a gradient, or the optimizer
            cannot be made for the network or cannot take a step.
    """
    if not isinstance(material.loss, OwnLoss) and recipe.optimizer is None:
        return
    weights = material.train_weights
    few = None if weights is None else weights[:ROWS]
    with one_thread(), seeded(0, device):
        module = build(material, recipe, device).module.train()
        rows = part(material.train_x[:ROWS], material.train_y[:ROWS], few, device)
        outputs = module(rows.x)
        if isinstance(material.loss, OwnLoss):
            _checked(material.loss, outputs, rows).mean().backward()  # type: ignore[no-untyped-call]
            if not all(p.grad is None or p.grad.isfinite().all() for p in module.parameters()):
                raise InputError(
                    f"--loss {material.loss.name} has a gradient that is infinite or NaN on the"
                    f" first {len(rows.y)} training rows. Guard logarithms, roots and divisions."
                )
        else:
            torch.nn.functional.cross_entropy(outputs, rows.y).backward()  # type: ignore[no-untyped-call]
        if recipe.optimizer is not None:
            _step(recipe.optimizer, list(module.parameters()), recipe.learning_rate)


def _checked(loss: OwnLoss, outputs: Tensor, rows: Part) -> Tensor:
    try:
        losses = loss.function(outputs, rows.y)
    except Exception as error:
        reason = str(error).split("\n")[0].rstrip(".")
        raise InputError(
            f"--loss {loss.name} cannot be computed: {type(error).__name__}: {reason}. It is called"
            " with the outputs [rows, classes] and the class numbers [rows]."
        ) from error
    count = len(rows.y)
    if not isinstance(losses, Tensor) or losses.shape != (count,):
        got = tuple(losses.shape) if isinstance(losses, Tensor) else type(losses).__name__
        raise InputError(
            f"--loss {loss.name} gives {got} for {count} rows, but ({count},) is expected: one loss"
            ' per row. Leave out the mean, as torch does with reduction="none".'
        )
    if not losses.isfinite().all():
        wrong = float(losses[~losses.isfinite()][0].detach())
        raise InputError(
            f"--loss {loss.name} is {wrong} on one of the first {count} training rows, but finite"
            " numbers are expected. Guard logarithms, roots and divisions."
        )
    if not losses.requires_grad:
        raise InputError(
            f"--loss {loss.name} has no gradient. Compute it from the outputs with torch, without"
            " detach, item or NumPy."
        )
    return losses


def _step(optimizer: Optimizer, parameters: list[Tensor], learning_rate: float) -> None:
    made = optimizer.make(parameters, learning_rate)
    try:
        made.step()
    except Exception as error:
        reason = str(error).split("\n")[0].rstrip(".")
        raise InputError(
            f"--optimizer {optimizer} cannot take a step: {type(error).__name__}: {reason}. Use one"
            " that needs gradients only."
        ) from error
    if not all(np.isfinite(p.detach().cpu().numpy()).all() for p in parameters):
        raise InputError(
            f"--optimizer {optimizer} makes weights infinite or NaN in its first step. Lower"
            " --learning-rate or change --optimizer-args."
        )


def leaves_zeros(recipe: Recipe) -> bool:
    """Whether L1 can be taken as a proximal step: the optimizer has a metric that is known."""
    if recipe.optimizer is None:
        return True
    weight = torch.nn.Parameter(torch.zeros(2, 2))
    return has_metric(recipe.optimizer.make([weight], recipe.learning_rate))
