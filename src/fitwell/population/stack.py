"""Networks that are a stack of linear layers: what the fused engine can train, and why not."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fitwell.remedies.batch_norm import BatchNormHook

Weights = NDArray[np.float32]
Named = tuple[str, nn.Module]

ACTIVATIONS = (
    nn.ReLU, nn.GELU, nn.SiLU, nn.SELU, nn.Tanh, nn.Sigmoid, nn.LeakyReLU, nn.ELU,
)  # fmt: skip
"""Those that the fused engine knows, with torch's default arguments."""


@dataclass(frozen=True)
class Norm:
    """A batch norm between a linear layer and its activation.

    Attributes:
        name: in ``named_modules``.
        eps: added to the variance.
        momentum: share of a batch in the running statistics; None for the mean of all batches.
    """

    name: str
    eps: float
    momentum: float | None


@dataclass(frozen=True)
class Hidden:
    """What lies between two linear layers.

    Attributes:
        activation: its class's name.
        norm: the batch norm in front of it.
        dropout: rate of the network's own dropout layer behind it; None where there is none.
        places: names by which dropout there goes, as in `insert_dropout`.
    """

    activation: str
    norm: Norm | None = None
    dropout: float | None = None
    places: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stack:
    """Linear layers with biases, an activation between each two.

    One network is one vector: the parameters of the first layer, those of the second, and so
    on; behind them the running statistics of batch norm. `Tensors` lays a network out alike.

    Attributes:
        sizes: inputs, units of each hidden layer, outputs.
        names: each linear layer's name in ``named_modules``.
        hidden: what lies between them.
    """

    sizes: tuple[int, ...]
    names: tuple[str, ...]
    hidden: tuple[Hidden, ...]

    @property
    def parameters(self) -> int:
        """How many numbers of the vector are trained; they come first."""
        linear = sum(inputs * outputs + outputs for inputs, outputs in pairwise(self.sizes))
        return linear + sum(2 * width for _, width in self._norms())

    @property
    def bent(self) -> list[bool]:
        """Whether the gain of each hidden layer's activation must be kept for the way back."""
        return [hidden.activation != "ReLU" for hidden in self.hidden]

    @property
    def normed(self) -> list[bool]:
        """Whether each hidden layer has a batch norm."""
        return [hidden.norm is not None for hidden in self.hidden]

    @property
    def tensors(self) -> dict[str, tuple[int, ...]]:
        """The tensors of the vector, in its order: names in the ``state_dict``, and shapes."""
        found: dict[str, tuple[int, ...]] = {}
        between = [*(hidden.norm for hidden in self.hidden), None]
        for name, norm, (inputs, outputs) in zip(
            self.names, between, pairwise(self.sizes), strict=True
        ):
            found |= {f"{name}.weight": (outputs, inputs), f"{name}.bias": (outputs,)}
            if norm is not None:
                found |= {f"{norm.name}.{kind}": (outputs,) for kind in ("weight", "bias")}
        for norm, width in self._norms():
            found |= {f"{norm.name}.running_{kind}": (width,) for kind in ("mean", "var")}
            found[f"{norm.name}.num_batches_tracked"] = ()
        return found

    def vector(self, network: nn.Module) -> Weights:
        """Lay a network's weights out."""
        state = network.state_dict()
        return torch.cat([state[name].flatten().float() for name in self.tensors]).numpy()

    def state(self, vector: Weights) -> dict[str, NDArray[np.generic]]:
        """Give the ``state_dict`` back."""
        found: dict[str, NDArray[np.generic]] = {}
        start = 0
        for name, shape in self.tensors.items():
            end = start + int(np.prod(shape))
            kind = np.int64 if name.endswith("num_batches_tracked") else np.float32
            found[name] = vector[start:end].reshape(shape).astype(kind)
            start = end
        return found

    def _norms(self) -> list[tuple[Norm, int]]:
        widths = zip(self.hidden, self.sizes[1:-1], strict=True)
        return [(hidden.norm, width) for hidden, width in widths if hidden.norm is not None]


class _Unlike(Exception):
    """Says in a few words why a network is no such stack."""


def stack_of(network: nn.Module) -> Stack | str:
    """Read a network as a stack, or say in a few words why it is none.

    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Tanh())
    >>> stack_of(net.append(nn.Linear(3, 2))).names
    ('1', '4')
    >>> stack_of(nn.Sequential(nn.Linear(4, 3), nn.Softplus(), nn.Linear(3, 2)))
    'layer 1 is a Softplus'
    """
    try:
        return _checked(_read(_leaves(network)), network)
    except _Unlike as reason:
        return str(reason)


