"""A row of weight w stands for w rows; one of weight zero is not there."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from fitwell import FitwellClassifier, FitwellRegressor
from fitwell.training.loss import Loss, Part

# Everything in one batch and nothing set aside, so that nothing is drawn but first weights.
FULL = {
    "widths": (16,),
    "epochs": 60,
    "batch_size": 10_000,
    "learning_rate": 0.01,
    "early_stopping": False,
    "random_state": 0,
}
KINDS = [FitwellClassifier, FitwellRegressor]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 4))
    y = (x[:, 0] + rng.normal(size=60) > 0.5).astype(np.int64)
    return x, y, rng.integers(0, 5, size=60)


def answer(fitted, x):
    return fitted.predict_proba(x) if hasattr(fitted, "predict_proba") else fitted.predict(x)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("l2", [0.0, 0.01])
def test_whole_weights_equal_repeated_rows(kind, l2, rows):
    x, y, weights = rows
    weighted = kind(**FULL, l2=l2).fit(x, y, sample_weight=weights)
    repeated = kind(**FULL, l2=l2).fit(np.repeat(x, weights, 0), np.repeat(y, weights))
    # 60 steps in float32, summed in another order.
    np.testing.assert_allclose(answer(weighted, x), answer(repeated, x), rtol=1e-4, atol=1e-5)
    for ours, theirs in zip(
        weighted.module_.parameters(), repeated.module_.parameters(), strict=True
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)
    assert weighted.loss_curve_[-1] == pytest.approx(repeated.loss_curve_[-1], rel=1e-4)
    unweighted = kind(**FULL, l2=l2).fit(x, y)
    assert abs(answer(weighted, x) - answer(unweighted, x)).max() > 0.05


def test_balanced_classes_count_repeated_rows_too(rows):
    x, y, weights = rows
    settings = {**FULL, "class_weights": "balanced"}
    weighted = FitwellClassifier(**settings).fit(x, y, sample_weight=weights)
    repeated = FitwellClassifier(**settings).fit(np.repeat(x, weights, 0), np.repeat(y, weights))
    np.testing.assert_allclose(answer(weighted, x), answer(repeated, x), rtol=1e-4, atol=1e-5)


def test_balanced_classes_are_a_weight_by_row(rows):
    x, y, _ = rows
    by_row = len(y) / (2 * np.bincount(y))[y]
    ours = FitwellClassifier(**FULL, class_weights="balanced").fit(x, y)
    same = FitwellClassifier(**FULL).fit(x, y, sample_weight=by_row)
    np.testing.assert_allclose(answer(ours, x), answer(same, x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("early_stopping", [False, True])
def test_a_row_of_weight_zero_is_not_there_even_in_small_batches(kind, early_stopping, rows):
    x, y, _ = rows
    kept = np.arange(60) % 4 > 0
    settings = {**FULL, "batch_size": 8, "early_stopping": early_stopping, "epochs": 10}
    weighted = kind(**settings).fit(x, y, sample_weight=kept.astype(float))
    absent = kind(**settings).fit(x[kept], y[kept])
    assert np.array_equal(answer(weighted, x), answer(absent, x))


@pytest.mark.parametrize("kind", KINDS)
def test_only_ratios_of_weights_matter_and_equal_weights_are_none(kind, rows):
    x, y, weights = rows
    settings = {**FULL, "batch_size": 8, "early_stopping": True, "epochs": 10}
    one = answer(kind(**settings).fit(x, y, sample_weight=weights), x)
    ten = answer(kind(**settings).fit(x, y, sample_weight=weights * 8), x)
    assert np.array_equal(one, ten)
    none = answer(kind(**settings).fit(x, y), x)
    assert np.array_equal(none, answer(kind(**settings).fit(x, y, sample_weight=np.full(60, 3)), x))
    assert np.array_equal(none, answer(kind(**settings).fit(x, y, sample_weight=2.0), x))


def test_rows_set_aside_count_by_their_weights(rows):
    """Nearly all weight on rows of target 1: they are what the mean and the loss are of."""
    x, y, _ = rows
    settings = {**FULL, "early_stopping": True, "patience": 60}
    plain = FitwellRegressor(**settings).fit(x, y)
    weights = np.where(y == 1, 1.0, 1e-3)
    heavy = FitwellRegressor(**settings).fit(x, y, sample_weight=weights)
    assert heavy.target_mean_ > 0.99
    assert heavy.target_mean_ > plain.target_mean_
    classifier = FitwellClassifier(**settings).fit(x, y, sample_weight=weights)
    # Nearly all weight is on one class, so a constant answer is nearly without loss.
    assert classifier.validation_loss_curve_[-1] < 0.2


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.zeros(60), "sample_weight goes from 0 to 0, but numbers from 0 up are expected, and not all of them zero."),
        (np.linspace(-1, 1, 60), "sample_weight goes from -1 to 1, but numbers from 0 up are expected, and not all of them zero."),
        (np.ones(59), "sample_weight has shape (59,), but one number for each of the 60 rows is expected."),
    ],
)  # fmt: skip
def test_weights_that_cannot_be_used_are_refused(weights, message, rows):
    with pytest.raises(ValueError, match="sample_weight") as caught:
        FitwellRegressor(**FULL).fit(*rows[:2], sample_weight=weights)
    assert str(caught.value) == message


def make_part(weights, y):
    return Part(torch.zeros(len(y), 1), y, None if weights is None else torch.tensor(weights))


def test_the_loss_of_a_batch_by_hand():
    outputs = torch.tensor([[1.0], [3.0]])
    rows = make_part(None, torch.tensor([0.0, 1.0]))
    loss = Loss("squared-error")
    assert loss.of_rows(outputs, rows).tolist() == [1.0, 4.0]
    assert loss.of_batch(outputs, rows) == 2.5
    assert loss.of_batch(outputs, make_part([0.5, 1.5], rows.y)) == 3.25


def test_the_loss_of_classes_is_torchs_own():
    outputs = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    y, by_class = torch.tensor([0, 1, 2, 2, 0]), torch.tensor([1.0, 2.0, 3.0])
    rows = make_part(None, y)
    assert Loss("cross-entropy").of_batch(outputs, rows) == F.cross_entropy(outputs, y)
    weighted = F.cross_entropy(outputs, y, weight=by_class)
    assert Loss("cross-entropy", by_class).of_batch(outputs, rows) == weighted
    both = Loss("cross-entropy", by_class).of_rows(outputs, make_part([2.0] * 5, y))
    single = F.cross_entropy(outputs, y, reduction="none")
    torch.testing.assert_close(both, 2 * by_class[y] * single)


def test_batches_of_weighted_rows_average_to_the_whole():
    """A batch of light rows alone must stay light: it is not divided by its own weights."""
    outputs = torch.randn(8, 3, generator=torch.Generator().manual_seed(0))
    y = torch.arange(8) % 3
    weights = [0.01, 0.01, 0.01, 0.01, 3.98, 0.01, 3.96, 0.01]
    rows, loss = make_part(weights, y), Loss("cross-entropy")
    parts = [
        loss.of_batch(outputs[i : i + 2], rows.take(torch.arange(i, i + 2))) for i in (0, 2, 4, 6)
    ]
    torch.testing.assert_close(torch.stack(parts).mean(), loss.of_batch(outputs, rows))
    assert parts[0] < 0.1
