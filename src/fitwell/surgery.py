"""Find the places in a network where a remedy can act; put hooks there; take them out.

Layers are found by module type in the order in which they were registered, never by
name. Nothing here changes a module that it was only asked to look at.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import nn

from fitwell.errors import InputError

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
NOT_YET = (
    nn.RNNBase,
    nn.RNNCellBase,
    nn.MultiheadAttention,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
    nn.Bilinear,
)
"""Layers with weights that nothing here treats; leaving them out silently would mislead."""

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
ACTIVATIONS = (
    nn.ReLU,
    nn.ReLU6,
    nn.LeakyReLU,
    nn.PReLU,
    nn.ELU,
    nn.CELU,
    nn.SELU,
    nn.GELU,
    nn.SiLU,
    nn.Mish,
    nn.Tanh,
    nn.Sigmoid,
    nn.Hardswish,
    nn.Hardtanh,
    nn.Softplus,
)


@dataclass(frozen=True)
class Change:
    """One thing that surgery did: where, and what."""

    layer: str
    what: str

    def __str__(self) -> str:
        return f"{self.layer}: {self.what}"


@dataclass(frozen=True)
class Site:
    """A hidden layer with weights and what comes between it and the next such layer.

    Attributes:
        name: the layer's name in ``named_modules``.
        layer: the layer.
        next_name: the name of the next layer with weights.
        next_layer: that layer.
        activation: the first activation module between the two, if it is a module.
        activation_name: its name.
        dropout: a dropout module that is already there.
        dropout_name: its name.
        norm: a batch norm that is already there.
    """

    name: str
    layer: nn.Module
    next_name: str
    next_layer: nn.Module
    activation: nn.Module | None
    activation_name: str
    dropout: nn.Module | None
    dropout_name: str
    norm: nn.Module | None

    @property
    def convolution(self) -> bool:
        """Whether the layer's output has channels with neighbours."""
        return isinstance(self.layer, CONVOLUTIONS)


def weighted_layers(module: nn.Module) -> Sequence[tuple[str, nn.Module]]:
    """List the layers whose weights are penalized: linear and convolution, by type.

    Raises:
        InputError: there is none, or one of `NOT_YET`.
    """
    for name, layer in module.named_modules():
        if isinstance(layer, NOT_YET):
            raise InputError(
                f"model: layer {name!r} is a {type(layer).__name__}, which fitwell cannot"
                " regularize yet. Give a network of Linear and Conv layers."
            )
    found = [(name, layer) for name, layer in module.named_modules() if isinstance(layer, WEIGHTED)]
    if not found:
        raise InputError(
            f"model: {type(module).__name__} has no Linear or Conv layer, so there is nothing to"
            " regularize. Give a network with at least one."
        )
    return found


def penalized_weights(module: nn.Module) -> list[nn.Parameter]:
    """List the penalized tensors; one that two layers share is listed once."""
    weights = {id(layer.weight): layer.weight for _, layer in weighted_layers(module)}
    return list(weights.values())  # type: ignore[arg-type]  # nn.Module types weight loosely


def hidden_sites(module: nn.Module) -> list[Site]:
    """List the hidden layers in order; the output layer, the last one, is not among them."""
    weighted_layers(module)
    # Repeats are kept: one ReLU object that serves after several layers is seen after each.
    leaves: list[tuple[str, nn.Module]] = [
        (name, layer)
        for name, layer in module.named_modules(remove_duplicate=False)
        if isinstance(layer, (*WEIGHTED, *ACTIVATIONS, *DROPOUTS, *NORMS))
    ]
    at = [i for i, (_, layer) in enumerate(leaves) if isinstance(layer, WEIGHTED)]
    sites = []
    for start, end in pairwise(at):
        between = leaves[start + 1 : end]
        activation_name, activation = _first(between, ACTIVATIONS)
        dropout_name, dropout = _first(between, DROPOUTS)
        sites.append(
            Site(
                *leaves[start],
                *leaves[end],
                activation,
                activation_name,
                dropout,
                dropout_name,
                _first(between, NORMS)[1],
            )
        )
    return sites


def _first(
    leaves: Sequence[tuple[str, nn.Module]], kinds: tuple[type[nn.Module], ...]
) -> tuple[str, nn.Module | None]:
    return next(((n, m) for n, m in leaves if isinstance(m, kinds)), ("", None))


def after_output(module: nn.Module) -> set[int]:
    """Give the ids of the modules registered behind the output layer."""
    order = [layer for _, layer in module.named_modules(remove_duplicate=False)]
    last = max(i for i, layer in enumerate(order) if isinstance(layer, WEIGHTED))
    return {id(layer) for layer in order[last + 1 :]}


class Inserted:
    """Base of every hook that fitwell puts on a layer, so that it can be found again."""


def without_hooks(module: nn.Module) -> nn.Module:
    """Copy a module and leave out the hooks that fitwell inserted."""
    bare = copy.deepcopy(module)
    for layer in bare.modules():
        for hooks in (layer._forward_hooks, layer._forward_pre_hooks):
            for key in [k for k, hook in hooks.items() if isinstance(hook, Inserted)]:
                del hooks[key]
    return bare
