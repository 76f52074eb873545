"""Where the numbers of K networks lie in memory."""

import torch

from fitwell.population.stack import Weights

LINE = 16
"""Numbers in 64 bytes."""


class Block:
    """K matrices of one shape, each beginning at a multiple of 64 bytes.

    MKL's sums hang on where in memory a matrix begins. So that a member's do not hang on its
    place among the others, the distance between members is rounded up.

    Attributes:
        flat: ``[k, numbers]``, for the kernels; behind the matrix 0, or anything if not ``blank``.
        tensor: the same memory as ``[k, rows, columns]``.
        transposed: the same as ``[k, columns, rows]``.
        packed: the same as ``[k * rows, columns]``; None where something lies between.
    """

    def __init__(self, members: int, rows: int, columns: int, *, blank: bool = True) -> None:
        self.members = members
        make = torch.zeros if blank else torch.empty
        base = make(members, -(-rows * columns // LINE) * LINE)
        self.flat: Weights = base.numpy()
        self.tensor = base[:, : rows * columns].view(members, rows, columns)
        self.transposed = self.tensor.transpose(1, 2)
        self.packed = self.tensor.flatten(0, 1) if rows % LINE == 0 else None
