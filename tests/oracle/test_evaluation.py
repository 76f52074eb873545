"""Calibration, classes, ranking and costs against closed forms, scikit-learn and a bootstrap."""

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics
from torch import nn

from fitwell.evaluation.auc import auc_interval, gini_of, standard_error
from fitwell.evaluation.calibration import brier, calibration
from fitwell.evaluation.classes import class_scores, confusion
from fitwell.evaluation.evaluate import evaluate
from fitwell.evaluation.layers import weights_by_layer
from fitwell.evaluation.ranking import operating_point, ranking
from fitwell.evaluation.shares import share
from fitwell.models.ensemble import Ensemble


def made(rows, classes, seed=0, sharp=1.0):
    """Probabilities and right classes; with ``sharp`` 1 the probabilities are true."""
    chance = np.random.default_rng(seed)
    probabilities = chance.dirichlet(np.ones(classes), rows)
    target = (probabilities.cumsum(axis=1) < chance.random((rows, 1))).sum(axis=1)
    sharpened = probabilities**sharp
    return sharpened / sharpened.sum(axis=1, keepdims=True), target


def area(scores, positive):
    """The statistic of Mann and Whitney, as scipy counts it."""
    above, below = scores[positive], scores[~positive]
    return stats.mannwhitneyu(above, below, method="asymptotic").statistic / (
        len(above) * len(below)
    )


@pytest.fixture(scope="module")
def two():
    return made(400, 2)


@pytest.mark.parametrize("classes", [2, 4])
def test_the_brier_score_is_scikit_learns(classes):
    probabilities, target = made(300, classes)
    theirs = metrics.brier_score_loss(target, probabilities, labels=range(classes))
    found = brier(probabilities, target)
    assert found.value == pytest.approx(theirs, rel=1e-12)
    assert found.low < found.value < found.high


def test_the_bins_of_two_classes_are_scikit_learns_reliability_curve(two):
    from sklearn.calibration import calibration_curve

    probabilities, target = two
    observed, predicted = calibration_curve(target, probabilities[:, 1], n_bins=10)
    bins = calibration(probabilities, target).bins
    np.testing.assert_allclose([b.observed.value for b in bins], observed)
    np.testing.assert_allclose([b.predicted for b in bins], predicted)
    assert sum(b.rows for b in bins) == len(target)


def test_the_calibration_error_is_a_weighted_mean_by_hand():
    p = np.array([0.11, 0.13, 0.12, 0.14, 0.92, 0.98])
    found = calibration(np.stack([1 - p, p], axis=1), np.array([1, 0, 0, 0, 1, 1]))
    first, second = abs(1 / 4 - 0.125), abs(1 - 0.95)
    assert found.expected_error == pytest.approx((4 * first + 2 * second) / 6)
    assert [b.rows for b in found.bins] == [4, 2]
    assert (found.bins[0].low, found.bins[1].high) == (0.1, 1.0)


def test_of_more_classes_the_likeliest_one_is_looked_at():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.1, 0.15, 0.75], [0.3, 0.3, 0.4]])
    found = calibration(probabilities, np.array([0, 1, 2]))
    assert [(b.low, b.rows, b.observed.value) for b in found.bins] == [(0.4, 1, 1.0), (0.7, 2, 0.5)]


@pytest.mark.parametrize("classes", [2, 5])
def test_true_probabilities_show_on_average_the_error_that_chance_gives(classes):
    errors, chances = [], []
    for seed in range(300):
        found = calibration(*made(200, classes, seed))
        errors.append(found.expected_error)
        chances.append(found.by_chance)
    standard = np.std(errors) / np.sqrt(len(errors))
    # The normal approximation is off by a little in bins of few rows.
    assert abs(np.mean(errors) - np.mean(chances)) < 4 * standard + 0.02 * np.mean(errors)


def test_probabilities_that_are_too_sure_show_more_than_chance():
    found = calibration(*made(2000, 2, sharp=3.0))
    assert found.expected_error > 3 * found.by_chance


def test_classes_read_as_scikit_learn_says():
    probabilities, target = made(300, 4)
    called = probabilities.argmax(axis=1)
    precision, recall, f1, rows = metrics.precision_recall_fscore_support(target, called)
    found = class_scores(called, target, "abcd")
    np.testing.assert_allclose([c.precision.value for c in found], precision)
    np.testing.assert_allclose([c.recall.value for c in found], recall)
    np.testing.assert_allclose([c.f1.value for c in found], f1)
    assert [c.rows for c in found] == list(rows)
    assert np.array_equal(confusion(called, target, 4), metrics.confusion_matrix(target, called))


