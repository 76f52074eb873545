"""What a training starts from: the network of a recipe, its initial weights, its strengths."""

import warnings

from torch import nn

from fitwell.determinism import seeded
from fitwell.models.blueprint import Blueprint
from fitwell.population.job import Member
from fitwell.population.start import start_
from fitwell.recipe import Recipe, Rule
from fitwell.remedies.decoupled import decay_of_timescale
from fitwell.remedies.shuffling import steps_per_epoch
from fitwell.rules import as_rules
from fitwell.task import Material
from fitwell.treatment import Treated, regularize


def sized(material: Material, recipe: Recipe) -> Blueprint:
    """Give the blueprint of a recipe: the material's, or a smaller one."""
    if recipe.width != 1 or recipe.removed_layers:
        return material.blueprint.smaller(recipe.width, recipe.removed_layers)
    return material.blueprint


def built(material: Material, recipe: Recipe) -> nn.Module:
    """Build the untreated network and bring it to where the recipe starts."""
    network = sized(material, recipe).build(material.shape, material.outputs)
    if recipe.start != "new":
        assert material.given is not None  # only a run that was given weights starts there
        start_(network, material.given, recipe)
    return network


def initial(material: Material, recipe: Recipe, seed: int) -> nn.Module:
    """Build the untreated network with the initial weights of a seed."""
    with seeded(seed, "cpu"):
        return built(material, recipe)


_OPTIONS = {"decay": "decoupled_l2"}
"""What `regularize` calls a strength of a member, where that is not its name."""


def treat(network: nn.Module, member: Member, *, batch_norm: bool) -> Treated:
    """Give a network the strengths of a member, L1 as exact zeros."""
    with warnings.catch_warnings():
        # A user's own batch norm would warn at every training; regularize has warned once.
        warnings.simplefilter("ignore", UserWarning)
        return regularize(
            network,
            l1=member.l1,
            l2=member.l2,
            decoupled_l2=member.decay,
            dropout=member.dropout,
            batch_norm=batch_norm,
            exact_zeros=True,
            rules=as_rules(
                (to, _OPTIONS.get(name, name), value) for to, name, value in member.rules
            ),
        )


def decay_of(recipe: Recipe, rows: int, timescale: float | None = None) -> float:
    """Give the decoupled L2 of a recipe per unit of learning rate, as AdamW names it.

    Args:
        recipe: how it is trained.
        rows: that it is trained on.
        timescale: in epochs, in place of the recipe's; 0 is off.
    """
    timescale = recipe.decay_epochs if timescale is None else timescale
    if not timescale:
        return 0.0
    steps = steps_per_epoch(rows, recipe.batch_size)
    return decay_of_timescale(timescale, steps, recipe.learning_rate)


def member_of(number: int, recipe: Recipe, material: Material) -> Member:
    """Give the strengths of a recipe, and how long it is trained."""
    rows = len(material.train_y)

    def own(rule: Rule) -> Rule:
        if rule.name != "decay_epochs":
            return rule
        return Rule(rule.layers, "decay", decay_of(recipe, rows, rule.value))

    return Member(
        number=number,
        l1=recipe.l1,
        l2=recipe.l2,
        decay=decay_of(recipe, rows),
        dropout=recipe.dropout,
        fades=recipe.fades,
        patience=recipe.patience if recipe.stops_early else 0,
        epochs=recipe.stop_after,
        rules=tuple(map(own, recipe.rules)),
    )
