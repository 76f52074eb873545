"""The training loop: one network of any kind, one recipe, one seed."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fitwell.determinism import one_thread, seeded
from fitwell.errors import TrainingFailed
from fitwell.population.course import CURVE_ROWS
from fitwell.population.networks import built, member_of, treat
from fitwell.recipe import Recipe
from fitwell.remedies.dropout import schedule
from fitwell.remedies.early_stopping import Patience, cross_fitted, split_parts
from fitwell.remedies.metric import adam
from fitwell.remedies.shuffling import batches, order_of
from fitwell.task import Material
from fitwell.training.loss import Loss, Part, part
from fitwell.training.outcome import Outcome
from fitwell.treatment import Treated

OnEpoch = Callable[[int, int], None]
"""Called after each epoch with its number, from 1, and the most there can be."""


@dataclass
class _Curves:
    train: list[float] = field(default_factory=list)
    l1: list[float] = field(default_factory=list)
    l2: list[float] = field(default_factory=list)
    validation: list[NDArray[np.float32]] = field(default_factory=list)


def train(
    material: Material,
    recipe: Recipe,
    seed: int,
    *,
    device: str = "cpu",
    on_epoch: OnEpoch | None = None,
) -> Outcome:
    """Train one network, from new weights unless the recipe starts elsewhere.

    The same material, recipe and seed give the same weights, bit for bit on one kind of
    processor; trainings that share a seed share initial weights and the order of rows
    wherever their networks and batches have the same size.

    Raises:
        TrainingFailed: the loss became infinite or NaN.
    """
    start = time.perf_counter()
    if recipe.all_rows:
        material = material.all_rows()
    with one_thread(), seeded(seed, device):
        treated = build(material, recipe, device)
        curves, best_epoch, best = _epochs(treated, material, recipe, seed, device, on_epoch)
        if best is not None:
            treated.module.load_state_dict(best)
        bare = treated.remove().cpu()
    weights = {name: value.detach().numpy() for name, value in bare.state_dict().items()}
    losses = np.array(curves.validation, dtype=np.float32)
    return Outcome(
        weights=weights,
        best_epoch=best_epoch,
        train_log_loss=tuple(curves.train),
        l1_term=tuple(curves.l1),
        l2_term=tuple(curves.l2),
        validation_log_loss=tuple(float(row.mean(dtype=np.float64)) for row in losses),
        judged=_judged(losses, material, recipe),
        zeros=treated.zeros(),
        parameters=sum(p.numel() for p in bare.parameters()),
        seconds=time.perf_counter() - start,
    )


def build(material: Material, recipe: Recipe, device: str) -> Treated:
    """Build the network of a recipe, treated as the recipe says."""
    network = built(material, recipe)
    treated = treat(network, member_of(0, recipe, material), batch_norm=recipe.batch_norm)
    treated.module.to(device)
    return treated


def _epochs(
    treated: Treated,
    material: Material,
    recipe: Recipe,
    seed: int,
    device: str,
    on_epoch: OnEpoch | None,
) -> tuple[_Curves, int, dict[str, Tensor] | None]:
    seen = part(material.train_x, material.train_y, material.train_weights, device)
    held = part(material.validation_x, material.validation_y, material.validation_weights, device)
    loss = Loss(material.loss, _class_weights(material, recipe, device))
    optimizer = _optimizer(treated.module, recipe)
    parts = _parts(material)
    patience = Patience(recipe.patience)
    curves = _Curves()
    best: dict[str, Tensor] | None = None
    best_epoch = total = recipe.stop_after or recipe.epochs
    for epoch in range(1, total + 1):
        share = _share(recipe, epoch)
        _set_rate(optimizer, recipe, epoch)
        if recipe.fades and recipe.uses("dropout"):
            treated.set_dropout_(share)
        _one_epoch(treated, optimizer, seen, loss, recipe, order_of(seed, epoch), share)
        _record(curves, treated, seen, held, loss)
        if not math.isfinite(curves.train[-1]):
            raise TrainingFailed(f"the loss became {curves.train[-1]} in epoch {epoch}")
        if on_epoch:
            on_epoch(epoch, total)
        if len(held.y) == 0:
            continue
        lower = patience.update(curves.validation[-1], parts)
        if recipe.stops_early and lower:
            best_epoch = epoch
            best = {k: v.clone() for k, v in treated.module.state_dict().items()}
        if recipe.stops_early and patience.exhausted:
            break
    return curves, best_epoch, best


def _optimizer(module: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    if recipe.optimizer is not None:
        return recipe.optimizer.make(module.parameters(), recipe.learning_rate)
    return adam(list(module.parameters()), recipe.learning_rate)


def _judged(losses: NDArray[np.float32], material: Material, recipe: Recipe) -> NDArray[np.float32]:
    """Give what the validation rows lose: where others would stop, or where the recipe says."""
    if not len(material.validation_y):
        return np.empty(0, np.float32)
    return losses[-1] if recipe.stop_after else cross_fitted(losses, _parts(material))


def _parts(material: Material) -> NDArray[np.int64]:
    return split_parts(len(material.validation_y), seed=0, groups=material.validation_groups)


def _class_weights(material: Material, recipe: Recipe, device: str) -> Tensor | None:
    if recipe.class_weights == "none":
        return None
    return torch.from_numpy(material.class_weights(recipe)).to(device)


def _share(recipe: Recipe, epoch: int) -> float:
    """Give the share of their strength that dropout and decay have in an epoch, from 1."""
    return schedule("flat-cosine", (epoch - 1) / recipe.epochs) if recipe.fades else 1.0


def _set_rate(optimizer: torch.optim.Optimizer, recipe: Recipe, epoch: int) -> None:
    rate = recipe.learning_rate
    if recipe.schedule == "flat-cosine":
        rate *= schedule("flat-cosine", (epoch - 1) / recipe.epochs)
    for group in optimizer.param_groups:
        group["lr"] = rate


def _one_epoch(
    treated: Treated,
    optimizer: torch.optim.Optimizer,
    seen: Part,
    loss: Loss,
    recipe: Recipe,
    order: torch.Generator,
    share: float,
) -> None:
    module = treated.module.train()
    for batch in batches(len(seen.x), recipe.batch_size, recipe.sampling, order):
        taken = seen.take(batch)
        value = loss.of_batch(module(taken.x), taken)
        optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        treated.add_penalty_gradient_()
        if recipe.uses("decay_epochs"):
            treated.decay_(optimizer, share)
        optimizer.step()
        if recipe.uses("l1"):
            treated.shrink_(optimizer)


def _record(curves: _Curves, treated: Treated, seen: Part, held: Part, loss: Loss) -> None:
    # A fixed random sample: rows may come sorted by class.
    rows = torch.randperm(len(seen.y), generator=torch.Generator().manual_seed(0))[:CURVE_ROWS]
    sample = _row_losses(treated.module, seen.take(rows), loss)
    curves.train.append(float(sample.mean(dtype=np.float64)))
    l1_term, l2_term = treated.terms()
    curves.l1.append(l1_term)
    curves.l2.append(l2_term)
    if len(held.y):
        curves.validation.append(_row_losses(treated.module, held, loss))


def _row_losses(module: nn.Module, rows: Part, loss: Loss) -> NDArray[np.float32]:
    """Loss of each row in eval mode, times its weights if there are any."""
    return loss.of_rows(logits(module, rows.x), rows).cpu().numpy()


@torch.no_grad()
def logits(module: nn.Module, x: Tensor, *, chunk: int = 4096) -> Tensor:
    """Give the network's outputs in eval mode, a bounded number of rows at a time."""
    training = module.training
    module.eval()
    result = torch.cat([module(part) for part in torch.split(x, chunk)])
    module.train(training)
    return result


def probabilities(module: nn.Module, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Give each row's class probabilities in float64, so that they sum to 1 closely."""
    with one_thread():
        return logits(module, torch.from_numpy(x)).double().softmax(dim=1).numpy()


def restore(material: Material, recipe: Recipe, outcome: Outcome) -> nn.Module:
    """Build the bare network again and give it the weights of a training."""
    blueprint = material.blueprint.smaller(recipe.width, recipe.removed_layers)
    with seeded(0, "cpu"):
        network = blueprint.build(material.shape, material.outputs)
    weights = {name: torch.from_numpy(value.copy()) for name, value in outcome.weights.items()}
    network.load_state_dict(weights)
    return network.eval()
