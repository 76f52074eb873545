"""Networks that torch.fx cannot trace: their parts are traced, and nothing is passed over."""

import pickle

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from fitwell.errors import InputError
from fitwell.treatment import regularize

REASON = "TraceError: symbolically traced variables cannot be used as inputs to control flow"


class Inner(nn.Module):
    """Can be traced; one function inside, none at the end."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, x):
        return self.two(F.gelu(self.one(x)))


class Activated(nn.Module):
    """Can be traced; gives back an activation."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 6)

    def forward(self, x):
        return F.relu(self.linear(x))


class Residual(nn.Module):
    """Can be traced; gives back an activation of a sum."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 6)

    def forward(self, x):
        return torch.relu(x + self.linear(x))


class Branching(nn.Module):
    """Cannot be traced, for it asks for a value; ``body`` comes between two layers of its own."""

    def __init__(self, body):
        super().__init__()
        self.into, self.act, self.body = nn.Linear(5, 6), nn.ReLU(), body
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        x = self.act(self.into(x)) if x.sum() < 1e9 else x
        return self.head(self.body(x))


class Functional(nn.Module):
    """Cannot be traced either, and has a function between its layers."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, x):
        return torch.tanh(self.two(F.relu(self.one(x) if x.sum() < 1e9 else x)))


class Keeps(Functional):
    """The same, and holds on to what it computed."""

    def forward(self, x):
        self.kept = self.one(x)
        return super().forward(x)


def attention():
    return nn.TransformerEncoderLayer(6, 2, dim_feedforward=8, batch_first=True)


def told(network, **options):
    treated = regularize(network, dropout=0.5, **options)
    return treated, [str(change) for change in treated.changes]


AFTER = "act: dropout 0.5 (entry) after it"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (
            Inner,
            [
                AFTER,
                "body.two: dropout 0.5 (entry) before it, after gelu",
                f"model: left alone: no activation found after body.two; its forward cannot be traced ({REASON})",
            ],
        ),
        (Activated, [AFTER, "body: dropout 0.5 (entry) after it, after relu"]),
        (
            Residual,
            [
                AFTER,
                "body: left alone: its relu is of a sum or one of several outputs, and what reads it cannot be traced",
            ],
        ),
        (
            Functional,
            [
                AFTER,
                f"body: left alone: no activation found after one, two; its forward cannot be traced ({REASON})",
            ],
        ),
        (lambda: nn.Sequential(Activated(), Functional()), [
            AFTER,
            "body.0: dropout 0.5 (entry) after it, after relu",
            f"body.1: left alone: no activation found after one, two; its forward cannot be traced ({REASON})",
        ]),
        (lambda: nn.ModuleList([Functional(), Functional()]), [
            AFTER,
            f"body.0: left alone: no activation found after one, two; its forward cannot be traced ({REASON}), as in 1 more Functional",
        ]),
    ],
    ids=["inside", "at the end", "residual", "nowhere", "one of two", "two alike"],
)  # fmt: skip
def test_each_part_has_its_dropout_or_is_named(body, expected):
    assert told(Branching(body()))[1] == expected


@pytest.mark.parametrize("body", [Inner, Activated, Residual, Functional, attention])
def test_the_copy_computes_the_same_in_eval_mode_and_can_be_pickled(body):
    torch.manual_seed(0)
    network, x = Branching(body()), torch.randn(4, 2, 5)
    treated, _ = told(network)
    assert torch.equal(treated.module.eval()(x), network.eval()(x))
    pickle.dumps(treated.module)
    treated.module.train()
    assert not torch.equal(treated.module(x), treated.module(x))
    bare = treated.remove()
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in bare.modules())


def test_what_a_part_gives_back_is_dropped():
    treated, _ = told(Branching(Activated()))
    body = treated.module.body.train()
    nn.init.constant_(body.linear.bias, 10.0)
    out = body(torch.zeros(4000, 6))
    torch.testing.assert_close(out.unique()[0], torch.tensor(0.0))
    share = float((out == 0).double().mean())
    assert abs(share - 0.5) < 5 * (0.25 / out.numel()) ** 0.5


def test_nothing_is_named_where_a_rule_asks_for_nothing():
    assert told(Branching(Functional()), rules={"body": {"dropout": 0}})[1] == [AFTER]
    assert told(Branching(Activated()), rules={"body": {"dropout": 0}})[1] == [AFTER]


def test_a_part_without_weights_of_its_own_can_be_named_by_a_rule():
    class Act(nn.Module):
        def forward(self, x):
            return F.silu(x)

    body = nn.Sequential(nn.Linear(6, 6), Act(), Functional())
    options = {"rules": {"body.1": {"dropout": 0.3}}}
    assert "body.1: dropout 0.3 (entry) after it, after silu" in told(Branching(body), **options)[1]


def test_torchs_own_layers_are_known_and_not_named():
    assert not any("left alone" in line for line in told(Branching(attention()))[1])


def test_a_module_that_follows_its_layer_in_the_graph_counts_though_registered_elsewhere():
    """By the order of registration a dropout stands there already; the graph knows better."""

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.act, self.drop, self.two = (
                nn.Linear(6, 6), nn.ReLU(), nn.Dropout(0.1), nn.Linear(6, 6),
            )  # fmt: skip

        def forward(self, x):
            return self.drop(self.two(self.act(self.one(x))))

    lines = told(Branching(Block()), rules={"into": {"dropout": 0.2}})[1]
    assert "body.act: dropout 0.5 (entry) after it" in lines
    assert "body.drop: existing Dropout set to 0.5" in lines


def test_a_part_behind_the_output_layer_has_no_dropout():
    class Last(nn.Module):
        def forward(self, x):
            return torch.sigmoid(x)

    network = Branching(Activated())
    network.last = Last()
    assert not any(line.startswith("last") for line in told(network)[1])


@pytest.mark.parametrize("skip", [False, True])
def test_what_the_whole_network_gives_back_has_no_dropout(skip):
    class Reversed(nn.Module):
        def __init__(self):
            super().__init__()
            self.out, self.hidden = nn.Linear(6, 3), nn.Linear(5, 6)

        def forward(self, x):
            out = self.out(torch.relu(self.hidden(x)))
            return torch.sigmoid(out + x[:, :3] if skip else out)

    assert told(Reversed())[1] == ["out: dropout 0.5 (entry) before it, after relu"]


def test_a_forward_that_keeps_what_it_computed_is_left_clean():
    treated, _ = told(Branching(Keeps()))
    assert not hasattr(treated.module.body, "kept")
    pickle.dumps(treated.module)


def test_a_network_without_any_place_is_refused_with_the_name_of_the_part():
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = Functional()

        def forward(self, x):
            return self.body(x)

    with pytest.raises(InputError) as caught:
        regularize(Outer(), dropout=0.5)
    assert str(caught.value) == (
        "dropout: the network has no hidden activation to put it after ('body' cannot be traced:"
        f" {REASON}). Use dropout=0, or make its activations modules such as nn.ReLU."
    )
