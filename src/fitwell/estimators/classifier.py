"""A regularized network as a scikit-learn classifier."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from torch import nn

from fitwell.errors import InputError
from fitwell.estimators.base import NetworkEstimator
from fitwell.estimators.inputs import read, row_weights


class FitwellClassifier(ClassifierMixin, NetworkEstimator):  # type: ignore[misc]  # no types
    """Predict classes with a network that is trained once, with the strengths given.

    The objective is ``loss + l1 Σ|w| + l2 Σw²``: natural-log cross-entropy averaged over
    the rows, no half in front of ``l2``, sums over the weights of linear and convolution
    layers. To search the strengths use scikit-learn's ``GridSearchCV``, or `fitwell.tune`.

    Args:
        model: ``"mlp"``, a module (copied; its weights are drawn anew), or a function of
            the number of inputs and of classes that builds one.
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
        validation_share: share of the rows that is set aside, of each class alike. They
            stop the training and do nothing else.
        class_weights: ``none``, or ``balanced``: rows / (classes x rows of the class).
        random_state: the seed of split, first weights, order of rows and dropout. None
            draws one; ``seed_`` says which.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``. Predictions are made on the cpu.

    Attributes:
        classes_: the classes, in the order of the columns of ``predict_proba``.
        module_: the trained network, bare, in eval mode.
        seed_: where all random draws came from.
        n_iter_: epochs that were run.
        best_epoch_: the epoch whose weights were kept, from 1.
        loss_curve_: training log-loss after each epoch.
        validation_loss_curve_: the same for the rows set aside; empty if there are none.
        zeros_: share of the penalized weights that are exactly zero.
        encoder_: preprocessing of a DataFrame with text columns; else None.
        n_features_in_: number of columns.
        feature_names_in_: their names, if X was a DataFrame.

    >>> import numpy as np
    >>> x = np.repeat([[-1.0], [1.0]], 20, axis=0)
    >>> y = np.repeat(["no", "yes"], 20)
    >>> model = FitwellClassifier(widths=(8,), learning_rate=0.01, random_state=0)
    >>> model.fit(x, y).predict([[-2.0], [2.0]])
    array(['no', 'yes'], dtype='<U3')
    """

    def __init__(
        self,
        model: str | nn.Module | Callable[..., nn.Module] = "mlp",
        *,
        widths: Sequence[int] = (256, 256),
        activation: str = "relu",
        l1: float = 0.0,
        l2: float = 0.0,
        dropout: float = 0.0,
        batch_norm: bool = False,
        epochs: int = 60,
        batch_size: int = 0,
        learning_rate: float = 1e-3,
        schedule: Literal["constant", "flat-cosine"] = "constant",
        patience: int = 10,
        early_stopping: bool = True,
        validation_share: float = 0.2,
        class_weights: Literal["none", "balanced"] = "none",
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
    ) -> None:
        super().__init__(
            model,
            widths=widths,
            activation=activation,
            l1=l1,
            l2=l2,
            dropout=dropout,
            batch_norm=batch_norm,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            schedule=schedule,
            patience=patience,
            early_stopping=early_stopping,
            validation_share=validation_share,
            random_state=random_state,
            device=device,
        )
        self.class_weights = class_weights

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> "FitwellClassifier":
        """Train one network from new weights.

        Args:
            X: numbers, one row per example, used as they are; or a DataFrame. If a column
                of it is neither number nor Boolean, all go through fitwell's encoding of
                tables, and missing values are allowed.
            y: one class per row.
            sample_weight: how much each row counts, in training and in stopping. A row of
                weight w stands for w rows; one of weight 0 is left out.

        Raises:
            InputError: an argument that cannot be used; it is a ValueError.
            TrainingFailed: the loss became infinite or NaN.
        """
        x, y = read(self, X, y)
        check_classification_targets(y)
        weights = row_weights(sample_weight, len(y))
        if weights is not None:
            x, y, weights = x[weights > 0], y[weights > 0], weights[weights > 0]
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise InputError(
                f"y holds one class only, {classes[0]}, in all rows of weight above zero. At"
                " least two are expected."
            )
        codes = codes.astype(np.int64)
        self.seed_ = self._draw_seed()
        parts = self._split(codes, self.seed_)
        self._train(x, codes, weights, parts, outputs=len(classes), loss="cross-entropy")
        self.classes_ = classes
        return self

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Give one row of class probabilities per row of X, in the order of ``classes_``."""
        found: NDArray[np.float64] = self._outputs(X).softmax(dim=1).numpy()
        return found

    def predict(self, X: Any) -> NDArray[Any]:
        """Give each row's most probable class."""
        probabilities = self.predict_proba(X)
        found: NDArray[Any] = self.classes_[probabilities.argmax(axis=1)]
        return found
