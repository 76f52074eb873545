"""A piece of work: some members of a batch, from one epoch to another, kept as it goes."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from fitwell.population.advance import advance
from fitwell.population.course import Course
from fitwell.population.job import State
from fitwell.population.store import Store

STEP = 5
"""Epochs of a piece before its clock is read for the first time."""

KEEP_EVERY = 20.0
"""Seconds of training between two files, at most."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What can be done anywhere: in a thread, in a process, on another machine.

    Attributes:
        name: of the file that keeps it.
        course: what its members share with all others of their batch.
        state: its members as they stand.
        until: it is done after this epoch.
    """

    name: str
    course: Course
    state: State
    until: int


def taken_up(piece: Piece, store: Store) -> State:
    """Give the members of a piece as they stand: as the store has them, if it does."""
    found = store.get(piece.name)
    members = [track.member for track in piece.state.tracks]
    if found is not None and [track.member for track in found.tracks] == members:
        return found
    return piece.state


def work(piece: Piece, store: Store, on_epochs: Callable[[int], None] = lambda _: None) -> State:
    """Do a piece, or the part of it that the store does not hold yet.

    Args:
        piece: what to do.
        store: where it is kept, every `KEEP_EVERY` seconds and at its end.
        on_epochs: told of the epochs of members as they are trained.

    Returns:
        Its members as they stand after its last epoch.
    """
    state = taken_up(piece, store)
    members = len(state.tracks)
    on_epochs((state.epoch - piece.state.epoch) * members)
    torch.set_num_threads(1)  # of this thread: where a piece is done must not change its sums
    saved = time.perf_counter()
    stride = STEP if store.keeps else piece.until
    while state.epoch < piece.until:
        began = time.perf_counter()
        soon = min(piece.until, state.epoch + stride)
        state = advance(piece.course, state, soon, lambda: on_epochs(members))
        lap = time.perf_counter() - began
        state = _timed(state, lap / members)
        # How a piece is cut changes no number, so that a clock may cut it.
        stride = max(1, int(stride * KEEP_EVERY / 2 / max(lap, 1e-3)))
        if time.perf_counter() - saved > KEEP_EVERY or state.epoch == piece.until:
            store.put(piece.name, state)
            saved = time.perf_counter()
    return state


def _timed(state: State, seconds: float) -> State:
    tracks = tuple(replace(track, seconds=track.seconds + seconds) for track in state.tracks)
    return replace(state, tracks=tracks)
