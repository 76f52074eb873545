"""From recipes to a population: which searches can be halved, and how they are laid out."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from torch import nn

from fitwell.own.loss import OwnLoss
from fitwell.population.course import Course
from fitwell.population.job import Member
from fitwell.population.networks import initial, member_of, treat
from fitwell.population.screening import Batch
from fitwell.population.stack import Stack, stack_of
from fitwell.population.tensors import Tensors, tensors_of
from fitwell.recipe import Recipe
from fitwell.task import Material

Recipes = Mapping[int, Recipe]
Way = Literal["fused", "single", "apart"]

DEVICES = ("cpu", "cuda")
"""Where a population can be trained."""


def frame(recipe: Recipe) -> Recipe:
    """Leave out what members may differ in: recipes with one frame are trained together."""
    return replace(
        recipe,
        l1=0.0,
        l2=0.0,
        decay_epochs=0.0,
        dropout=0.0,
        fades=False,
        rules=(),
        early_stopping=False,
        stop_after=0,
    )


def way_of(material: Material, recipes: Recipes, device: str) -> tuple[Way, str]:
    """Say how recipes are trained, and why not in a quicker way.

    Returns:
        ``fused``, as one batched model; ``single``, as a population of single networks; or
        ``apart``, each to its own end. Then the reason, empty for ``fused``.
    """
    reason = _apart(material, recipes, device)
    if reason:
        return "apart", reason
    single = ""
    for shape in {frame(recipe) for recipe in recipes.values()}:
        network = _network(material, shape, 0)
        found = tensors_of(network)
        if isinstance(found, str):
            return "apart", found
        stack = stack_of(network)
        single = single or (stack if isinstance(stack, str) else "")
    single = single or _apart_on_device(recipes, device)
    return ("single" if single else "fused"), single


def _apart_on_device(recipes: Recipes, device: str) -> str:
    """Say why a stack is not fused on a device; empty where it is."""
    if device != "cpu" and any(recipe.rules for recipe in recipes.values()):
        return "layers have strengths of their own"
    return ""


def _apart(material: Material, recipes: Recipes, device: str) -> str:
    if device not in DEVICES:
        return f"the device is {device}"
    if isinstance(material.loss, OwnLoss):
        return "the loss is your own"
    for own in (recipe.optimizer for recipe in recipes.values() if recipe.optimizer):
        return f"the optimizer is {own}"
    if material.loss != "cross-entropy" or material.train_weights is not None:
        return "the loss is not the cross-entropy of rows that count alike"
    return ""


def _network(material: Material, recipe: Recipe, seed: int) -> nn.Module:
    """Build the network that is trained: with batch norm, where the recipe puts it in."""
    network = initial(material, recipe, seed)
    if recipe.batch_norm:
        network = treat(network, Member(number=0), batch_norm=True).module
    return network


def layout(
    material: Material, recipes: Recipes, seed: int, first: int = 0, **options: Any
) -> list[Batch]:
    """Put recipes that share a frame into one batch, with initial weights from the seed.

    Args:
        material: rows.
        recipes: by number.
        seed: of weights, order and noise.
        first: added to every number, to tell the members of several layouts apart.
        options: of the `Course`.
    """
    single = _apart_on_device(recipes, options.get("device", "cpu"))
    frames: dict[Recipe, list[int]] = {}
    for number, recipe in recipes.items():
        frames.setdefault(frame(recipe), []).append(number)
    batches = []
    for recipe, numbers in frames.items():
        network = _network(material, recipe, seed)
        shape = _shape(network, fused=not single)
        members = [member_of(n + first, recipes[n], material) for n in numbers]
        course = Course(material=material, shape=shape, recipe=recipe, seed=seed, **options)
        batches.append(Batch(course=course, start=shape.vector(network), members=tuple(members)))
    return batches


def _shape(network: nn.Module, *, fused: bool) -> Stack | Tensors:
    stack = stack_of(network) if fused else ""
    found = tensors_of(network) if isinstance(stack, str) else stack
    assert not isinstance(found, str)  # way_of has looked
    return found


def described(batches: Sequence[Batch], reason: str) -> str:
    """Say in a line how a search is trained, and why so; ``reason`` is that of `way_of`."""
    device = batches[0].course.device
    where = "" if device == "cpu" else f" on {device}"
    if reason:
        return f"a population of single networks{where}: {reason}"
    sizes = sorted({batch.course.chunk for batch in batches})
    count = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    rounded = any(batch.course.rounds for batch in batches)
    how = "; products of wide hidden layers in bfloat16" if rounded else ""
    return f"fused{where}: a stack of linear layers, at most {count} settings a chunk{how}"
