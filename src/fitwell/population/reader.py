"""Follow the losses of K members: minima, their epochs, and rows judged by other rows."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fitwell.population.course import CURVE_ROWS, Course
from fitwell.population.engine import Engine, Rates
from fitwell.population.job import Track
from fitwell.remedies.early_stopping import split_parts, watched


class Reader:
    """From the tracks of K members to their tracks some epochs later.

    A member whose patience is exhausted is not followed any further, however long its
    company is trained.
    """

    def __init__(
        self, tracks: Sequence[Track], course: Course, row_weights: NDArray[np.float32]
    ) -> None:
        rows = len(row_weights)
        self._part = split_parts(rows, seed=0, groups=course.material.validation_groups)
        self._row_weights = row_weights
        self._before = tracks
        self._course = course
        self._patience = np.array([track.member.patience for track in tracks])
        self._fixed = np.array([track.member.epochs > 0 for track in tracks])
        longest = course.recipe.epochs
        self._ends = np.array([track.member.epochs or longest for track in tracks])
        self._last = max((track.read_at[-1] for track in tracks if track.read_at), default=0)
        self._train: list[NDArray[np.float64]] = []
        self._read_at: list[int] = []
        self._validation: list[NDArray[np.float64]] = []
        self._curves: list[NDArray[np.float64]] = []
        series = 1 + int(self._part.max(initial=-1)) + 1
        self._best = np.array([np.broadcast_to(track.best, series) for track in tracks])
        self._best_epoch = np.array([track.best_epoch for track in tracks])
        self._improved = np.array([track.improved for track in tracks])
        self._judged = np.zeros((len(tracks), rows), np.float32)
        for place, track in enumerate(tracks):
            if len(track.judged):
                self._judged[place] = track.judged
        self._kept = [track.kept for track in tracks]

    def trained(self, losses: NDArray[np.float64]) -> None:
        """Take the training losses of an epoch."""
        self._train.append(losses)

    def read(self, epoch: int, losses: NDArray[np.float32], engine: Engine) -> None:
        """Take every member's loss of every validation row after an epoch."""
        lower = np.zeros(self._best.shape, bool)
        last = self._ends == epoch
        if losses.size:
            losses = losses * self._row_weights
            means = watched(losses, self._part)
            stopped = (self._patience > 0) & (self._last - self._improved >= self._patience)
            lower = (means < self._best) & ~stopped[:, None]
            self._validation.append(means[:, 0])
            self._read_at.append(epoch)
            self._best = np.where(lower, means, self._best)
            # A new minimum of all parts but one is where that one is judged.
            here = np.where(self._fixed[:, None], last[:, None], lower[:, 1:][:, self._part])
            np.copyto(self._judged, losses, where=here)
        self._best_epoch[lower[:, 0]] = epoch
        self._improved[lower.any(axis=1)] = epoch
        self._last = epoch
        if self._course.keeps:
            for place in np.flatnonzero(np.where(self._patience > 0, lower[:, 0], last)):
                self._kept[place] = engine.weights_of(int(place))

    def follow(
        self,
        x: Tensor,
        y: NDArray[np.int64],
        class_weights: NDArray[np.float32],
        engine: Engine,
        rates: Rates,
    ) -> None:
        """Take what a report draws after an epoch."""
        # A fixed random sample: rows may come sorted by class.
        rows = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))[:CURVE_ROWS]
        target = y[rows.numpy()]
        losses = engine.losses(x[rows], target) * class_weights[target]
        means = losses.mean(axis=1, dtype=np.float64)
        self._curves.append(np.hstack([means[:, None], engine.terms(rates)]))

    def tracks(self) -> tuple[Track, ...]:
        """Give what became of each member."""
        return tuple(
            replace(
                track,
                train=(*track.train, *(float(losses[k]) for losses in self._train)),
                read_at=(*track.read_at, *self._read_at),
                validation=(*track.validation, *(float(means[k]) for means in self._validation)),
                curves=(*track.curves, *((*map(float, row[k]),) for row in self._curves)),
                best=tuple(map(float, self._best[k])),
                best_epoch=int(self._best_epoch[k]),
                improved=int(self._improved[k]),
                judged=self._judged[k].copy(),
                kept=self._kept[k],
            )
            for k, track in enumerate(self._before)
        )
