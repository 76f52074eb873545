"""Take dead hidden units out of a trained network, and prove that its outputs stay equal."""

import copy
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn

from fitwell.compaction.flow import LAYERS, Flow, Hidden, Reader, Weighted
from fitwell.compaction.proof import checked, first_line, outputs, prove_equal
from fitwell.errors import InputError


@dataclass(frozen=True)
class Removed:
    """A layer that became smaller: units of a linear layer, channels of a convolution."""

    layer: str
    before: int
    after: int

    def __str__(self) -> str:
        return f"{self.layer}: {self.before} units, now {self.after}"


@dataclass(frozen=True)
class Compacted:
    """A network without its dead units.

    Attributes:
        module: a smaller copy in eval mode; same outputs, same names in ``state_dict``.
        removed: the layers that became smaller, in the order of ``named_modules``.
        parameters_before: numbers that the given network learned.
        parameters_after: numbers that are left.
    """

    module: nn.Module
    removed: tuple[Removed, ...]
    parameters_before: int
    parameters_after: int

    def __str__(self) -> str:
        if not self.removed:
            return f"no unit can be removed: {self.parameters_before:,} parameters"
        share = self.parameters_after / self.parameters_before
        total = f"{self.parameters_before:,} parameters, now {self.parameters_after:,}"
        return "\n".join([*map(str, self.removed), f"{total} ({share:.1%})"])


@torch.no_grad()
def compact(model: nn.Module, example: Tensor | tuple[Tensor, ...]) -> Compacted:
    r"""Remove dead hidden units and channels; the outputs in eval mode stay equal.

    A unit :math:`j` between a layer and its readers :math:`w x + b` is dead when

    - every reader's :math:`w_{\cdot j}` is exactly zero, or
    - its own incoming weights are, so that the readers see a constant :math:`c_j` there;
      then :math:`b \leftarrow b + \sum_j w_{\cdot j} c_j`. Where :math:`b` cannot take it (a
      reader without a bias, or one that pads with zeros) the constant units become one:
      :math:`w_{\cdot k} \leftarrow w_{\cdot k} + \sum_j w_{\cdot j} c_j / c_k`.

    This is repeated until nothing changes; one unit of each layer stays. A unit whose way
    is not understood (a sum, a concatenation, a layer called twice or with shared weights,
    an unknown function, the output) stays too. The surgery runs in float64; the folded
    biases are rounded once to the type of the model.

    Args:
        model: a bare trained network; left alone.
        example: one batch of its input, or a tuple of its inputs. The outputs are compared
            on it and on random inputs of its shape.

    Raises:
        InputError: the example does not fit, or the network cannot be copied or traced by
            torch.fx.
        FitwellError: the outputs differ; no network is returned.

    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> _ = nn.init.zeros_(net[0].weight[1])
    >>> print(compact(net, torch.zeros(1, 2)))
    0: 3 units, now 2
    13 parameters, now 9 (69.2%)
    """
    inputs = checked(example)
    small, original = _double(model), _double(model)
    outputs(original, inputs)  # a misfit shows before anything is traced
    flow = Flow(small, len(inputs))
    before = _widths(small)
    while any([_shrink(hidden) for hidden in flow.hidden(inputs)]):
        pass
    prove_equal(original, small, inputs)
    after = _widths(small)
    _restore_types(small, model)
    return Compacted(
        small,
        tuple(Removed(name, n, after[name]) for name, n in before.items() if after[name] < n),
        _parameters(model),
        _parameters(small),
    )


def _double(model: nn.Module) -> nn.Module:
    try:
        return copy.deepcopy(model).eval().double()
    except Exception as error:
        raise InputError(
            f"model: {type(model).__name__} cannot be copied: {first_line(error)}. Make pruning"
            " and other reparametrizations permanent first."
        ) from error


def _widths(model: nn.Module) -> dict[str, int]:
    return {
        name: len(layer.weight)
        for name, layer in model.named_modules()
        if isinstance(layer, LAYERS)
    }


def _parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _restore_types(small: nn.Module, model: nn.Module) -> None:
    types = {n: t.dtype for n, t in chain(model.named_parameters(), model.named_buffers())}
    for name, tensor in chain(small.named_parameters(), small.named_buffers()):
        tensor.data = tensor.data.to(types[name])


