"""What a training makes small: cross-entropy of classes, squared error of numbers."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from fitwell.own.loss import OwnLoss
from fitwell.task import LossKind


@dataclass(frozen=True)
class Part:
    """Rows on a device: inputs, targets, and how much each row counts (None: all the same)."""

    x: Tensor
    y: Tensor
    weights: Tensor | None

    def take(self, rows: Tensor) -> "Part":
        """Give the rows of these numbers."""
        rows = rows.to(self.y.device)
        return Part(
            self.x[rows], self.y[rows], None if self.weights is None else self.weights[rows]
        )


def part(
    x: NDArray[np.float32], y: NDArray[Any], weights: NDArray[np.float32] | None, device: str
) -> Part:
    """Bring arrays to a device."""
    return Part(
        torch.from_numpy(x).to(device),
        torch.from_numpy(y).to(device),
        None if weights is None else torch.from_numpy(weights).to(device),
    )


@dataclass(frozen=True)
class Loss:
    """The loss of a row, and of a batch of them.

    Attributes:
        kind: ``cross-entropy``, in natural logarithms, of outputs [rows, classes] and class
            numbers; ``squared-error`` (no half) of outputs [rows, 1] and numbers; or the
            user's own, of what cross-entropy is given.
        class_weights: of cross-entropy, what a row of each class counts.
    """

    kind: LossKind | OwnLoss
    class_weights: Tensor | None = None

    def of_rows(self, outputs: Tensor, rows: Part) -> Tensor:
        """Give each row's loss, times its own weight and that of its class."""
        if self.kind == "squared-error":
            losses = (outputs[:, 0] - rows.y).square()
        elif isinstance(self.kind, OwnLoss):
            losses = self._of_classes(self.kind.function(outputs, rows.y), rows)
        else:
            losses = self._of_classes(F.cross_entropy(outputs, rows.y, reduction="none"), rows)
        return losses if rows.weights is None else losses * rows.weights

    def _of_classes(self, losses: Tensor, rows: Part) -> Tensor:
        return losses if self.class_weights is None else losses * self.class_weights[rows.y]

    def of_batch(self, outputs: Tensor, rows: Part) -> Tensor:
        """Average over a batch.

        Without weights by row, cross-entropy and a loss of the user's own are divided by the
        sum of the class weights in the batch, as torch does. With them it is divided by the
        number of rows: row weights average 1 over the training rows, not in each batch, and
        dividing by a batch's own sum would give rows of small weight full effect wherever no
        heavy row is beside them.
        """
        if self.kind == "cross-entropy" and rows.weights is None:
            return F.cross_entropy(outputs, rows.y, weight=self.class_weights)
        losses = self.of_rows(outputs, rows)
        if rows.weights is None and self.class_weights is not None:
            return losses.sum() / self.class_weights[rows.y].sum()
        return losses.mean()
