import numpy as np
import pytest
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.sandwich_covariance import cov_cluster

from fitwell.errors import InputError
from fitwell.statistics import clustered_difference, mcnemar_exact, resampled_difference

FIVE = np.array([0.01, 0.03, 0.02, 0.03, 0.01])


def test_the_corrected_interval_equals_the_hand_computation():
    # mean 0.02; s^2 = (1 + 1 + 0 + 1 + 1) * 1e-4 / 4 = 1e-4; SE^2 = (1/5 + 2000/8000) * 1e-4
    found = resampled_difference(FIVE, train_rows=8000, test_rows=2000)
    reach = 2.776445 * (0.45 * 1e-4) ** 0.5  # t of 4 degrees of freedom, from the tables
    assert found.interval.value == pytest.approx(0.02)
    assert found.interval.low == pytest.approx(0.02 - reach)
    assert found.interval.high == pytest.approx(0.02 + reach)
    # Student's density with 4 degrees of freedom has a tail in closed form.
    t = 0.02 / (0.45 * 1e-4) ** 0.5
    u = t / (4 + t**2) ** 0.5
    assert found.p == pytest.approx(1 - (3 * u - u**3) / 2)


def test_test_rows_that_are_few_beside_the_training_rows_leave_the_plain_t_test():
    found = resampled_difference(FIVE, train_rows=1e12, test_rows=1)
    assert found.p == pytest.approx(stats.ttest_1samp(FIVE, 0).pvalue)


def test_a_higher_level_widens_the_interval_and_leaves_p_alone():
    usual = resampled_difference(FIVE, train_rows=80, test_rows=20)
    wide = resampled_difference(FIVE, train_rows=80, test_rows=20, level=0.99)
    assert wide.interval.high - wide.interval.value == pytest.approx(
        (usual.interval.high - usual.interval.value) * stats.t.ppf(0.995, 4) / stats.t.ppf(0.975, 4)
    )
    assert (wide.p, wide.interval.level) == (usual.p, 0.99)


def test_differences_that_are_all_zero_show_nothing_and_have_no_width():
    found = resampled_difference(np.zeros(5), train_rows=80, test_rows=20)
    assert (found.interval.low, found.interval.high, found.p) == (0.0, 0.0, 1.0)


def test_equal_differences_take_the_spread_of_the_least_disagreement():
    # Two rows of 20 in each resample: at least 0.1 of the rows disagree, all for one side.
    found = resampled_difference(np.full(5, 0.1), train_rows=80, test_rows=20)
    reach = stats.t.ppf(0.975, 4) * (0.45 * 0.1 * 0.9 / 20) ** 0.5
    assert found.interval.high == pytest.approx(0.1 + reach)
    assert 0.05 < found.p < 0.10


def test_differences_that_only_rounding_tells_apart_are_equal():
    shares = np.array([0.85 - 0.8, 0.9 - 0.85, 0.65 - 0.6, 0.35 - 0.3, 0.15 - 0.1])
    assert np.ptp(shares) > 0
    found = resampled_difference(shares, train_rows=80, test_rows=20)
    equal = resampled_difference(np.full(5, 0.05), train_rows=80, test_rows=20)
    assert found.p == pytest.approx(equal.p)


def test_right_on_every_row_against_none_is_shown():
    assert resampled_difference(np.ones(5), train_rows=80, test_rows=20).p == 0.0


@pytest.mark.parametrize("differences", [np.array([0.1]), np.zeros((5, 2))])
def test_what_has_no_spread_is_refused(differences):
    with pytest.raises(InputError) as error:
        resampled_difference(differences, train_rows=80, test_rows=20)
    assert str(error.value) == (
        f"differences has the shape {differences.shape}, but a spread takes one number per"
        " resample and two resamples at least. Take more resamples."
    )


@pytest.mark.parametrize(("train", "test"), [(0, 20), (80, 0)])
def test_resamples_without_rows_are_refused(train, test):
    with pytest.raises(InputError) as error:
        resampled_difference(FIVE, train_rows=train, test_rows=test)
    assert str(error.value) == (
        f"train_rows is {train} and test_rows {test}, but both are numbers of rows above 0."
        " Give the rows of one resample."
    )


