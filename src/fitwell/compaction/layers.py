"""Where linear layers and convolutions keep their units: rows, columns, biases, sizes."""

from dataclasses import replace

from torch import Tensor, nn

from fitwell.compaction.passing import Place
from fitwell.compaction.units import Hidden, Size, Slice, constants
from fitwell.surgery import CONVOLUTIONS, TRANSPOSED

LAYERS = (nn.Linear, *CONVOLUTIONS, *TRANSPOSED)
Convolution = (
    nn.Conv1d | nn.Conv2d | nn.Conv3d | nn.ConvTranspose1d | nn.ConvTranspose2d | nn.ConvTranspose3d
)
Weighted = nn.Linear | Convolution


def size_names(layer: nn.Module) -> tuple[str, str]:
    """Name the attributes that count a layer's inputs and its units."""
    if isinstance(layer, nn.Linear):
        return "in_features", "out_features"
    if isinstance(layer, nn.RNNBase):
        return "input_size", "hidden_size"
    return "in_channels", "out_channels"


def hidden_of(layer: Weighted) -> Hidden:
    """Give the units of an ungrouped layer, with nobody who deals with them yet."""
    # A transposed convolution counts inputs first.
    rows = Slice(layer.weight, axis=1 if isinstance(layer, TRANSPOSED) else 0)
    still = rows.by_unit()[0].flatten(1).eq(0).all(dim=1)
    size = Size(layer, size_names(layer)[1])
    return Hidden(still, (rows,), [rows, *_bias_slice(layer)], [size])


def columns_of(layer: Weighted, block: int) -> list[tuple[Slice, Tensor | None]]:
    """Give an ungrouped layer's weight by what it reads, and the bias that a constant shifts."""
    columns = Slice(layer.weight, axis=0 if isinstance(layer, TRANSPOSED) else 1, block=block)
    return [(columns, layer.bias if _keeps_constants(layer) else None)]


def _keeps_constants(layer: Weighted) -> bool:
    """Whether a constant input gives a constant output, whatever the weights."""
    if isinstance(layer, nn.Linear):
        return True
    points = all(size == 1 for size in layer.kernel_size)
    if isinstance(layer, TRANSPOSED):
        # Elsewhere an output gets another number of inputs at a border, or between strides.
        apart = any(step != 1 for step in layer.stride)
        return points and not (apart or any(layer.padding) or any(layer.output_padding))
    if layer.padding_mode != "zeros":
        return True
    if layer.padding == "same":
        return points
    return layer.padding == "valid" or not any(layer.padding)


def is_depthwise(layer: Convolution) -> bool:
    """Whether every channel is filtered by itself, into one channel or several."""
    return 1 < layer.groups == layer.in_channels


def through_depthwise(layer: Convolution, place: Place, seen: Tensor) -> Place:
    """Let a depthwise convolution shrink with the units that pass it; say where they are then.

    Behind it a unit is constant if it was, and neither a border nor a stride changes that, or
    if its own filters are zero.
    """
    width = layer.out_channels // layer.groups
    block = place.block * width
    filters = Slice(layer.weight, block=place.block if isinstance(layer, TRANSPOSED) else block)
    hidden = place.hidden
    hidden.slices += [filters, *_bias_slice(layer, block)]
    hidden.sizes += [
        Size(layer, "in_channels", place.block),
        Size(layer, "groups", place.block),
        Size(layer, "out_channels", block),
    ]
    level, still = constants(seen, place.still, place.axis, place.block)
    if not _keeps_constants(layer):
        still &= level.eq(0).all(dim=1)
    still = still | filters.by_unit()[0].flatten(1).eq(0).all(dim=1)
    return replace(place, block=block, still=still)


def _bias_slice(layer: Weighted, block: int = 1) -> list[Slice]:
    return [] if layer.bias is None else [Slice(layer.bias, block=block)]
