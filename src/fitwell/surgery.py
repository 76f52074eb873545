"""Find the places in a network where a remedy can act; put hooks there; take them out.

Layers are found by module type in the order in which they were registered, never by
name. Nothing here changes a module that it was only asked to look at.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from torch import nn
from torch.nn.parameter import is_lazy
from torch.nn.utils.parametrize import is_parametrized

from fitwell.errors import InputError

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
WEIGHTED = (nn.Linear, nn.Bilinear, *CONVOLUTIONS, *TRANSPOSED)
RECURRENT = (nn.RNNBase, nn.RNNCellBase)
DROPOUTS = (
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)
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


@dataclass(frozen=True, eq=False)
class Weight:
    """A penalized tensor: where it is kept, so that it is found again after a move.

    Attributes:
        layer: the layer's name in ``named_modules``.
        module: the layer.
        name: the parameter's name in the layer.
        units: the axis that counts the layer's outputs; its slices are the groups of the
            group lasso.
    """

    layer: str
    module: nn.Module
    name: str
    units: int

    @property
    def tensor(self) -> nn.Parameter:
        """The parameter as it is now."""
        held: nn.Parameter = self.module._parameters[self.name]  # type: ignore[assignment]
        return held

    @property
    def full_name(self) -> str:
        """Its name in ``named_parameters``."""
        return f"{self.layer}.{self.name}" if self.layer else self.name


def _weight_names(layer: nn.Module) -> list[str]:
    """Name the parameters of a layer that are weights: not biases, norms or embeddings."""
    if isinstance(layer, WEIGHTED) or _is_conv1d_of_transformers(layer):
        return ["weight"]
    if isinstance(layer, RECURRENT):
        return [name for name in layer._parameters if name.startswith("weight_")]
    if isinstance(layer, nn.MultiheadAttention):
        names = ("in_proj_weight", "q_proj_weight", "k_proj_weight", "v_proj_weight")
        return [name for name in names if layer._parameters.get(name) is not None]
    return []


def _is_conv1d_of_transformers(layer: nn.Module) -> bool:
    """Whether it is GPT-2's linear layer, which has its outputs in columns."""
    kind = type(layer)
    return kind.__name__ == "Conv1D" and kind.__module__.startswith("transformers.")


def is_activation(layer: nn.Module) -> bool:
    """Whether it is an activation module: torch's own, or one that transformers adds."""
    kind = type(layer)
    added = kind.__module__ == "transformers.activations" and kind.__name__ != "LinearActivation"
    return added or isinstance(layer, ACTIVATIONS)


def strangers(module: nn.Module) -> list[Change]:
    """List layers with weights of their own that nothing here knows, so nothing treats.

    Embeddings and norms are known, and left alone by custom.
    """
    known = (nn.Embedding, nn.EmbeddingBag, nn.GroupNorm, nn.LayerNorm, *NORMS)
    return [
        Change(name, f"left alone: {type(layer).__name__} is no layer that fitwell knows")
        for name, layer in module.named_modules()
        if not _weight_names(layer)
        and not isinstance(layer, known)
        and any(p.dim() > 1 for p in layer.parameters(recurse=False))
    ]


def penalized(module: nn.Module) -> list[Weight]:
    """List the penalized tensors; one that two layers share is listed once.

    They are the weights of linear, convolution, recurrent and attention layers.

    Raises:
        InputError: there is none, or a layer's weights do not exist yet or are computed.
    """
    found: dict[int, Weight] = {}
    for layer_name, layer in module.named_modules():
        names = _weight_names(layer)
        if names:
            _check_real(layer_name, layer)
        for name in names:
            columns = isinstance(layer, TRANSPOSED) or _is_conv1d_of_transformers(layer)
            units = 1 if columns else 0
            weight = Weight(layer_name, layer, name, units)
            found.setdefault(id(weight.tensor), weight)
    if not found:
        raise InputError(
            f"model: {type(module).__name__} has no Linear or Conv layer, so there is nothing to"
            " regularize. Give a network with at least one."
        )
    return list(found.values())


def _check_real(name: str, layer: nn.Module) -> None:
    if any(is_lazy(p) for p in layer.parameters(recurse=False)):
        raise InputError(
            f"model: layer {name!r} is a {type(layer).__name__} whose weights do not exist yet."
            " Pass a batch through the network first."
        )
    if is_parametrized(layer):
        raise InputError(
            f"model: layer {name!r} computes its weight by a parametrization, so it has none to"
            " penalize. Remove it, for example with remove_parametrizations."
        )


def weighted_layers(module: nn.Module) -> Sequence[tuple[str, nn.Module]]:
    """List the layers that hold penalized weights, each once."""
    return list({id(w.module): (w.layer, w.module) for w in penalized(module)}.values())


@dataclass(frozen=True)
class Site:
    """A hidden layer with weights and what comes between it and the next such layer.

    Attributes:
        name: the layer's name in ``named_modules``.
        layer: the layer.
        next_name: the name of the next layer with weights.
        activation: the first activation module between the two, if it is a module.
        activation_name: its name.
        dropout: a dropout module that is already there.
        norm: a batch norm that is already there.
    """

    name: str
    layer: nn.Module
    next_name: str
    activation: nn.Module | None
    activation_name: str
    dropout: nn.Module | None
    norm: nn.Module | None


def hidden_sites(module: nn.Module) -> list[Site]:
    """List the hidden layers in order; the output layer, the last one, is not among them."""
    # Repeats are kept: one ReLU object that serves after several layers is seen after each.
    leaves: list[tuple[str, nn.Module]] = [
        (name, layer)
        for name, layer in module.named_modules(remove_duplicate=False)
        if isinstance(layer, (*WEIGHTED, *RECURRENT, *DROPOUTS, *NORMS)) or is_activation(layer)
    ]
    at = [i for i, (_, layer) in enumerate(leaves) if isinstance(layer, (*WEIGHTED, *RECURRENT))]
    sites = []
    for start, end in pairwise(at):
        between = leaves[start + 1 : end]
        activation_name, activation = next(
            ((n, m) for n, m in between if is_activation(m)), ("", None)
        )
        dropout, norm = _first(between, DROPOUTS)[1], _first(between, NORMS)[1]
        next_name = leaves[end][0]
        sites.append(Site(*leaves[start], next_name, activation, activation_name, dropout, norm))
    return sites


def _first(
    leaves: Sequence[tuple[str, nn.Module]], kinds: tuple[type[nn.Module], ...]
) -> tuple[str, nn.Module | None]:
    return next(((n, m) for n, m in leaves if isinstance(m, kinds)), ("", None))


def after_output(module: nn.Module) -> set[int]:
    """Give the ids of the modules registered behind the output layer."""
    order = [layer for _, layer in module.named_modules(remove_duplicate=False)]
    last = max((i for i, layer in enumerate(order) if _weight_names(layer)), default=-1)
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