def test_a_class_without_rows_or_calls_has_no_number_there():
    found = class_scores(np.array([0, 0]), np.array([0, 1]), "abc")
    assert found[1].precision is None
    assert found[1].recall.value == 0
    assert (found[2].recall, found[2].precision, found[2].f1) == (None, None, None)


def test_more_than_twenty_classes_have_no_matrix():
    many = np.arange(21)
    assert confusion(many, many, 21) == ()
    assert len(confusion(many[:20], many[:20], 20)) == 20


def test_groups_make_an_interval_wider_and_never_narrower():
    chance = np.random.default_rng(0)
    hits = np.repeat(chance.random(40) < 0.7, 10)
    groups = np.repeat(np.arange(40), 10)
    alone, together = share(hits, None), share(hits, groups)
    assert together.high - together.low > 2 * (alone.high - alone.low)
    sure = np.ones(400, dtype=bool)
    assert share(sure, groups) == share(sure, None)
    assert share(sure, groups).low < 1


def test_the_area_is_scikit_learns_and_the_gini_twice_it_less_one(two):
    probabilities, target = two
    scores = np.round(probabilities[:, 1], 1)  # with ties
    found = auc_interval(scores, target == 1)
    assert found.value == pytest.approx(metrics.roc_auc_score(target, scores), rel=1e-12)
    gini = gini_of(found)
    assert (gini.value, gini.low) == (2 * found.value - 1, 2 * found.low - 1)


def test_the_standard_error_of_delong_is_that_of_a_bootstrap(two):
    probabilities, target = two
    scores, positive = probabilities[:, 1], target == 1
    chance = np.random.default_rng(1)
    first, second = np.flatnonzero(positive), np.flatnonzero(~positive)
    areas = []
    for _ in range(1000):
        rows = np.concatenate(
            [chance.choice(first, len(first)), chance.choice(second, len(second))]
        )
        areas.append(area(scores[rows], target[rows] == 1))
    bootstrap = np.std(areas, ddof=1)
    _, error = standard_error(scores, positive)
    # A standard deviation of 1000 draws has a relative standard error of 1 / sqrt(2000); the
    # bootstrap divides by n where DeLong divides by n - 1.
    assert abs(error / bootstrap - 1) < 4 / np.sqrt(2000) + 1 / 100


@pytest.mark.parametrize("mixed", [False, True])
def test_the_standard_error_of_groups_is_that_of_a_bootstrap_of_groups(mixed):
    chance = np.random.default_rng(2)
    groups = np.repeat(np.arange(150), 4)
    positive = np.tile([True, False], 300) if mixed else np.repeat(chance.random(150) < 0.4, 4)
    scores = positive + np.repeat(chance.normal(size=150), 4) + 0.3 * chance.normal(size=600)
    _, alone = standard_error(scores, positive)
    _, error = standard_error(scores, positive, groups)
    areas = []
    for _ in range(1000):
        drawn = chance.integers(0, 150, 150)
        rows = (drawn[:, None] * 4 + np.arange(4)).ravel()
        areas.append(area(scores[rows], positive[rows]))
    assert abs(error / np.std(areas, ddof=1) - 1) < 4 / np.sqrt(2000) + 0.02
    # The rows of a group are nearly copies; of both classes, they move together.
    assert mixed or error > 1.5 * alone


def test_groups_of_one_row_change_the_standard_error_by_no_more_than_the_division(two):
    probabilities, target = two
    scores, positive = probabilities[:, 1], target == 1
    _, alone = standard_error(scores, positive)
    _, grouped = standard_error(scores, positive, np.arange(len(scores)))
    assert grouped == pytest.approx(alone, rel=2 / min(positive.sum(), (~positive).sum()))


def test_the_interval_of_the_area_covers_the_true_one():
    chance = np.random.default_rng(3)
    truth = stats.norm.cdf(1.5 / np.sqrt(2))  # of two normals, 1.5 apart
    inside = 0
    for _ in range(1000):
        scores = np.concatenate([chance.normal(1.5, size=40), chance.normal(size=60)])
        found = auc_interval(scores, np.arange(100) < 40)
        inside += found.low <= truth <= found.high
    assert abs(inside / 1000 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 1000)


def test_classes_that_do_not_overlap_leave_a_lower_limit_below_one():
    found = auc_interval(np.arange(20.0), np.arange(20) >= 10)
    assert found.value == found.high == 1
    assert 0.7 < found.low < 0.95
    turned = auc_interval(np.arange(20.0), np.arange(20) < 10)
    assert turned.high == pytest.approx(1 - found.low)
    single = auc_interval(np.array([0.1, 0.9, 0.5]), np.array([False, False, True]))
    assert (single.value, single.low > 0, single.high < 1) == (0.5, True, True)


