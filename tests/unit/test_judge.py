from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from fitwell.comparison.arms import BASELINE, COMPACTED, UNTREATED, plan_arms
from fitwell.comparison.judge import Contestant, Price, judge
from fitwell.comparison.resampled import Judged, Resamples

ROWS = 400


def contestant(name, rate, rng, target, seeds=3, *, alike=False):
    """Networks that are right with a probability, and equally sure each time."""
    right = rng.random((1 if alike else seeds, len(target))) < rate
    right = np.broadcast_to(right, (seeds, len(target)))
    said = np.where(right, target, 1 - target)
    probabilities = np.where(np.arange(2) == said[..., None], 0.8, 0.2)
    return Contestant(
        name=name,
        probabilities=probabilities,
        seeds=tuple(range(seeds)),
        price=Price(seconds=1.0, trainings=seeds, parameters=10),
        settings={},
    )


@pytest.fixture
def target():
    return np.random.default_rng(0).integers(0, 2, ROWS)


def arms_of(target, rates, seed=0):
    rng = np.random.default_rng(seed)
    made = [contestant(name, rate, rng, target) for name, rate in rates.items()]
    comparison = judge(made, target, None, 8)
    return made, {arm.name: arm for arm in comparison.arms}


def test_scores_and_differences_are_means_over_networks_and_rows(target):
    made, arms = arms_of(target, {UNTREATED: 0.7, BASELINE: 0.8, "treatment": 0.85})
    for one in made:
        accuracy = (one.probabilities.argmax(axis=2) == target).mean()
        assert arms[one.name].test.accuracy.value == pytest.approx(accuracy)
        assert arms[one.name].difference == pytest.approx(
            accuracy - arms[BASELINE].test.accuracy.value
        )
    untreated = next(d for d in arms["treatment"].against if d.baseline == UNTREATED)
    assert untreated.accuracy.value == pytest.approx(
        arms["treatment"].test.accuracy.value - arms[UNTREATED].test.accuracy.value
    )


def test_large_true_differences_are_called_better_and_worse(target):
    _, arms = arms_of(target, {UNTREATED: 0.6, BASELINE: 0.75, "treatment": 0.9})
    assert arms["treatment"].verdict == "better"
    assert arms[UNTREATED].verdict == "worse"
    assert arms[BASELINE].verdict == "baseline"


def test_p_values_are_holms_over_the_arms_that_are_not_the_baseline(target):
    rates = {UNTREATED: 0.7, BASELINE: 0.75, "a": 0.78, "b": 0.8, "c": 0.82}
    _, arms = arms_of(target, rates)
    rivals = [arm for name, arm in arms.items() if name != BASELINE]
    adjusted = multipletests([arm.p for arm in rivals], method="holm")[1]
    np.testing.assert_allclose([arm.p_adjusted for arm in rivals], adjusted)


def test_the_verdict_goes_by_the_adjusted_p_value(target):
    """Of many arms one is at 0.01 < p < 0.05 by luck: that is no claim."""
    rates = {BASELINE: 0.75, **{f"arm {i}": 0.75 for i in range(9)}}
    for seed in range(40):
        arms = [arm for arm in arms_of(target, rates, seed)[1].values() if arm.name != BASELINE]
        lucky = [arm for arm in arms if arm.p < 0.05 <= arm.p_adjusted]
        if lucky:
            break
    assert lucky
    assert {arm.verdict for arm in lucky} == {"no difference shown"}


def test_the_same_networks_under_another_name_show_no_difference(target):
    rng = np.random.default_rng(0)
    base = contestant(BASELINE, 0.8, rng, target)
    comparison = judge([base, replace(base, name="twin")], target, None, 8)
    twin = comparison.arms[1]
    assert (twin.difference, twin.low, twin.high) == (0, 0, 0)
    assert twin.p == twin.p_adjusted == 1
    assert twin.verdict == "no difference shown"


def test_grouped_rows_widen_the_interval(target):
    """Ten copies of each row are one row: the interval must not shrink with copies."""
    rng = np.random.default_rng(0)
    small = target[:40]
    rates = {BASELINE: 0.7, "treatment": 0.8}
    pair = [contestant(n, rate, rng, small, alike=True) for n, rate in rates.items()]
    copies = [replace(c, probabilities=np.repeat(c.probabilities, 10, axis=1)) for c in pair]
    groups = np.repeat(np.arange(40), 10)
    honest = judge(pair, small, None, 8).arms[1]
    grouped = judge(copies, np.repeat(small, 10), groups, 8).arms[1]
    fooled = judge(copies, np.repeat(small, 10), None, 8).arms[1]
    width = honest.high - honest.low
    assert grouped.high - grouped.low == pytest.approx(width, rel=0.05)
    assert fooled.high - fooled.low < 0.8 * width


def test_balanced_accuracy_is_the_mean_recall(target):
    lazy = np.zeros((1, ROWS, 2))
    lazy[..., 0] = 1
    lazy_arm = Contestant(
        name=BASELINE, probabilities=lazy, seeds=(0,), settings={},
        price=Price(seconds=1, trainings=1, parameters=1),
    )  # fmt: skip
    scores = judge([lazy_arm], target, None, 1).arms[0].test
    assert scores.balanced_accuracy.value == pytest.approx(0.5)
    assert scores.accuracy.value == pytest.approx(np.mean(target == 0))


