"""Where the numbers of K networks lie in memory."""

import numpy as np
import torch

from fitwell.population.stack import Stack, Weights

LINE = 16
"""Numbers in 64 bytes."""

NOTHING: Weights = np.empty((0, 0), np.float32)


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


class Rows:
    """What a pass of so many rows writes, layer by layer.

    Attributes:
        count: of rows.
        learns: whether there will be a way back; the next three are for it.
        slopes: of the loss, at the outputs of the hidden layers.
        gains: of the activations; nothing for ReLU, whose output says it.
        normed: what batch norm has made, before its scale and shift; nothing without it.
        outputs: of all layers.
        words: noise as 64-bit numbers.
        noise: the same memory as 16 bits per entry, ``[units, rows]``.
    """

    def __init__(self, stack: Stack, members: int, rows: int, *, learns: bool) -> None:
        widths, hidden = stack.sizes[1:], stack.sizes[1:-1]
        self.count, self.learns = rows, learns
        self.outputs = [Block(members, width, rows, blank=False) for width in widths]
        self.slopes = [Block(members, width, rows, blank=False) for width in hidden if learns]
        self.gains, self.normed = (
            [
                Block(members, width, rows, blank=False).flat if learns and there else NOTHING
                for width, there in zip(hidden, needed, strict=True)
            ]
            for needed in (stack.bent, stack.normed)
        )
        self.words = [np.zeros((width * rows + 3) // 4, np.uint64) for width in hidden]
        self.noise = [
            words.view(np.uint16)[: width * rows].reshape(width, rows)
            for words, width in zip(self.words, hidden, strict=True)
        ]
