"""Networks of every kind after `compact`: equal outputs, and smaller where units are dead."""

import pytest
import torch
from architectures import NETWORKS
from torch import nn

from fitwell.errors import InputError
from fitwell.surgery import WEIGHTED, penalized
from fitwell.treatment import regularize

UNTRACEABLE = {"bert", "gpt", "vit", "lstm cell"}
"""Their forward asks what it is given, which a traced one cannot answer."""


def with_dead_units(network):
    """Zero every other unit of each weight, incoming weights and bias."""
    with torch.no_grad():
        for weight in penalized(network):
            weight.tensor.movedim(weight.units, 0)[::2] = 0
            bias = getattr(weight.module, "bias", None)
            if isinstance(weight.module, WEIGHTED) and bias is not None:
                bias[::2] = 0
    return network


@pytest.mark.parametrize("name", sorted(set(NETWORKS) - UNTRACEABLE))
def test_outputs_are_equal_and_names_stay(name):
    make, make_input = NETWORKS[name]
    torch.manual_seed(0)
    network, x = with_dead_units(make()), make_input()
    treated = regularize(network, l1=1e-4, exact_zeros=True)
    compacted = treated.compact(x)
    expected = treated.remove().eval()(x)
    # Sums of fewer numbers are rounded otherwise.
    torch.testing.assert_close(compacted.module(x), expected, rtol=1e-4, atol=1e-5)
    assert list(compacted.module.state_dict()) == list(network.state_dict())
    assert compacted.parameters_after <= compacted.parameters_before


@pytest.mark.parametrize(
    "name",
    ["mlp", "selu", "cnn", "conv 1d", "conv 3d", "functional", "module list and dict",
     "transposed convolution", "rnn"],
)  # fmt: skip
def test_dead_units_leave(name):
    make, make_input = NETWORKS[name]
    torch.manual_seed(0)
    compacted = regularize(with_dead_units(make()), l1=1e-4).compact(make_input())
    assert compacted.removed
    assert compacted.parameters_after < 0.75 * compacted.parameters_before


def test_a_network_that_cannot_be_traced_is_refused():
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.one = nn.Linear(2, 3)

        def forward(self, x):
            return self.one(x) if x.sum() > 0 else -self.one(x)

    with pytest.raises(InputError, match="trace"):
        regularize(Branching(), l1=0.1).compact(torch.ones(1, 2))
