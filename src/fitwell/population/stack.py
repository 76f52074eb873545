"""Networks that are a stack of linear layers: what the fused engine can train, and why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from torch import nn

Weights = NDArray[np.float32]


@dataclass(frozen=True)
class Stack:
    """Linear layers with biases, a ReLU between each two.

    One network is one vector: the weights of the first layer row by row, its biases, the
    weights of the second, and so on.

    Attributes:
        sizes: inputs, units of each hidden layer, outputs.
        names: each linear layer's name in ``named_modules``.
    """

    sizes: tuple[int, ...]
    names: tuple[str, ...]

    @property
    def parameters(self) -> int:
        """How many numbers the vector has."""
        return sum(inputs * outputs + outputs for inputs, outputs in pairwise(self.sizes))

    def vector(self, network: nn.Module) -> Weights:
        """Lay a network's weights out."""
        state = network.state_dict()
        parts = [state[f"{n}.{kind}"].flatten() for n in self.names for kind in ("weight", "bias")]
        return np.concatenate([part.numpy() for part in parts])

    def state(self, vector: Weights) -> dict[str, NDArray[np.generic]]:
        """Give the ``state_dict`` back."""
        found: dict[str, NDArray[np.generic]] = {}
        for name, (weight, bias) in zip(self.names, self.split(vector[None]), strict=True):
            found[f"{name}.weight"], found[f"{name}.bias"] = weight[0].copy(), bias[0].copy()
        return found

    def split(self, vectors: Weights) -> list[tuple[Weights, Weights]]:
        """Give each layer's weights ``[k, outputs, inputs]`` and biases ``[k, outputs]``."""
        layers, start = [], 0
        for inputs, outputs in pairwise(self.sizes):
            middle, end = start + inputs * outputs, start + inputs * outputs + outputs
            weight = vectors[:, start:middle].reshape(-1, outputs, inputs)
            layers.append((weight, vectors[:, middle:end]))
            start = end
        return layers


def stack_of(network: nn.Module) -> Stack | str:
    """Read a network as a stack, or say in a few words why it is none.

    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    >>> stack_of(net)
    Stack(sizes=(4, 3, 2), names=('1', '3'))
    >>> stack_of(nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2)))
    'layer 1 is a Tanh'
    """
    leaves = _leaves(network)
    if isinstance(leaves, str):
        return leaves
    if leaves and type(leaves[0][1]) is nn.Flatten:
        leaves = leaves[1:]
    for number, (name, layer) in enumerate(leaves):
        wanted = nn.Linear if number % 2 == 0 else nn.ReLU
        if type(layer) is not wanted:
            return f"layer {name} is a {type(layer).__name__}"
        if isinstance(layer, nn.Linear) and layer.bias is None:
            return f"layer {name} has no bias"
        if layer._forward_hooks or layer._forward_pre_hooks:
            return f"layer {name} has hooks"
    linear = [(name, layer) for name, layer in leaves if isinstance(layer, nn.Linear)]
    if len(leaves) % 2 == 0 or len(linear) < 2:
        return "it has no hidden layer, or ends in an activation"
    if len({id(layer.weight) for _, layer in linear}) < len(linear):
        return "two layers share weights"
    sizes = (linear[0][1].in_features, *(layer.out_features for _, layer in linear))
    return Stack(sizes, tuple(name for name, _ in linear))


def _leaves(network: nn.Module) -> Sequence[tuple[str, nn.Module]] | str:
    """List the layers of nested Sequentials in order of use."""
    if type(network) is not nn.Sequential:
        return f"{type(network).__name__} is not a Sequential"
    found: list[tuple[str, nn.Module]] = []
    for name, child in network._modules.items():
        assert child is not None
        if isinstance(child, nn.Sequential):
            inner = _leaves(child)
            if isinstance(inner, str):
                return inner
            found += [(f"{name}.{deeper}", layer) for deeper, layer in inner]
        else:
            found.append((name, child))
    return found