def _shrink(hidden: Hidden) -> bool:
    """Fold constants, then take out what nobody reads; say whether anything changed."""
    folded = _fold(hidden)
    units = len(hidden.layer.weight)
    read = torch.zeros(units, dtype=torch.bool, device=hidden.layer.weight.device)
    for reader in hidden.readers:
        read |= _by_unit(reader, units).ne(0).any(dim=2).any(dim=0)
    if not read.any():
        # One unit stays; what it reads no longer matters, so let it read nothing.
        folded |= bool(hidden.layer.weight[0].any())
        hidden.layer.weight[0] = 0
        read[0] = True
    if read.all():
        return folded
    _take(hidden, read.nonzero().flatten())
    return True


def _by_unit(reader: Reader, units: int) -> Tensor:
    """Give a reader's weights as outputs × units × weights per pair."""
    return reader.layer.weight.reshape(len(reader.layer.weight), units, -1)


def _fold(hidden: Hidden) -> bool:
    """Move constants into biases, or else into one constant unit."""
    units = len(hidden.layer.weight)
    still = hidden.layer.weight.flatten(1).eq(0).all(dim=1)
    levels, free = [], still.clone()
    for reader in hidden.readers:
        seen = reader.seen.movedim(reader.place.axis, 0).reshape(units, -1)
        level, spread = seen[:, 0], seen.amax(dim=1) - seen.amin(dim=1)
        still = still & (spread <= 1e-12 * level.abs())
        free &= level.eq(0) | _bias_can_take(reader.layer)
        levels.append(level)
    free &= still
    bound = still & ~free
    if hidden.readers and bound.any():
        # The strongest one carries the others, so that the ratios stay small.
        strength = torch.stack([level.abs() for level in levels]).amin(dim=0)
        carrier = int((strength * bound).argmax())
        bound &= strength[carrier] > 0
        bound[carrier] = False
    else:
        carrier = 0
    return any(
        [
            _move(reader, level, free, bound, carrier)
            for reader, level in zip(hidden.readers, levels, strict=True)
        ]
    )


def _bias_can_take(layer: Weighted) -> bool:
    """Whether a constant input is a constant shift of the output, and there is a bias for it."""
    if layer.bias is None:
        return False
    if isinstance(layer, nn.Linear) or layer.padding_mode != "zeros":
        return True
    if layer.padding == "same":
        return all(size == 1 for size in layer.kernel_size)
    return layer.padding == "valid" or not any(layer.padding)


def _move(reader: Reader, level: Tensor, free: Tensor, bound: Tensor, carrier: int) -> bool:
    weights = _by_unit(reader, len(level)).clone()
    if not weights[:, free | bound].any():
        return False
    if free.any() and reader.layer.bias is not None:
        reader.layer.bias += weights[:, free].sum(dim=2) @ level[free]
    if bound.any():
        ratio = level[bound] / level[carrier]
        weights[:, carrier] += torch.einsum("j,ojx->ox", ratio, weights[:, bound])
    weights[:, free | bound] = 0
    reader.layer.weight.copy_(weights.reshape(reader.layer.weight.shape))
    return True


def _take(hidden: Hidden, kept: Tensor) -> None:
    """Keep only these units: rows of the layer, its norms, columns of its readers."""
    _cut(hidden.layer, ("weight", "bias"), kept, axis=0)
    _count(hidden.layer, "out_features", "out_channels", len(kept))
    for norm, block in hidden.norms:
        _cut(norm, ("weight", "bias", "running_mean", "running_var"), _spread(kept, block), axis=0)
        _count(norm, "num_features", "num_parameters", len(kept) * block)
    for reader in hidden.readers:
        columns = _spread(kept, reader.place.block)
        _cut(reader.layer, ("weight",), columns, axis=1)
        _count(reader.layer, "in_features", "in_channels", len(columns))


def _spread(kept: Tensor, block: int) -> Tensor:
    """List the entries of each unit: ``block`` neighbours from ``unit * block`` on."""
    return (kept[:, None] * block + torch.arange(block, device=kept.device)).flatten()


def _cut(module: nn.Module, names: tuple[str, ...], kept: Tensor, *, axis: int) -> None:
    for name in names:
        tensor = getattr(module, name, None)
        if tensor is not None:
            tensor.data = tensor.data.index_select(axis, kept.to(tensor.device))


def _count(module: nn.Module, name: str, other: str, size: int) -> None:
    setattr(module, name if hasattr(module, name) else other, size)
