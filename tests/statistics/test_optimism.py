"""The estimate of what a search chose: unbiased where what it promises is not."""

import numpy as np

from fitwell.tuning.choice import Folds


def simulate(seed, finalists=5, rows=240, folds=4):
    """Finalists that are equally good on new rows; validation noise alone tells them apart."""
    rng = np.random.default_rng(seed)
    shared = rng.normal(0.6, 0.5, rows)
    losses = {n: shared + rng.normal(0, 0.3, rows) for n in range(finalists)}
    table = Folds(
        losses=losses,
        fold=np.arange(rows) % folds,
        complexity={n: min(n, 1) for n in range(finalists)},
    )
    promised = losses[table.choose()].mean()
    return promised - shared.mean(), table.estimate(range(folds)).value - shared.mean()


def test_the_cross_fitted_estimate_is_unbiased_and_the_promise_is_not():
    """Bounds: 3 standard errors over 600 simulated searches around 0, and 5 away from it."""
    runs = np.array([simulate(seed) for seed in range(600)])
    means, errors = runs.mean(axis=0), runs.std(axis=0, ddof=1) / len(runs) ** 0.5
    assert means[0] < -5 * errors[0]  # what was chosen looks better than it is
    assert abs(means[1]) < 3 * errors[1]
