"""What may stand between two layers without mixing units, and where the units are after it."""

import math
import operator
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, fx, nn

from fitwell.compaction import axes
from fitwell.compaction.units import Hidden
from fitwell.surgery import ACTIVATIONS, DROPOUTS, NORMS


@dataclass(frozen=True, eq=False)
class Place:
    """Where the units of one layer lie in a tensor.

    Attributes:
        hidden: the units.
        axis: the axis along which they lie.
        still: which of them are one constant here, for every input and at every position.
        block: neighbouring entries of that axis per unit; above 1 once a convolution's
            channels have been flattened, or filtered into several each.
    """

    hidden: Hidden
    axis: int
    still: Tensor
    block: int = 1


def _named(home: object, names: str) -> set[Any]:
    return {getattr(home, name) for name in names.split()}


ONE_BY_ONE: set[Any] = {
    *(kind for kind in ACTIVATIONS if kind is not nn.PReLU),
    *DROPOUTS,
    *_named(nn, "Identity FeatureAlphaDropout Hardsigmoid LogSigmoid Softsign Threshold RReLU"),
    *_named(nn, "Tanhshrink Softshrink Hardshrink"),
    *_named(F, "relu relu_ relu6 leaky_relu elu celu selu gelu silu mish hardtanh hardswish"),
    *_named(F, "hardsigmoid logsigmoid softsign softplus tanhshrink"),
    *_named(torch, "relu relu_ sigmoid tanh selu celu abs exp square neg clamp sin cos erf"),
    *_named(torch, "add sub mul div pow"),
    *_named(operator, "add sub mul truediv neg pow"),
    *"relu relu_ sigmoid sigmoid_ tanh tanh_ abs exp square neg clamp contiguous clone".split(),
    *"add sub mul div pow".split(),
}
"""Each entry of the result hangs on the entry in the same position alone (in eval mode)."""

DROPPING: set[Any] = _named(F, "dropout dropout1d dropout2d dropout3d alpha_dropout")

POOLED: dict[Any, int] = {
    getattr(home, name.format(n) + end): n
    for n in (1, 2, 3)
    for home, names, end in (
        (nn, ("MaxPool{}", "AvgPool{}", "AdaptiveAvgPool{}", "AdaptiveMaxPool{}"), "d"),
        (F, ("max_pool{}", "avg_pool{}", "adaptive_avg_pool{}", "adaptive_max_pool{}"), "d"),
    )
    for name in names
}
"""Pooling, and over how many of the last axes."""

AVERAGED: set[Any] = {*_named(nn, "AvgPool1d AvgPool2d AvgPool3d")} | _named(
    F, "avg_pool1d avg_pool2d avg_pool3d"
)
PER_UNIT: set[Any] = {*NORMS, nn.PReLU}
"""One weight per unit, so they shrink with their layer."""

FLATTENED: set[Any] = {nn.Flatten, torch.flatten, "flatten"}
RESHAPED: set[Any] = {torch.reshape, "reshape", "view"}
REDUCED: set[Any] = {torch.mean, torch.amax, "mean", "amax"}


def passed(
    node: fx.Node, kind: object, module: Any, place: Place, old: torch.Size, new: torch.Size
) -> Place | None:
    """Say where the units lie behind a node; None if they are mixed, or nobody knows.

    Args:
        node: the call; the units come in through it.
        kind: the function, the name of the method or the type of the module called.
        module: the module called, or None.
        place: where the units lie in front of it.
        old: shape of the tensor in front.
        new: shape of the tensor behind.
    """
    if kind in ONE_BY_ONE:
        return place if len(node.all_input_nodes) == 1 else None
    if not node.args or not isinstance(node.args[0], fx.Node):
        return None
    if kind in DROPPING:
        return place if _argument(node, 2, "training", True) is False else None
    if kind in POOLED:
        return _pooled(node, kind, module, place, len(old))
    if kind in PER_UNIT:
        return place if _fits_per_unit(module, place) else None
    if kind in FLATTENED:
        return _flattened(node, module, place, old, new)
    if kind in RESHAPED:
        given: Any = node.args[1:]
        sizes = list(given[0] if given and isinstance(given[0], (tuple, list)) else given)
        # A size that is written out would no longer fit fewer units; -1 does.
        return _regrouped(place, old, new, sizes.index(-1)) if -1 in sizes else None
    if kind in REDUCED:
        return _reduced(node, place, len(old))
    axis = axes.moved(node, kind, place.axis, len(old), len(new))
    return None if axis is None else replace(place, axis=axis)


