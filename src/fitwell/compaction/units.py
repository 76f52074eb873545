"""Hidden units as data: which entries of which tensors are theirs, and who reads them."""

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


@dataclass(frozen=True, eq=False)
class Slice:
    """A tensor with entries per unit along one axis.

    Attributes:
        tensor: the tensor; only its data are ever replaced.
        axis: the axis along which the units lie.
        block: neighbouring entries of that axis per unit.
        gates: how often all units follow each other on that axis, as in a recurrent layer.
    """

    tensor: Tensor
    axis: int = 0
    block: int = 1
    gates: int = 1

    def by_unit(self) -> Tensor:
        """Give a view as gates × units × block × the other axes."""
        moved = self.tensor.movedim(self.axis, 0)
        return torch.unflatten(moved, 0, (self.gates, -1, self.block))

    def keep(self, kept: Tensor) -> None:
        """Leave these units only."""
        kept = kept.to(self.tensor.device)
        each = self.tensor.shape[self.axis] // self.gates
        entries = (kept[:, None] * self.block + _count(self.block, kept)).flatten()
        index = (_count(self.gates, kept)[:, None] * each + entries).flatten()
        self.tensor.data = self.tensor.data.index_select(self.axis, index)


def _count(n: int, like: Tensor) -> Tensor:
    return torch.arange(n, device=like.device)


@dataclass(frozen=True, eq=False)
class Size:
    """An attribute of a module that counts entries, so many per unit."""

    module: nn.Module
    name: str
    per_unit: int = 1


@dataclass(frozen=True, eq=False)
class Reader:
    """A weight that reads the units.

    Attributes:
        columns: the weight, by the units that it reads.
        bias: what a constant unit only shifts; None if there is none or if it does more,
            as at a border of zeros.
        level: what is read of the constant units, units × block; zero for the others.
        still: which units are read as a constant, one and the same for every input and at
            every position.
        rows: the same weight, by the units that read, if the units read themselves.
    """

    columns: Slice
    bias: Tensor | None
    level: Tensor
    still: Tensor
    rows: Slice | None = None

    def weights(self) -> Tensor:
        """Give a view as units × block × outputs × the other axes."""
        return self.columns.by_unit()[0]

    def reads(self) -> Tensor:
        """Say which units have a weight that is not zero."""
        return self.weights().flatten(1).ne(0).any(dim=1)


@dataclass(eq=False)
class Hidden:
    """The units of one layer; a walk through the network fills in who deals with them.

    Attributes:
        still: which units get nothing but their bias, so that they are constant.
        incoming: the weights into them.
        slices: the tensors on their way with entries per unit, ``incoming`` among them.
        sizes: what counts them.
        readers: all that read them.
        seen: whether somebody else sees them, or nobody knows; then all of them stay.
    """

    still: Tensor
    incoming: tuple[Slice, ...]
    slices: list[Slice]
    sizes: list[Size]
    readers: list[Reader] = field(default_factory=list)
    seen: bool = False

    @property
    def units(self) -> int:
        """How many there are."""
        return len(self.still)

    def take(self, kept: Tensor) -> None:
        """Keep only these units: rows of the layer, its norms, columns of its readers."""
        for piece in (*self.slices, *(reader.columns for reader in self.readers)):
            piece.keep(kept)
        for size in self.sizes:
            setattr(size.module, size.name, len(kept) * size.per_unit)


def constants(seen: Tensor, still: Tensor, axis: int, block: int = 1) -> tuple[Tensor, Tensor]:
    """Give the level of every constant unit, units × block, and say which units are constant.

    Args:
        seen: the tensor that holds the units, on the example.
        still: the units that are constant by their weights.
        axis: where the units lie in ``seen``.
        block: neighbouring entries per unit.
    """
    entries = seen.movedim(axis, 0).reshape(len(still), block, -1)
    level, spread = entries[..., 0], entries.amax(dim=2) - entries.amin(dim=2)
    still = still & (spread <= 1e-12 * level.abs()).all(dim=1)
    return torch.where(still[:, None], level, 0), still
