"""The last trainings of a run: every arm, every seed, paired."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fitwell.comparison.arms import ArmPlan
from fitwell.comparison.judge import Contestant
from fitwell.errors import TrainingFailed
from fitwell.recipe import Recipe
from fitwell.remedies.training_share import epochs_without_validation
from fitwell.runs.watch import Watch
from fitwell.task import Task
from fitwell.training.loop import probabilities, restore
from fitwell.training.outcome import Job, Outcome
from fitwell.training.workers import Crew
from fitwell.tuning.search import Choice


@dataclass(frozen=True, kw_only=True)
class Final:
    """An arm after its last trainings.

    Attributes:
        plan: the arm.
        recipe: what it trained by.
        plain: the untreated recipe.
        outcomes: one per seed.
        search: what chose the recipe, where something was searched.
    """

    plan: ArmPlan
    recipe: Recipe
    plain: Recipe
    outcomes: tuple[Outcome, ...]
    search: Choice | None

    @property
    def seconds(self) -> float:
        """Search and trainings."""
        own = sum(outcome.seconds for outcome in self.outcomes)
        return own + (self.search.seconds if self.search else 0.0)

    @property
    def trainings(self) -> int:
        """How many networks were trained, search included."""
        return len(self.outcomes) + (self.search.trainings if self.search else 0)

    def contestant(self, task: Task, x: NDArray[np.float32], seeds: tuple[int, ...]) -> Contestant:
        """Let every network of the arm speak about some rows."""
        networks = [restore(task.material, self.recipe, outcome) for outcome in self.outcomes]
        return Contestant(
            name=self.plan.name,
            probabilities=np.stack([probabilities(network, x) for network in networks]),
            seeds=seeds,
            seconds=self.seconds,
            trainings=self.trainings,
            parameters=self.outcomes[0].parameters,
            settings=self.recipe.differences(self.plain),
        )


def train_arms(
    task: Task,
    arms: Sequence[ArmPlan],
    choices: Mapping[str, Choice],
    seeds: Sequence[int],
    crew: Crew,
    watch: Watch,
) -> dict[str, Final]:
    """Train every arm with every seed; those without validation rows come second.

    Raises:
        TrainingFailed: a training diverged.
    """
    recipes = {arm.name: _recipe(task, arm, choices) for arm in arms}
    finals: dict[str, Final] = {}
    for needs_epochs in (False, True):
        round_ = [arm for arm in arms if recipes[arm.name].all_rows == needs_epochs]
        for arm in round_ if needs_epochs else ():
            earlier = [outcome.best_epoch for outcome in finals[arm.follows].outcomes]
            recipes[arm.name] = replace(
                recipes[arm.name], stop_after=epochs_without_validation(earlier)
            )
        outcomes = _train(task, [recipes[arm.name] for arm in round_], seeds, crew, watch)
        for arm, outcome in zip(round_, outcomes, strict=True):
            finals[arm.name] = Final(
                plan=arm,
                recipe=recipes[arm.name],
                plain=task.recipe,
                outcomes=outcome,
                search=choices.get(arm.follows or arm.name),
            )
    return {arm.name: finals[arm.name] for arm in arms}


def _recipe(task: Task, arm: ArmPlan, choices: Mapping[str, Choice]) -> Recipe:
    source = arm.follows or arm.name
    recipe = choices[source].recipe if source in choices else task.recipe
    for remedy in arm.found():
        recipe = remedy.apply(recipe, {})
    return replace(recipe, start=arm.start)


def _train(
    task: Task, recipes: Sequence[Recipe], seeds: Sequence[int], crew: Crew, watch: Watch
) -> list[tuple[Outcome, ...]]:
    jobs = [
        Job(index * len(seeds) + place, recipe, seed)
        for index, recipe in enumerate(recipes)
        for place, seed in enumerate(seeds)
    ]
    found: dict[int, Outcome] = {}
    for job, outcome in crew.finish(task.material, jobs, watch.advance):
        if outcome is None:
            raise TrainingFailed(
                f"a training with seed {job.seed} diverged: its loss became infinite or NaN. Lower"
                " --learning-rate; what was searched is kept, so --resume goes on from there."
            )
        found[job.key] = outcome
    width = len(seeds)
    return [
        tuple(found[index * width + place] for place in range(width))
        for index in range(len(recipes))
    ]
