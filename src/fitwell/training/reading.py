"""What a trained network loses on rows, as its training counted it."""

import numpy as np
import torch
from numpy.typing import NDArray

from fitwell.determinism import one_thread
from fitwell.own.loss import OwnLoss
from fitwell.recipe import Recipe
from fitwell.statistics import row_log_losses
from fitwell.task import Material
from fitwell.training.loop import logits, probabilities


def row_losses(
    network: torch.nn.Module,
    material: Material,
    recipe: Recipe,
    rows: tuple[NDArray[np.float32], NDArray[np.int64]],
) -> NDArray[np.float64]:
    """Give each row's loss times its class's weight: cross-entropy, or the user's own loss."""
    x, y = rows
    if isinstance(material.loss, OwnLoss):
        with torch.no_grad(), one_thread():
            found = material.loss.function(
                logits(network, torch.from_numpy(x)), torch.from_numpy(y)
            )
        losses = found.double().numpy()
    else:
        losses = row_log_losses(probabilities(network, x), y)
    weighted: NDArray[np.float64] = losses * material.class_weights(recipe)[y]
    return weighted
