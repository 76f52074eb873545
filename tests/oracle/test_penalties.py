"""Penalties against closed forms, torch's own weight decay, and scikit-learn's lasso."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso, Ridge
from torch import nn

from fitwell.errors import InputError
from fitwell.remedies.elastic import add_elastic_gradient_
from fitwell.remedies.l1 import l1_penalty, l1_shrink_
from fitwell.remedies.l2 import l2_penalty
from fitwell.treatment import regularize


@pytest.fixture
def weights():
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randn(shape, generator=generator, dtype=torch.float64, requires_grad=True)
        for shape in ((3, 4), (2, 3, 2, 2))
    ]


def test_the_l1_gradient_is_the_strength_times_the_sign(weights):
    l1_penalty(weights, 0.3).backward()
    for weight in weights:
        torch.testing.assert_close(weight.grad, 0.3 * weight.detach().sign())


def test_the_l2_gradient_is_twice_the_strength_times_the_weight(weights):
    l2_penalty(weights, 0.3).backward()
    for weight in weights:
        torch.testing.assert_close(weight.grad, 0.6 * weight.detach())


def test_the_direct_l2_gradient_equals_the_one_by_autograd(weights):
    layers = [nn.Module() for _ in weights]
    for layer, weight in zip(layers, weights, strict=True):
        layer.weight = nn.Parameter(weight.detach())
        layer.weight.grad = torch.ones_like(weight)
    add_elastic_gradient_([(layer, "weight", 0.0, 0.3) for layer in layers])
    for layer, weight in zip(layers, weights, strict=True):
        torch.testing.assert_close(layer.weight.grad, 1 + 0.6 * weight.detach())


def test_zero_strength_is_silent(weights):
    assert l1_penalty(weights, 0.0) == 0
    assert l2_penalty(weights, 0.0) == 0


def test_sgd_sees_l2_as_weight_decay_of_twice_the_strength():
    torch.manual_seed(0)
    net = nn.Linear(4, 3, bias=False).double()
    x, y = torch.randn(8, 4).double(), torch.randn(8, 3).double()
    treated = regularize(net, l2=0.05)
    decayed = nn.Linear(4, 3, bias=False).double()
    decayed.load_state_dict(net.state_dict())
    ours = torch.optim.SGD(treated.module.parameters(), lr=0.1, momentum=0.9)
    torchs = torch.optim.SGD(decayed.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    for _ in range(20):
        ours.zero_grad()
        ((treated.module(x) - y).square().mean() + treated.penalty()).backward()
        ours.step()
        torchs.zero_grad()
        (decayed(x) - y).square().mean().backward()
        torchs.step()
        torch.testing.assert_close(treated.module.weight, decayed.weight)


def _regression(rows=80, columns=12, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns)) * np.geomspace(0.3, 3, columns)
    truth = np.where(np.arange(columns) % 3 == 0, 1.5, 0.0)
    return x, x @ truth + rng.normal(0, 0.5, size=rows)


def _fit(x, y, treated, optimizer, steps):
    inputs, outputs = torch.from_numpy(x), torch.from_numpy(y)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (treated.module(inputs)[:, 0] - outputs).square().mean() + treated.penalty()
        loss.backward()
        optimizer.step()
        if treated.exact_zeros:
            treated.shrink_(optimizer)
    return treated.module.weight.detach()[0].numpy()


def test_l2_finds_the_ridge_solution():
    x, y = _regression()
    treated = regularize(nn.Linear(12, 1, bias=False).double(), l2=0.1)
    found = _fit(x, y, treated, torch.optim.SGD(treated.module.parameters(), lr=0.04), 4000)
    # Ridge sums squared errors where we average them.
    exact = Ridge(alpha=0.1 * len(y), fit_intercept=False).fit(x, y).coef_
    np.testing.assert_allclose(found, exact, atol=1e-6)


@pytest.mark.parametrize("kind", ["sgd", "adam", pytest.param("adamw", marks=pytest.mark.slow)])
def test_the_proximal_step_finds_the_lasso_solution_with_its_zeros(kind):
    x, y = _regression()
    strength = 0.2
    treated = regularize(nn.Linear(12, 1, bias=False).double(), l1=strength, exact_zeros=True)
    parameters = treated.module.parameters()
    optimizer, steps = {
        "sgd": lambda: (torch.optim.SGD(parameters, lr=0.04), 4000),
        "adam": lambda: (torch.optim.Adam(parameters, lr=0.003), 8000),
        "adamw": lambda: (torch.optim.AdamW(parameters, lr=0.003, weight_decay=0), 8000),
    }[kind]()
    found = _fit(x, y, treated, optimizer, steps)
    # Lasso halves the mean squared error, so its alpha is half of our strength.
    exact = Lasso(alpha=strength / 2, fit_intercept=False, tol=1e-10).fit(x, y).coef_

    def objective(w):
        return np.square(x @ w - y).mean() + strength * np.abs(w).sum()

    assert objective(found) <= objective(exact) * 1.001
    np.testing.assert_array_equal(found == 0, exact == 0)
    assert 0 < (found == 0).sum() < 12


def test_l1_in_the_loss_gives_no_exact_zero():
    x, y = _regression()
    treated = regularize(nn.Linear(12, 1, bias=False).double(), l1=0.2)
    found = _fit(x, y, treated, torch.optim.Adam(treated.module.parameters(), lr=0.003), 2000)
    assert (found == 0).sum() == 0


def test_a_plain_threshold_would_miss_the_lasso_under_adam(monkeypatch):
    """What the own metric is for: without it the objective stays more than 1 % too high."""
    x, y = _regression()
    weight = nn.Parameter(torch.zeros(12, dtype=torch.float64))
    optimizer = torch.optim.Adam([weight], lr=0.003)
    inputs, outputs = torch.from_numpy(x), torch.from_numpy(y)
    for _ in range(8000):
        optimizer.zero_grad()
        (inputs @ weight - outputs).square().mean().backward()
        optimizer.step()
        with torch.no_grad():
            weight.sub_(weight.clamp(-0.003 * 0.2, 0.003 * 0.2))
    exact = Lasso(alpha=0.1, fit_intercept=False, tol=1e-10).fit(x, y).coef_

    def objective(w):
        return np.square(x @ w - y).mean() + 0.2 * np.abs(w).sum()

    assert objective(weight.detach().numpy()) > objective(exact) * 1.01


def test_other_optimizers_are_refused():
    weight = nn.Parameter(torch.ones(2))
    optimizer = torch.optim.Adagrad([weight])
    with pytest.raises(
        InputError, match="Adagrad, but exact zeros need SGD, Adam, AdamW or RMSprop"
    ):
        l1_shrink_(optimizer, [weight], 0.1)
