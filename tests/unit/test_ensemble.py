"""The mean of several networks, held against numpy."""

import numpy as np
import torch
from torch import nn

from fitwell.models.ensemble import Ensemble
from fitwell.training.loop import probabilities


class Fixed(nn.Module):
    """Gives the same logits for every row."""

    def __init__(self, *logits):
        super().__init__()
        self.register_buffer("logits", torch.tensor(logits))

    def forward(self, x):
        return self.logits.expand(len(x), -1)


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def make_members(count=3, dtype=torch.float64):
    torch.manual_seed(0)
    return [nn.Linear(4, 3, dtype=dtype) for _ in range(count)]


def test_probabilities_are_the_weighted_mean_of_the_members():
    members, weights = make_members(), [0.5, 0.125, 0.375]
    x = np.random.default_rng(0).normal(size=(20, 4))
    each = [
        softmax(x @ member.weight.detach().numpy().T + member.bias.detach().numpy())
        for member in members
    ]
    with torch.no_grad():
        found = Ensemble(members, weights)(torch.from_numpy(x)).softmax(dim=1).numpy()
    np.testing.assert_allclose(found, np.tensordot(weights, each, 1), rtol=1e-12)
    with torch.no_grad():
        alike = Ensemble(members)(torch.from_numpy(x)).softmax(dim=1).numpy()
    np.testing.assert_allclose(alike, np.mean(each, axis=0), rtol=1e-7)  # thirds in float32


def test_a_mean_of_probabilities_is_not_one_of_logits():
    sure, unsure = Fixed(4.0, 0.0), Fixed(0.0, 1.0)
    found = probabilities(Ensemble([sure, unsure]), np.zeros((1, 1), np.float32))
    expected = (softmax(np.array([[4.0, 0.0]])) + softmax(np.array([[0.0, 1.0]]))) / 2
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert abs(found - softmax(np.array([[2.0, 0.5]]))).max() > 0.1


def test_a_probability_too_small_for_its_type_stays_finite():
    members = [Fixed(200.0, 0.0, -200.0), Fixed(200.0, -200.0, 0.0)]
    with torch.no_grad():
        logits = Ensemble(members)(torch.zeros(1, 1))
    expected = np.array([[0.0, -200 - np.log(2), -200 - np.log(2)]])
    np.testing.assert_allclose(logits.numpy(), expected, rtol=1e-6)


def test_a_single_member_answers_as_it_does_alone():
    (member,) = make_members(1, torch.float32)
    x = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    alone, found = probabilities(member, x), probabilities(Ensemble([member]), x)
    np.testing.assert_allclose(found, alone, atol=1e-7)


def test_members_and_weights_are_in_the_state_and_the_mode_reaches_the_members():
    ensemble = Ensemble([nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.9))] * 2, [0.25, 0.75])
    assert set(ensemble.state_dict()) == {
        "weights", "members.0.0.weight", "members.0.0.bias", "members.1.0.weight",
        "members.1.0.bias",
    }  # fmt: skip
    assert not ensemble.eval().members[1][1].training
    assert not any(name == "weights" for name, _ in ensemble.named_parameters())
