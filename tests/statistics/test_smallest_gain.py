"""The smallest gain is found as often as it says: bounds of four standard errors."""

import numpy as np
import pytest

from fitwell.statistics import (
    mcnemar_exact,
    resampled_difference,
    smallest_gain,
    smallest_resampled_gain,
)

REPEATS = 1000
ERRORS = 4 * (0.8 * 0.2 / REPEATS) ** 0.5


def outcomes(rng, rows, gain, disagreement):
    """For each row 1, 0 or -1: only the first network is right, both or none, only the second."""
    better, worse = (disagreement + gain) / 2, (disagreement - gain) / 2
    return rng.choice([1, 0, -1], size=rows, p=[better, 1 - disagreement, worse])


@pytest.mark.parametrize(("rows", "disagreement", "arms"), [(2000, 0.10, 6), (300, 0.20, 1)])
def test_mcnemar_finds_the_smallest_gain_in_80_percent(rows, disagreement, arms):
    rng = np.random.default_rng(5)
    gain = smallest_gain(rows, arms=arms, disagreement=disagreement)
    found = 0
    for _ in range(REPEATS):
        row = outcomes(rng, rows, gain, disagreement)
        found += mcnemar_exact(row >= 0, row <= 0) < 0.05 / arms and row.sum() > 0
    assert abs(found / REPEATS - 0.80) <= ERRORS


@pytest.mark.parametrize(("resamples", "disagreement", "arms"), [(5, 0.10, 6), (10, 0.05, 7)])
def test_the_resampled_test_finds_its_smallest_gain_in_80_percent(resamples, disagreement, arms):
    rng = np.random.default_rng(6)
    gain = smallest_resampled_gain(1600, 400, resamples, arms=arms, disagreement=disagreement)
    found = 0
    for _ in range(REPEATS):
        rows = [outcomes(rng, 400, gain, disagreement) for _ in range(resamples)]
        judged = resampled_difference(np.mean(rows, axis=1), train_rows=1600, test_rows=400)
        found += judged.p < 0.05 / arms and judged.interval.value > 0
    assert abs(found / REPEATS - 0.80) <= ERRORS


@pytest.mark.parametrize("disagreement", [0.02, 0.10])
def test_mcnemar_calls_equal_networks_different_in_at_most_5_percent(disagreement):
    rng = np.random.default_rng(7)
    called = 0
    for _ in range(REPEATS):
        row = outcomes(rng, 500, 0.0, disagreement)
        called += mcnemar_exact(row >= 0, row <= 0) < 0.05
    assert called / REPEATS <= 0.05 + 4 * (0.05 * 0.95 / REPEATS) ** 0.5