def rights(both, first, second, neither):
    counts = [both, first, second, neither]
    return np.repeat([True, True, False, False], counts), np.repeat(
        [True, False, True, False], counts
    )


def test_mcnemar_counts_only_the_rows_that_one_network_has_right():
    # 1 and 5 of 6: 2 (C(6,0) + C(6,1)) / 2^6 = 14 / 64
    assert mcnemar_exact(*rights(40, 5, 1, 10)) == pytest.approx(14 / 64)
    assert mcnemar_exact(*rights(0, 1, 5, 900)) == pytest.approx(14 / 64)


def test_mcnemar_agrees_with_the_binomial_test():
    found = mcnemar_exact(*rights(500, 37, 61, 120))
    assert found == pytest.approx(stats.binomtest(37, 98).pvalue)


def test_networks_that_are_right_on_the_same_rows_are_not_told_apart():
    assert mcnemar_exact(*rights(40, 0, 0, 10)) == 1.0
    assert mcnemar_exact(*rights(40, 3, 3, 10)) == 1.0


def crossed(rng, resamples=6, rows=40, judging=15):
    """Differences in which rows and resamples both have a part."""
    by_row, by_resample = rng.normal(size=rows), rng.normal(size=resamples)
    units = [rng.permutation(rows)[:judging] for _ in range(resamples)]
    noise = rng.normal(size=(resamples, judging))
    return [by_row[u] + by_resample[j] + noise[j] for j, u in enumerate(units)], units


@pytest.mark.parametrize("grouped", [False, True])
def test_the_clustered_interval_is_that_of_statsmodels_two_way_clusters(grouped):
    differences, units = crossed(np.random.default_rng(0))
    if grouped:
        units = [unit // 4 for unit in units]
    flat, of_row = np.concatenate(differences), np.concatenate(units)
    of_resample = np.repeat(np.arange(6), 15)
    fit = OLS(flat, np.ones(len(flat))).fit()
    count = len(np.unique(of_row))
    rows = cov_cluster(fit, of_row, use_correction=False).item() * count / (count - 1)
    resamples = cov_cluster(fit, of_resample, use_correction=False).item() * 6 / 5
    both = cov_cluster(fit, of_row * 6 + of_resample, use_correction=False).item()
    variance = max(rows, resamples, rows + resamples - both)
    assert variance == rows + resamples - both
    freedom = variance**2 / (rows**2 / (count - 1) + resamples**2 / 5)
    found = clustered_difference(differences, units)
    reach = stats.t.ppf(0.975, freedom) * variance**0.5
    mean = flat.mean()
    assert (found.interval.low, found.interval.high) == pytest.approx((mean - reach, mean + reach))
    assert found.p == pytest.approx(2 * stats.t.sf(abs(mean) / variance**0.5, freedom))


def test_each_resample_counts_alike_however_many_rows_judge_in_it():
    few, many = np.array([1.0, 0.0]), np.zeros(8)
    found = clustered_difference([few, many], [np.arange(2), np.arange(8)])
    assert found.interval.value == 0.25


def test_where_nothing_differs_nothing_is_claimed():
    found = clustered_difference([np.zeros(3)] * 2, [np.arange(3), np.arange(1, 4)])
    assert (found.interval.low, found.interval.high, found.p) == (0.0, 0.0, 1.0)
    found = clustered_difference([np.ones(3)] * 2, [np.arange(3), np.arange(1, 4)])
    assert (found.interval.low, found.interval.high, found.p) == (1.0, 1.0, 0.0)


@pytest.mark.parametrize(
    ("differences", "rows", "message"),
    [
        ([np.zeros(3)], [np.arange(3)], "1 resamples, but a spread takes two"),
        ([np.zeros(3), np.zeros(2)], [np.arange(3)] * 2, r"\[3, 2\] numbers .* rows \[3, 3\]"),
        ([np.zeros(0)] * 2, [np.arange(0)] * 2, r"\[0, 0\]"),
    ],
)
def test_clusters_take_two_resamples_and_a_number_per_row(differences, rows, message):
    with pytest.raises(InputError, match=message):
        clustered_difference(differences, rows)
