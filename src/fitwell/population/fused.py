"""K networks of one shape, trained and read as one batched model, without autograd."""

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fitwell.population.engine import Minibatch, Rates
from fitwell.population.job import Vectors
from fitwell.population.kernels import (
    activate_,
    activate_backward_,
    adam_,
    cross_entropy_,
    draw_,
    row_losses_,
)
from fitwell.population.stack import Stack, Weights
from fitwell.remedies.shuffling import key_of

READ_ROWS = 512
"""So many rows pass at a time when networks are only read."""

LINE = 16
"""Numbers in 64 bytes."""


class _Block:
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


class _Rows:
    """What a pass of so many rows writes: outputs, slopes and noise of each layer."""

    def __init__(self, stack: Stack, members: int, rows: int, *, learns: bool) -> None:
        widths, hidden = stack.sizes[1:], stack.sizes[1:-1]
        self.outputs = [_Block(members, width, rows, blank=False) for width in widths]
        self.slopes = [_Block(members, width, rows, blank=False) for width in hidden if learns]
        self.words = [np.zeros((width * rows + 3) // 4, np.uint64) for width in hidden]
        self.noise = [
            words.view(np.uint16)[: width * rows].reshape(width, rows)
            for words, width in zip(self.words, hidden, strict=True)
        ]


class Fused:
    """K members, from their vectors to their vectors.

    Args:
        stack: the shape that all share.
        weights: one vector per member.
        first: Adam's mean of slopes, one vector per member.
        second: Adam's mean of squared slopes.
        steps: how many steps were made before.
    """

    def __init__(
        self, stack: Stack, weights: Vectors, first: Vectors, second: Vectors, steps: int
    ) -> None:
        self.stack = stack
        self.members = len(weights)
        self.steps = steps
        # Per layer: weights, their slopes, Adam's first and second means.
        self._weights = [
            [_Block(self.members, outputs, inputs) for _ in range(4)]
            for inputs, outputs in pairwise(stack.sizes)
        ]
        self._biases = [np.zeros((4, self.members, width), np.float32) for width in stack.sizes[1:]]
        for kind, vectors in ((0, weights), (2, first), (3, second)):
            for member, vector in enumerate(vectors):
                for layer, (weight, bias) in enumerate(stack.split(vector[None])):
                    self._weights[layer][kind].tensor[member] = torch.from_numpy(weight[0])
                    self._biases[layer][kind, member] = bias[0]
        self._rows: dict[tuple[int, bool], _Rows] = {}

    def inputs(self, x: NDArray[np.float32]) -> Tensor:
        """Give rows as matrices read them, ``[rows, inputs]``."""
        return torch.from_numpy(x).flatten(1)

    @property
    def vectors(self) -> tuple[Vectors, Vectors, Vectors]:
        """Weights and Adam's two means, one vector per member."""
        weights, first, second = (
            tuple(self._vector(member, kind) for member in range(self.members))
            for kind in (0, 2, 3)
        )
        return weights, first, second

    def weights_of(self, member: int) -> Weights:
        """Copy one member's weights."""
        return self._vector(member, 0)

    def _vector(self, member: int, kind: int) -> Weights:
        parts: list[Weights] = []
        for weight, bias in zip(self._weights, self._biases, strict=True):
            parts += [weight[kind].tensor[member].flatten().numpy(), bias[kind, member]]
        return np.concatenate(parts)

    def sums(self) -> NDArray[np.float64]:
        """Give each member's sums of absolute and of squared weights, without biases."""
        flat = [layer[0].flat for layer in self._weights]
        absolute = sum(np.abs(part).sum(axis=1, dtype=np.float64) for part in flat)
        squared = sum(np.square(part).sum(axis=1, dtype=np.float64) for part in flat)
        return np.stack([absolute, squared], axis=1)

    def step(self, rows: Minibatch, rates: Rates, loss: NDArray[np.float64]) -> None:
        """Train every member on one batch; its loss is added to ``loss``, ``[k]``."""
        count = len(rows.target)
        room = self._room(count, learns=True)
        for layer, words in enumerate(room.words):
            draw_(words, np.uint64(key_of(*rows.draw, layer)))
        self._forward(rows.x, room, rates.below, rates.scale)
        bias, bias_slope = self._biases[-1][:2]
        cross_entropy_(room.outputs[-1].flat, bias, rows.target, rows.weight, loss, bias_slope)
        self._backward(rows.x, room, count, rates.scale)
        self._learn(rates)

    def losses(self, x: Tensor, target: NDArray[np.int64]) -> NDArray[np.float32]:
        """Give every member's log-loss of every row, without dropout: ``[k, rows]``."""
        found = np.empty((self.members, len(target)), np.float32)
        off, whole = np.zeros(self.members, np.uint16), np.ones(self.members, np.float32)
        for start in range(0, len(target), READ_ROWS):
            part = slice(start, min(start + READ_ROWS, len(target)))
            room = self._room(part.stop - start, learns=False)
            self._forward(x[part], room, off, whole)
            losses = np.empty((self.members, part.stop - start), np.float32)
            row_losses_(room.outputs[-1].flat, self._biases[-1][0], target[part], losses)
            found[:, part] = losses
        return found

    def _room(self, rows: int, *, learns: bool) -> _Rows:
        key = (rows, learns)
        if key not in self._rows:
            self._rows[key] = _Rows(self.stack, self.members, rows, learns=learns)
        return self._rows[key]

    def _forward(
        self, x: Tensor, room: _Rows, below: NDArray[np.uint16], scale: NDArray[np.float32]
    ) -> None:
        _products(self._weights[0][0], x.t(), room.outputs[0])
        for layer, weight in enumerate(self._weights[1:]):
            output, bias = room.outputs[layer], self._biases[layer][0]
            activate_(output.flat, bias, room.noise[layer], below, scale)
            torch.bmm(weight[0].tensor, output.tensor, out=room.outputs[layer + 1].tensor)

    def _backward(self, x: Tensor, room: _Rows, rows: int, scale: NDArray[np.float32]) -> None:
        slope = room.outputs[-1]
        for layer in range(len(self._weights) - 1, 0, -1):
            weight, weight_slope = self._weights[layer][:2]
            read, fall = room.outputs[layer - 1], room.slopes[layer - 1]
            torch.bmm(slope.tensor, read.transposed, out=weight_slope.tensor)
            torch.bmm(weight.transposed, slope.tensor, out=fall.tensor)
            bias_slope = self._biases[layer - 1][1]
            activate_backward_(fall.flat, read.flat, rows, scale, bias_slope)
            slope = fall
        _products(slope, x, self._weights[0][1])

    def _learn(self, rates: Rates) -> None:
        self.steps += 1
        for weight, bias in zip(self._weights, self._biases, strict=True):
            adam_(*(block.flat for block in weight), rates.learning, self.steps)
            adam_(*bias, rates.unpenalized, self.steps)


def _products(left: _Block, right: Tensor, out: _Block) -> None:
    """Multiply every member's matrix by the same one: as one product where they are packed."""
    if left.packed is not None and out.packed is not None:
        torch.mm(left.packed, right, out=out.packed)
    else:
        torch.bmm(left.tensor, right.expand(left.members, *right.shape), out=out.tensor)
