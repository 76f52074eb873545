"""An optimizer and a loss of the user's own, against a loop written by hand and torch's own."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import fitwell
from fitwell.models.blueprint import Blueprint
from fitwell.own.given import own
from fitwell.own.loss import OwnLoss
from fitwell.population.layout import way_of
from fitwell.recipe import Recipe
from fitwell.remedies.shuffling import batches, order_of
from fitwell.training.loop import train
from fitwell.training.outcome import Job
from fitwell.training.workers import Crew
from material import make_material

RECIPE = Recipe(epochs=4, batch_size=32, learning_rate=0.05)
MOMENTUM = own(torch.optim.SGD, {"momentum": 0.9, "nesterov": True}).optimizer
QUICK = {"trials": 3, "epochs": 4, "seeds": 2, "workers": 1}


def focal(outputs, targets):
    """Lin et al., ICCV 2017, with gamma 2."""
    losses = F.cross_entropy(outputs, targets, reduction="none")
    return (1 - torch.exp(-losses)) ** 2 * losses


def plain(outputs, targets):
    return F.cross_entropy(outputs, targets, reduction="none")


def material(loss="cross-entropy", activation="gelu"):
    blueprint = Blueprint(kind="mlp", widths=(16,), activation=activation)
    return replace(make_material(), blueprint=blueprint, loss=loss)


def by_hand(given, optimizer, loss, seed=3):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        net = nn.Sequential(nn.Linear(7, 16), nn.GELU(), nn.Linear(16, 3))
    stepper = optimizer(net.parameters())
    x, y = torch.from_numpy(given.train_x), torch.from_numpy(given.train_y)
    for epoch in range(1, 5):
        for batch in batches(len(x), 32, "reshuffle", order_of(seed, epoch)):
            stepper.zero_grad()
            loss(net(x[batch]), y[batch]).backward()
            stepper.step()
    return net.state_dict()


def same(weights, expected):
    for name, value in expected.items():
        # float32: the gradient is summed in another order.
        np.testing.assert_allclose(weights[name], value.numpy(), rtol=1e-5, atol=1e-6)


def test_sgd_with_momentum_equals_a_loop_written_by_hand():
    outcome = train(material(), replace(RECIPE, optimizer=MOMENTUM), seed=3)
    expected = by_hand(
        material(),
        lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9, nesterov=True),
        F.cross_entropy,
    )
    same(outcome.weights, expected)


def test_a_focal_loss_equals_a_loop_written_by_hand():
    outcome = train(material(OwnLoss("focal", focal)), RECIPE, seed=3)
    expected = by_hand(
        material(), lambda p: torch.optim.Adam(p, lr=0.05), lambda o, t: focal(o, t).mean()
    )
    same(outcome.weights, expected)
    assert outcome.validation_log_loss[-1] < train(material(), RECIPE, 3).validation_log_loss[-1]


def test_cross_entropy_given_as_ones_own_loss_is_the_built_in_choice_to_the_bit():
    mine, built_in = (
        train(material(loss), RECIPE, 3) for loss in (OwnLoss("x", plain), "cross-entropy")
    )
    for name, value in built_in.weights.items():
        assert np.array_equal(mine.weights[name], value)
    assert mine.train_log_loss == built_in.train_log_loss
    assert mine.validation_log_loss == built_in.validation_log_loss
    assert np.array_equal(mine.judged, built_in.judged)


def test_class_weights_weigh_ones_own_loss_as_they_weigh_cross_entropy():
    recipe = replace(RECIPE, class_weights="balanced")
    mine, built_in = (
        train(material(loss), recipe, 3) for loss in (OwnLoss("x", plain), "cross-entropy")
    )
    same(mine.weights, {k: torch.from_numpy(v) for k, v in built_in.weights.items()})
    np.testing.assert_allclose(mine.validation_log_loss, built_in.validation_log_loss, rtol=1e-5)


def test_a_population_is_not_for_what_is_ones_own_and_the_reason_is_given():
    relu = material(activation="relu")
    assert way_of(relu, {0: RECIPE}, "cpu") == ("fused", "")
    sgd = replace(RECIPE, optimizer=own("SGD").optimizer)
    assert way_of(relu, {0: sgd}, "cpu")[1] == "the optimizer is SGD"
    amsgrad = replace(RECIPE, optimizer=own("Adam", "amsgrad=true").optimizer)
    assert way_of(relu, {0: amsgrad}, "cpu")[1] == "the optimizer is Adam(amsgrad=True)"
    assert way_of(replace(relu, loss=OwnLoss("focal", focal)), {0: RECIPE}, "cpu")[1] == (
        "the loss is your own"
    )


@pytest.mark.parametrize("given", ["Adam", torch.optim.Adam])
def test_adam_as_it_is_is_no_optimizer_of_ones_own(given):
    assert own(given).optimizer is None


@pytest.mark.slow
def test_a_recipe_with_an_optimizer_can_be_hashed_and_sent_to_workers():
    recipe = replace(RECIPE, optimizer=MOMENTUM)
    assert pickle.loads(pickle.dumps(recipe)) == recipe
    assert len({recipe, replace(RECIPE, optimizer=MOMENTUM), RECIPE}) == 2
    listed, tupled = (own("Adam", {"betas": b}).optimizer for b in ([0.8, 0.9], (0.8, 0.9)))
    assert len({listed, tupled}) == 1
    scale = 2.0
    jobs = [Job(seed, recipe, seed) for seed in range(2)]
    # Written on the spot, as in a notebook: pickle alone could not send it.
    loss = OwnLoss("twice", lambda o, t: scale * F.cross_entropy(o, t, reduction="none"))
    found = dict(
        (job.key, outcome.weights) for job, outcome in Crew(workers=2).run(material(loss), jobs)
    )
    for job in jobs:
        alone = train(material(loss), recipe, job.seed).weights
        assert all(np.array_equal(found[job.key][name], alone[name]) for name in alone)


def rows(count=200):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(count, 5)).astype(np.float32)
    return x, (x[:, 0] + 0.3 * rng.normal(size=count) > 0).astype(int)


def test_tune_takes_a_class_and_a_function_and_says_so():
    answer = fitwell.tune(
        "mlp", rows(), widths=(8,), optimizer=torch.optim.SGD,
        optimizer_args={"momentum": 0.9}, learning_rate=0.1, loss=focal, **QUICK,
    )  # fmt: skip
    result = answer.result
    assert result.search_paths == {"treatment": "each training by itself: the loss is your own"}
    assert "SGD(momentum=0.9)'s metric" in result.regularization.form
    assert sum("your own loss focal" in note for note in result.notes) == 1
    # Scores stay cross-entropy, which is above the focal loss of the same rows.
    curve = next(c for c in result.curves if c.arm == "untreated")
    assert result.before.train.log_loss.value > 1.2 * curve.train_log_loss[-1]
    rise = next(e for e in result.diagnosis.evidence if e.check.startswith("rise"))
    last, best = curve.validation_log_loss[-1], min(curve.validation_log_loss)
    assert rise.value == pytest.approx(last - best, abs=0.02)


def test_l1_is_not_searched_by_an_optimizer_whose_metric_is_not_known():
    result = fitwell.tune("mlp", rows(), widths=(8,), optimizer="Adagrad", **QUICK).result
    assert all("l1" not in trial.settings for trial in result.trials)
    assert result.regularization.form == "loss + l2 Σw²; Adagrad; decoupled L2 beside it"
    assert (
        "L1 is not searched: exact zeros need SGD, Adam, AdamW or RMSprop, and the optimizer is"
        " Adagrad." in result.notes
    )
    searched = fitwell.tune("mlp", rows(), widths=(8,), optimizer="SGD", **{**QUICK, "trials": 6})
    assert any("l1" in trial.settings for trial in searched.result.trials)
