"""The arms that are several networks: bags of all cuts of the rows, and greedy weights."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from fitwell.comparison.arms import ArmPlan
from fitwell.data.splits import fold_rows
from fitwell.errors import InputError
from fitwell.population.halving import FEWEST
from fitwell.recipe import Recipe
from fitwell.runs.finals import Final, Member, train_seeds
from fitwell.runs.watch import Watch
from fitwell.task import Material, Task
from fitwell.training.loop import probabilities, restore
from fitwell.training.outcome import Outcome
from fitwell.training.workers import Crew
from fitwell.tuning.greedy import greedy_weights
from fitwell.tuning.search import Choice

FOLDS = 3
"""So many further cuts of the rows judge the finalists, and make a bag with the first cut."""

Trained = Mapping[Recipe, tuple[Outcome, ...]]
"""By recipe, one outcome per seed."""


def check_folds(task: Task, seed: int) -> None:
    """Refuse a bag where the training rows cannot be cut into folds.

    Raises:
        InputError: the rows have times, or they or their groups are too few.
    """
    source, rows = task.source, task.split.train
    if fold_rows(source, rows, FOLDS, seed):
        return
    if source.times is not None:
        raise InputError(
            "--bag trains on cuts of the rows, but with --time some networks would learn from the"
            " future and stop by the past. Leave out --bag, or --time if order does not matter."
        )
    units = "" if source.groups is None else f" in {len(np.unique(source.groups[rows]))} groups"
    raise InputError(
        f"--bag cuts the training rows into {FOLDS} folds, but {len(rows)} rows{units} are too few"
        " for that. Leave out --bag, or give more rows."
    )


def trainings_of(arm: ArmPlan) -> int:
    """Give how many networks an arm needs per seed beside those of other arms, at most."""
    return {"": 1, "bag": FOLDS, "greedy": FEWEST + 1}[arm.ensemble]


def train_ensembles(
    task: Task,
    arms: Sequence[ArmPlan],
    finals: Mapping[str, Final],
    choices: Mapping[str, Choice],
    seeds: Sequence[int],
    cut_seed: int,
    crew: Crew,
    watch: Watch,
) -> dict[str, Final]:
    """Train what the ensembles lack beside the networks of other arms, and put them together.

    Args:
        task: data, parts, network.
        arms: those of several networks.
        finals: the arms of one network; theirs are not trained again.
        choices: what was searched.
        seeds: of the networks.
        cut_seed: of the folds: those that judged the finalists.
        crew: where trainings run.
        watch: told of progress.

    Raises:
        TrainingFailed: a training diverged.
    """
    found: dict[str, Final] = {}
    bags = [arm for arm in arms if arm.ensemble == "bag"]
    if bags:
        watch.stage("networks of the folds")
        recipes = [finals[arm.follows].recipe for arm in bags]
        cuts = [
            _train_once(f"bag-{number}", fold, recipes, {}, seeds, crew, watch)
            for number, fold in enumerate(task.folds(FOLDS, cut_seed))
        ]
        found |= {arm.name: _bag(arm, finals[arm.follows], cuts) for arm in bags}
    for arm in arms:
        if arm.ensemble == "greedy":
            watch.stage("networks of the finalists")
            known = {f.recipe: f.outcomes for f in finals.values() if not f.recipe.all_rows}
            recipes = list(choices[arm.follows].finalists)
            trained = _train_once("greedy", task.material, recipes, known, seeds, crew, watch)
            watch.advance((trainings_of(arm) - len(recipes)) * len(seeds))
            found[arm.name] = _greedy(task, arm, finals[arm.follows], recipes, trained)
    return found


def _train_once(
    name: str,
    material: Material,
    recipes: Sequence[Recipe],
    known: Trained,
    seeds: Sequence[int],
    crew: Crew,
    watch: Watch,
) -> Trained:
    """Train every recipe with every seed, but none twice: arms may share one."""
    new = [recipe for recipe in dict.fromkeys(recipes) if recipe not in known]
    outcomes = train_seeds(name, material, new, seeds, crew, watch) if new else []
    watch.advance((len(recipes) - len(new)) * len(seeds))
    return {**known, **dict(zip(new, outcomes, strict=True))}


def _bag(plan: ArmPlan, source: Final, cuts: Sequence[Trained]) -> Final:
    """Put together, seed by seed, the arm's own network and that of every fold."""
    outcomes = [source.outcomes, *(cut[source.recipe] for cut in cuts)]
    weight = 1 / len(outcomes)
    ensembles = tuple(
        tuple(
            Member(recipe=source.recipe, outcome=outcome, weight=weight, cut=cut)
            for cut, outcome in enumerate(of_seed)
        )
        for of_seed in zip(*outcomes, strict=True)
    )
    every = tuple(outcome for of_cut in outcomes for outcome in of_cut)
    return replace(source, plan=plan, outcomes=every, ensembles=ensembles)


def _greedy(
    task: Task, plan: ArmPlan, source: Final, recipes: Sequence[Recipe], trained: Trained
) -> Final:
    """Weight the finalists' networks seed by seed; those without any weight are left out.

    The validation rows stopped these networks already and now weight them: what they say of
    the mean is no promise.
    """
    ensembles = tuple(
        _weighted(task, recipes, of_seed)
        for of_seed in zip(*(trained[recipe] for recipe in recipes), strict=True)
    )
    every = tuple(outcome for recipe in recipes for outcome in trained[recipe])
    # Of the members' settings only those of the plain recipe hold for all.
    return replace(source, plan=plan, recipe=recipes[0], outcomes=every, ensembles=ensembles)


def _weighted(
    task: Task, recipes: Sequence[Recipe], outcomes: Sequence[Outcome]
) -> tuple[Member, ...]:
    material = task.material
    y = material.validation_y
    right = np.stack(
        [
            probabilities(restore(material, recipe, outcome), material.validation_x)[
                np.arange(len(y)), y
            ]
            for recipe, outcome in zip(recipes, outcomes, strict=True)
        ]
    )
    counted = material.class_weights(recipes[0])[y].astype(np.float64)
    weights = greedy_weights(right, counted)
    return tuple(
        Member(recipe=recipe, outcome=outcome, weight=float(weight), cut=0)
        for recipe, outcome, weight in zip(recipes, outcomes, weights, strict=True)
        if weight
    )
