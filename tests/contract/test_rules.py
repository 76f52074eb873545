"""Strengths and rates layer by layer, and dropout that changes while training."""

import pytest
import torch
from architectures import NETWORKS
from torch import nn

from fitwell.errors import InputError
from fitwell.models.mlp import mlp
from fitwell.remedies.dropout import DropoutHook, schedule
from fitwell.treatment import regularize


class Named(nn.Module):
    """An encoder of two layers and a head, under names that rules can use."""

    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 5), nn.Tanh())
        self.head = nn.Linear(5, 2)

    def forward(self, x):
        return self.head(self.encoder(x))


def changes(**options):
    return [str(change) for change in regularize(Named(), **options).changes]


def test_a_pattern_overrides_and_the_last_one_that_fits_wins():
    assert changes(l2=0.1, rules={"encoder.*": {"l2": 0.0}}) == ["head: L2 0.1 on 10 weights"]
    rules = {"encoder": {"l2": 0.0}, "encoder.2": {"l2": 0.3}}
    assert changes(l2=0.1, rules=rules) == [
        "encoder.2: L2 0.3 on 30 weights",
        "head: L2 0.1 on 10 weights",
    ]


def test_the_penalty_adds_each_layer_at_its_own_strength():
    treated = regularize(Named(), l1=0.5, l2=0.1, rules={"head": {"l2": 0.7, "l1": 0.0}})
    encoder, head = treated.module.encoder, treated.module.head.weight
    both = [encoder[0].weight, encoder[2].weight]
    expected = 0.7 * head.square().sum()
    expected = expected + sum(0.1 * w.square().sum() + 0.5 * w.abs().sum() for w in both)
    torch.testing.assert_close(treated.penalty(), expected)


def test_a_rate_can_be_set_for_one_place_alone():
    assert changes(rules={"encoder.2": {"dropout": 0.4}}) == [
        "encoder.3: dropout 0.4 (entry) after it"
    ]
    assert changes(dropout=0.2, rules={"encoder.1": {"dropout": 0.0}}) == [
        "encoder.3: dropout 0.2 (entry) after it"
    ]


def test_dropout_at_the_output_layer_stands_in_front_of_it():
    assert changes(rules={"head": {"dropout": 0.5}}) == ["encoder.3: dropout 0.5 (entry) after it"]


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            {"encodr.*": {"l2": 0.1}},
            "rules['encodr.*']: no layer of that name can take l2. Did you mean 'encoder.2',"
            " 'encoder.0'?",
        ),
        (
            {"head": {"l3": 0.1}},
            "rules['head'] sets 'l3', but l1, l2, group_lasso, decoupled_l1, decoupled_l2, dropout"
            " are known.",
        ),
        (
            {"head": {"l2": -1.0}},
            "rules['head']: l2 is -1.0, but a number from 0 up is expected.",
        ),
        (
            {"encoder.1": {"l2": 0.1}},
            "rules['encoder.1']: no layer of that name can take l2. Did you mean 'encoder.2',"
            " 'encoder.0'?",
        ),
    ],
)
def test_a_rule_that_fits_nothing_is_refused_with_near_names(rules, message):
    with pytest.raises(InputError) as caught:
        regularize(Named(), rules=rules)
    assert str(caught.value) == message


def test_an_unknown_option_is_refused():
    with pytest.raises(InputError, match="group_laso is no option"):
        regularize(Named(), group_laso=0.1)


def share_dropped(module, x):
    """Share of zeros that a network of activations alone shows in training."""
    return float((module.train()(x) == 0).double().mean())


def test_the_rate_follows_a_schedule():
    net = nn.Sequential(nn.Linear(1, 4000), nn.Sigmoid(), nn.Linear(4000, 1))
    treated = regularize(net, dropout=0.5)
    shown = nn.Sequential(treated.module[0], treated.module[1])
    for share in (1.0, 0.5, 0.0):
        treated.set_dropout_(share)
        error = (0.5 * share * (1 - 0.5 * share) / 40_000) ** 0.5
        assert abs(share_dropped(shown, torch.zeros(10, 1)) - 0.5 * share) <= 5 * error + 1e-4


@pytest.mark.parametrize("name", ["with dropout", "stacked gru", "transformer encoder"])
def test_rates_of_layers_follow_too_and_come_back(name):
    network = NETWORKS[name][0]()
    treated = regularize(network, dropout=0.4)
    treated.set_dropout_(0.25)
    rates = {
        float(getattr(layer, "p", getattr(layer, "dropout", 0.1)))
        for layer in treated.module.modules()
        if isinstance(layer, (nn.Dropout, nn.MultiheadAttention, nn.RNNBase))
    }
    assert rates == {0.1}
    hooks = [
        hook
        for layer in treated.module.modules()
        for hook in layer._forward_hooks.values()
        if isinstance(hook, DropoutHook)
    ]
    assert all(hook.rate == pytest.approx(0.1) for hook in hooks)
    treated.set_dropout_(1.0)
    assert str(treated.remove()) == str(network)


def test_a_share_outside_0_to_1_is_refused():
    with pytest.raises(InputError, match="share is 2, but a number from 0 to 1 is expected"):
        regularize(mlp(2, 2, widths=(3,)), dropout=0.1).set_dropout_(2)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("constant", [1, 1, 1, 1]),
        ("warm-up", [0, 0.5, 1, 1]),
        ("late start", [0, 0, 1, 1]),
        ("flat-cosine", [1, 1, 1, 0]),
    ],
)
def test_schedules_at_0_a_tenth_a_half_and_the_end(kind, expected):
    assert [schedule(kind, done) for done in (0, 0.1, 0.5, 1)] == pytest.approx(expected)


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_what_dropout_keeps_is_scaled_so_that_the_mean_stays(rate):
    net = nn.Sequential(nn.Linear(1, 5000), nn.Sigmoid(), nn.Linear(5000, 1))
    treated = regularize(net, dropout=rate).module.train()
    shown = nn.Sequential(treated[0], treated[1])
    x = torch.ones(1, 1)
    kept, plain = shown(x), shown.eval()(x)
    there = kept != 0
    torch.testing.assert_close(kept[there], plain[there] / (1 - rate), rtol=1e-4, atol=0)
