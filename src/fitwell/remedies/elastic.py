r"""The gradient of L1 and L2 together, in one pass over the weights and without a graph."""

from collections.abc import Iterable

import torch
from torch import nn

from fitwell.remedies.passes import add_elastic_, one_pass

Place = tuple[nn.Module, str, float, float]
"""A layer, the name of one of its weights, and that weight's strengths of L1 and L2."""


def add_elastic_gradient_(places: Iterable[Place]) -> None:
    r"""Add :math:`\lambda_1\,\mathrm{sign}(w) + 2\lambda_2 w` to each weight's gradient.

    The same numbers as backpropagating `l1_penalty` and `l2_penalty`. A weight without a
    gradient is passed over. One loop, since in a small network a call costs more than its
    arithmetic.

    >>> layer = nn.Linear(2, 1)
    >>> layer.weight = nn.Parameter(torch.tensor([[3.0, -4.0]]))
    >>> layer.weight.grad = torch.zeros(1, 2)
    >>> add_elastic_gradient_([(layer, "weight", 0.5, 0.1)])
    >>> layer.weight.grad
    tensor([[ 1.1000, -1.3000]])
    """
    for layer, name, l1, l2 in places:
        weight = layer._parameters[name]
        gradient = weight.grad  # type: ignore[union-attr]  # it is there: surgery found it
        if gradient is None:
            continue
        assert weight is not None  # surgery found it
        if one_pass(gradient, weight):
            add_elastic_(gradient, weight, l1, l2)
            continue
        with torch.no_grad():
            if l1:
                gradient.add_(weight.sign(), alpha=l1)
            if l2:
                gradient.add_(weight, alpha=2 * l2)
