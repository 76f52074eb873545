"""Hold the arms against each other on the test rows, seed by seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fitwell.comparison.arms import BASELINE, LIKE_WITH_LIKE, UNTREATED
from fitwell.remedies.remedy import Setting
from fitwell.results import Arm, ArmVerdict, Comparison, Difference, Interval, Scores
from fitwell.statistics import (
    clipped,
    hits,
    holm,
    paired_difference,
    row_log_losses,
)

LEVEL = 0.05
"""An arm is called better or worse when its Holm-adjusted p-value lies below this."""


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """An arm after training: what each of its networks says of the test rows.

    Attributes:
        name: the arm's.
        probabilities: ``[seed, row, class]``.
        seeds: one per network, the same for all arms, in the same order.
        seconds: search and trainings.
        trainings: how many networks were trained, search included.
        parameters: trainable numbers of one network, of an ensemble those of its members.
        settings: what differs from the untreated recipe.
    """

    name: str
    probabilities: NDArray[np.float64]
    seeds: tuple[int, ...]
    seconds: float
    trainings: int
    parameters: int
    settings: dict[str, Setting]


def judge(
    contestants: Sequence[Contestant],
    target: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
    trials_per_arm: int,
) -> Comparison:
    """Compare every arm with early stopping, and with the untreated network too.

    The treatment's bag is compared with that of early stopping besides.

    The unit of pairing is seed and test row. p-values are Holm-adjusted over the arms
    other than the baseline.
    """
    correct = {c.name: _each(hits, c, target) for c in contestants}
    losses = {c.name: _each(row_log_losses, c, target) for c in contestants}
    arms = []
    for contestant in contestants:
        name = contestant.name
        against = tuple(
            Difference(
                baseline=other,
                accuracy=paired_difference(correct[name] - correct[other], groups).interval,
                log_loss=paired_difference(losses[name] - losses[other], groups).interval,
            )
            for other in (BASELINE, UNTREATED, LIKE_WITH_LIKE.get(name, ""))
            if other != name and other in correct
        )
        gain = paired_difference(correct[name] - correct[BASELINE], groups)
        arms.append(
            Arm(
                name=name,
                test=_mean_scores(correct[name], losses[name], target, groups),
                seeds=contestant.seeds,
                seconds=contestant.seconds,
                trainings=contestant.trainings,
                parameters=contestant.parameters,
                settings=contestant.settings,
                difference=gain.interval.value,
                low=gain.interval.low,
                high=gain.interval.high,
                p=gain.p,
                p_adjusted=gain.p,
                verdict="baseline",
                against=against,
            )
        )
    return Comparison(baseline=BASELINE, trials_per_arm=trials_per_arm, arms=_adjusted(arms))


def _each(
    measure: Callable[..., NDArray[np.generic]], contestant: Contestant, target: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Measure every network of an arm: ``[seed, row]``."""
    return np.array([measure(p, target) for p in contestant.probabilities], dtype=np.float64)


def _mean_scores(
    correct: NDArray[np.float64],
    losses: NDArray[np.float64],
    target: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
) -> Scores:
    """Mean over the seeds; the intervals cover new rows and new seeds."""
    return Scores(
        rows=len(target),
        accuracy=clipped(paired_difference(correct, groups).interval),
        log_loss=paired_difference(losses, groups).interval,
        balanced_accuracy=_mean_balanced(correct, target, groups),
    )


def _mean_balanced(
    correct: NDArray[np.float64],
    target: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
) -> Interval:
    r"""Mean over seeds of the mean recall, as a mean over rows of their influence on it.

    A row of class c, one of :math:`n_c`, stands for
    :math:`\bar r + \frac{n}{C n_c}(x_i - r_c)`: the mean of these is the balanced accuracy
    :math:`\bar r`, their spread that of a sample stratified by class.
    """
    values = np.empty_like(correct)
    classes = np.unique(target)
    recalls = np.stack([correct[:, target == c].mean(axis=1) for c in classes], axis=1)
    for column, c in enumerate(classes):
        rows = target == c
        weight = len(target) / (len(classes) * rows.sum())
        values[:, rows] = weight * (correct[:, rows] - recalls[:, [column]])
    values += recalls.mean(axis=1, keepdims=True)
    return clipped(paired_difference(values, groups).interval)


def _adjusted(arms: Sequence[Arm]) -> tuple[Arm, ...]:
    rivals = [arm for arm in arms if arm.name != BASELINE]
    adjusted = dict(zip((a.name for a in rivals), holm([a.p for a in rivals]), strict=True))
    return tuple(
        replace(arm, p_adjusted=adjusted[arm.name], verdict=_verdict(arm, adjusted[arm.name]))
        if arm.name in adjusted
        else arm
        for arm in arms
    )


def _verdict(arm: Arm, p: float) -> ArmVerdict:
    if p >= LEVEL:
        return "no difference shown"
    return "better" if arm.difference > 0 else "worse"
