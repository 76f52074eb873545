import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from fitwell.data.tables import make_table
from fitwell.diagnosis import gap, overtraining, underfitting
from fitwell.diagnosis.gap import check_gap, check_gap_log_loss, state
from fitwell.diagnosis.overtraining import check_overtraining
from fitwell.diagnosis.verdict import DATA, TREAT, decide
from fitwell.results import Evidence, Interval
from fitwell.runs.launch import make_task
from fitwell.runs.question import Question


def sure(right, classes=2):
    """Probabilities that are right, or wrong, in the given rows; the target is 0."""
    return np.where(right[:, None], [0.9, 0.1], [0.1, 0.9])


def made(train_right, test_right):
    """A state with so many right of so many rows on each side."""
    parts = []
    for right, rows in (train_right, test_right):
        hits = np.arange(rows) < right
        parts.append((sure(hits), np.zeros(rows, dtype=np.int64), None))
    return state("untreated", *parts)


def item(check, finding, value=0.0, low=-0.1, high=0.1):
    return Evidence(check=check, finding=finding, value=value, low=low, high=high, threshold=0.0)


def test_scores_are_those_of_scikit_learn():
    found = made((95, 100), (140, 200))
    assert found.train.accuracy.value == pytest.approx(0.95)
    assert found.test.accuracy.value == pytest.approx(0.70)
    assert found.gap.value == pytest.approx(0.25)
    target = np.zeros(200)
    target[140:] = 1  # the same as being wrong there
    assert found.test.log_loss.value == pytest.approx(
        log_loss(target, np.tile([0.9, 0.1], (200, 1)))
    )
    assert found.gap_log_loss.value == pytest.approx(
        found.test.log_loss.value - found.train.log_loss.value
    )


@pytest.mark.parametrize(
    ("train", "test", "verdict", "severity"),
    [
        ((1000, 1000), (700, 1000), "overfitting", "severe"),
        ((1000, 1000), (850, 1000), "overfitting", "moderate"),
        ((1000, 1000), (950, 1000), "overfitting", "mild"),
        ((9000, 10000), (8990, 10000), "healthy", "none"),
        ((90, 100), (17, 20), "undecided", "none"),
    ],
)
def test_the_verdict_follows_the_interval_of_the_gap(train, test, verdict, severity):
    found = made(train, test)
    diagnosis = decide([check_gap(found), check_gap_log_loss(found)])
    assert (diagnosis.verdict, diagnosis.severity) == (verdict, severity)
    assert diagnosis.advice


@pytest.mark.parametrize(("right", "left"), [(700, (DATA,)), (950, ())])
def test_a_run_that_tunes_does_not_advise_to_tune(right, left):
    evidence = [check_gap(made((1000, 1000), (right, 1000)))]
    assert decide(evidence).advice == (TREAT, *left)
    assert decide(evidence, treated=True).advice == left


def test_a_gap_of_exactly_twenty_points_is_severe():
    found = made((10000, 10000), (8000, 10000))
    assert decide([check_gap(found)]).severity == "severe"


def test_a_loss_that_rose_is_overfitting_even_where_accuracy_does_not_show_it():
    evidence = [
        item("gap in accuracy", gap.OPEN),
        item("gap in log-loss", gap.LOSS_REAL),
        item("rise of the validation loss", overtraining.RISES),
    ]
    assert (decide(evidence).verdict, decide(evidence).severity) == ("overfitting", "mild")
    evidence[2] = item("rise of the validation loss", overtraining.FLAT)
    assert decide(evidence).verdict == "undecided"


def test_a_network_worse_than_a_linear_model_on_its_own_rows_underfits():
    evidence = [
        item("gap in accuracy", gap.SMALL),
        item("training loss above a linear model's", underfitting.WORSE),
    ]
    assert decide(evidence).verdict == "underfitting"


def test_overfitting_goes_before_underfitting():
    evidence = [
        item("gap in accuracy", gap.REAL, value=0.3),
        item("training loss above a linear model's", underfitting.WORSE),
    ]
    assert decide(evidence).verdict == "overfitting"


def test_a_rise_of_the_validation_loss_is_measured_row_by_row():
    rng = np.random.default_rng(0)
    best = rng.exponential(size=500)
    rising = check_overtraining(best + 0.1 + 0.01 * rng.normal(size=500), best, None)
    assert rising.finding == overtraining.RISES
    assert rising.value == pytest.approx(0.1, abs=0.005)
    noise = check_overtraining(best + rng.normal(size=500), best, None)
    assert noise.finding == overtraining.FLAT


def test_no_gap_is_called_overfitting_in_at_most_its_share_of_test_parts():
    """True gap at the tolerance: the bound is the promised share plus three standard errors."""
    rng = np.random.default_rng(0)
    runs, called = 400, 0
    for _ in range(runs):
        train, test = rng.binomial(3000, 0.90), rng.binomial(1000, 0.88)
        found = made((train, 3000), (test, 1000))
        called += decide([check_gap(found)]).verdict == "overfitting"
    assert called / runs <= 0.025 + 3 * (0.025 * 0.975 / runs) ** 0.5


def test_a_real_gap_is_found():
    rng = np.random.default_rng(0)
    found = sum(
        decide([check_gap(made((rng.binomial(3000, 0.95), 3000), (rng.binomial(1000, 0.88), 1000)))])
        .verdict == "overfitting"
        for _ in range(100)
    )  # fmt: skip
    assert found >= 90


def test_the_linear_reference_is_logistic_regressions_in_double_precision():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 4)).astype(np.float32)
    y = (x[:, 0] + rng.normal(size=300) > 0).astype(np.int64)
    doubles = x.astype(np.float64)
    expected = LogisticRegression(max_iter=200).fit(doubles, y).predict_proba(doubles)
    found = underfitting._reference(x, y, np.ones(300), 2)
    # One fitted in float32 is 7e-8 away.
    assert found.mean() == pytest.approx(log_loss(y, expected), rel=1e-13)


def test_weighted_rows_count_by_their_class_on_both_sides():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 4)).astype(np.float32)
    y = (x[:, 0] + rng.normal(size=400) > 1.2).astype(np.int64)
    frame = pd.DataFrame(x).add_prefix("x").assign(bought=y)
    task = make_task(Question(verb="diagnose", widths=(4,)), make_table(frame, "bought"))
    seen, target = task.material.train_x, task.material.train_y
    own = np.full((len(target), 2), 0.5)
    weights = np.array([0.6, 2.5])
    found = underfitting.check_underfitting(task, own, weights.astype(np.float32), 0)
    row = weights[target]
    linear = LogisticRegression(max_iter=200).fit(seen, target, sample_weight=row)
    expected = np.log(2) * row.mean() - row.mean() * log_loss(
        target, linear.predict_proba(seen), sample_weight=row
    )
    assert found.value == pytest.approx(expected, rel=1e-3)


def test_intervals_hold_their_value():
    for found in (made((95, 100), (70, 100)), made((100, 100), (0, 100))):
        for interval in (found.gap, found.gap_log_loss, found.test.accuracy, found.test.log_loss):
            assert isinstance(interval, Interval)
            assert interval.low <= interval.value <= interval.high
