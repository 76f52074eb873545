import numpy as np
import pytest
from scipy import stats

from fitwell.results import Interval
from fitwell.statistics import (
    balanced_accuracy_interval,
    difference_of,
    holm,
    mean_interval,
    median_interval,
    paired_difference,
    proportion_interval,
    score,
)


def test_the_mean_interval_is_students():
    values = np.random.default_rng(0).normal(size=30)
    reference = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    interval = mean_interval(values)
    assert interval.low == pytest.approx(reference.low)
    assert interval.high == pytest.approx(reference.high)


def test_groups_of_one_row_change_nothing():
    values = np.random.default_rng(0).normal(size=30)
    assert mean_interval(values, np.arange(30)).low == pytest.approx(mean_interval(values).low)


def test_doubled_rows_in_groups_of_two_give_the_interval_of_the_single_rows():
    values = np.random.default_rng(0).normal(size=30)
    doubled = mean_interval(np.repeat(values, 2), np.repeat(np.arange(30), 2))
    assert doubled.high - doubled.low == pytest.approx(
        mean_interval(values).high - mean_interval(values).low
    )


def test_the_median_lies_between_its_limits_as_often_as_the_binomial_says():
    # Of 15 values the fourth and the twelfth: 1 - 2 P(Bin(15, 1/2) <= 3) = 0.9648, whatever the
    # distribution. 1,000 draws have a standard error of 0.0058; three of them are allowed.
    draws = np.random.default_rng(5).exponential(size=(1000, 15))
    found = [median_interval(draw) for draw in draws]
    held = np.mean([i.low <= np.log(2) <= i.high for i in found])
    assert held == pytest.approx(1 - 2 * stats.binom(15, 0.5).cdf(3), abs=3 * 0.0058)
    assert [i.value for i in found] == np.median(draws, axis=1).tolist()


def test_few_values_bound_no_median():
    found = median_interval(np.arange(5.0))
    assert (found.value, found.low, found.high) == (2, -np.inf, np.inf)


def test_a_perfect_share_has_an_interval_below_it():
    interval = proportion_interval(50, 50)
    assert interval.value == 1.0
    assert 0.90 < interval.low < 0.95
    assert interval.high == pytest.approx(1.0)


def test_newcombes_published_example_is_met():
    # Newcombe 1998, table II, row (a): 56/70 against 48/80, method 10.
    found = difference_of(proportion_interval(56, 70), proportion_interval(48, 80))
    assert found.value == pytest.approx(0.2)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=1e-4)


def test_balanced_accuracy_is_the_mean_recall():
    from sklearn.metrics import balanced_accuracy_score

    rng = np.random.default_rng(0)
    target = rng.choice(3, size=200, p=[0.7, 0.2, 0.1])
    guess = np.where(rng.random(200) < 0.6, target, rng.integers(3, size=200))
    interval = balanced_accuracy_interval(guess == target, target)
    assert interval.value == pytest.approx(balanced_accuracy_score(target, guess))
    assert interval.low < interval.value < interval.high


def test_one_seed_gives_the_paired_t_test():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=40), rng.normal(0.3, size=40)
    found = paired_difference(first - second)
    assert found.p == pytest.approx(stats.ttest_rel(first, second).pvalue)


def test_no_difference_at_all_has_a_p_value_of_one():
    assert paired_difference(np.zeros((3, 20))).p == 1.0


def test_seeds_that_disagree_widen_the_interval():
    rows = np.random.default_rng(0).normal(size=(1, 500))
    same = paired_difference(np.repeat(rows, 3, axis=0)).interval
    apart = paired_difference(rows + np.array([[-0.5], [0.0], [0.5]])).interval
    assert apart.high - apart.low > 3 * (same.high - same.low)


def test_holm_equals_the_hand_computation():
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == []


def test_scores_agree_with_scikit_learn():
    from sklearn.metrics import accuracy_score, log_loss

    rng = np.random.default_rng(0)
    target = rng.integers(3, size=100)
    probabilities = rng.dirichlet([1, 1, 1], size=100)
    found = score(probabilities, target)
    assert found.accuracy.value == pytest.approx(
        accuracy_score(target, probabilities.argmax(axis=1))
    )
    assert found.log_loss.value == pytest.approx(log_loss(target, probabilities))


def test_an_interval_reads_as_text():
    assert str(Interval(value=0.5, low=0.25, high=0.75)) == "0.500 [0.250, 0.750]"
