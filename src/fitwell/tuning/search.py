"""Try candidates, then choose: the best one, unless the plain one is as good."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from numpy.typing import NDArray

from fitwell.errors import TrainingFailed
from fitwell.recipe import Recipe
from fitwell.remedies.remedy import Remedy
from fitwell.results import Interval, Trial
from fitwell.statistics import mean_interval, standard_error
from fitwell.task import Material
from fitwell.training.workers import Crew, Job
from fitwell.tuning.candidates import Settings, candidates, parameters_of
from fitwell.tuning.ledger import Entry, Ledger

GUARD = 1.0
"""A candidate replaces the plain recipe if it gains more than so many standard errors."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a search decided.

    Attributes:
        recipe: the chosen recipe.
        settings: what it changes; empty where the plain recipe was kept.
        promised: log-loss that the validation rows promise for it.
        trials: everything that was tried.
        seconds: time of the trainings, added up.
        epochs: epochs of the trainings, added up.
    """

    recipe: Recipe
    settings: Settings
    promised: Interval
    trials: tuple[Trial, ...]
    seconds: float
    epochs: int

    @property
    def kept_plain(self) -> bool:
        """Whether no candidate cleared the guard."""
        return not self.settings


@dataclass(frozen=True, kw_only=True)
class Search:
    """How a search is run, apart from what it searches.

    Attributes:
        trials: how many trainings it may use.
        seed: of the candidates and of the trainings, which all share it: the same
            initial weights and order of rows make their differences smaller than luck.
        crew: where they run.
        ledger: where they are kept.
        budget: seconds after which no new training is begun.
        groups: of the validation rows, where rows are grouped.
        on_trial: called after each training.
    """

    trials: int
    seed: int
    crew: Crew
    ledger: Ledger
    budget: float = float("inf")
    groups: NDArray[np.int64] | None = None
    on_trial: Callable[[], None] = lambda: None

    def run(
        self, name: str, material: Material, remedies: Sequence[Remedy], base: Recipe
    ) -> Choice:
        """Search the parameters of ``remedies`` on top of ``base``.

        Every candidate is judged by its mean log-loss on validation rows, each row at an
        epoch that other rows chose. Where a setting comes up twice it is trained with
        another seed and both count. The lowest mean wins, if it lies below that of the
        plain recipe by more than `GUARD` paired standard errors.

        Raises:
            TrainingFailed: the plain recipe itself diverged.
        """
        tries = [
            _recipe(base, remedies, settings)
            for settings in candidates(remedies, self.trials, self.seed)
        ]
        entries = self._entries(name, material, remedies, tries)
        if entries.get(0) is None or entries[0].judged is None:
            raise TrainingFailed(
                f"{name}: the untreated network's loss became infinite or NaN. Lower"
                " --learning-rate or check the columns for extreme values."
            )
        chosen, judged = _choose(tries, entries, self.groups)
        return Choice(
            recipe=chosen,
            settings=chosen.differences(tries[0]),
            promised=mean_interval(judged, self.groups),
            trials=tuple(_trial(name, entry) for entry in entries.values()),
            seconds=sum(entry.seconds for entry in entries.values()),
            epochs=sum(entry.epochs for entry in entries.values()),
        )

    def _entries(
        self,
        name: str,
        material: Material,
        remedies: Sequence[Remedy],
        tries: Sequence[Recipe],
    ) -> dict[int, Entry]:
        self.ledger.drop_unfinished(name)
        changes = [recipe.differences(tries[0]) for recipe in tries]
        entries = self.ledger.finished(name, changes)
        for _ in entries:
            self.on_trial()
        asked: dict[int, optuna.Trial] = {}
        parameters = parameters_of(remedies)

        def jobs() -> Iterator[Job]:
            end = time.monotonic() + self.budget
            for number, recipe in enumerate(tries):
                # The plain recipe is always tried: everything is held against it.
                if number in entries or (number and time.monotonic() > end):
                    continue
                seed = self.seed + tries[:number].count(recipe)
                asked[number] = self.ledger.ask(name, parameters, number, changes[number])
                yield Job(number, recipe, seed)

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
            self.on_trial()
        return dict(sorted(entries.items()))


def _recipe(base: Recipe, remedies: Sequence[Remedy], settings: Settings) -> Recipe:
    for remedy in remedies:
        base = remedy.apply(base, settings)
    return base


def _choose(
    tries: Sequence[Recipe], entries: dict[int, Entry], groups: NDArray[np.int64] | None
) -> tuple[Recipe, NDArray[np.float64]]:
    """Return the chosen recipe and its mean loss per validation row."""
    repeats: dict[Recipe, list[NDArray[np.float32]]] = {}
    for number, entry in entries.items():
        if entry.judged is not None:
            repeats.setdefault(tries[number], []).append(entry.judged)
    table = {
        recipe: np.stack(kept).mean(axis=0, dtype=np.float64) for recipe, kept in repeats.items()
    }
    plain = tries[0]
    best = min(table, key=lambda recipe: float(table[recipe].mean()))
    gain = table[plain] - table[best]
    if gain.mean() > GUARD * standard_error(gain, groups)[0]:
        return best, table[best]
    return plain, table[plain]


def _trial(name: str, entry: Entry) -> Trial:
    value = None if entry.judged is None else float(entry.judged.mean(dtype=np.float64))
    return Trial(
        arm=name,
        number=entry.number,
        settings=entry.settings,
        validation_log_loss=value,
        best_epoch=entry.best_epoch,
        seconds=entry.seconds,
    )
