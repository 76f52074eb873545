"""The regularization path: one remedy from none of it to too much."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fitwell.errors import TrainingFailed
from fitwell.recipe import Recipe
from fitwell.results import PathPoint, RegularizationPath
from fitwell.statistics import difference_of, mean_interval
from fitwell.task import Material
from fitwell.training.loop import restore
from fitwell.training.outcome import Job, Outcome
from fitwell.training.reading import row_losses
from fitwell.training.workers import Crew

POINTS = 12
"""So many strengths above none."""

Losses = NDArray[np.float64]
Remedy = Literal["l1", "l2", "dropout"]

RANGES: dict[Remedy, tuple[float, float]] = {
    "l1": (1e-6, 0.1),
    "l2": (1e-5, 10.0),
    "dropout": (0.05, 0.9),
}
"""From next to nothing to more than any of the data sets at hand could bear. Ours."""


def strengths(remedy: Remedy) -> list[float]:
    """List the strengths of a path: none, then equal steps, of the logarithm for L1 and L2.

    >>> [round(rate, 2) for rate in strengths("dropout")][:4]
    [0.0, 0.05, 0.13, 0.2]
    """
    low, high = RANGES[remedy]
    steps = (
        np.linspace(low, high, POINTS) if remedy == "dropout" else np.geomspace(low, high, POINTS)
    )
    return [0.0, *steps.tolist()]


@dataclass(frozen=True, kw_only=True)
class Tracer:
    """Where a path is trained.

    Attributes:
        crew: runs the trainings, together where the network allows it.
        seed: of all of them.
        groups: of the validation rows, where rows are grouped.
        on_training: told of trainings as they are done, and of parts of them.
    """

    crew: Crew
    seed: int
    groups: NDArray[np.int64] | None = None
    on_training: Callable[[float], None] = lambda _: None

    def trace(self, material: Material, base: Recipe, remedy: Remedy) -> RegularizationPath:
        """Train one network per strength for all epochs, and read it on rows.

        Stopping early would close most of the gap by itself, so the path is that of the last
        epoch; what each strength reaches when it stops early stands beside it.

        The gap closes at the weakest strength whose gap is not shown to be above 0. Too much
        begins at the weakest one above the best whose validation loss is shown to be higher
        than the best one's; both at 95 %, the latter paired by row.

        Raises:
            TrainingFailed: the network without the remedy diverged.
        """
        values = strengths(remedy)
        jobs = [
            Job(place, replace(base, **{remedy: value}), self.seed)  # type: ignore[arg-type]
            for place, value in enumerate(values)
        ]
        done = {j.key: out for j, out in self.crew.finish("path", material, jobs, self.on_training)}
        if done[0] is None:
            raise TrainingFailed(
                "the path's network without regularization diverged. Lower --learning-rate."
            )
        read = [
            (values[place], outcome, self._losses(material, base, outcome))
            for place, outcome in sorted(done.items())
            if outcome is not None
        ]
        points = tuple(self._point(*one) for one in read)
        held = [losses[1] for _, _, losses in read]
        best = int(np.argmin([losses.mean() for losses in held]))
        worse = (
            p.strength for p, x in zip(points, held, strict=True) if self._higher(x, held[best])
        )
        return RegularizationPath(
            remedy=remedy,
            points=points,
            best=points[best].strength,
            gap_closes=next((p.strength for p in points if p.gap.low <= 0), None),
            too_much=next((s for s in worse if s > points[best].strength), None),
        )

    def _losses(self, material: Material, base: Recipe, outcome: Outcome) -> tuple[Losses, Losses]:
        network = restore(material, base, outcome)
        seen, held = (
            row_losses(network, material, base, rows)
            for rows in (
                (material.train_x, material.train_y),
                (material.validation_x, material.validation_y),
            )
        )
        return seen, held

    def _point(self, strength: float, outcome: Outcome, losses: tuple[Losses, Losses]) -> PathPoint:
        train, validation = mean_interval(losses[0]), mean_interval(losses[1], self.groups)
        return PathPoint(
            strength=strength,
            train_log_loss=train,
            validation_log_loss=validation,
            stopped_log_loss=mean_interval(outcome.judged, self.groups),
            gap=difference_of(validation, train),
            zeros=outcome.zeros,
        )

    def _higher(self, losses: Losses, other: Losses) -> bool:
        return losses is not other and mean_interval(losses - other, self.groups).low > 0
