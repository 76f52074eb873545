"""Move what constant units contribute into biases, or into one constant unit among them."""

import torch
from torch import Tensor

from fitwell.compaction.units import Hidden, Reader


def fold(hidden: Hidden) -> bool:
    """Leave the readers nothing to read of constant units; say whether that changed anything."""
    free = torch.ones_like(hidden.still)
    bound = torch.ones_like(hidden.still)
    for reader in hidden.readers:
        takes = reader.level.eq(0).all(dim=1) | (reader.bias is not None)
        free &= ~reader.reads() | (reader.still & takes)
        bound &= reader.still
    bound &= ~free
    carrier = _strongest(hidden, bound)
    return any([_move(reader, free, bound, carrier) for reader in hidden.readers])


def _strongest(hidden: Hidden, bound: Tensor) -> int:
    """Pick the constant unit that carries the others, and leave it out of them.

    It is the one with the largest constant, so that the ratios stay small.
    """
    if not hidden.readers or not bound.any():
        return 0
    levels = [reader.level.abs().amin(dim=1) for reader in hidden.readers]
    strength = torch.stack(levels).amin(dim=0) * bound
    carrier = int(strength.argmax())
    bound &= strength[carrier] > 0
    bound[carrier] = False
    return carrier


def _move(reader: Reader, free: Tensor, bound: Tensor, carrier: int) -> bool:
    weights, level = reader.weights(), reader.level
    if not weights[free | bound].any():
        return False
    if reader.bias is not None:
        reader.bias.add_(torch.einsum("jbo...,jb->o", weights[free], level[free]))
    if bound.any():
        ratio = level[bound] / level[carrier]
        weights[carrier] += torch.einsum("jbo...,jb->bo...", weights[bound], ratio)
    weights[free | bound] = 0
    return True
