"""The matrix products of a linear layer for K networks: exact, or rounded to bfloat16."""

from itertools import pairwise

import torch
from torch import Tensor

from fitwell.population.blocks import Block
from fitwell.population.stack import Stack

NARROWEST = 128
"""Between narrower layers nothing is rounded: with few members that takes longer. Ours."""


def has_bfloat16() -> bool:
    """Say whether this processor multiplies bfloat16 itself: x86 with AVX512_BF16.

    Then such a product takes about half of the time. A torch that cannot tell says no.
    """
    capabilities = getattr(torch.cpu, "get_capabilities", dict[str, object])()
    return bool(capabilities.get("avx512_bf16", False))


def roundable(stack: Stack) -> list[bool]:
    """Say of each layer but the first whether its products are worth rounding.

    Those between wide hidden layers are. The first layer reads the data, which stay as they
    are, and the last one makes the logits of few products.

    >>> from fitwell.models.mlp import mlp
    >>> from fitwell.population.stack import stack_of
    >>> roundable(stack_of(mlp(60, 2, widths=(128, 256, 64))))
    [True, False, False]
    """
    *hidden, _ = pairwise(stack.sizes[1:])
    return [*(min(pair) >= NARROWEST for pair in hidden), False]


class Exact:
    """Products in float32."""

    def forward(self, weight: Block, read: Block, output: Block) -> None:
        """Write ``weight @ read``; both are needed on the way back."""
        self._weight, self._read = weight, read
        torch.bmm(weight.tensor, read.tensor, out=output.tensor)

    def backward(self, slope: Block, weight_slope: Block, read_slope: Block) -> None:
        """Write the slopes of the loss at the weights and at what was read, by its own."""
        torch.bmm(slope.tensor, self._read.transposed, out=weight_slope.tensor)
        torch.bmm(self._weight.transposed, slope.tensor, out=read_slope.tensor)


class Rounded:
    """The same of numbers rounded to bfloat16, and rounded again; sums are taken in float32.

    A bfloat16 has the range of a float32 and 8 bits of its precision: rounding changes a number
    by at most its 2**-9. The weights that learn and Adam's means stay float32.

    Args:
        members: K.
        outputs: of the layer.
        inputs: of the layer.
        rows: of a batch.

    Reference:
        Micikevicius et al.: Mixed Precision Training, ICLR 2018 (weights kept in float32).
        Kalamkar et al.: A Study of BFLOAT16 for Deep Learning Training, 2019.
    """

    def __init__(self, members: int, outputs: int, inputs: int, rows: int) -> None:
        def empty(*shape: int) -> Tensor:
            return torch.empty(members, *shape, dtype=torch.bfloat16)

        self._weight, self._weight_slope = empty(outputs, inputs), empty(outputs, inputs)
        self._read, self._read_slope = empty(inputs, rows), empty(inputs, rows)
        self._output, self._slope = empty(outputs, rows), empty(outputs, rows)

    def forward(self, weight: Block, read: Block, output: Block) -> None:
        """Write ``weight @ read``; both are needed on the way back."""
        self._weight.copy_(weight.tensor)
        self._read.copy_(read.tensor)
        torch.bmm(self._weight, self._read, out=self._output)
        output.tensor.copy_(self._output)

    def backward(self, slope: Block, weight_slope: Block, read_slope: Block) -> None:
        """Write the slopes of the loss at the weights and at what was read, by its own."""
        self._slope.copy_(slope.tensor)
        torch.bmm(self._slope, self._read.mT, out=self._weight_slope)
        torch.bmm(self._weight.mT, self._slope, out=self._read_slope)
        weight_slope.tensor.copy_(self._weight_slope)
        read_slope.tensor.copy_(self._read_slope)
