"""What K networks write when rows pass through them."""

from itertools import pairwise

import numpy as np

from fitwell.population.blocks import Block
from fitwell.population.products import Exact, Rounded, roundable
from fitwell.population.stack import Stack, Weights

NOTHING: Weights = np.empty((0, 0), np.float32)


class Rows:
    """What a pass of so many rows writes, layer by layer.

    Attributes:
        count: of rows.
        learns: whether there will be a way back; the next three are for it.
        slopes: of the loss, at the outputs of the hidden layers.
        gains: of the activations; nothing for ReLU, whose output says it.
        normed: what batch norm has made, before its scale and shift; nothing without it.
        outputs: of all layers.
        products: what makes those of each layer but the first of the outputs before it.
        words: noise as 64-bit numbers.
        noise: the same memory as 16 bits per entry, ``[units, rows]``.
    """

    def __init__(
        self, stack: Stack, members: int, rows: int, *, learns: bool, bfloat16: bool
    ) -> None:
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
        self.products = [
            Rounded(members, out, read, rows) if learns and bfloat16 and worth else Exact()
            for worth, (read, out) in zip(roundable(stack), pairwise(widths), strict=True)
        ]
        self.words = [np.zeros((width * rows + 3) // 4, np.uint64) for width in hidden]
        self.noise = [
            words.view(np.uint16)[: width * rows].reshape(width, rows)
            for words, width in zip(self.words, hidden, strict=True)
        ]