def _leaves(network: nn.Module) -> list[Named]:
    """List the layers of nested Sequentials in order of use."""
    if type(network) is not nn.Sequential:
        raise _Unlike(f"{type(network).__name__} is not a Sequential")
    found: list[Named] = []
    for name, child in network._modules.items():
        assert child is not None
        if isinstance(child, nn.Sequential):
            found += [(f"{name}.{deeper}", layer) for deeper, layer in _leaves(child)]
        else:
            found.append((name, child))
    return found


def _read(leaves: Sequence[Named]) -> Stack:
    left = list(leaves)
    if left and type(left[0][1]) is nn.Flatten:
        left.pop(0)
    names, sizes, hidden = list[str](), list[int](), list[Hidden]()
    while True:
        name, linear = _linear(left)
        names.append(name)
        sizes = [*(sizes or [linear.in_features]), linear.out_features]
        if not left:
            break
        norm = _norm(left, f"{name}.batch_norm", linear._modules.get("batch_norm"))
        bent, kind = _activation(left)
        dropped, rate = _dropout(left)
        last = [left[0][0]] if len(left) == 1 and rate is None else []
        places = (dropped, name) if rate is not None else (name, bent, *last)
        hidden.append(Hidden(kind, norm, rate, places))
    if not hidden:
        raise _Unlike("it has no hidden layer, or ends in an activation")
    _check_shared(leaves, hidden)
    return Stack(tuple(sizes), tuple(names), tuple(hidden))


def _linear(left: list[Named]) -> tuple[str, nn.Linear]:
    if not left:
        raise _Unlike("it has no hidden layer, or ends in an activation")
    name, layer = left.pop(0)
    if type(layer) is not nn.Linear:
        raise _Unlike(f"layer {name} is a {type(layer).__name__}")
    if layer.bias is None:
        raise _Unlike(f"layer {name} has no bias")
    _check_plain(name, layer)
    return name, layer


def _norm(left: list[Named], name: str, layer: nn.Module | None) -> Norm | None:
    """Take what normalizes: what `insert_batch_norm` has put there, or a layer of its own."""
    if layer is None and left and type(left[0][1]) is nn.BatchNorm1d:
        name, layer = left.pop(0)
    if not isinstance(layer, nn.BatchNorm1d):
        return None
    if any(t is None for t in (layer.weight, layer.bias, layer.running_mean)):
        raise _Unlike(f"layer {name} has no scale, no shift or no running statistics")
    _check_plain(name, layer)
    return Norm(name, layer.eps, layer.momentum)


def _activation(left: list[Named]) -> tuple[str, str]:
    """Take an activation; give its name and its class's."""
    if not left:
        raise _Unlike("it ends in a batch norm")
    name, layer = left.pop(0)
    kind = type(layer).__name__
    if type(layer) not in ACTIVATIONS:
        raise _Unlike(f"layer {name} is a {kind}")
    if _arguments(layer) != _arguments(type(layer)()):
        raise _Unlike(f"layer {name} is a {layer}")
    _check_plain(name, layer)
    return name, kind


def _arguments(layer: nn.Module) -> dict[str, object]:
    # Where its output is written changes no number, and `training` no activation.
    left_out = ("training", "inplace")
    return {k: v for k, v in vars(layer).items() if k[0] != "_" and k not in left_out}


def _dropout(left: list[Named]) -> tuple[str, float | None]:
    """Take a dropout layer, if there is one; give its name and its rate."""
    if not left or type(left[0][1]) is not nn.Dropout:
        return "", None
    name, layer = left.pop(0)
    assert isinstance(layer, nn.Dropout)
    if layer.p == 1:
        raise _Unlike(f"layer {name} drops everything")
    _check_plain(name, layer)
    return name, float(layer.p)


def _check_plain(name: str, layer: nn.Module) -> None:
    hooks = [*layer._forward_hooks.values(), *layer._forward_pre_hooks.values()]
    if not all(isinstance(hook, BatchNormHook) for hook in hooks):
        raise _Unlike(f"layer {name} has hooks")
    if not all(parameter.requires_grad for parameter in layer.parameters(recurse=False)):
        raise _Unlike(f"layer {name} is not trained")


def _check_shared(leaves: Sequence[Named], hidden: Sequence[Hidden]) -> None:
    """Refuse one activation in two places beside dropout layers: `regularize` sees it once."""
    bent = [id(layer) for _, layer in leaves if type(layer) in ACTIVATIONS]
    if len(set(bent)) < len(bent) and any(layer.dropout is not None for layer in hidden):
        raise _Unlike("two layers share an activation, and there is dropout")


def _checked(stack: Stack, network: nn.Module) -> Stack:
    strange = set(network.state_dict()) - set(stack.tensors)
    if strange:
        raise _Unlike(f"{min(strange)} belongs to no layer")
    if sum(parameter.numel() for parameter in network.parameters()) < stack.parameters:
        raise _Unlike("two layers share weights")
    return stack
