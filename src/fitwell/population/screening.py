"""Train many settings, drop most on the way: in chunks, in a pool, with files behind it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from fitwell.population.course import Course
from fitwell.population.deadline import Deadline
from fitwell.population.halving import promoted, rungs
from fitwell.population.job import Member, State, Track, begin
from fitwell.population.piece import Piece
from fitwell.population.pool import Pool, Threads
from fitwell.population.stack import Weights
from fitwell.population.store import Store
from fitwell.recipe import Recipe
from fitwell.remedies.shuffling import steps_per_epoch

STRIDE = 5
"""At least so many epochs lie between two looks at who has run out of patience."""

STEPS = {"cpu": 60, "cuda": 600}
"""So do at least so many steps: setting a chunk up costs as much as some of them."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Members that share a network, its initial weights and the order of rows."""

    course: Course
    start: Weights
    members: tuple[Member, ...]

    def begin(self) -> State:
        """Give the members before their first epoch."""
        return begin(self.members, self.start, self.course.shape.parameters)


@dataclass(kw_only=True)
class Screening:
    """Where populations are trained.

    Attributes:
        pool: does the pieces that the work is cut into; each has one thread of torch's.
        store: keeps what was done.
        on_epochs: told of every epoch of every member as it is trained.
        on_rung: told of the members that were trained after each rung.
        on_end: told of each member when it is not trained on, and whether it was dropped
            before its own end.
        deadline: after it every member ends at its next rung.
    """

    pool: Pool = field(default_factory=Threads)
    store: Store = field(default_factory=Store)
    on_epochs: Callable[[int], None] = lambda _: None
    on_rung: Callable[[Sequence[Track]], None] = lambda _: None
    on_end: Callable[[Track, bool], None] = lambda _track, _dropped: None
    deadline: Deadline = field(default_factory=Deadline)

    def halve(self, name: str, batches: Sequence[Batch], protected: int = 0) -> dict[int, Track]:
        """Train all settings, dropping half of them at every rung but never ``protected``.

        Those of the last rung are trained to the end, or until their patience is exhausted.

        Returns:
            What became of every member, by number.
        """
        course = batches[0].course
        epochs = course.recipe.epochs
        tracks: dict[int, Track] = {}
        states: list[State | None] = [batch.begin() for batch in batches]
        settings = sum(len(batch.members) for batch in batches)
        for until, keep in rungs(settings, epochs, course.read_every):
            if not any(state is not None for state in states):
                break
            states = self._train(name, batches, states, until)
            alive = _tracks(states)
            tracks |= alive
            kept = promoted(list(alive.values()), keep, epochs)
            if protected in alive and not alive[protected].diverged:
                kept = sorted({*kept, protected})
            if self.deadline.over:
                self._part(alive, kept=[], ended=kept)
                return tracks
            going = [number for number in kept if not alive[number].exhausted]
            self._part(alive, kept=going, ended=kept)
            states = [_only(state, going) for state in states]
        return tracks | self._finish(name, batches, states)

    def train(self, name: str, batches: Sequence[Batch]) -> dict[int, Track]:
        """Train all settings until their patience is exhausted, or to the end."""
        return self._finish(name, batches, [batch.begin() for batch in batches])

    def _finish(
        self, name: str, batches: Sequence[Batch], states: Sequence[State | None]
    ) -> dict[int, Track]:
        recipe = batches[0].course.recipe
        stride = _stride(batches)
        longest = max(m.epochs or recipe.epochs for batch in batches for m in batch.members)
        tracks: dict[int, Track] = {}
        while any(state is not None for state in states):
            began = next(state.epoch for state in states if state is not None)
            until = min(began // stride * stride + stride, longest)
            states = self._train(name, batches, states, until)
            alive = _tracks(states)
            tracks |= alive
            kept = [number for number, track in alive.items() if _goes_on(track, recipe)]
            kept = [] if self.deadline.over else kept
            self._part(alive, kept=kept, ended=list(alive))
            states = [_only(state, kept) for state in states]
        return tracks

    def _part(self, alive: dict[int, Track], *, kept: Sequence[int], ended: Sequence[int]) -> None:
        self.on_rung(list(alive.values()))
        for number, track in alive.items():
            if number not in kept:
                self.on_end(track, number not in ended and not track.diverged)

    def _train(
        self, name: str, batches: Sequence[Batch], states: Sequence[State | None], until: int
    ) -> list[State | None]:
        """Cut the members of each batch into chunks, and train every chunk until an epoch."""
        cut = [
            (place, chunk)
            for place, (batch, state) in enumerate(zip(batches, states, strict=True))
            if state is not None
            for chunk in _chunks(batch.course, state)
        ]
        pieces = [
            Piece(
                name=f"{name}-{until}-{number}",
                course=batches[place].course,
                state=chunk,
                until=until,
            )
            for number, (place, chunk) in enumerate(cut)
        ]
        mine: list[list[State]] = [[] for _ in batches]
        done = self.pool.run(pieces, self.store, self.on_epochs)
        for (place, _), state in zip(cut, done, strict=True):
            mine[place].append(state)
        self.store.settle(f"{name}-{until}")
        return [State.joined(parts) if parts else None for parts in mine]


def _stride(batches: Sequence[Batch]) -> int:
    steps = min(
        steps_per_epoch(len(batch.course.material.train_y), batch.course.recipe.batch_size)
        for batch in batches
    )
    return max(STRIDE, -(-STEPS[batches[0].course.device] // max(1, steps)))


def _chunks(course: Course, state: State) -> list[State]:
    """Share members out among as few chunks as stay in the cache, of nearly equal size."""
    count = len(state.tracks)
    chunks = -(-count // course.chunk)
    ends = np.linspace(0, count, chunks + 1).round().astype(int).tolist()
    return [state.only(range(start, end)) for start, end in pairwise(ends)]


def _goes_on(track: Track, recipe: Recipe) -> bool:
    last = track.member.epochs or recipe.epochs
    return not (track.diverged or track.exhausted) and track.epochs < last


def _only(state: State | None, numbers: Sequence[int]) -> State | None:
    if state is None:
        return None
    places = [p for p, track in enumerate(state.tracks) if track.member.number in numbers]
    return state.only(places) if places else None


def _tracks(states: Sequence[State | None]) -> dict[int, Track]:
    """List what became of every member, by number."""
    return {t.member.number: t for state in states if state is not None for t in state.tracks}
