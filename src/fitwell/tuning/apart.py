"""Train the settings of a search each by itself, in worker processes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray

from fitwell.population.deadline import Deadline
from fitwell.recipe import Recipe
from fitwell.remedies.remedy import Remedy
from fitwell.task import Material
from fitwell.training.outcome import Job
from fitwell.training.workers import Crew
from fitwell.tuning.candidates import parameters_of
from fitwell.tuning.ledger import Entry, Folded, Ledger


@dataclass(frozen=True, kw_only=True)
class Apart:
    """One of the two ways to train the settings of a search.

    Attributes:
        seed: of every training.
        crew: where they run.
        ledger: where they are kept.
        deadline: after it no new training is begun.
        reason: why they are not trained together.
        on_training: told of trainings as they are done.
    """

    seed: int
    crew: Crew
    ledger: Ledger
    deadline: Deadline
    reason: str
    on_training: Callable[[float], None]

    def path(self, _material: Material, _tries: Mapping[int, Recipe]) -> str:
        """Say in a line how the trainings are run."""
        return f"each training by itself: {self.reason}"

    def screen(
        self, name: str, material: Material, remedies: Sequence[Remedy], tries: Mapping[int, Recipe]
    ) -> dict[int, Entry]:
        """Train every candidate by itself, until its patience is exhausted."""
        self.ledger.drop_unfinished(name)
        changes = [recipe.differences(tries[0]) for recipe in tries.values()]
        entries = self.ledger.finished(name, changes)
        self.on_training(len(entries))
        asked: dict[int, optuna.Trial] = {}
        parameters = parameters_of(remedies)

        def jobs() -> Iterator[Job]:
            for number, recipe in tries.items():
                # The plain recipe is always tried: everything is held against it.
                if number in entries or (number and self.deadline.over):
                    continue
                asked[number] = self.ledger.ask(name, parameters, number, changes[number])
                yield Job(number, recipe, self.seed)

        for job, outcome in self.crew.run(material, jobs()):
            entry = Entry(
                number=job.key,
                settings=changes[job.key],
                judged=None if outcome is None else outcome.judged,
                best_epoch=0 if outcome is None else outcome.best_epoch,
                epochs=0 if outcome is None else outcome.epochs,
                seconds=0.0 if outcome is None else outcome.seconds,
            )
            self.ledger.tell(name, asked[job.key], entry)
            entries[job.key] = entry
            self.on_training(1)
        return dict(sorted(entries.items()))

    def fold(
        self, name: str, folds: Sequence[Material], first: int, recipes: Mapping[int, Recipe]
    ) -> list[Folded]:
        """Train the finalists on every fold; ``first`` is the first one's number."""
        return [
            self._fold(f"{name} fold {number}", fold, recipes)
            for number, fold in enumerate(folds, first)
        ]

    def _fold(self, key: str, fold: Material, recipes: Mapping[int, Recipe]) -> Folded:
        losses: dict[int, NDArray[np.float32] | None] = {}
        for number in recipes:
            rows = self.ledger.rows(key, number)
            if rows is not None:
                losses[number] = rows
        self.on_training(len(losses))
        seconds, epochs = 0.0, 0
        jobs = (
            Job(n, recipe, self.seed)
            for n, recipe in recipes.items()
            if n not in losses and not self.deadline.asked()
        )
        for job, outcome in self.crew.run(fold, jobs):
            losses[job.key] = None if outcome is None else outcome.judged
            if outcome is not None:
                seconds, epochs = seconds + outcome.seconds, epochs + outcome.epochs
                self.ledger.keep(key, job.key, outcome.judged)
            self.on_training(1)
        return Folded(losses=losses, seconds=seconds, epochs=epochs)
