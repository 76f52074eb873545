"""Take dead hidden units out of a trained network, and prove that its outputs stay equal."""

import copy
from dataclasses import dataclass
from itertools import chain

import torch
from torch import Tensor, nn

from fitwell.compaction.flow import Flow
from fitwell.compaction.folding import fold
from fitwell.compaction.layers import LAYERS, size_names
from fitwell.compaction.proof import checked, first_line, outputs, prove_equal
from fitwell.compaction.units import Hidden
from fitwell.errors import InputError


@dataclass(frozen=True)
class Removed:
    """A layer that became smaller: its units, or channels; ``hidden_size`` of a recurrent one."""

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
      reader without a bias, or one that makes more of a constant than a shift: one that pads
      with zeros, a transposed convolution, a recurrent layer's own next step) the constant
      units become one: :math:`w_{\cdot k} \leftarrow w_{\cdot k} + \sum_j w_{\cdot j} c_j / c_k`.

    Layers are linear ones, convolutions and transposed ones, RNN, GRU and LSTM. Depthwise
    convolutions shrink with the channels that pass them; a channel whose filters there are
    zero is constant behind them. A recurrent unit may be read by itself and by others that
    leave. One of a GRU or LSTM is constant only if its candidate's weights and biases are zero,
    for then it rests at zero. The layers of a stack have one size, so they lose equal numbers.

    This is repeated until nothing changes; one unit of each layer stays. A unit whose way
    is not understood stays too: a sum, a concatenation, a layer called twice or with shared
    weights, an unknown function, the output, convolutions of few groups, recurrent layers with
    two directions, a projection or a given first state. The surgery runs in float64; the folded
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
    while any([_shrink(stack) for stack in flow.stacks(inputs)]):
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
        name: getattr(layer, size_names(layer)[1])
        for name, layer in model.named_modules()
        if isinstance(layer, (*LAYERS, nn.RNNBase))
    }


def _parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def _restore_types(small: nn.Module, model: nn.Module) -> None:
    types = {n: t.dtype for n, t in chain(model.named_parameters(), model.named_buffers())}
    for name, tensor in chain(small.named_parameters(), small.named_buffers()):
        tensor.data = tensor.data.to(types[name])
    for layer in small.modules():
        if isinstance(layer, nn.RNNBase):
            layer.flatten_parameters()  # on a GPU it warns otherwise


def _shrink(stack: tuple[Hidden, ...]) -> bool:
    """Fold constants, then take out what nobody reads; say whether anything changed."""
    changed = any([fold(hidden) for hidden in stack])
    read = [_read(hidden) for hidden in stack]
    left = max(1, *(int(units.sum()) for units in read))
    for hidden, units in zip(stack, read, strict=True):
        # What the spare ones read does not matter, so let them read nothing.
        spare = (~units).nonzero().flatten()[: left - int(units.sum())]
        for weight in hidden.incoming:
            changed |= bool(weight.by_unit()[:, spare].any())
            weight.by_unit()[:, spare] = 0
        units[spare] = True
        if not units.all():
            hidden.take(units.nonzero().flatten())
            changed = True
    return changed


def _read(hidden: Hidden) -> Tensor:
    """Say which units are read: by others, or by units of their own layer that are read."""
    read = torch.zeros_like(hidden.still)
    for reader in hidden.readers:
        if reader.rows is None:
            read |= reader.reads()
    for reader in hidden.readers:
        if reader.rows is not None:
            pairs = reader.rows.by_unit().flatten(2).ne(0).any(dim=0)
            while not torch.equal(read, more := read | pairs[read].any(dim=0)):
                read = more
    return read
