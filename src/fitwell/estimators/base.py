"""What the classifier and the regressor share: parameters, the split, one training."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted
from torch import nn

from fitwell.data.source import Rows
from fitwell.data.splits import stratified
from fitwell.determinism import one_thread
from fitwell.errors import InputError
from fitwell.estimators.inputs import encode, read_again
from fitwell.models.blueprint import Blueprint, from_module
from fitwell.recipe import Recipe
from fitwell.runs.question import CHOICES, default_batch_size, pick_device
from fitwell.task import LossKind, Material
from fitwell.training.loop import logits, restore, train

FEWEST = 2
"""Rows to train on, and rows to stop by: one in either of two parts."""


class NetworkEstimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A network trained once, by fitwell's one training loop, with the strengths given."""

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
        random_state: int | np.random.RandomState | None = None,
        device: str = "cpu",
    ) -> None:
        self.model = model
        self.widths = widths
        self.activation = activation
        self.l1 = l1
        self.l2 = l2
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.schedule = schedule
        self.patience = patience
        self.early_stopping = early_stopping
        self.validation_share = validation_share
        self.random_state = random_state
        self.device = device

    def _draw_seed(self) -> int:
        """A whole number is the seed; otherwise one is drawn."""
        generator = check_random_state(self.random_state)
        if isinstance(self.random_state, int | np.integer):
            return int(self.random_state)
        return int(generator.randint(2**31 - 1))

    def _split(self, strata: NDArray[np.int64], seed: int) -> tuple[Rows, Rows]:
        """Give the rows to train on and the rows to stop by, each class in its share."""
        rows = np.arange(len(strata))
        held = np.zeros(len(rows), dtype=bool)
        if self.early_stopping:
            if not 0 < self.validation_share < 1:
                raise InputError(
                    f"validation_share is {self.validation_share!r}, but a share between 0 and 1"
                    " is expected. Leave it at 0.2, or set early_stopping=False."
                )
            held = stratified(strata, self.validation_share, seed)
        few = "1 sample" if len(rows) == 1 else f"{len(rows)} samples"
        if (~held).sum() < FEWEST or (self.early_stopping and held.sum() < FEWEST):
            raise InputError(
                f"{few} leave {(~held).sum()} to train on and {held.sum()} to"
                f" stop by, but at least {FEWEST} of each are expected. Give more, change"
                " validation_share, or set early_stopping=False."
            )
        return rows[~held], rows[held]

    def _train(
        self,
        x: Any,
        target: NDArray[Any],
        weights: NDArray[np.float32] | None,
        parts: tuple[Rows, Rows],
        *,
        outputs: int,
        loss: LossKind,
    ) -> None:
        """Train once and keep what a prediction needs."""
        recipe = self._recipe(len(parts[0]))
        device = pick_device(self.device)
        blueprint = _blueprint(self.model, self.widths, self.activation)
        encoder, inputs = encode(x, parts[0])
        (train_weights, validation_weights) = (_mean_one(weights, part) for part in parts)
        material = Material(
            train_x=inputs[parts[0]],
            train_y=target[parts[0]],
            validation_x=inputs[parts[1]],
            validation_y=target[parts[1]],
            outputs=outputs,
            blueprint=blueprint,
            loss=loss,
            train_weights=train_weights,
            validation_weights=validation_weights,
        )
        outcome = train(material, recipe, self.seed_, device=device)
        self.encoder_ = encoder
        self.n_iter_ = outcome.epochs
        self.best_epoch_ = outcome.best_epoch
        self.loss_curve_ = outcome.train_log_loss
        self.validation_loss_curve_ = outcome.validation_log_loss
        self.zeros_ = outcome.zeros
        self.module_ = restore(material, recipe, outcome)

    def _recipe(self, training_rows: int) -> Recipe:
        fixed = {name: getattr(self, name) for name in RECIPE if hasattr(self, name)}
        for name, known in CHOICES.items():
            if name in fixed and fixed[name] not in known:
                raise InputError(
                    f"{name} is {fixed[name]!r}, but {' or '.join(known)} is expected."
                )
        return Recipe(**fixed, batch_size=self.batch_size or default_batch_size(training_rows))

    def _outputs(self, X: Any) -> torch.Tensor:
        """Give the network's outputs in eval mode, in float64."""
        check_is_fitted(self, "module_")
        x = read_again(self, X, self.encoder_)
        with one_thread():
            return logits(self.module_, torch.from_numpy(x)).double()


RECIPE = (
    "epochs", "learning_rate", "schedule", "patience", "early_stopping", "class_weights", "l1",
    "l2", "dropout", "batch_norm",
)  # fmt: skip
"""Parameters that a `Recipe` takes as they are."""


def _blueprint(model: Any, widths: Sequence[int], activation: str) -> Blueprint:
    if isinstance(model, nn.Module):
        return Blueprint(kind="custom", factory=from_module(model), name=type(model).__name__)
    if callable(model):
        name = getattr(model, "__name__", type(model).__name__)
        return Blueprint(kind="custom", factory=model, name=name)
    if model == "mlp":
        return Blueprint(kind="mlp", widths=tuple(widths), activation=activation)
    raise InputError(
        f"model is {model!r}, but 'mlp', a module, or a function of the number of inputs and of"
        " outputs that builds one is expected."
    )


def _mean_one(weights: NDArray[np.float32] | None, part: Rows) -> NDArray[np.float32] | None:
    if weights is None or len(part) == 0:
        return None
    scaled: NDArray[np.float32] = weights[part] / weights[part].mean(dtype=np.float64)
    return scaled.astype(np.float32)
