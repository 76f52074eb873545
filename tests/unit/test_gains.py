from itertools import product
from math import comb

import pytest
from scipy import optimize, stats

from fitwell.statistics import smallest_gain, smallest_resampled_gain


def enumerated_power(rows, gain, disagreement, alpha):
    """Power of the exact test by going through every outcome, in plain arithmetic."""
    better, worse = (disagreement + gain) / 2, (disagreement - gain) / 2
    total = 0.0
    for wins, losses in product(range(rows + 1), repeat=2):
        apart = wins + losses
        if apart > rows or losses >= wins:
            continue
        p = 2 * sum(comb(apart, k) for k in range(losses + 1)) / 2**apart
        if p < alpha:
            ways = comb(rows, apart) * comb(apart, wins)
            total += ways * better**wins * worse**losses * (1 - disagreement) ** (rows - apart)
    return total


@pytest.mark.parametrize("arms", [1, 4])
def test_the_smallest_gain_has_the_power_that_was_asked_for(arms):
    gain = smallest_gain(60, arms=arms, disagreement=0.5)
    assert gain < 0.5
    assert enumerated_power(60, gain, 0.5, 0.05 / arms) == pytest.approx(0.80, abs=1e-4)


def test_a_gain_above_the_disagreement_takes_as_much_disagreement():
    gain = smallest_gain(60, disagreement=0.01)
    assert enumerated_power(60, gain, gain, 0.05) == pytest.approx(0.80, abs=1e-4)


def test_five_rows_show_nothing():
    # All five for one side: p = 2 / 2^5, above 0.05.
    assert smallest_gain(5) == 1.0
    assert smallest_gain(6) < 1.0


def test_four_times_the_rows_show_about_half_the_gain():
    assert smallest_gain(40_000) / smallest_gain(10_000) == pytest.approx(0.5, abs=0.02)


def test_more_arms_and_more_disagreement_take_a_larger_gain():
    assert smallest_gain(2000) < smallest_gain(2000, arms=6)
    assert smallest_gain(2000) < smallest_gain(2000, disagreement=0.2)
    assert smallest_resampled_gain(8000, 2000, 10) < smallest_resampled_gain(8000, 2000, 10, arms=6)


@pytest.mark.parametrize("disagreement", [0.02, 0.10])
@pytest.mark.parametrize("resamples", [3, 5, 10])
def test_the_resampled_gain_solves_the_power_of_the_noncentral_t(resamples, disagreement):
    """The same gain from scipy's distribution and a root finder instead of the closed form."""

    def power(gain):
        variance = (max(disagreement, gain) - gain**2) / 200
        bound = stats.t.isf(0.05 / 4 / 2, resamples - 1) * (1 + resamples * 0.25) ** 0.5
        return stats.nct.sf(bound, resamples - 1, gain * (resamples / variance) ** 0.5)

    found = smallest_resampled_gain(800, 200, resamples, arms=4, disagreement=disagreement)
    assert found == pytest.approx(optimize.brentq(lambda g: power(g) - 0.8, 1e-3, 0.3), rel=1e-4)


def test_ten_resamples_show_a_smaller_gain_than_five():
    ten, five = (smallest_resampled_gain(8000, 2000, j, arms=6) for j in (10, 5))
    assert ten < 0.02 < five < 0.03
