"""Where recurrent layers keep their units: rows of every gate, and columns of what reads them.

The layers of a stack have one ``hidden_size``, so they lose equal numbers of units. Units of
bidirectional layers and of projected ones stay.
"""

from typing import Any

from torch import Tensor, nn

from fitwell.compaction.units import Hidden, Reader, Size, Slice, constants

RECURRENT = (nn.RNN, nn.GRU, nn.LSTM)
Recurrent = nn.RNN | nn.GRU | nn.LSTM
GATES: dict[type[nn.Module], int] = {nn.RNN: 1, nn.GRU: 3, nn.LSTM: 4}
CANDIDATE = 2
"""The gate of GRU and LSTM that brings in what is new; the others only weigh it."""


def columns_of_first(layer: Recurrent, block: int) -> list[tuple[Slice, Tensor | None]]:
    """Give the weights that read the layer's input, each with the bias that they shift."""
    ends = ("", "_reverse") if layer.bidirectional else ("",)
    return [
        (Slice(_weight(layer, "ih", 0, end), axis=1, block=block), _bias(layer, "ih", 0, end))
        for end in ends
    ]


def stack_of(layer: Recurrent, last: Tensor) -> tuple[Hidden, ...]:
    """Give the units of each layer in the stack; nothing if they have to stay.

    Args:
        layer: the module, called without initial states, so that all states start at zero.
        last: its hidden states after the example's last step, ``h_n``.
    """
    if layer.bidirectional or layer.proj_size:
        return ()
    stack = tuple(_hidden(layer, depth) for depth in range(layer.num_layers))
    gates = GATES[type(layer)]
    for depth, hidden in enumerate(stack):
        level, still = constants(last[depth], hidden.still, axis=-1)
        # No bias can take a constant here: the first step reads the initial zero instead.
        loop = _weight(layer, "hh", depth)
        rows = Slice(loop, gates=gates)
        hidden.readers.append(Reader(Slice(loop, axis=1), None, level, still, rows))
        if depth + 1 < len(stack):
            above = Slice(_weight(layer, "ih", depth + 1), axis=1)
            hidden.readers.append(Reader(above, _bias(layer, "ih", depth + 1), level, still))
    return stack


def results_of(layer: Recurrent, stack: tuple[Hidden, ...]) -> tuple[Any, ...]:
    """Lay out the units as the module lays out its results, in nested tuples.

    A tensor of one layer's units is that layer's `Hidden`. The states of several layers lie in
    one tensor, whose first index picks the layer.
    """
    states = stack if len(stack) > 1 else stack[0]
    return stack[-1], (states, states) if isinstance(layer, nn.LSTM) else states


def _hidden(layer: Recurrent, depth: int) -> Hidden:
    gates = GATES[type(layer)]
    incoming = tuple(Slice(_weight(layer, way, depth), gates=gates) for way in ("ih", "hh"))
    given = (_bias(layer, way, depth) for way in ("ih", "hh"))
    biases = [Slice(bias, gates=gates) for bias in given if bias is not None]
    # A plain unit without weights holds one level. One with gates moves from step to step; it
    # rests if nothing new ever comes in, and then at its initial zero.
    silent = incoming if gates == 1 else (*incoming, *biases)
    gate = 0 if gates == 1 else CANDIDATE
    none = [piece.by_unit()[gate].flatten(1).eq(0).all(dim=1) for piece in silent]
    still = none[0]
    for other in none[1:]:
        still = still & other
    return Hidden(still, incoming, [*incoming, *biases], [Size(layer, "hidden_size")])


def _weight(layer: Recurrent, way: str, depth: int, end: str = "") -> Tensor:
    weight: Tensor = getattr(layer, f"weight_{way}_l{depth}{end}")
    return weight


def _bias(layer: Recurrent, way: str, depth: int, end: str = "") -> Tensor | None:
    return getattr(layer, f"bias_{way}_l{depth}{end}") if layer.bias else None
