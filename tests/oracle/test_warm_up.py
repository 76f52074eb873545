"""Strength warm-up of the proximal step, while the optimizer's second moment settles."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso
from torch import nn

from fitwell.errors import InputError
from fitwell.treatment import regularize

ADAPTIVE = {
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.01, alpha=0.9),
}


def step(treated, optimizer, gradient):
    """Take one step along a given gradient; say how far the proximal step moved the weight."""
    weight = treated.module.weight
    weight.grad = torch.full_like(weight, gradient)
    optimizer.step()
    before = weight.detach().clone()
    treated.shrink_(optimizer)
    return float((before - weight.detach()).abs().max())


@pytest.mark.parametrize("kind", ADAPTIVE)
@pytest.mark.parametrize("term", ["l1", "group_lasso"])
def test_the_share_of_full_strength_rises_in_a_line(kind, term):
    moved = {}
    for warm_up in (0, 4):
        layer = nn.Linear(1, 1, bias=False).double()
        nn.init.constant_(layer.weight, 10.0)
        treated = regularize(layer, exact_zeros=True, warm_up=warm_up, **{term: 0.1})
        optimizer = ADAPTIVE[kind](treated.module.parameters())
        moved[warm_up] = [step(treated, optimizer, 1.0) for _ in range(6)]
    shares = np.array(moved[4]) / np.array(moved[0])
    np.testing.assert_allclose(shares, [0.25, 0.5, 0.75, 1, 1, 1], rtol=1e-9)


def test_plain_gradient_descent_has_no_second_moment_and_no_warm_up():
    layer = nn.Linear(1, 1, bias=False).double()
    nn.init.constant_(layer.weight, 10.0)
    treated = regularize(layer, l1=0.1, exact_zeros=True, warm_up=100)
    optimizer = torch.optim.SGD(treated.module.parameters(), lr=0.5)
    assert step(treated, optimizer, 1.0) == pytest.approx(0.05)


def test_a_weight_with_a_small_first_gradient_survives_the_first_steps():
    """Its metric is near zero, so that at full strength one threshold is longer than it is."""
    left = {}
    for warm_up in (0, 1000):
        layer = nn.Linear(1, 1, bias=False).double()
        nn.init.constant_(layer.weight, 0.5)
        treated = regularize(layer, l1=1e-3, exact_zeros=True, warm_up=warm_up)
        optimizer = ADAPTIVE["adam"](treated.module.parameters())
        step(treated, optimizer, 1e-5)
        left[warm_up] = float(treated.module.weight.detach())
    assert left[0] == 0
    # One step of 0.01, then a threshold of 0.01 · 1e-3 / 1000 / 1e-5; ε = 1e-8 takes a
    # thousandth off both.
    assert left[1000] == pytest.approx(0.5 - (0.01 + 1e-3) / 1.001)


def test_warm_up_changes_the_way_and_not_the_solution():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 12)) * np.geomspace(0.4, 2.5, 12)
    y = x @ (rng.normal(size=12) * (np.arange(12) % 3 == 0)) + rng.normal(0, 0.5, 80)
    exact = Lasso(alpha=0.1, fit_intercept=False, tol=1e-12).fit(x, y).coef_
    layer = nn.Linear(12, 1, bias=False).double()
    treated = regularize(layer, l1=0.2, exact_zeros=True, warm_up=1000)
    optimizer = torch.optim.Adam(treated.module.parameters(), lr=0.003)
    inputs, outputs = torch.from_numpy(x), torch.from_numpy(y)[:, None]
    for _ in range(6000):
        optimizer.zero_grad()
        (treated.module(inputs) - outputs).square().mean().backward()
        treated.step_(optimizer)
    found = treated.module.weight.detach().numpy()[0]

    def objective(w):
        return np.square(x @ w - y).mean() + 0.2 * np.abs(w).sum()

    assert objective(found) <= objective(exact) * 1.001
    np.testing.assert_array_equal(found == 0, exact == 0)


@pytest.mark.parametrize(("steps", "exact_zeros"), [(-1, True), (5, False)])
def test_a_warm_up_that_cannot_be_is_refused(steps, exact_zeros):
    with pytest.raises(InputError) as caught:
        regularize(nn.Linear(2, 1), l1=0.1, exact_zeros=exact_zeros, warm_up=steps)
    assert str(caught.value) == (
        f"warm_up is {steps}, but a number of steps from 0 up is expected, and above 0 only with"
        " exact_zeros=True."
    )
