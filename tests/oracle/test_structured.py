"""Group lasso, decoupled decay and exact zeros, against solvers that share no code."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso, MultiTaskLasso
from torch import nn

from fitwell.errors import InputError
from fitwell.remedies.decoupled import decay_of_timescale, timescale_of_decay
from fitwell.remedies.elastic import add_elastic_gradient_
from fitwell.remedies.group_lasso import add_group_gradient_, group_penalty
from fitwell.remedies.l1 import l1_penalty
from fitwell.treatment import regularize

OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.02),
    "momentum": lambda p: torch.optim.SGD(p, lr=0.005, momentum=0.9),
    "adam": lambda p: torch.optim.Adam(p, lr=0.003),
    "amsgrad": lambda p: torch.optim.Adam(p, lr=0.003, amsgrad=True),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.003, weight_decay=0),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.001),
}


def make_regression(rows=80, columns=12, outputs=1, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, columns)) * np.geomspace(0.4, 2.5, columns)
    truth = rng.normal(size=(columns, outputs)) * (np.arange(columns) % 3 == 0)[:, None]
    return x, x @ truth + rng.normal(0, 0.5, size=(rows, outputs))


def fit(treated, optimizer, x, y, steps):
    """Full-batch training; the mean is over rows, the sum over outputs."""
    inputs, outputs = torch.from_numpy(x), torch.from_numpy(y)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = (treated.module(inputs) - outputs).square().sum(dim=1).mean()
        loss.backward()
        treated.step_(optimizer)
    return treated.module.weight.detach().numpy()


@pytest.mark.parametrize(
    "kind",
    [
        kind if kind in ("sgd", "adam") else pytest.param(kind, marks=pytest.mark.slow)
        for kind in OPTIMIZERS
    ],
)
def test_l1_finds_scikit_learns_lasso_with_every_optimizer(kind):
    x, y = make_regression()
    treated = regularize(nn.Linear(12, 1, bias=False).double(), l1=0.2, exact_zeros=True)
    found = fit(treated, OPTIMIZERS[kind](treated.module.parameters()), x, y, 8000)[0]
    exact = Lasso(alpha=0.1, fit_intercept=False, tol=1e-12).fit(x, y[:, 0]).coef_

    def objective(w):
        return np.square(x @ w - y[:, 0]).mean() + 0.2 * np.abs(w).sum()

    assert objective(found) <= objective(exact) * 1.001
    np.testing.assert_array_equal(found == 0, exact == 0)


@pytest.mark.slow
def test_unequal_scales_and_many_columns_keep_the_support_and_the_loss_term_keeps_none():
    """26 of 200 true nonzeros, columns of unequal scales: F1 of the support at least 0.99."""
    rng = np.random.default_rng(0)
    rows, columns, true = 2000, 200, 26
    x = rng.normal(size=(rows, columns)) * np.exp(rng.normal(0, 1, columns))
    support = np.zeros(columns, dtype=bool)
    support[rng.choice(columns, true, replace=False)] = True
    weights = np.where(support, rng.choice([-1, 1], columns) * rng.uniform(1, 2, columns), 0)
    # In units of each column, so that none of the true ones is lost in its scale.
    y = x @ (weights / x.std(axis=0)) + rng.normal(0, 0.1, rows)
    x, strength = x / np.sqrt(x.std(axis=0)), 0.15

    def objective(w):
        return np.square(x @ w - y).mean() + strength * np.abs(w).sum()

    exact = Lasso(alpha=strength / 2, fit_intercept=False, tol=1e-12).fit(x, y).coef_
    assert (exact != 0).sum() == true
    counts, objectives = {}, {}
    for exact_zeros in (True, False):
        net = nn.Linear(columns, 1, bias=False).double()
        nn.init.normal_(net.weight, std=0.05, generator=torch.Generator().manual_seed(0))
        treated = regularize(net, l1=strength, exact_zeros=exact_zeros)
        optimizer = torch.optim.Adam(treated.module.parameters(), lr=0.01)
        for group_rate, steps in ((0.01, 2500), (0.001, 1500)):
            optimizer.param_groups[0]["lr"] = group_rate
            found = fit(treated, optimizer, x, y[:, None], steps)[0]
        counts[exact_zeros] = found != 0
        objectives[exact_zeros] = objective(found)
    for found in objectives.values():
        assert objective(exact) * (1 - 1e-9) <= found <= objective(exact) * 1.001
    both = (counts[True] & (exact != 0)).sum()
    assert 2 * both / (counts[True].sum() + true) >= 0.99
    assert counts[False].sum() == columns


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("sgd", marks=pytest.mark.slow),
        "adam",
        pytest.param("rmsprop", marks=pytest.mark.slow),
    ],
)
def test_group_lasso_finds_scikit_learns_multi_task_lasso(kind):
    """One column of inputs to all outputs is a group there: the transposed problem."""
    x, y = make_regression(outputs=3, columns=9)
    alpha = 0.25
    exact = MultiTaskLasso(alpha=alpha, fit_intercept=False, tol=1e-12).fit(x, y).coef_.T
    # Ours groups by unit, so the weights are laid out one unit per column of x.
    net = Transposed(9, 3).double()
    treated = regularize(net, group_lasso=2 * alpha / 3**0.5, exact_zeros=True)
    optimizer = OPTIMIZERS[kind](treated.module.parameters())
    inputs, outputs = torch.from_numpy(x), torch.from_numpy(y)
    for _ in range(9000):
        optimizer.zero_grad()
        (treated.module(inputs) - outputs).square().sum(dim=1).mean().backward()
        treated.step_(optimizer)
    found = treated.module.units.weight.detach().numpy()

    def objective(w):
        lengths = np.linalg.norm(w, axis=1).sum()
        return np.square(x @ w - y).sum(axis=1).mean() + 2 * alpha * lengths

    assert objective(found) <= objective(exact) * 1.001
    np.testing.assert_array_equal((found == 0).all(axis=1), (exact == 0).all(axis=1))
    assert 0 < (found == 0).all(axis=1).sum() < 9


class Transposed(nn.Module):
    """``x @ W`` with one row of W per column of x."""

    def __init__(self, columns, outputs):
        super().__init__()
        self.units = nn.Linear(outputs, columns, bias=False)

    def forward(self, x):
        return x @ self.units.weight


def test_the_group_gradient_is_the_strength_times_the_unit_vector():
    weight = torch.tensor([[3.0, 4.0], [0.0, 0.0]], dtype=torch.float64, requires_grad=True)
    group_penalty([weight], [0], 0.5).backward()
    expected = 0.5 * 2**0.5 * torch.tensor([[0.6, 0.8], [0.0, 0.0]], dtype=torch.float64)
    torch.testing.assert_close(weight.grad, expected)
    weight.grad = torch.zeros_like(weight)
    add_group_gradient_([weight], [0], 0.5)
    torch.testing.assert_close(weight.grad, expected)


def test_a_group_of_a_convolution_is_a_filter_and_of_its_transpose_too():
    torch.manual_seed(0)
    for layer, axis in ((nn.Conv2d(2, 5, 3), 0), (nn.ConvTranspose2d(2, 5, 3), 1)):
        weight = layer.weight.detach().movedim(axis, 0).flatten(1).double()
        expected = weight.norm(dim=1).sum() * weight.shape[1] ** 0.5
        treated = regularize(layer.double(), group_lasso=1.0)
        torch.testing.assert_close(treated.penalty().detach(), expected)


def test_the_direct_l1_gradient_equals_the_one_by_autograd():
    layer = nn.Linear(4, 3).double()
    l1_penalty([layer.weight], 0.3).backward()
    expected = layer.weight.grad.clone()
    layer.weight.grad.zero_()
    add_elastic_gradient_([(layer, "weight", 0.3, 0.0)])
    torch.testing.assert_close(layer.weight.grad, expected)


def test_adam_with_decoupled_l2_is_adamw_step_by_step():
    torch.manual_seed(0)
    net, x, y = nn.Linear(4, 3, bias=False).double(), torch.randn(8, 4), torch.randn(8, 3)
    x, y = x.double(), y.double()
    treated = regularize(net, decoupled_l2=0.1)
    theirs = nn.Linear(4, 3, bias=False).double()
    theirs.load_state_dict(net.state_dict())
    ours = torch.optim.Adam(treated.module.parameters(), lr=0.05)
    adamw = torch.optim.AdamW(theirs.parameters(), lr=0.05, weight_decay=0.1)
    for _ in range(30):
        ours.zero_grad()
        (treated.module(x) - y).square().mean().backward()
        treated.step_(ours)
        adamw.zero_grad()
        (theirs(x) - y).square().mean().backward()
        adamw.step()
        torch.testing.assert_close(treated.module.weight, theirs.weight)


def test_decoupled_l1_moves_each_weight_by_the_rate_times_the_decay_and_stops_at_zero():
    net = nn.Linear(3, 1, bias=False)
    treated = regularize(net, decoupled_l1=2.0)
    with torch.no_grad():
        treated.module.weight.copy_(torch.tensor([[0.5, -0.1, 0.25]]))
    optimizer = torch.optim.Adam(treated.module.parameters(), lr=0.1)
    treated.module.weight.grad = torch.zeros(1, 3)
    treated.step_(optimizer)
    torch.testing.assert_close(treated.module.weight.detach(), torch.tensor([[0.3, 0.0, 0.05]]))


def test_a_timescale_is_the_epochs_to_one_over_e():
    decay = decay_of_timescale(10, steps_per_epoch=40, learning_rate=0.01)
    left = (1 - 0.01 * decay) ** 400
    assert left == pytest.approx(np.exp(-1), rel=0.01)
    assert timescale_of_decay(decay, 40, 0.01) == pytest.approx(10)


def test_the_direct_gradients_equal_the_penalty_for_every_term_at_once():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 2)).double()
    rules = {"2": {"l1": 0.3, "group_lasso": 0.0}}
    by_loss, direct = (regularize(net, l1=0.1, l2=0.2, group_lasso=0.05, rules=rules) for _ in "ab")
    x = torch.randn(5, 4).double()
    (by_loss.module(x).square().mean() + by_loss.penalty()).backward()
    direct.module(x).square().mean().backward()
    direct.add_penalty_gradient_()
    for one, other in zip(by_loss.module.parameters(), direct.module.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad)


def test_zeros_are_counted_by_layer():
    treated = regularize(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)), l1=0.1)
    with torch.no_grad():
        treated.module[0].weight[0] = 0
    assert treated.zeros_by_layer() == {"0.weight": (2, 6), "2.weight": (0, 3)}
    assert treated.zeros() == pytest.approx(2 / 9)


def test_shrinking_an_optimizer_without_the_weights_is_refused():
    treated = regularize(nn.Linear(2, 2), l1=0.1, exact_zeros=True)
    other = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=0.1)
    with pytest.raises(InputError, match="optimizer does not hold a penalized weight"):
        treated.shrink_(other)


def test_the_first_threshold_under_adam_is_in_the_bias_corrected_metric():
    """After one step the corrected mean of squares is the squared gradient itself."""
    layer = nn.Linear(3, 1, bias=False).double()
    treated = regularize(layer, l1=0.2, exact_zeros=True)
    weight = treated.module.weight
    with torch.no_grad():
        weight.copy_(torch.tensor([[1.0, -1.0, 1.0]]))
    gradient = torch.tensor([[0.5, -2.0, 0.1]], dtype=torch.float64)
    weight.grad = gradient.clone()
    optimizer = torch.optim.Adam(treated.module.parameters(), lr=0.01, eps=1e-8)
    treated.step_(optimizer)
    # Adam's first step is the learning rate times the sign; then the threshold.
    stepped = torch.tensor([[1.0, -1.0, 1.0]], dtype=torch.float64) - 0.01 * gradient.sign()
    limit = 0.01 * 0.2 / (gradient.abs() + 1e-8)
    expected = stepped.sign() * (stepped.abs() - limit).clamp(min=0)
    torch.testing.assert_close(weight.detach(), expected)
