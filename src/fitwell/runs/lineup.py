"""Which arms a run has: those of its verb that the network allows, and the user's own."""

from collections.abc import Mapping
from dataclasses import replace

from torch import nn

from fitwell.compaction import compact
from fitwell.comparison.arms import UNTREATED, ArmPlan, plan_arms
from fitwell.determinism import seeded
from fitwell.errors import FitwellError, InputError
from fitwell.population.networks import built, member_of, treat
from fitwell.remedies.batch_norm import insert_batch_norm
from fitwell.remedies.remedy import Setting
from fitwell.runs.finals import example_of
from fitwell.runs.layers import by_layer
from fitwell.runs.question import Question
from fitwell.task import Task


def line_up(question: Question, task: Task) -> tuple[ArmPlan, ...]:
    """List the arms.

    Raises:
        InputError: an arm of the user's own cannot be trained on this network.
    """
    if question.verb == "diagnose":
        return (ArmPlan(name=UNTREATED),)
    own = question.own_arms()
    for arm in own:
        _check(task, arm)
    planned = plan_arms(
        question.verb,
        batch_norm=question.batch_norm,
        scalable=task.blueprint.scalable,
        normable=_normable(task),
        compactable=_compactable(task),
        bag=question.bag,
        greedy=question.greedy,
        given=task.given is not None,
    )
    apart = by_layer(_network(task), question.layers)
    planned = tuple(replace(_fixed(arm, question.fixed), by_layer=apart) for arm in planned)
    return (*planned, *own)


def _fixed(arm: ArmPlan, fixed: Mapping[str, Setting]) -> ArmPlan:
    """Set what is given in an arm that would search it."""
    searched_names = {p.name for remedy in arm.found() for p in remedy.parameters}
    settings = tuple((name, value) for name, value in fixed.items() if name in searched_names)
    return replace(arm, settings=(*arm.settings, *settings))


def _check(task: Task, arm: ArmPlan) -> None:
    """Build the arm's network once, as far as its settings and not its search decide."""
    where = f"--arms, {arm.name}"
    recipe = arm.set_up(task.recipe)
    if recipe.width != 1 and not task.blueprint.scalable:
        raise InputError(
            f"{where}: width is {recipe.width:g}, but a network of your own needs a factory with a"
            " parameter width, a fraction that scales its hidden layers."
        )
    if recipe.removed_layers > task.blueprint.spare_layers:
        raise InputError(
            f"{where}: removed_layers is {recipe.removed_layers}, but the network can lose"
            f" {task.blueprint.spare_layers}."
        )
    member = member_of(0, recipe, task.material)
    try:
        with seeded(0, "cpu"):
            treat(built(task.material, recipe), member, batch_norm=recipe.batch_norm)
    except InputError as error:
        raise InputError(f"{where}: {error}") from error


def _network(task: Task) -> nn.Module:
    with seeded(0, "cpu"):
        return task.blueprint.build(task.material.shape, task.material.outputs)


def _normable(task: Task) -> bool:
    """Say whether batch norm can be put into the network."""
    try:
        insert_batch_norm(_network(task))
    except InputError:
        return False
    return True


def _compactable(task: Task) -> bool:
    """Say whether the network can be traced, and dead units taken out of it."""
    try:
        compact(_network(task), example_of(task))
    except FitwellError:
        return False
    return True
