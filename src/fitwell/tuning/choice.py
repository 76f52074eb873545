"""A choice that can be trusted: finalists on several folds, the plainer of equals, the guard."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitwell.results import Interval
from fitwell.statistics import mean_interval, standard_error

RACE = 2.0
"""A finalist that loses more standard errors than these to the best one is not folded."""

Losses = NDArray[np.float64]


def contenders(
    losses: Mapping[int, Losses], plain: int, groups: NDArray[np.int64] | None
) -> list[int]:
    """Name those who may still win: the plain one, and who does not lose clearly to the best.

    Halving keeps some settings for their like, not for their loss. One that lies more than
    `RACE` paired standard errors behind the best on the validation rows is not worth the
    price of the folds.

    Reference:
        Maron and Moore: Hoeffding Races, NeurIPS 1993; the bound is ours.
    """
    best = min(losses, key=lambda number: float(losses[number].mean()))

    def lost(number: int) -> bool:
        behind = losses[number] - losses[best]
        return bool(behind.mean() > RACE * standard_error(behind, groups)[0])

    return [number for number in losses if number in (plain, best) or not lost(number)]


@dataclass(frozen=True)
class Guard:
    """What a setting must gain to replace the plain one; set by recorded searches (ours).

    Attributes:
        rows: more than so many paired standard errors of the rows, ...
        folds: ... and of the folds' mean gains, ...
        share: ... and more than this share of the plain one's loss: less is within the luck
            of a training.
    """

    rows: float = 1.5
    folds: float = 1.0
    share: float = 0.03


@dataclass(frozen=True)
class Folds:
    """What every finalist lost on every row, at epochs and with networks that never saw it.

    Attributes:
        losses: finalist to losses, one entry per row.
        fold: of each row.
        complexity: finalist to how many remedies it uses.
        plain: the finalist without any.
        groups: rows of one group are not independent.
        guard: of the plain one.
    """

    losses: Mapping[int, Losses]
    fold: NDArray[np.int64]
    complexity: Mapping[int, int]
    plain: int = 0
    groups: NDArray[np.int64] | None = None
    guard: Guard = Guard()

    def choose(self, rows: NDArray[np.bool_] | None = None) -> int:
        """Choose by the rows that are marked, or by all.

        - The lowest mean log-loss wins.
        - The guard: only if its mean gain over the plain one exceeds 1.5 paired standard errors
          of the rows, one of the folds' mean gains, and 3 % of the plain one's mean loss.
          Otherwise the plain one is kept. The error of the rows takes the networks for given;
          every fold has trainings of its own. With one fold that error is left out.
        - The one-standard-error rule: of those that pass the guard and lose less than one
          paired standard error of the rows to the winner, the one with the fewest remedies.

        Reference:
            Breiman et al.: Classification and Regression Trees, 1984 (one standard error).
            The guard is ours; docs/benchmarks.md measures it.
        """
        marked = np.ones(len(self.fold), bool) if rows is None else rows
        means = {number: float(losses[marked].mean()) for number, losses in self.losses.items()}
        passing = [n for n in means if n != self.plain and self._passes(n, marked)]
        best = min(means, key=means.__getitem__)
        if best not in passing:
            return self.plain
        equals = [number for number in passing if not self._loses(number, best, marked)]
        return min(equals, key=lambda number: (self.complexity[number], means[number]))

    def ahead(self) -> list[int]:
        """Name the plain one, and those that may still pass the guard.

        These gain more than half of the guard's share of the plain one's loss: on all rows so
        far, or on those of the last fold alone, since a setting that is behind on the rows
        which halved the settings can be far ahead elsewhere. Ours; docs/benchmarks.md.
        """
        return [
            number
            for number in self.losses
            if number == self.plain
            or any(
                self._gains(number, rows) for rows in (self.fold >= 0, self.fold == self.fold[-1])
            )
        ]

    def _gains(self, number: int, rows: NDArray[np.bool_]) -> bool:
        """Say whether a finalist gains half of the guard's share on some rows."""
        plain, own = self.losses[self.plain][rows].mean(), self.losses[number][rows].mean()
        return bool(plain - own > self.guard.share / 2 * abs(plain))

    def _passes(self, number: int, marked: NDArray[np.bool_]) -> bool:
        """Say whether a finalist passes the guard."""
        plain, fold = self.losses[self.plain][marked], self.fold[marked]
        gain = plain - self.losses[number][marked]
        by_fold = np.array([gain[fold == each].mean() for each in np.unique(fold)])
        across = standard_error(by_fold)[0] if len(by_fold) > 1 else 0.0
        bounds = (
            self.guard.rows * standard_error(gain, self._groups(marked))[0],
            self.guard.folds * across,
            self.guard.share * abs(plain.mean()),
        )
        return bool(gain.mean() > max(bounds))

    def _loses(self, number: int, other: int, marked: NDArray[np.bool_]) -> bool:
        """Say whether a finalist loses more than one standard error of the rows to another."""
        loss = (self.losses[number] - self.losses[other])[marked]
        return bool(loss.mean() > standard_error(loss, self._groups(marked))[0])

    def _groups(self, marked: NDArray[np.bool_]) -> NDArray[np.int64] | None:
        return None if self.groups is None else self.groups[marked]

    def estimate(self, clean: Sequence[int]) -> Interval:
        """Estimate the log-loss of what `choose` chooses, on rows that had no say in it.

        For each fold the choice is made again on the other folds, and its losses on that
        fold are taken: the selection is cross-fitted, so that its optimism is out.

        Args:
            clean: folds that did not choose the finalists.
        """
        taken = np.empty(len(self.fold))
        for fold in clean:
            inside = self.fold == fold
            taken[inside] = self.losses[self.choose(~inside)][inside]
        used = np.isin(self.fold, list(clean))
        return mean_interval(taken[used], self._groups(used))
