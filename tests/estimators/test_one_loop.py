"""The estimators train by the one loop, and reach the known optimum of linear models."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, Ridge
from torch import nn

import fitwell.estimators.base
from fitwell import FitwellClassifier, FitwellRegressor
from fitwell.data.splits import stratified
from fitwell.errors import TrainingFailed
from fitwell.models.blueprint import Blueprint
from fitwell.recipe import Recipe
from fitwell.task import Material
from fitwell.training.loop import train


@pytest.fixture(scope="module")
def classes():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 5)).astype(np.float32)
    return x, (x[:, :3] + rng.normal(size=(200, 3))).argmax(axis=1)


@pytest.fixture(scope="module")
def numbers():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(150, 4)) * [1, 2, 0.5, 1]
    return x, 30 + 7 * (x @ [1.0, -1.0, 2.0, 0.0]) + rng.normal(0, 5, size=150)


@pytest.fixture
def materials(monkeypatch):
    """What the loop is given, in the order of the trainings."""
    seen = []

    def spy(material, recipe, seed, **options):
        seen.append(material)
        return train(material, recipe, seed, **options)

    monkeypatch.setattr(fitwell.estimators.base, "train", spy)
    return seen


def test_the_weights_are_those_of_the_loop_bit_for_bit(classes):
    x, y = classes
    settings = {"epochs": 8, "l1": 0.02, "l2": 1e-3, "dropout": 0.2, "patience": 3}
    settings |= {"learning_rate": 0.01, "class_weights": "balanced"}
    fitted = FitwellClassifier(widths=(16,), random_state=5, **settings).fit(x, y)
    held = stratified(y, 0.2, 5)
    material = Material(
        train_x=x[~held],
        train_y=y[~held],
        validation_x=x[held],
        validation_y=y[held],
        outputs=3,
        blueprint=Blueprint(kind="mlp", widths=(16,)),
    )
    outcome = train(material, Recipe(**settings, batch_size=32, early_stopping=True), seed=5)
    for name, value in fitted.module_.state_dict().items():
        assert np.array_equal(value.numpy(), outcome.weights[name])
    assert fitted.loss_curve_ == outcome.train_log_loss
    assert fitted.validation_loss_curve_ == outcome.validation_log_loss
    assert (fitted.best_epoch_, fitted.n_iter_) == (outcome.best_epoch, outcome.epochs)
    assert fitted.zeros_ == outcome.zeros > 0


def test_rows_set_aside_stop_the_training_and_do_nothing_else(classes):
    x, y = classes
    held = stratified(y, 0.2, 0)
    other = y.copy()
    other[held] = (y[held] + 1) % 3
    make = FitwellClassifier(widths=(8,), epochs=12, random_state=0)
    # Other classes are other strata, so the same rows are set aside by force.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fitwell.estimators.base, "stratified", lambda *_: held)
        first, second = clone(make).fit(x, y), clone(make).fit(x, other)
    both = min(first.n_iter_, second.n_iter_)
    assert first.loss_curve_[:both] == second.loss_curve_[:both]
    assert first.validation_loss_curve_[0] != second.validation_loss_curve_[0]


def test_each_class_has_its_share_of_the_rows_set_aside(materials):
    y = np.repeat([0, 1, 2], [100, 30, 10])
    x = np.random.default_rng(0).normal(size=(140, 2))
    FitwellClassifier(widths=(4,), epochs=1, random_state=0).fit(x, y)
    assert list(np.bincount(materials[0].validation_y)) == [20, 6, 2]
    FitwellClassifier(widths=(4,), epochs=1, early_stopping=False, random_state=0).fit(x, y)
    assert list(np.bincount(materials[1].train_y)) == [100, 30, 10]
    assert len(materials[1].validation_y) == 0


def test_a_regression_is_trained_on_the_target_standardized_by_its_training_rows(
    materials, numbers
):
    x, y = numbers
    fitted = FitwellRegressor(widths=(4,), epochs=1, random_state=0).fit(x, y)
    (material,) = materials
    assert len(material.train_y) == 120
    assert material.train_y.mean() == pytest.approx(0, abs=1e-6)
    assert material.train_y.std() == pytest.approx(1, abs=1e-6)
    given = np.concatenate([material.train_y, material.validation_y]).astype(np.float64)
    restored = given * fitted.target_scale_ + fitted.target_mean_
    np.testing.assert_allclose(np.sort(restored), np.sort(y), atol=1e-4)  # float32


def test_a_drawn_seed_is_kept_and_gives_the_same_network_again(classes):
    x, y = classes
    make = FitwellClassifier(widths=(8,), epochs=3)
    first, second = clone(make).fit(x, y), clone(make).fit(x, y)
    assert first.seed_ != second.seed_
    again = clone(make).set_params(random_state=first.seed_).fit(x, y)
    assert np.array_equal(again.predict_proba(x), first.predict_proba(x))
    generators = [clone(make).set_params(random_state=np.random.RandomState(3)) for _ in "ab"]
    assert generators[0].fit(x, y).seed_ == generators[1].fit(x, y).seed_


LINEAR = {
    "model": nn.Linear,
    "epochs": 800,
    "batch_size": 1000,
    "learning_rate": 0.05,
    "schedule": "flat-cosine",
    "early_stopping": False,
    "random_state": 0,
}


@pytest.mark.parametrize("weighted", [False, True])
def test_without_hidden_layer_a_regressor_is_ridge_with_alpha_of_l2_times_rows(numbers, weighted):
    x, y = numbers
    weights = np.random.default_rng(2).uniform(0.1, 5, len(y)) if weighted else None
    total = len(y) if weights is None else weights.sum()
    ours = FitwellRegressor(**LINEAR, l2=0.2).fit(x, y, sample_weight=weights)
    theirs = Ridge(alpha=0.2 * total).fit(x, y, sample_weight=weights)
    # The training runs in float32; predictions here are of the size of 30.
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x), atol=1e-3)
    slope = ours.module_.weight.detach().numpy()[0] * ours.target_scale_
    np.testing.assert_allclose(slope, theirs.coef_, atol=1e-4)
    assert abs(theirs.coef_ - Ridge(alpha=1e-9).fit(x, y).coef_).max() > 0.5  # l2 matters here


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("last", "factor"), [(2, 2), (1, 1)])
def test_without_hidden_layer_a_classifier_is_logistic_regression(classes, weighted, last, factor):
    x, y = classes[0], np.minimum(classes[1], last)
    weights = np.random.default_rng(2).uniform(0.1, 5, len(y)) if weighted else None
    total = len(y) if weights is None else weights.sum()
    ours = FitwellClassifier(**LINEAR, l2=0.02).fit(x, y, sample_weight=weights)
    theirs = LogisticRegression(C=1 / (factor * 0.02 * total), tol=1e-8)
    theirs.fit(x.astype(np.float64), y, sample_weight=weights)
    expected = theirs.predict_proba(x.astype(np.float64))
    np.testing.assert_allclose(ours.predict_proba(x), expected, atol=1e-4)  # float32


def test_a_loss_that_is_not_finite_is_a_failed_training(numbers):
    with pytest.raises(TrainingFailed, match="the loss became"):
        FitwellRegressor(widths=(8,), learning_rate=1e30, random_state=0).fit(*numbers)


def test_all_rows_takes_the_weights_of_both_parts():
    weights = np.array([0.5, 1.5], dtype=np.float32)
    x, y = np.eye(2, dtype=np.float32), np.array([0, 1])
    material = Material(
        train_x=x,
        train_y=y,
        validation_x=x,
        validation_y=y,
        outputs=2,
        blueprint=Blueprint(kind="mlp"),
        train_weights=weights,
        validation_weights=weights[::-1],
    )
    together = material.all_rows()
    assert list(together.train_weights) == [0.5, 1.5, 1.5, 0.5]
    assert together.validation_weights is None
    assert replace(material, train_weights=None, validation_weights=None).all_rows() is not None