def test_ks_is_the_two_sample_statistic(two):
    probabilities, target = two
    scores = probabilities[:, 1]
    found = ranking(probabilities, target, ("no", "yes"))
    theirs = stats.ks_2samp(scores[target == 1], scores[target == 0]).statistic
    assert found.ks.value == pytest.approx(theirs)
    called = scores >= found.ks_threshold
    assert called[target == 1].mean() - called[target == 0].mean() == pytest.approx(found.ks.value)


def test_the_second_class_is_the_positive_one(two):
    probabilities, target = two
    found = ranking(probabilities, target, ("no", "yes"))
    assert found.positive == "yes"
    assert (found.positives, found.negatives) == ((target == 1).sum(), (target == 0).sum())
    assert found.auc.value > 0.5


def test_every_point_of_the_curve_is_what_its_threshold_gives():
    probabilities, target = made(3000, 2)
    roc = ranking(probabilities, target, ("no", "yes")).roc
    assert 100 < len(roc.thresholds) <= 200
    assert roc.thresholds[0] is None
    assert (roc.false_positive_rate[0], roc.sensitivity[0]) == (0, 0)
    assert (roc.false_positive_rate[-1], roc.sensitivity[-1]) == (1, 1)
    for false, found, threshold in zip(
        roc.false_positive_rate[1:], roc.sensitivity[1:], roc.thresholds[1:], strict=True
    ):
        called = probabilities[:, 1] >= threshold
        assert called[target == 0].mean() == pytest.approx(false)
        assert called[target == 1].mean() == pytest.approx(found)


def test_thinning_costs_the_area_under_the_curve_next_to_nothing():
    probabilities, target = made(3000, 2)
    found = ranking(probabilities, target, ("no", "yes"))
    area = metrics.auc(found.roc.false_positive_rate, found.roc.sensitivity)
    assert area == pytest.approx(found.auc.value, abs=0.002)


@pytest.mark.parametrize("asked", [0.9, 0.95])
def test_a_fixed_specificity_is_kept_and_no_lower_threshold_keeps_it(two, asked):
    probabilities, target = two
    scores = np.round(probabilities[:, 1], 2)
    point = operating_point(asked, scores, target == 1)
    called = scores >= point.threshold
    assert (~called)[target == 0].mean() == point.specificity.value >= asked
    assert called[target == 1].mean() == point.sensitivity.value
    lower = max(scores[scores < point.threshold])
    assert (scores < lower)[target == 0].mean() < asked


@pytest.mark.parametrize("rows", [10, 20, 30, 50, 70, 100])
def test_a_tenth_of_the_negative_rows_may_be_called_however_it_is_rounded(rows):
    scores = np.arange(2.0 * rows)
    point = operating_point(0.9, scores, scores % 2 == 0)
    assert point.specificity.value == pytest.approx(0.9)


def test_where_ties_bar_every_threshold_no_row_is_called():
    point = operating_point(0.9, np.full(20, 0.5), np.arange(20) < 10)
    assert point.threshold is None
    assert (point.specificity.value, point.sensitivity.value) == (1, 0)


def test_the_cost_curve_is_the_lowest_line_of_all_thresholds_by_hand():
    scores = np.array([0.1, 0.4, 0.35, 0.8])
    probabilities = np.stack([1 - scores, scores], axis=1)
    costs = ranking(probabilities, np.array([0, 0, 1, 1]), ("no", "yes")).costs
    rates = [(0, 0), (0, 0.5), (0.5, 0.5), (0.5, 1), (1, 1)]  # false alarms, sensitivity
    for x, lowest, half in zip(costs.probability_cost, costs.lowest, costs.at_half, strict=True):
        assert lowest == pytest.approx(min((1 - s) * x + f * (1 - x) for f, s in rates))
        assert half == pytest.approx(0.5 * x)  # from 0.5 on: half of the positives, no alarm
    assert (costs.probability_cost[0], costs.probability_cost[-1]) == (0, 1)


def test_the_cost_of_a_ratio_is_the_mean_cost_of_a_row_over_that_of_all_wrong():
    probabilities, target = made(500, 2)
    for found in ranking(probabilities, target, ("no", "yes")).costs.ratios:
        called = probabilities[:, 1] > 1 / (1 + found.ratio)
        cost = np.where(target == 1, found.ratio * ~called, called)
        worst = np.where(target == 1, found.ratio, 1)
        assert found.cost.value == pytest.approx(cost.sum() / worst.sum())
        assert found.lowest <= found.cost.value <= found.trivial + 1e-9
    ratios = ranking(probabilities, target, ("no", "yes")).costs.ratios
    wrong = (probabilities.argmax(axis=1) != target).mean()
    assert ratios[0].cost.value == pytest.approx(wrong)
    assert [r.ratio for r in ratios] == [1, 5, 10]


