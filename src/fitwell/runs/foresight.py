"""What a comparison can be expected to show, said before anything is trained."""

from collections.abc import Sequence
from dataclasses import dataclass

from fitwell.comparison.arms import BASELINE, SAME_OUTPUTS, ArmPlan
from fitwell.report.numbers import points
from fitwell.runs.question import Question
from fitwell.statistics import DISAGREEMENT, smallest_gain, smallest_resampled_gain
from fitwell.task import Task


@dataclass(frozen=True, kw_only=True)
class Foresight:
    """The smallest true gains in accuracy over the baseline that are shown 8 times of 10.

    Attributes:
        rivals: how many arms are held against the baseline.
        test_rows: of the sealed test part.
        on_test: the gain that these can show.
        resamples: how many there are.
        over_resamples: the gain that they can show; None where there are none.
    """

    rivals: int
    test_rows: int
    on_test: float
    resamples: int = 0
    over_resamples: float | None = None

    def __str__(self) -> str:
        gains = [f"the {self.test_rows:,} test rows {points(self.on_test)}"]
        if self.over_resamples is not None:
            gains.insert(0, f"{self.resamples} resamples {points(self.over_resamples)}")
        return (
            f"smallest gain that can be shown, in points of accuracy: {', '.join(gains)}"
            f" (8 times of 10, {self.rivals} arms, two networks that disagree on"
            f" {DISAGREEMENT:.0%} of the rows)"
        )


def foresee(question: Question, task: Task, arms: Sequence[ArmPlan]) -> Foresight:
    """Say what the rows of a task can show.

    Args:
        question: says how many resamples there are.
        task: the rows.
        arms: those of the run.
    """
    rivals = sum(arm.name != BASELINE and arm.name not in SAME_OUTPUTS for arm in arms)
    split = task.split
    parts = task.resampled(question.outer, question.seed) if question.outer else []
    over = None
    if parts:
        judging = sum(len(part.split.test) for part in parts) / len(parts)
        rest = sum(len(p.split.train) + len(p.split.validation) for p in parts) / len(parts)
        over = smallest_resampled_gain(rest, judging, len(parts), arms=rivals)
    return Foresight(
        rivals=rivals,
        test_rows=len(split.test),
        on_test=smallest_gain(len(split.test), arms=rivals),
        resamples=len(parts),
        over_resamples=over,
    )
