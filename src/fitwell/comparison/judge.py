"""Hold the arms against each other: resample by resample, and seed by seed on the test rows."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fitwell.comparison.arms import (
    BASELINE,
    LIKE_WITH_LIKE,
    NO_RIVALS,
    SAME_OUTPUTS,
    TREATMENT,
    UNTREATED,
)
from fitwell.comparison.resampled import Resamples
from fitwell.remedies.remedy import Setting
from fitwell.results import Arm, ArmVerdict, Comparison, Contest, Difference, Interval, Scores
from fitwell.statistics import (
    PairedDifference,
    clipped,
    hits,
    holm,
    mcnemar_exact,
    paired_difference,
    row_log_losses,
)

LEVEL = 0.05
"""An arm is called better or worse when its Holm-adjusted p-value lies below this."""


@dataclass(frozen=True, kw_only=True)
class Price:
    """What an arm costs.

    Attributes:
        seconds: search and trainings.
        trainings: how many networks were trained, search included.
        parameters: trainable numbers of one network, of an ensemble those of its members.
        nonzero: how many of them are not 0.
        inference_seconds: what one row of a batch takes.
        trials: settings tried in one search.
        search_seconds: of the seconds, those of the searches.
    """

    seconds: float
    trainings: int
    parameters: int
    nonzero: int = 0
    inference_seconds: Interval | None = None
    trials: int = 0
    search_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Contestant:
    """An arm after training: what each of its networks says of the test rows.

    Attributes:
        name: the arm's.
        probabilities: ``[seed, row, class]``.
        seeds: one per network, the same for all arms, in the same order.
        price: what it costs.
        settings: what differs from the untreated recipe.
    """

    name: str
    probabilities: NDArray[np.float64]
    seeds: tuple[int, ...]
    price: Price
    settings: dict[str, Setting]


class _Table:
    """Which test rows every arm has right, and what it loses on them: ``[seed, row]``."""

    def __init__(
        self,
        contestants: Sequence[Contestant],
        target: NDArray[np.int64],
        groups: NDArray[np.int64] | None,
    ) -> None:
        self.target, self.groups = target, groups
        self.correct = {c.name: _each(hits, c, target) for c in contestants}
        self.losses = {c.name: _each(row_log_losses, c, target) for c in contestants}

    def gain(self, name: str, other: str) -> PairedDifference:
        return paired_difference(self.correct[name] - self.correct[other], self.groups)

    def difference(self, name: str, other: str) -> Difference:
        loss = paired_difference(self.losses[name] - self.losses[other], self.groups)
        return Difference(
            baseline=other, accuracy=self.gain(name, other).interval, log_loss=loss.interval
        )

    def mcnemar(self, name: str, other: str) -> float:
        """Hold the first seed's networks, the ones that could be shipped, against each other."""
        first, second = self.correct[name][0], self.correct[other][0]
        return mcnemar_exact(first.astype(np.bool_), second.astype(np.bool_))

    def scores(self, name: str) -> Scores:
        """Mean over the seeds; the intervals cover new rows and new seeds."""
        return Scores(
            rows=len(self.target),
            accuracy=clipped(paired_difference(self.correct[name], self.groups).interval),
            log_loss=paired_difference(self.losses[name], self.groups).interval,
            balanced_accuracy=_mean_balanced(self.correct[name], self.target, self.groups),
        )


def judge(
    contestants: Sequence[Contestant],
    target: NDArray[np.int64],
    groups: NDArray[np.int64] | None,
    trials_per_arm: int,
    resamples: Resamples | None = None,
) -> Comparison:
    """Compare every arm with early stopping, and with the untreated network too.

    A bag is compared with that of early stopping besides. p-values are Holm-adjusted over the
    arms other than the baseline and those that repeat another arm's outputs; those of the
    treatment against each other action over these actions.

    Args:
        contestants: the arms, their networks' words on the test rows.
        target: of the test rows.
        groups: of the test rows.
        trials_per_arm: settings that a search may try.
        resamples: what the arms did on the outer resamples; where there are any they decide,
            otherwise the test rows do, paired by seed and row.
    """
    table = _Table(contestants, target, groups)
    arms = []
    for contestant in contestants:
        name, price = contestant.name, contestant.price
        others = [
            other
            for other in (BASELINE, UNTREATED, LIKE_WITH_LIKE.get(name, ""))
            if other != name and other in table.correct
        ]
        gain = resamples.gain(name, BASELINE) if resamples else table.gain(name, BASELINE)
        arms.append(
            Arm(
                name=name,
                test=table.scores(name),
                seeds=contestant.seeds,
                seconds=price.seconds,
                trainings=price.trainings,
                parameters=price.parameters,
                settings=contestant.settings,
                difference=gain.interval.value,
                low=gain.interval.low,
                high=gain.interval.high,
                p=gain.p,
                p_adjusted=gain.p,
                verdict="baseline",
                against=tuple(table.difference(name, other) for other in others),
                resampled=(
                    tuple(resamples.difference(name, other) for other in others)
                    if resamples
                    else ()
                ),
                by_resample=resamples.differences(name, BASELINE) if resamples else (),
                mcnemar_p=None if name == BASELINE else table.mcnemar(name, BASELINE),
                nonzero=price.nonzero,
                inference_seconds=price.inference_seconds,
                trials=price.trials,
                search_seconds=price.search_seconds,
            )
        )
    return Comparison(
        baseline=BASELINE,
        trials_per_arm=trials_per_arm,
        arms=_adjusted(arms),
        resamples=resamples.count if resamples else 0,
        resample_train=resamples.train_rows if resamples else 0,
        resample_test=resamples.test_rows if resamples else 0,
        contests=_contests([c.name for c in contestants], resamples or table),
    )


def _contests(names: Sequence[str], judged: Resamples | _Table) -> tuple[Contest, ...]:
    """Hold the treatment against every other action; Holm over these."""
    rivals = [name for name in names if name not in NO_RIVALS] if TREATMENT in names else []
    found = [judged.gain(TREATMENT, rival) for rival in rivals]
    adjusted = holm([gain.p for gain in found])
    return tuple(
        Contest(
            arm=TREATMENT,
            rival=rival,
            accuracy=gain.interval,
            log_loss=judged.difference(TREATMENT, rival).log_loss,
            p=gain.p,
            p_adjusted=p,
            verdict=_verdict(gain.interval.value, p),
        )
        for rival, gain, p in zip(rivals, found, adjusted, strict=True)
    )


def _each(
    measure: Callable[..., NDArray[np.generic]], contestant: Contestant, target: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Measure every network of an arm: ``[seed, row]``."""
    return np.array([measure(p, target) for p in contestant.probabilities], dtype=np.float64)


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
    rivals = [arm for arm in arms if arm.name != BASELINE and arm.name not in SAME_OUTPUTS]
    adjusted = dict(zip((a.name for a in rivals), holm([a.p for a in rivals]), strict=True))
    adjusted |= {n: adjusted[same] for n, same in SAME_OUTPUTS.items() if same in adjusted}
    return tuple(
        replace(
            arm, p_adjusted=adjusted[arm.name], verdict=_verdict(arm.difference, adjusted[arm.name])
        )
        if arm.name in adjusted
        else arm
        for arm in arms
    )


def _verdict(difference: float, p: float) -> ArmVerdict:
    if p >= LEVEL:
        return "no difference shown"
    return "better" if difference > 0 else "worse"