def _argument(node: fx.Node, position: int, name: str, default: object) -> Any:
    return node.args[position] if len(node.args) > position else node.kwargs.get(name, default)


def _pooled(node: fx.Node, kind: Any, module: Any, place: Place, old: int) -> Place | None:
    if place.axis >= old - POOLED[kind]:
        return None
    if _pads_the_average(node, kind, module):
        return replace(place, still=torch.zeros_like(place.still))
    return place


def _pads_the_average(node: fx.Node, kind: object, module: Any) -> bool:
    """Whether less than a window is averaged at the border, where a constant is then another."""
    if kind not in AVERAGED:
        return False
    padding = module.padding if module is not None else _argument(node, 3, "padding", 0)
    name = "divisor_override"
    divisor = _argument(node, 6, name, None) if module is None else getattr(module, name, None)
    padded = any(padding) if isinstance(padding, (tuple, list)) else padding != 0
    return padded or divisor is not None


def _fits_per_unit(module: Any, place: Place) -> bool:
    if isinstance(module, nn.PReLU):
        return module.num_parameters == 1 or place.axis == 1
    return place.axis == 1 and module.running_mean is not None


def _flattened(
    node: fx.Node, module: Any, place: Place, old: torch.Size, new: torch.Size
) -> Place | None:
    start = module.start_dim if module else _argument(node, 1, "start_dim", 0)
    end = module.end_dim if module else _argument(node, 2, "end_dim", -1)
    if not isinstance(start, int) or not isinstance(end, int):
        return None
    start, end = start % len(old), end % len(old)
    if start <= place.axis <= end:
        return _regrouped(place, old, new, start)
    return replace(place, axis=place.axis - (end - start if end < place.axis else 0))


def _regrouped(place: Place, old: torch.Size, new: torch.Size, axis: int) -> Place | None:
    """Follow the units through a reshape that lets ``axis`` of the new shape take them."""
    if math.prod(new[:axis]) != math.prod(old[: place.axis]):
        return None
    entries = place.block * math.prod(old[place.axis + 1 :])
    block, rest = divmod(entries, math.prod(new[axis + 1 :]))
    return replace(place, axis=axis, block=block) if block and not rest else None


def _reduced(node: fx.Node, place: Place, axes: int) -> Place | None:
    given = _argument(node, 1, "dim", None)
    given = (given,) if isinstance(given, int) else given
    if not isinstance(given, (tuple, list)) or not all(isinstance(d, int) for d in given):
        return None
    gone = {d % axes for d in given}
    if place.axis in gone or not gone:
        return None
    keeps = _argument(node, 2, "keepdim", False)
    return place if keeps else replace(place, axis=place.axis - sum(d < place.axis for d in gone))


def reads_another_size(node: fx.Node, kind: object, axis: int, axes: int) -> bool:
    """Whether a node asks a tensor for sizes only, and for none along ``axis``."""
    if kind == "size" and len(node.args) == 2 and isinstance(node.args[1], int):
        return node.args[1] % axes != axis
    if not (kind == "size" and len(node.args) == 1 and not node.kwargs) and not (
        kind is getattr and node.args[1] == "shape"
    ):
        return False
    return all(_picks_another(user, axis, axes) for user in node.users)


def _picks_another(node: fx.Node, axis: int, axes: int) -> bool:
    if node.target is not operator.getitem:
        return False
    picked = node.args[1]
    if not node.users:
        return True
    if isinstance(picked, int):
        return picked % axes != axis
    if not isinstance(picked, slice):
        return False
    bounds: Sequence[object] = (picked.start, picked.stop, picked.step)
    return all(b is None or isinstance(b, int) for b in bounds) and axis not in range(axes)[picked]