def test_tune_has_the_arms_it_needs_and_compare_adds_the_rivals():
    tune = [arm.name for arm in plan_arms("tune", batch_norm=False, scalable=True)]
    compare = [arm.name for arm in plan_arms("compare", batch_norm=False, scalable=True)]
    assert tune == [
        "untreated", "early stopping", "larger training share", "treatment", "treatment, refitted",
    ]  # fmt: skip
    assert set(compare) - set(tune) == {"more shuffling", "smaller network"}
    own = [arm.name for arm in plan_arms("compare", batch_norm=False, scalable=False)]
    assert set(compare) - set(own) == {"smaller network"}


def test_the_treatments_bag_is_held_against_the_bag_of_early_stopping_too(target):
    rates = {UNTREATED: 0.7, BASELINE: 0.8, "early stopping, bag": 0.82, "treatment, bag": 0.85}
    made, arms = arms_of(target, rates)
    said = {one.name: one.probabilities for one in made}
    assert [d.baseline for d in arms["treatment, bag"].against] == [
        BASELINE, UNTREATED, "early stopping, bag",
    ]  # fmt: skip
    assert [d.baseline for d in arms["early stopping, bag"].against] == [BASELINE, UNTREATED]
    third = arms["treatment, bag"].against[2]
    right = {n: np.take_along_axis(p, target[None, :, None], 2) for n, p in said.items()}
    gain = np.log(right["early stopping, bag"]) - np.log(right["treatment, bag"])
    assert third.log_loss.value == pytest.approx(gain.mean())
    assert third.log_loss.low < third.log_loss.value < third.log_loss.high
    hits = {n: (p.argmax(axis=2) == target).mean() for n, p in said.items()}
    assert third.accuracy.value == pytest.approx(
        hits["treatment, bag"] - hits["early stopping, bag"]
    )


def resamples(gains, train_rows=80, test_rows=20):
    """Resamples where early stopping is right 70 times of 100 and the others by so much more."""
    judged = [
        Judged(
            accuracy={UNTREATED: 0.6, BASELINE: 0.7, **{n: 0.7 + g[k] for n, g in gains.items()}},
            log_loss={UNTREATED: 0.9, BASELINE: 0.8, **{n: 0.8 - g[k] for n, g in gains.items()}},
            train_rows=train_rows,
            test_rows=test_rows,
        )
        for k in range(len(next(iter(gains.values()))))
    ]
    return Resamples(judged)


def test_resamples_decide_where_there_are_any(target):
    gains = {"treatment": (0.02, 0.03, 0.05, 0.04), "smaller network": (-0.02, 0.03, 0.05, -0.04)}
    rng = np.random.default_rng(0)
    rates = {UNTREATED: 0.6, BASELINE: 0.7, "treatment": 0.7, "smaller network": 0.95}
    made = [contestant(name, rate, rng, target) for name, rate in rates.items()]
    comparison = judge(made, target, None, 8, resamples(gains))
    arms = {arm.name: arm for arm in comparison.arms}
    treated = arms["treatment"]
    # By hand, after Nadeau and Bengio: (1/J + n2/n1) s².
    error = np.sqrt((1 / 4 + 20 / 80) * np.var(gains["treatment"], ddof=1))
    reach = stats.t.ppf(0.975, 3) * error
    assert treated.difference == pytest.approx(0.035)
    assert (treated.low, treated.high) == pytest.approx((0.035 - reach, 0.035 + reach))
    assert treated.p == pytest.approx(2 * stats.t.sf(0.035 / error, 3))
    assert treated.by_resample == pytest.approx(gains["treatment"])
    against = {d.baseline: d for d in treated.resampled}
    assert against[UNTREATED].accuracy.value == pytest.approx(0.135)
    assert against[BASELINE].log_loss.value == pytest.approx(-0.035)
    # What the test rows say is shown, but it is not what the verdict is by.
    assert arms["smaller network"].verdict == "no difference shown"
    assert (
        next(d for d in arms["smaller network"].against if d.baseline == BASELINE).accuracy.low > 0
    )
    assert (comparison.resamples, comparison.resample_train, comparison.resample_test) == (
        4,
        80,
        20,
    )


def test_an_arm_that_repeats_another_makes_no_claim_of_its_own(target):
    gains = {"treatment": (0.02, 0.03, 0.05, 0.04), "more shuffling": (0.01, -0.01, 0.02, 0.0)}
    twice = {**gains, COMPACTED: gains["treatment"]}
    rng = np.random.default_rng(0)
    made = [contestant(n, 0.7, rng, target) for n in (UNTREATED, BASELINE, *twice)]
    alone = judge(made[:-1], target, None, 8, resamples(gains)).arms
    whole = judge(made, target, None, 8, resamples(twice)).arms
    assert [arm.p_adjusted for arm in whole[:-1]] == [arm.p_adjusted for arm in alone]
    assert whole[-1].p_adjusted == whole[2].p_adjusted


def test_mcnemars_test_is_of_the_first_networks_alone(target):
    rng = np.random.default_rng(1)
    made = [contestant(BASELINE, 0.7, rng, target), contestant("treatment", 0.8, rng, target)]
    arm = judge(made, target, None, 8).arms[1]
    first, second = ((c.probabilities[0].argmax(axis=1) == target) for c in made)
    table = [[0, (first & ~second).sum()], [(second & ~first).sum(), 0]]
    assert arm.mcnemar_p == pytest.approx(mcnemar(table, exact=True).pvalue)
