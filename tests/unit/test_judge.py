from dataclasses import replace

import numpy as np
import pytest
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

from fitwell.comparison.arms import BASELINE, COMPACTED, UNTREATED, plan_arms
from fitwell.comparison.judge import Contestant, Price, judge
from fitwell.comparison.resampled import Judged, Resamples
from fitwell.statistics import clustered_difference, resampled_difference

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


def resamples(gains, train_rows=400, test_rows=100):
    """Resamples where early stopping is right 70 times of 100 and the others by so much more."""
    count = len(next(iter(gains.values())))
    rates = {UNTREATED: [0.6] * count, BASELINE: [0.7] * count}
    rates |= {name: [0.7 + gain for gain in found] for name, found in gains.items()}
    judged = []
    for k in range(count):
        correct = {
            name: (np.arange(test_rows) < round(rate[k] * test_rows)).astype(float)
            for name, rate in rates.items()
        }
        judged.append(
            Judged(
                correct=correct,
                losses={name: 0.5 - right for name, right in correct.items()},
                units=np.arange(test_rows) + k,  # the next resample shares all rows but one
                train_rows=train_rows,
            )
        )
    return Resamples(judged)


def test_resamples_decide_where_there_are_any(target):
    gains = {"treatment": (0.02, 0.03, 0.05, 0.04), "smaller network": (-0.02, 0.03, 0.05, -0.04)}
    rng = np.random.default_rng(0)
    rates = {UNTREATED: 0.6, BASELINE: 0.7, "treatment": 0.7, "smaller network": 0.95}
    made = [contestant(name, rate, rng, target) for name, rate in rates.items()]
    over = resamples(gains)
    comparison = judge(made, target, None, 8, over)
    arms = {arm.name: arm for arm in comparison.arms}
    treated = arms["treatment"]
    gain = over.gain("treatment", BASELINE)
    assert treated.difference == pytest.approx(0.035)
    assert (treated.low, treated.high, treated.p) == (gain.interval.low, gain.interval.high, gain.p)
    assert treated.low < 0.035 < treated.high
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
        400,
        100,
    )


def test_a_claim_needs_the_corrected_t_test_and_the_clusters_both():
    over = resamples({"equal": (0.05, 0.05, 0.05, 0.04), "unequal": (0.0, 0.3, 0.0, 0.29)})
    for name in ("equal", "unequal"):
        rows = [one.correct[name] - one.correct[BASELINE] for one in over.judged]
        clustered = clustered_difference(rows, [one.units for one in over.judged])
        corrected = resampled_difference(
            np.array([d.mean() for d in rows]), train_rows=400, test_rows=100
        )
        found = over.gain(name, BASELINE)
        assert found.interval == clustered.interval
        assert found.p == max(clustered.p, corrected.p)
        # Four gains that are equal by luck are no proof, nor are rows that are won by two nets.
        assert (clustered.p > corrected.p) == (name == "equal")


def test_an_arm_that_repeats_another_makes_no_claim_of_its_own(target):
    gains = {"treatment": (0.02, 0.03, 0.05, 0.04), "more shuffling": (0.01, -0.01, 0.02, 0.0)}
    twice = {**gains, COMPACTED: gains["treatment"]}
    rng = np.random.default_rng(0)
    made = [contestant(n, 0.7, rng, target) for n in (UNTREATED, BASELINE, *twice)]
    alone = judge(made[:-1], target, None, 8, resamples(gains)).arms
    whole = judge(made, target, None, 8, resamples(twice)).arms
    assert [arm.p_adjusted for arm in whole[:-1]] == [arm.p_adjusted for arm in alone]
    assert whole[-1].p_adjusted == whole[2].p_adjusted


def test_the_treatment_is_tested_against_each_other_action(target):
    gains = {
        "more shuffling": (0.0, 0.01, 0.0, 0.01),
        "treatment": (0.2, 0.21, 0.19, 0.2),
        "treatment with batch norm": (0.1, 0.1, 0.12, 0.1),
        "smaller network": (0.05, 0.04, 0.05, 0.04),
        "mine": (0.2, 0.22, 0.19, 0.2),
    }
    rng = np.random.default_rng(0)
    made = [contestant(n, 0.7, rng, target) for n in (UNTREATED, BASELINE, *gains)]
    over = resamples(gains, train_rows=4000, test_rows=1000)
    contests = judge(made, target, None, 8, over).contests
    assert [c.rival for c in contests] == ["more shuffling", "smaller network", "mine"]
    assert [c.verdict for c in contests] == ["better", "better", "no difference shown"]
    assert contests[1].accuracy == over.gain("treatment", "smaller network").interval
    assert contests[1].log_loss.value == pytest.approx(-0.155)
    _, adjusted, *_ = multipletests([c.p for c in contests], method="holm")
    assert [c.p_adjusted for c in contests] == pytest.approx(list(adjusted))
    # Without resamples the test rows decide; without a treatment there is nothing to hold.
    on_test = judge(made, target, None, 8).contests[1]
    hits = [(c.probabilities.argmax(axis=2) == target).mean() for c in made]
    assert on_test.accuracy.value == pytest.approx(hits[3] - hits[5])
    assert judge(made[:2], target, None, 8).contests == ()


def test_mcnemars_test_is_of_the_first_networks_alone(target):
    rng = np.random.default_rng(1)
    made = [contestant(BASELINE, 0.7, rng, target), contestant("treatment", 0.8, rng, target)]
    arm = judge(made, target, None, 8).arms[1]
    first, second = ((c.probabilities[0].argmax(axis=1) == target) for c in made)
    table = [[0, (first & ~second).sum()], [(second & ~first).sum(), 0]]
    assert arm.mcnemar_p == pytest.approx(mcnemar(table, exact=True).pvalue)
