"""Does the network fit even its own training rows: at least as well as a linear model?"""

import numpy as np
from numpy.typing import NDArray

from fitwell.results import Evidence
from fitwell.statistics import mean_interval, row_log_losses
from fitwell.task import Task

REFERENCE_ROWS = 5_000
REFERENCE_COLUMNS = 1_000
"""Beyond so many inputs the reference is the share of each class, which is quick."""

WORSE = "The network fits its own training rows worse than a linear model does."
FITS = "The network fits its own training rows at least as well as a linear model."


def check_underfitting(
    task: Task, probabilities: NDArray[np.float64], class_weights: NDArray[np.float32], seed: int
) -> Evidence:
    """Compare training log-loss with that of logistic regression, row by row.

    Args:
        task: gives the training rows; at most `REFERENCE_ROWS` are used.
        probabilities: of the network for all training rows, in eval mode.
        class_weights: what a row of each class counted in training; it counts the same for
            the linear model, and in the comparison.
        seed: draws the rows.
    """
    x, y = task.material.train_x, task.material.train_y
    rows = np.random.default_rng([seed, 0x11]).permutation(len(y))[:REFERENCE_ROWS]
    weights = class_weights[y[rows]].astype(np.float64)
    reference = _reference(x[rows].reshape(len(rows), -1), y[rows], weights, len(class_weights))
    own = row_log_losses(probabilities[rows], y[rows])
    groups = task.groups(task.split.train)
    excess = weights * (own - reference)
    worse = mean_interval(excess, None if groups is None else groups[rows])
    return Evidence(
        check="training loss above a linear model's",
        finding=WORSE if worse.low > 0 else FITS,
        value=worse.value,
        low=worse.low,
        high=worse.high,
        threshold=0.0,
    )


def _reference(
    x: NDArray[np.float32], y: NDArray[np.int64], weights: NDArray[np.float64], classes: int
) -> NDArray[np.float64]:
    shares = np.bincount(y, weights, minlength=classes) / weights.sum()
    if x.shape[1] > REFERENCE_COLUMNS:
        return row_log_losses(np.tile(shares, (len(y), 1)), y)
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    # In float64: OpenBLAS 0.3.31 multiplies float32 rows of 5 columns by a vector out of stack
    # memory that it has not written (AVX-512), and NumPy then warns of values it never had.
    doubles = x.astype(np.float64)
    with warnings.catch_warnings():
        # One that has not converged is a weaker reference, never a wrong one.
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = LogisticRegression(max_iter=200).fit(doubles, y, sample_weight=weights)
    found = np.zeros((len(y), classes))
    found[:, model.classes_] = model.predict_proba(doubles)
    return row_log_losses(found, y)
