"""The compiled passes against torch's own functions, which the float64 oracles cover."""

import numpy as np
import pytest
import torch
from torch import nn

from fitwell.remedies import elastic, l1
from fitwell.remedies.elastic import add_elastic_gradient_
from fitwell.remedies.passes import one_pass
from fitwell.treatment import regularize

OPTIMIZERS = {
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "amsgrad": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01),
    "centered": lambda p: torch.optim.RMSprop(p, lr=0.01, centered=True),
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.5),
}


@pytest.fixture(params=[True, False], ids=["compiled", "torch"])
def passes(request, monkeypatch):
    """Run once with the compiled loops and once without."""
    if not request.param:
        monkeypatch.setattr(elastic, "one_pass", lambda *_: False)
        monkeypatch.setattr(l1, "one_pass", lambda *_: False)
    return request.param


def test_the_gradient_is_l1_times_the_sign_plus_two_l2_times_the_weight(passes):
    layer = nn.Linear(4, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[3.0, -4.0, 0.0, -0.0], [1e-30, -1e-30, 0.5, 2.0]]))
    layer.weight.grad = torch.ones(2, 4)
    add_elastic_gradient_([(layer, "weight", 0.5, 0.1)])
    signs = torch.tensor([[1.0, -1.0, 0.0, 0.0], [1.0, -1.0, 1.0, 1.0]])
    torch.testing.assert_close(layer.weight.grad, 1 + 0.5 * signs + 0.2 * layer.weight.detach())


@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_both_ways_take_the_same_proximal_steps(kind, monkeypatch):
    """Ten steps in float32: equal within a millionth, and zeros in the same places."""
    found = {}
    for compiled in (True, False):
        if not compiled:
            monkeypatch.setattr(elastic, "one_pass", lambda *_: False)
            monkeypatch.setattr(l1, "one_pass", lambda *_: False)
        torch.manual_seed(0)
        treated = regularize(
            nn.Sequential(nn.Linear(20, 30), nn.ReLU(), nn.Linear(30, 1)),
            l1=3e-2,
            l2=1e-3,
            exact_zeros=True,
        )
        optimizer = OPTIMIZERS[kind](treated.module.parameters())
        x = torch.randn(64, 20)
        for _ in range(10):
            optimizer.zero_grad()
            (treated.module(x)[:, 0] - x[:, 0]).square().mean().backward()
            treated.step_(optimizer)
        found[compiled] = treated.module[0].weight.detach().numpy().copy()
    np.testing.assert_allclose(found[True], found[False], rtol=0, atol=1e-6)
    np.testing.assert_array_equal(found[True] == 0, found[False] == 0)
    assert (found[True] == 0).any()


def test_nan_stays_nan(passes):
    layer = nn.Linear(2, 1, bias=False)
    treated = regularize(layer, l1=0.1, l2=0.1, exact_zeros=True)
    optimizer = torch.optim.Adam(treated.module.parameters())
    treated.module.weight.grad = torch.tensor([[float("nan"), 1.0]])
    treated.step_(optimizer)
    assert torch.isnan(treated.module.weight[0, 0])
    assert torch.isfinite(treated.module.weight[0, 1])


def test_other_types_and_layouts_take_torchs_way():
    plain = torch.ones(3, 4)
    assert one_pass(plain, plain)
    assert not one_pass(plain.double(), plain.double())
    assert not one_pass(plain.t(), plain.t())
    assert not one_pass(plain, plain.bfloat16())
