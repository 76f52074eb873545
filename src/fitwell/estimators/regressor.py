"""A regularized network as a scikit-learn regressor."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin

from fitwell.estimators.base import NetworkEstimator
from fitwell.estimators.inputs import read, row_weights


class FitwellRegressor(RegressorMixin, NetworkEstimator):  # type: ignore[misc]  # no types
    """Predict a number with a network that is trained once, with the strengths given.

    The objective is ``loss + l1 Σ|w| + l2 Σw²``, where the loss is the squared error of
    the *standardized* target, (y - mean) / (standard deviation) of the training rows,
    averaged over the rows: no half anywhere. So strengths mean the same in any unit of y,
    and a network without hidden layer is ridge regression with ``alpha = l2 * rows``.

    Args:
        model: ``"mlp"``, a module (copied; its weights are drawn anew), or a function of
            the number of inputs and of outputs, which is 1, that builds one.
        widths: units of each hidden layer of an ``mlp``.
        activation: of an ``mlp``: relu, gelu, silu, selu or tanh.
        l1: strength of Σ|w|, taken by a proximal step that leaves exact zeros; 0 is off.
        l2: strength of Σw²; 0 is off.
        dropout: rate after each hidden activation, 0 to below 1.
        batch_norm: batch normalization before each hidden activation.
        epochs: the most passes over the training rows.
        batch_size: rows per step; 0 takes the power of two nearest to a fortieth of the
            rows, 32 to 256.
        learning_rate: Adam's.
        schedule: ``constant`` or ``flat-cosine``.
        patience: epochs without a new minimum of the validation loss until training ends.
        early_stopping: set rows aside to stop by, and keep the best epoch's weights.
        validation_share: share of the rows that is set aside. They stop the training and
            do nothing else.
        random_state: the seed of split, first weights, order of rows and dropout. None
            draws one; ``seed_`` says which.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``. Predictions are made on the cpu.

    Attributes:
        module_: the trained network, bare, in eval mode; it gives the standardized target.
        target_mean_: of the training rows.
        target_scale_: their standard deviation; 1 where all are equal.
        seed_: where all random draws came from.
        n_iter_: epochs that were run.
        best_epoch_: the epoch whose weights were kept, from 1.
        loss_curve_: mean squared error of the standardized target after each epoch.
        validation_loss_curve_: the same for the rows set aside; empty if there are none.
        zeros_: share of the penalized weights that are exactly zero.
        encoder_: preprocessing of a DataFrame with text columns; else None.
        n_features_in_: number of columns.
        feature_names_in_: their names, if X was a DataFrame.

    >>> import numpy as np
    >>> x = np.linspace(-1, 1, 100)[:, None]
    >>> model = FitwellRegressor(widths=(32,), learning_rate=0.01, random_state=0)
    >>> bool(model.fit(x, x[:, 0] ** 2).score(x, x[:, 0] ** 2) > 0.9)
    True
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "FitwellRegressor":
        """Train one network from new weights.

        Args:
            X: numbers, one row per example, used as they are; or a DataFrame. If a column
                of it is neither number nor Boolean, all go through fitwell's encoding of
                tables, and missing values are allowed.
            y: one number per row.
            sample_weight: how much each row counts, in training and in stopping. A row of
                weight w stands for w rows; one of weight 0 is left out.

        Raises:
            InputError: an argument that cannot be used; it is a ValueError.
            TrainingFailed: the loss became infinite or NaN.
        """
        x, y = read(self, X, y)
        y = y.astype(np.float64)
        weights = row_weights(sample_weight, len(y))
        if weights is not None:
            x, y, weights = x[weights > 0], y[weights > 0], weights[weights > 0]
        self.seed_ = self._draw_seed()
        parts = self._split(np.zeros(len(y), dtype=np.int64), self.seed_)
        mean, scale = _mean_and_scale(y[parts[0]], None if weights is None else weights[parts[0]])
        standardized = ((y - mean) / scale).astype(np.float32)
        self._train(x, standardized, weights, parts, outputs=1, loss="squared-error")
        self.target_mean_, self.target_scale_ = mean, scale
        return self

    def predict(self, X: Any) -> NDArray[np.float64]:
        """Give one number per row, in the unit of y."""
        standardized: NDArray[np.float64] = self._outputs(X)[:, 0].numpy()
        return standardized * self.target_scale_ + self.target_mean_


def _mean_and_scale(
    y: NDArray[np.float64], weights: NDArray[np.float32] | None
) -> tuple[float, float]:
    mean = float(np.average(y, weights=weights))
    scale = float(np.sqrt(np.average((y - mean) ** 2, weights=weights)))
    return mean, scale or 1.0
