"""The penalized weights of a network, layer by layer, and how many are exactly zero."""

import re
from math import sqrt

from torch import Tensor, nn

from fitwell.found.layers import LayerWeights
from fitwell.models.ensemble import Ensemble
from fitwell.surgery import penalized


def weights_by_layer(network: nn.Module) -> tuple[LayerWeights, ...]:
    r"""Count weights and exact zeros of each penalized tensor, and measure it.

    The norm is :math:`\sqrt{\sum w^2}`. Of a mean of networks, the tensors of the same
    name count together.

    >>> import torch
    >>> from torch import nn
    >>> layer = nn.Linear(2, 1, bias=False)
    >>> layer.weight.data = torch.tensor([[3.0, 0.0]])
    >>> weights_by_layer(nn.Sequential(layer))
    (LayerWeights(name='0.weight', shape=(1, 2), weights=2, zeros=1, norm=3.0),)
    """
    found: dict[str, list[Tensor]] = {}
    for weight in penalized(network):
        name = weight.full_name
        if isinstance(network, Ensemble):
            name = re.sub(r"^members\.\d+\.", "", name)
        found.setdefault(name, []).append(weight.tensor.detach())
    return tuple(
        LayerWeights(
            name=name,
            shape=tuple(tensors[0].shape),
            weights=sum(tensor.numel() for tensor in tensors),
            zeros=sum(int((tensor == 0).sum()) for tensor in tensors),
            norm=sqrt(sum(float(tensor.double().square().sum()) for tensor in tensors)),
        )
        for name, tensors in found.items()
    )
