"""Where a training starts: at new weights, at given ones, or at given ones that are shrunk."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fitwell.recipe import Recipe

SHRINK, NOISE = 0.4, 0.1
"""What the authors' own program uses by default: github.com/JordanAsh/warm_start."""


@torch.no_grad()
def start_(network: nn.Module, given: Mapping[str, NDArray[np.generic]], recipe: Recipe) -> None:
    r"""Bring a network with new weights :math:`p` to where the recipe starts.

    ``given`` takes the given weights :math:`w` as they are, buffers too. ``shrunk`` makes
    every trainable number, biases and norms included,

    .. math:: 0.4 w + 0.1 p

    so that the noise has the scale of each layer's own initial weights. Buffers, such as
    the means of batch norm, stay new; weights that are not trained are taken as given.

    Reference:
        Ash and Adams: On Warm-Starting Neural Network Training, NeurIPS 2020.
    """
    if recipe.start == "given":
        network.load_state_dict({name: torch.from_numpy(w) for name, w in given.items()})
    if recipe.start == "shrunk":
        for name, weight in network.named_parameters():
            old = torch.from_numpy(given[name])
            if weight.requires_grad:
                weight.mul_(NOISE).add_(old, alpha=SHRINK)
            else:
                weight.copy_(old)
