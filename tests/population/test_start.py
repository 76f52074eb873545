"""Where a training starts, against numpy and a continuation written by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from fitwell.models.blueprint import Blueprint
from fitwell.population.networks import initial
from fitwell.population.pool import Threads
from fitwell.population.store import Store
from fitwell.recipe import Recipe
from fitwell.remedies.shuffling import batches, order_of
from fitwell.training.loop import train
from fitwell.training.outcome import Job
from fitwell.training.together import train_together
from material import make_material

RECIPE = Recipe(epochs=1, batch_size=32, learning_rate=0.01)


def fresh(material, seed):
    """New weights, without the library's own way to them."""
    torch.manual_seed(seed)
    return material.blueprint.build(material.shape, material.outputs)


@pytest.fixture
def material():
    """Rows, and weights of another seed that are far from the initial ones."""
    plain = make_material()
    old = fresh(plain, 99)
    given = {name: 5 * value.numpy() for name, value in old.state_dict().items()}
    return replace(plain, given=given)


def by_loop(material, recipe, seed):
    return train(material, recipe, seed)


def by_population(material, recipe, seed):
    return next(
        train_together("x", material, [Job(0, recipe, seed)], Threads(1), Store(), lambda _: None)
    )[1]


def one_epoch_by_hand(network, material, seed):
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    x, y = torch.from_numpy(material.train_x), torch.from_numpy(material.train_y)
    for rows in batches(len(x), 32, "reshuffle", order_of(seed, 1)):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(x[rows]), y[rows]).backward()
        optimizer.step()
    return network.state_dict()


@pytest.mark.parametrize("seed", [0, 7])
def test_a_shrunk_start_is_four_tenths_of_the_given_and_a_tenth_of_new_weights(material, seed):
    found = initial(material, replace(RECIPE, start="shrunk"), seed).state_dict()
    new = fresh(material, seed).state_dict()
    assert found.keys() == new.keys()
    for name, value in found.items():
        expected = 0.4 * material.given[name] + 0.1 * new[name].numpy()
        np.testing.assert_allclose(value.numpy(), expected, rtol=1e-6, atol=1e-7)


def test_a_given_start_is_the_given_weights_whatever_the_seed(material):
    for seed in (0, 1):
        found = initial(material, replace(RECIPE, start="given"), seed).state_dict()
        for name, value in found.items():
            np.testing.assert_array_equal(value.numpy(), material.given[name])


@pytest.mark.parametrize("way", [by_loop, by_population])
@pytest.mark.parametrize("start", ["given", "shrunk"])
def test_the_first_epoch_is_that_of_a_continuation_by_hand(material, way, start):
    network = fresh(material, 3)
    new = {name: value.clone().numpy() for name, value in network.state_dict().items()}
    mixed = {
        name: old if start == "given" else 0.4 * old + 0.1 * new[name]
        for name, old in material.given.items()
    }
    network.load_state_dict({name: torch.from_numpy(value) for name, value in mixed.items()})
    expected = one_epoch_by_hand(network, material, 3)
    outcome = way(material, replace(RECIPE, start=start), 3)
    for name, value in expected.items():
        # float32 through five steps of Adam; another start is off by more than 1.
        np.testing.assert_allclose(outcome.weights[name], value.numpy(), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("way", [by_loop, by_population])
def test_trainings_leave_the_given_weights_as_they_are(material, way):
    before = {name: value.copy() for name, value in material.given.items()}
    way(material, replace(RECIPE, start="given"), 0)
    for name, value in material.given.items():
        np.testing.assert_array_equal(value, before[name])


def test_starts_side_by_side_are_what_they_are_alone(material):
    recipes = [replace(RECIPE, start=start) for start in ("new", "given", "shrunk")]
    jobs = [Job(place, recipe, 5) for place, recipe in enumerate(recipes)]
    found = {
        job.key: out
        for job, out in train_together("x", material, jobs, Threads(2), Store(), lambda _: None)
    }
    for place, recipe in enumerate(recipes):
        alone = by_population(material, recipe, 5)
        for name, value in alone.weights.items():
            np.testing.assert_array_equal(found[place].weights[name], value)


def make_with_batch_norm(inputs, outputs):
    network = nn.Sequential(
        nn.Linear(inputs, 6), nn.BatchNorm1d(6), nn.ReLU(), nn.Linear(6, 6), nn.Linear(6, outputs)
    )
    for weight in network[3].parameters():
        weight.requires_grad_(False)
    return network


def test_buffers_start_anew_and_frozen_weights_as_given_when_the_rest_is_shrunk():
    blueprint = Blueprint(kind="custom", factory=make_with_batch_norm)
    plain = replace(make_material(), blueprint=blueprint)
    given = {
        name: np.full_like(value.numpy(), 3) for name, value in fresh(plain, 1).state_dict().items()
    }
    material = replace(plain, given=given)
    found = initial(material, replace(RECIPE, start="shrunk"), 2).state_dict()
    new = fresh(material, 2).state_dict()
    for name in ("1.running_mean", "1.running_var", "1.num_batches_tracked"):
        assert torch.equal(found[name], new[name])
    for name in ("3.weight", "3.bias"):
        assert torch.equal(found[name], torch.full_like(new[name], 3))
    torch.testing.assert_close(found["1.weight"], 0.4 * 3 + 0.1 * new["1.weight"])
    kept = initial(material, replace(RECIPE, start="given"), 2).state_dict()
    for name, value in kept.items():
        assert torch.equal(value, torch.from_numpy(given[name])), name
