"""Train the settings of a search together, as a population; most are dropped on the way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fitwell.population.deadline import Deadline
from fitwell.population.job import Track
from fitwell.population.layout import described, layout
from fitwell.population.pool import Pool
from fitwell.population.screening import Batch, Screening
from fitwell.population.store import Store
from fitwell.recipe import Recipe
from fitwell.remedies.remedy import Remedy
from fitwell.task import Material
from fitwell.tuning.candidates import parameters_of
from fitwell.tuning.ledger import Entry, Folded, Ledger

FOLD = 100_000
"""A member's number is its candidate's, plus this times the fold."""


@dataclass(frozen=True, kw_only=True)
class Together:
    """One of the two ways to train the settings of a search.

    Attributes:
        seed: of initial weights, the order of rows and the noise.
        pool: does the pieces of the population.
        device: of torch, where it does them.
        reason: why its members are not fused; empty if they are.
        ledger: where the trials are kept.
        store: where the population is kept on its way.
        deadline: when the search ends, at its next rung.
        on_training: told of trainings as they are done, and of parts of them.
    """

    seed: int
    pool: Pool
    device: str
    reason: str
    ledger: Ledger
    store: Store
    deadline: Deadline
    on_training: Callable[[float], None]

    def path(self, material: Material, tries: Mapping[int, Recipe]) -> str:
        """Say in a line how the trainings are run."""
        return described(self._layout(material, tries), self.reason)

    def screen(
        self, name: str, material: Material, remedies: Sequence[Remedy], tries: Mapping[int, Recipe]
    ) -> dict[int, Entry]:
        """Train all candidates as a population, dropping most on the way."""
        self.ledger.drop_unfinished(name)
        changes = [recipe.differences(tries[0]) for recipe in tries.values()]
        done = self.ledger.finished(name, changes)
        parameters = parameters_of(remedies)
        asked = {
            number: self.ledger.ask(name, parameters, number, changes[number])
            for number in tries
            if number not in done
        }
        screening = self._screening(tries[0], self.deadline)
        entries: dict[int, Entry] = {}

        def report(tracks: Sequence[Track]) -> None:
            for track in tracks:
                if track.member.number in asked and not track.diverged:
                    asked[track.member.number].report(track.validation[-1], track.epochs)

        def end(track: Track, dropped: bool) -> None:
            number = track.member.number
            entries[number] = Entry(
                number=number,
                settings=changes[number],
                judged=None if track.diverged else track.judged,
                best_epoch=track.best_epoch,
                epochs=track.epochs,
                seconds=track.seconds,
                pruned=dropped,
            )
            if number in asked:
                self.ledger.tell(name, asked[number], entries[number])

        screening.on_rung, screening.on_end = report, end
        screening.halve(name, self._layout(material, tries))
        return dict(sorted(entries.items()))

    def _layout(
        self, material: Material, recipes: Mapping[int, Recipe], at: int = 0, often: int = 2
    ) -> list[Batch]:
        """Lay recipes out; rounded, where that is quicker: a search only compares them."""
        return layout(
            material, recipes, self.seed, at, device=self.device, bfloat16=True, read_every=often
        )

    def _screening(self, plain: Recipe, deadline: Deadline) -> Screening:
        def advance(epochs: int) -> None:
            self.on_training(epochs / plain.epochs)

        return Screening(pool=self.pool, store=self.store, on_epochs=advance, deadline=deadline)

    def fold(
        self, name: str, folds: Sequence[Material], first: int, recipes: Mapping[int, Recipe]
    ) -> list[Folded]:
        """Train the finalists as one population on every fold; ``first`` is the first's number."""
        # The budget is that of the search; the user may end the folds too.
        screening = self._screening(recipes[0], Deadline(asked=self.deadline.asked))
        batches = [
            batch
            for number, fold in enumerate(folds, first)
            for batch in self._layout(fold, recipes, number * FOLD, recipes[0].epochs)
        ]
        tracks = screening.train(f"{name}-folds-{first}", batches)
        return [
            Folded(
                losses={
                    n: None if tracks[n + at].diverged else tracks[n + at].judged for n in recipes
                },
                seconds=sum(tracks[n + at].seconds for n in recipes),
                epochs=sum(tracks[n + at].epochs for n in recipes),
            )
            for at in range(first * FOLD, (first + len(folds)) * FOLD, FOLD)
        ]
