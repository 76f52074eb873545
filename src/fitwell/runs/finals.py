"""The last trainings of a run: every arm, every seed, paired."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fitwell.compaction import compact
from fitwell.comparison.arms import ArmPlan
from fitwell.comparison.judge import Contestant, Price
from fitwell.data.source import Rows
from fitwell.errors import TrainingFailed
from fitwell.models.ensemble import Ensemble
from fitwell.recipe import Recipe
from fitwell.remedies.training_share import epochs_without_validation
from fitwell.runs.price import row_seconds, size_of
from fitwell.runs.watch import Watch
from fitwell.task import Material, Task
from fitwell.training.loop import probabilities, restore
from fitwell.training.outcome import Job, Outcome
from fitwell.training.workers import Crew
from fitwell.tuning.search import Choice

EXAMPLE = 8
"""So many rows are an example of the input."""


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
        return sum(outcome.seconds for outcome in self.outcomes) + self.search_seconds

    @property
    def trainings(self) -> int:
        """How many networks were trained, search included."""
        return len(self.outcomes) + (self.search.trainings if self.search else 0)

    @property
    def zeros(self) -> float:
        """Share of the penalized weights of the first seed's network that are exactly 0."""
        # Members are of one size, so that the mean of their shares is the share of all.
        return float(np.mean([outcome.zeros for outcome in self._first()]))

    @property
    def search_seconds(self) -> float:
        """Time of the search that chose the recipe, if there was one."""
        return self.search.seconds if self.search else 0.0

    def _first(self) -> list[Outcome]:
        if not self.ensembles:
            return [self.outcomes[0]]
        return [member.outcome for member in self.ensembles[0]]

    def network(self, task: Task, place: int = 0) -> nn.Module:
        """Build the network of a seed, given by its place, with the weights of its training."""
        if not self.ensembles:
            network = restore(task.material, self.recipe, self.outcomes[place])
            return compact(network, example_of(task)).module if self.plan.compacted else network
        members = self.ensembles[place]
        networks = [restore(task.material, m.recipe, m.outcome) for m in members]
        return Ensemble(networks, [member.weight for member in members]).eval()

    def seen_rows(self, task: Task) -> Rows:
        """Give the rows that the network, or any member of it, was trained on."""
        folded = any(member.cut for of_seed in self.ensembles for member in of_seed)
        if self.recipe.all_rows or folded:
            return np.concatenate([task.split.train, task.split.validation])
        return task.split.train

    def contestant(
        self,
        task: Task,
        x: NDArray[np.float32],
        seeds: tuple[int, ...],
        elsewhere: Sequence["Final"] = (),
    ) -> Contestant:
        """Let every network of the arm speak about some rows.

        ``elsewhere`` are the arm's trainings on other parts of the data; it pays for them too.
        """
        networks = [self.network(task, place) for place in range(len(seeds))]
        return Contestant(
            name=self.plan.name,
            probabilities=np.stack([probabilities(network, x) for network in networks]),
            seeds=seeds,
            price=self._price(networks[0], x, elsewhere),
            settings=self.recipe.differences(self.plain),
        )

    def _price(
        self, network: nn.Module, x: NDArray[np.float32], elsewhere: Sequence["Final"]
    ) -> Price:
        parameters, nonzero = size_of(network)
        every = (self, *elsewhere)
        return Price(
            seconds=sum(final.seconds for final in every),
            trainings=sum(final.trainings for final in every),
            parameters=parameters,
            nonzero=nonzero,
            inference_seconds=row_seconds(network, x),
            trials=len(self.search.trials) if self.search else 0,
            search_seconds=sum(final.search_seconds for final in every),
        )


def example_of(task: Task) -> Tensor:
    """Give a few training rows, by which a network's structure can be traced."""
    return torch.from_numpy(task.inputs(task.split.train[:EXAMPLE]))


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
    trained = [arm for arm in arms if not arm.compacted]
    for needs_epochs in (False, True):
        round_ = [arm for arm in trained if recipes[arm.name].all_rows == needs_epochs]
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
    for arm in arms:
        if arm.compacted:
            finals[arm.name] = replace(finals[arm.follows], plan=arm)
    return {arm.name: finals[arm.name] for arm in arms}


def _recipe(task: Task, arm: ArmPlan, choices: Mapping[str, Choice]) -> Recipe:
    source = arm.follows or arm.name
    recipe = choices[source].recipe if source in choices else arm.set_up(task.recipe)
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
