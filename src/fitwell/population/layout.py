"""From recipes to a population: which searches can be fused, and how they are laid out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from torch import nn

from fitwell.determinism import seeded
from fitwell.models.blueprint import Blueprint
from fitwell.own.loss import OwnLoss
from fitwell.population.course import Course
from fitwell.population.fused import chunk_size
from fitwell.population.job import Member
from fitwell.population.screening import Batch
from fitwell.population.stack import Stack, stack_of
from fitwell.recipe import Recipe
from fitwell.remedies.decoupled import decay_of_timescale
from fitwell.remedies.shuffling import steps_per_epoch
from fitwell.task import Material

Recipes = Mapping[int, Recipe]


def sized(material: Material, recipe: Recipe) -> Blueprint:
    """Give the blueprint of a recipe: the material's, or a smaller one."""
    if recipe.width != 1 or recipe.removed_layers:
        return material.blueprint.smaller(recipe.width, recipe.removed_layers)
    return material.blueprint


def initial(material: Material, recipe: Recipe, seed: int) -> nn.Module:
    """Build the untreated network with the initial weights of a seed."""
    with seeded(seed, "cpu"):
        return sized(material, recipe).build(material.shape, material.outputs)


def frame(recipe: Recipe) -> Recipe:
    """Leave out what members may differ in: recipes with one frame are trained together."""
    return replace(
        recipe,
        l1=0.0,
        l2=0.0,
        decay_epochs=0.0,
        dropout=0.0,
        fades=False,
        early_stopping=False,
        stop_after=0,
    )


def why_not(material: Material, recipes: Recipes, device: str) -> str:
    """Say why a search cannot be fused; empty if it can."""
    if device != "cpu":
        return f"the device is {device}"
    if isinstance(material.loss, OwnLoss):
        return "the loss is your own"
    for own in (recipe.optimizer for recipe in recipes.values() if recipe.optimizer):
        return f"the optimizer is {own}"
    if material.loss != "cross-entropy" or material.train_weights is not None:
        return "the loss is not the cross-entropy of rows that count alike"
    for shape in {frame(recipe) for recipe in recipes.values()}:
        if shape.batch_norm:
            return "batch norm is searched"
        stack = stack_of(initial(material, shape, 0))
        if isinstance(stack, str):
            return stack
    return ""


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
    frames: dict[Recipe, list[int]] = {}
    for number, recipe in recipes.items():
        frames.setdefault(frame(recipe), []).append(number)
    batches = []
    for shape, numbers in frames.items():
        network = initial(material, shape, seed)
        stack = stack_of(network)
        assert isinstance(stack, Stack)  # why_not has looked
        members = [_member(n + first, recipes[n], material) for n in numbers]
        course = Course(material=material, stack=stack, recipe=shape, seed=seed, **options)
        batches.append(Batch(course=course, start=stack.vector(network), members=tuple(members)))
    return batches


def decay_of(recipe: Recipe, rows: int) -> float:
    """Give the decoupled L2 of a recipe per unit of learning rate, as AdamW names it."""
    if not recipe.decay_epochs:
        return 0.0
    steps = steps_per_epoch(rows, recipe.batch_size)
    return decay_of_timescale(recipe.decay_epochs, steps, recipe.learning_rate)


def _member(number: int, recipe: Recipe, material: Material) -> Member:
    return Member(
        number=number,
        l1=recipe.l1,
        l2=recipe.l2,
        decay=decay_of(recipe, len(material.train_y)),
        dropout=recipe.dropout,
        fades=recipe.fades,
        patience=recipe.patience if recipe.early_stopping and not recipe.all_rows else 0,
        epochs=recipe.stop_after if recipe.all_rows else 0,
    )


def described(batches: list[Batch]) -> str:
    """Say in a line how a search is fused."""
    sizes = sorted({chunk_size(b.course.stack, b.course.recipe.batch_size) for b in batches})
    count = f"{sizes[0]}" if len(sizes) == 1 else f"{sizes[0]} to {sizes[-1]}"
    return f"fused: a stack of linear layers, at most {count} settings a chunk"
