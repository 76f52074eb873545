"""Known truth: intervals cover it, and no difference is rarely called one.

Bounds are four standard errors of the simulated share. Each simulation was seen to fail
with the seeds' part of the variance taken out, or the rows' part.
"""

import numpy as np
import pytest

from fitwell.diagnosis.gap import check_gap, state
from fitwell.diagnosis.verdict import REAL_SHARE
from fitwell.statistics import difference_of, paired_difference, proportion_interval

REPEATS = 2000


def four_errors(share: float) -> float:
    return 4 * float(np.sqrt(share * (1 - share) / REPEATS))


@pytest.mark.parametrize("seeds_spread", [0.0, 0.02, 0.1])
def test_the_paired_interval_covers_a_crossed_truth_in_95_percent_at_least(seeds_spread):
    rng = np.random.default_rng(1)
    covered = 0
    for _ in range(REPEATS):
        rows = rng.normal(0, 0.3, size=(1, 200))
        seeds = rng.normal(0, seeds_spread, size=(5, 1))
        noise = rng.normal(0, 0.3, size=(5, 200))
        interval = paired_difference(0.1 + rows + seeds + noise).interval
        covered += interval.low <= 0.1 <= interval.high
    # It is conservative by design, so only the lower side is a bound.
    assert covered / REPEATS >= 0.95 - four_errors(0.95)


def test_no_difference_is_called_one_in_at_most_5_percent():
    rng = np.random.default_rng(2)
    called = 0
    for _ in range(REPEATS):
        rows = rng.normal(0, 0.3, size=(1, 200))
        seeds = rng.normal(0, 0.05, size=(5, 1))
        called += paired_difference(rows + seeds).p < 0.05
    assert called / REPEATS <= 0.05 + four_errors(0.05)


@pytest.mark.parametrize(("train", "test", "rows"), [(0.9, 0.7, 100), (1.0, 0.95, 400)])
def test_the_gap_interval_covers_the_true_gap(train, test, rows):
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(REPEATS):
        seen = proportion_interval(int(rng.binomial(3 * rows, train)), 3 * rows)
        new = proportion_interval(int(rng.binomial(rows, test)), rows)
        gap = difference_of(seen, new)
        covered += gap.low <= train - test <= gap.high
    assert abs(covered / REPEATS - 0.95) <= four_errors(0.95) + 0.02  # a discrete count


def test_a_gap_at_the_tolerance_is_called_overfitting_in_at_most_the_stated_share():
    rng = np.random.default_rng(4)
    called = 0
    for _ in range(REPEATS):
        probabilities, target = [], []
        for rows, accuracy in ((1500, 0.80), (500, 0.78)):
            right = rng.random(rows) < accuracy
            probabilities.append(np.where(right[:, None], [[0.3, 0.7]], [[0.7, 0.3]]))
            target.append(np.ones(rows, dtype=np.int64))
        found = state(
            "toy", (probabilities[0], target[0], None), (probabilities[1], target[1], None)
        )
        called += "larger than" in check_gap(found).finding
    assert called / REPEATS <= REAL_SHARE + four_errors(REAL_SHARE)