def test_copies_of_rows_in_groups_say_no_more_than_the_rows(two):
    probabilities, target = two
    copied, rows = np.repeat(probabilities, 7, axis=0), np.arange(len(target))
    groups = np.repeat(rows, 7)
    grouped = evaluate("net", "ab", (copied, np.repeat(target, 7), groups))
    single = evaluate("net", "ab", (probabilities, target, rows))
    assert grouped.ranking.auc.low == pytest.approx(single.ranking.auc.low)
    assert grouped.ranking.auc.high == pytest.approx(single.ranking.auc.high)
    brier = grouped.calibration.brier, single.calibration.brier
    assert brier[0].low == pytest.approx(brier[1].low)
    free = evaluate("net", "ab", (copied, np.repeat(target, 7), None))
    for part in ("recall", "precision", "f1"):
        widths = [
            [getattr(c, part).high - getattr(c, part).low for c in found.classes]
            for found in (grouped, free)
        ]
        assert all(g > 2 * f for g, f in zip(*widths, strict=True))
    bins = zip(grouped.calibration.bins, free.calibration.bins, strict=True)
    assert all(g.observed.low <= f.observed.low for g, f in bins)
    points = grouped.ranking.at_specificity[0], free.ranking.at_specificity[0]
    assert points[0].sensitivity.low < points[1].sensitivity.low
    for say in (lambda r: r.ks, lambda r: r.costs.ratios[0].cost):
        wide, narrow = say(grouped.ranking), say(free.ranking)
        assert wide.value == narrow.value
        assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


@pytest.mark.parametrize("apart", [0.5, 1.5])
def test_intervals_of_ks_f1_and_cost_hold_the_truth_as_often_as_they_say(apart):
    """400 samples of 60 positive and 140 negative rows with normal scores, one of them moved.

    The bound is 4 standard errors of the share below 95 %. KS's is wider by design, for it is
    picked; that of two given shares would hold less often.
    """
    rng, held = np.random.default_rng(1), []
    target = np.repeat([1, 0], [60, 140])
    missed, alarmed = stats.norm.cdf(-apart / 2), stats.norm.sf(apart / 2)
    ks = 1 - missed - alarmed
    f1 = 2 * 0.3 * (1 - missed) / (0.3 + 0.3 * (1 - missed) + 0.7 * alarmed)
    cost = 0.3 * missed + 0.7 * alarmed  # a ratio of 1 calls from 0.5 on
    for _ in range(400):
        scores = rng.normal(np.where(target == 1, apart / 2, -apart / 2), 1)
        high = stats.norm.cdf(scores)
        probabilities = np.stack([1 - high, high], axis=1)
        found = evaluate("net", ("no", "yes"), (probabilities, target, None))
        intervals = found.ranking.ks, found.classes[1].f1, found.ranking.costs.ratios[0].cost
        pairs = zip(intervals, (ks, f1, cost), strict=True)
        held.append([i.low <= truth <= i.high for i, truth in pairs])
    shares = np.mean(held, axis=0)
    least = 0.95 - 4 * np.sqrt(0.95 * 0.05 / 400)
    assert (shares >= least).all(), shares
    assert (shares[1:] <= 1 - 4 / 400).all(), shares


def test_there_is_no_ranking_of_three_classes_nor_of_one():
    assert evaluate("net", "abc", (*made(50, 3), None)).ranking is None
    probabilities, _ = made(50, 2)
    assert evaluate("net", "ab", (probabilities, np.zeros(50, dtype=int), None)).ranking is None


def test_layers_are_counted_with_their_zeros_and_norms():
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), nn.Linear(2, 2))
    with torch.no_grad():
        network[0].weight.copy_(torch.tensor([[0.0, 3.0, 0.0], [4.0, 0.0, 0.0]]))
    first, second = weights_by_layer(network)
    assert (first.name, first.shape, first.weights, first.zeros) == ("0.weight", (2, 3), 6, 4)
    assert first.norm == 5
    assert second.name == "2.weight"
    assert second.norm == pytest.approx(float(network[2].weight.detach().norm()), rel=1e-6)


def test_the_members_of_a_mean_count_together():
    members = [nn.Linear(2, 1), nn.Linear(2, 1)]
    for member, weights in zip(members, ([[3.0, 0.0]], [[0.0, 4.0]]), strict=True):
        member.weight.data = torch.tensor(weights)
    (found,) = weights_by_layer(Ensemble(members))
    assert (found.name, found.shape, found.weights, found.zeros) == ("weight", (1, 2), 4, 2)
    assert found.norm == 5
