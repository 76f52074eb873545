"""Search the settings of an arm: many are begun, few are finished, the finalists are folded."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fitwell.errors import TrainingFailed
from fitwell.population.deadline import Deadline
from fitwell.population.halving import FEWEST
from fitwell.population.layout import way_of
from fitwell.recipe import Recipe
from fitwell.remedies.remedy import Remedy
from fitwell.results import Interval, Trial
from fitwell.statistics import mean_interval
from fitwell.task import Material
from fitwell.training.workers import Crew
from fitwell.tuning.apart import Apart
from fitwell.tuning.candidates import Settings, candidates
from fitwell.tuning.choice import Folds, contenders
from fitwell.tuning.ledger import Entry, Folded, Ledger
from fitwell.tuning.together import Together


@dataclass(frozen=True, kw_only=True)
class Choice:
    """What a search decided.

    Attributes:
        recipe: the chosen recipe.
        settings: what it changes; empty where the plain recipe was kept.
        finalists: recipes that were trained to their end, the plain one first.
        table: what they lost on the held-out rows, by number; all that the choice rests on.
        promised: log-loss that the validation rows promise for it.
        estimate: the same by rows that had no say in the choice; None without folds.
        trials: everything that was tried.
        path: how the trainings were run, and why so.
        trainings: how many were begun, those of the finalists on the folds included.
        lost_folds: how many had no say, since the plain recipe diverged on them.
        cut: what ended it early, the ``budget`` of time or the user, who ``stopped`` it.
        seconds: time of the trainings, added up.
        epochs: epochs of the trainings, added up.
    """

    recipe: Recipe
    settings: Settings
    finalists: tuple[Recipe, ...]
    table: Folds = field(compare=False)
    promised: Interval
    estimate: Interval | None
    trials: tuple[Trial, ...]
    path: str
    trainings: int
    lost_folds: int
    cut: Literal["", "budget", "stopped"]
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
        trials: how many settings it may try.
        seed: of the candidates and of the trainings, which all share it: the same
            initial weights and order of rows make their differences smaller than luck.
        crew: where they run.
        ledger: where the trials are kept.
        folds: the same rows cut otherwise, for the finalists; may be empty.
        budget: seconds after which no new training is begun.
        stopped: whether the user wants it to end with the best so far; there are no folds then.
        groups: of the validation rows, where rows are grouped.
        on_training: told of trainings as they are done, and of parts of them.
    """

    trials: int
    seed: int
    crew: Crew
    ledger: Ledger
    folds: Sequence[Material] = ()
    budget: float = float("inf")
    stopped: Callable[[], bool] = lambda: False
    groups: NDArray[np.int64] | None = None
    on_training: Callable[[float], None] = lambda _: None

    def run(
        self, name: str, material: Material, remedies: Sequence[Remedy], base: Recipe
    ) -> Choice:
        """Search the parameters of ``remedies`` on top of ``base``.

        Every candidate is judged by its mean log-loss on validation rows, each row at an
        epoch that other rows chose. The best are then trained on the folds too, beside the
        plain recipe and each for as many epochs as a refit of it, and `Folds.choose` decides.

        Raises:
            TrainingFailed: the plain recipe itself diverged.
        """
        deadline = Deadline(time.monotonic() + self.budget, self.stopped)
        settings = candidates(remedies, self.trials, self.seed)
        tries = dict(enumerate(dict.fromkeys(_recipe(base, remedies, s) for s in settings)))
        way = self._way(material, tries, deadline)
        entries = way.screen(name, material, remedies, tries)
        if entries.get(0) is None or entries[0].judged is None:
            raise TrainingFailed(
                f"{name}: the untreated network's loss became infinite or NaN. Lower"
                " --learning-rate or check the columns for extreme values."
            )
        cut = deadline.over
        finalists = self._finalists(entries)

        def lay(folded: Sequence[Folded]) -> Folds:
            return self._table(material, tries, finalists, entries, folded)

        folded: list[Folded] = []
        if self.folds and len(tries) > 1 and cut != "stopped":
            # As long as the refit will be, which has no rows to stop by either.
            rehearsed = {n: replace(tries[n], stop_after=entries[n].best_epoch) for n in finalists}
            folded = self._fold(way, name, rehearsed, lay)
        whole = folded
        if self.stopped():  # perhaps while the folds were trained: then they are not whole
            cut, whole = "stopped", []
        table = lay(whole)
        # Where finalists compete, the first fold had a say in who goes on to the others.
        silent = 2 if len(self.folds) > 1 and len(finalists) > 1 else 1
        clean = [fold for fold in np.unique(table.fold).tolist() if fold >= silent]
        chosen = table.choose()
        judged = entries[chosen].judged
        assert judged is not None
        return Choice(
            recipe=tries[chosen],
            settings=tries[chosen].differences(tries[0]),
            finalists=tuple(tries[number] for number in finalists),
            table=table,
            promised=mean_interval(judged, self.groups),
            estimate=table.estimate(clean) if clean else None,
            trials=tuple(entry.trial(name) for entry in entries.values()),
            path=way.path(material, tries),
            trainings=len(entries) + sum(len(fold.losses) for fold in folded),
            lost_folds=sum(fold.losses[0] is None for fold in whole),
            cut=cut,
            seconds=sum(e.seconds for e in entries.values()) + sum(f.seconds for f in folded),
            epochs=sum(e.epochs for e in entries.values()) + sum(f.epochs for f in folded),
        )

    def _fold(
        self,
        way: Together | Apart,
        name: str,
        recipes: Mapping[int, Recipe],
        lay: Callable[[Sequence[Folded]], Folds],
    ) -> list[Folded]:
        """Train the finalists on the first fold, and who may still win on the others too.

        Where only the plain recipe is left nothing is to be decided: one fold estimates it.
        """
        first = way.fold(name, self.folds[:1], 1, recipes)
        if self.stopped() or len(self.folds) < 2:
            return first
        if first[0].losses[0] is None:  # and so this fold says nothing
            return first + way.fold(name, self.folds[1:], 2, recipes)
        if len(recipes) == 1:
            return first
        left = {number: recipes[number] for number in lay(first).ahead()}
        others = self.folds[1:] if len(left) > 1 else self.folds[1:2]
        return first + way.fold(name, others, 2, left)

    def _finalists(self, entries: Mapping[int, Entry]) -> list[int]:
        """Name the plain recipe and the best of those that were trained to their end."""
        ended = {
            number: entry.judged.astype(np.float64)
            for number, entry in entries.items()
            if entry.judged is not None and (number == 0 or not entry.pruned)
        }
        best = sorted(ended.keys() - {0}, key=lambda number: float(ended[number].mean()))
        kept = sorted([0, *best[:FEWEST]])
        return contenders({number: ended[number] for number in kept}, 0, self.groups)

    def _way(
        self, material: Material, tries: Mapping[int, Recipe], deadline: Deadline
    ) -> Together | Apart:
        kind, reason = way_of(material, tries, self.crew.device)
        if kind != "apart":
            return Together(
                seed=self.seed,
                pool=self.crew.pools[kind],
                device=self.crew.device,
                reason=reason,
                ledger=self.ledger,
                store=self.crew.store,
                deadline=deadline,
                on_training=self.on_training,
            )
        return Apart(
            seed=self.seed,
            crew=self.crew,
            ledger=self.ledger,
            deadline=deadline,
            reason=reason,
            on_training=self.on_training,
        )

    def _table(
        self,
        material: Material,
        tries: Mapping[int, Recipe],
        finalists: Sequence[int],
        entries: Mapping[int, Entry],
        folded: Sequence[Folded],
    ) -> Folds:
        """Lay the losses of the validation rows and of the first folds side by side.

        A finalist that lacks a fold is left out: it diverged there or did not go on. So is a
        fold on which the plain recipe diverged, since nothing can be held against it.
        """
        cuts = [(0, material, {n: entries[n].judged for n in finalists})]
        for number, (rows, fold) in enumerate(zip(self.folds, folded, strict=False), 1):
            if fold.losses[0] is not None:
                cuts.append((number, rows, dict(fold.losses)))
        whole: dict[int, NDArray[np.float64]] = {}
        for finalist in finalists:
            parts = [losses.get(finalist) for _, _, losses in cuts]
            if all(part is not None for part in parts):
                whole[finalist] = np.concatenate(parts, dtype=np.float64)  # type: ignore[arg-type]
        held = [rows.validation_groups for _, rows, _ in cuts]
        return Folds(
            losses=whole,
            fold=np.concatenate([np.full(len(r.validation_y), n) for n, r, _ in cuts]),
            complexity={n: _complexity(tries[n], tries[0]) for n in whole},
            groups=np.concatenate(held) if held[0] is not None else None,  # type: ignore[arg-type]
        )


def _complexity(recipe: Recipe, plain: Recipe) -> int:
    """Count what a recipe switches on; that dropout and decay fade is no more."""
    changed = recipe.differences(plain)
    return sum(bool(value) for name, value in changed.items() if name != "fades")


def _recipe(base: Recipe, remedies: Sequence[Remedy], settings: Settings) -> Recipe:
    for remedy in remedies:
        base = remedy.apply(base, settings)
    # What changes nothing would be another recipe under another name: strengths by layer that
    # are those of the others, and what is off but fades.
    apart = {rule.name for rule in base.rules if rule.value != getattr(base, rule.name)}
    base = replace(base, rules=tuple(rule for rule in base.rules if rule.name in apart))
    fades = base.fades and (base.uses("dropout") or base.uses("decay_epochs"))
    return replace(base, fades=fades)
