"""The last trainings of a run: every arm, every seed, paired."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from fitwell.comparison.arms import ArmPlan
from fitwell.comparison.judge import Contestant
from fitwell.data.source import Rows
from fitwell.errors import TrainingFailed
from fitwell.models.ensemble import Ensemble
from fitwell.recipe import Recipe
from fitwell.remedies.training_share import epochs_without_validation
from fitwell.runs.watch import Watch
from fitwell.task import Material, Task
from fitwell.training.loop import probabilities, restore
from fitwell.training.outcome import Job, Outcome
from fitwell.training.workers import Crew
from fitwell.tuning.search import Choice


@dataclass(frozen=True, kw_only=True)
class Member:
    """One network of an ensemble.

    Attributes:
        recipe: what it was trained by.
        outcome: its training.
        weight: its share of the mean, above 0.
        cut: 0 for the run's own training rows, from 1 on for a fold that was held out.
    """

    recipe: Recipe
    outcome: Outcome
    weight: float
    cut: int


@dataclass(frozen=True, kw_only=True)
class Final:
    """An arm after its last trainings.

    Attributes:
        plan: the arm.
        recipe: what it trained by.
        plain: the untreated recipe.
        outcomes: one per seed; of ensembles all trainings that they needed, those whose
            networks other arms have too and those that got no weight included.
        search: what chose the recipe, where something was searched.
        ensembles: the members of each seed; empty where an arm is one network.
    """

    plan: ArmPlan
    recipe: Recipe
    plain: Recipe
    outcomes: tuple[Outcome, ...]
    search: Choice | None
    ensembles: tuple[tuple[Member, ...], ...] = ()

    @property
    def seconds(self) -> float:
        """Search and trainings."""
        own = sum(outcome.seconds for outcome in self.outcomes)
        return own + (self.search.seconds if self.search else 0.0)

    @property
    def trainings(self) -> int:
        """How many networks were trained, search included."""
        return len(self.outcomes) + (self.search.trainings if self.search else 0)

    @property
    def parameters(self) -> int:
        """Trainable numbers of the first seed's network, or of all its members."""
        return sum(outcome.parameters for outcome in self._first())

    @property
    def zeros(self) -> float:
        """Share of the penalized weights of the first seed's network that are exactly 0."""
        # Members are of one size, so that the mean of their shares is the share of all.
        return float(np.mean([outcome.zeros for outcome in self._first()]))

    def _first(self) -> list[Outcome]:
        if not self.ensembles:
            return [self.outcomes[0]]
        return [member.outcome for member in self.ensembles[0]]

    def network(self, task: Task, place: int = 0) -> nn.Module:
        """Build the network of a seed, given by its place, with the weights of its training."""
        if not self.ensembles:
            return restore(task.material, self.recipe, self.outcomes[place])
        members = self.ensembles[place]
        networks = [restore(task.material, m.recipe, m.outcome) for m in members]
        return Ensemble(networks, [member.weight for member in members]).eval()

    def seen_rows(self, task: Task) -> Rows:
        """Give the rows that the network, or any member of it, was trained on."""
        folded = any(member.cut for of_seed in self.ensembles for member in of_seed)
        if self.recipe.all_rows or folded:
            return np.concatenate([task.split.train, task.split.validation])
        return task.split.train

    def contestant(self, task: Task, x: NDArray[np.float32], seeds: tuple[int, ...]) -> Contestant:
        """Let every network of the arm speak about some rows."""
        networks = [self.network(task, place) for place in range(len(seeds))]
        return Contestant(
            name=self.plan.name,
            probabilities=np.stack([probabilities(network, x) for network in networks]),
            seeds=seeds,
            seconds=self.seconds,
            trainings=self.trainings,
            parameters=self.parameters,
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
        of_round = [recipes[arm.name] for arm in round_]
        name = "refits" if needs_epochs else "finals"
        outcomes = train_seeds(name, task.material, of_round, seeds, crew, watch)
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


def train_seeds(
    name: str,
    material: Material,
    recipes: Sequence[Recipe],
    seeds: Sequence[int],
    crew: Crew,
    watch: Watch,
) -> list[tuple[Outcome, ...]]:
    """Train every recipe with every seed; one tuple per recipe, one outcome per seed.

    ``name`` is that of the files that keep them on their way.

    Raises:
        TrainingFailed: a training diverged.
    """
    jobs = [
        Job(index * len(seeds) + place, recipe, seed)
        for index, recipe in enumerate(recipes)
        for place, seed in enumerate(seeds)
    ]
    found: dict[int, Outcome] = {}
    for job, outcome in crew.finish(name, material, jobs, watch.advance):
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
