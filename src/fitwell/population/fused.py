"""K networks of one shape, trained and read as one batched model, without autograd."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fitwell.population.activations import KINDS, bend_, bend_backward_
from fitwell.population.blocks import Block
from fitwell.population.engine import Minibatch, Noise, Rates, noise_of
from fitwell.population.job import Vectors
from fitwell.population.kernels import (
    activate_,
    activate_backward_,
    adam_,
    cross_entropy_,
    draw_,
    row_losses_,
)
from fitwell.population.normalizing import Normalizer
from fitwell.population.rows import Rows
from fitwell.population.stack import Stack, Weights
from fitwell.remedies.shuffling import key_of

READ_ROWS = 512
"""So many rows pass at a time when networks are only read."""


class Fused:
    """K members, from their vectors to their vectors.

    Args:
        stack: the shape that all share.
        weights: one vector per member.
        first: Adam's mean of slopes, one vector per member.
        second: Adam's mean of squared slopes.
        steps: how many steps were made before.
        bfloat16: whether products are rounded in training, where `roundable`.
    """

    def __init__(
        self,
        stack: Stack,
        weights: Vectors,
        first: Vectors,
        second: Vectors,
        steps: int,
        *,
        bfloat16: bool = False,
    ) -> None:
        self.stack = stack
        self.bfloat16 = bfloat16
        self.members = len(weights)
        self.steps = steps
        # Per layer: weights, their slopes, Adam's first and second means.
        self._weights = [
            [Block(self.members, outputs, inputs) for _ in range(4)]
            for inputs, outputs in pairwise(stack.sizes)
        ]
        self._biases = [np.zeros((4, self.members, width), np.float32) for width in stack.sizes[1:]]
        self._norms = [
            None if hidden.norm is None else Normalizer(hidden.norm, self.members, width)
            for hidden, width in zip(stack.hidden, stack.sizes[1:-1], strict=True)
        ]
        for kind, vectors in ((0, weights), (2, first), (3, second)):
            for member, vector in enumerate(vectors):
                end = 0
                for part in self._parts(member, kind):
                    start, end = end, end + part.size
                    part[...] = vector[start:end].reshape(part.shape)
        self._rows: dict[tuple[int, bool], Rows] = {}
        self._loss = np.zeros(self.members)

    def _parts(self, member: int, kind: int) -> Iterator[NDArray[np.float32]]:
        """Give where the parts of a member's vector lie: weights, or one of Adam's means."""
        for weight, bias, norm in zip(
            self._weights, self._biases, [*self._norms, None], strict=True
        ):
            yield weight[kind].tensor[member].numpy()
            yield bias[kind, member]
            yield from norm.parts(member, kind) if norm else ()
        for norm in filter(None, self._norms):
            yield from norm.running(member) if kind == 0 else ()

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
        return np.concatenate([part.ravel() for part in self._parts(member, kind)])

    def terms(self, rates: Rates) -> NDArray[np.float64]:
        """Give each member's terms of L1 and of L2 at its weights, biases left out: ``[k, 2]``."""
        found = np.zeros((self.members, 2))
        for layer, weight in enumerate(self._weights):
            flat = weight[0].flat
            sums = [kind(flat).sum(axis=1, dtype=np.float64) for kind in (np.abs, np.square)]
            found += np.stack(sums, axis=1) * rates.at(layer).learning[:, 1:3]
        return found

    def step(self, rows: Minibatch, rates: Rates) -> None:
        """Train every member on one batch."""
        room = self._room(len(rows.target), learns=True)
        for layer, words in enumerate(room.words):
            draw_(words, np.uint64(key_of(*rows.draw, layer)))
        noise = [rates.at(n).noise(hidden) for n, hidden in enumerate(self.stack.hidden)]
        self._forward(rows.x, room, noise)
        bias, bias_slope = self._biases[-1][:2]
        cross_entropy_(
            room.outputs[-1].flat, bias, rows.target, rows.weight, self._loss, bias_slope
        )
        self._backward(rows.x, room, noise)
        self._learn(rates)

    def taken(self) -> NDArray[np.float64]:
        """Give every member's loss of the batches since this was last asked, added up: ``[k]``."""
        losses, self._loss = self._loss, np.zeros(self.members)
        return losses

    def losses(self, x: Tensor, target: NDArray[np.int64]) -> NDArray[np.float32]:
        """Give every member's log-loss of every row, without dropout: ``[k, rows]``."""
        found = np.empty((self.members, len(target)), np.float32)
        none = [noise_of(np.zeros(self.members))] * len(self.stack.hidden)
        for start in range(0, len(target), READ_ROWS):
            part = slice(start, min(start + READ_ROWS, len(target)))
            room = self._room(part.stop - start, learns=False)
            self._forward(x[part], room, none)
            losses = np.empty((self.members, part.stop - start), np.float32)
            row_losses_(room.outputs[-1].flat, self._biases[-1][0], target[part], losses)
            found[:, part] = losses
        return found

    def _room(self, rows: int, *, learns: bool) -> Rows:
        key = (rows, learns)
        if key not in self._rows:
            self._rows[key] = Rows(
                self.stack, self.members, rows, learns=learns, bfloat16=self.bfloat16
            )
        return self._rows[key]

    def _forward(self, x: Tensor, room: Rows, noise: Sequence[Noise]) -> None:
        _products(self._weights[0][0], x.t(), room.outputs[0])
        for layer, weight in enumerate(self._weights[1:]):
            self._bend(layer, room, noise[layer])
            read, output = room.outputs[layer : layer + 2]
            room.products[layer].forward(weight[0], read, output)

    def _bend(self, layer: int, room: Rows, noise: Noise) -> None:
        """Make of a product what the next one reads: batch norm, activation, dropout."""
        z, added, norm = room.outputs[layer].flat, self._biases[layer][0], self._norms[layer]
        if norm and room.learns:
            added = norm.train(z, added, room.normed[layer], room.count)
        elif norm:
            added = norm.read(z, added, room.count)
        kind, bits = self.stack.hidden[layer].activation, room.noise[layer]
        if kind == "ReLU":
            activate_(z, added, bits, noise.below, noise.scale)
        else:
            lots = noise.below, noise.scale, noise.shift, noise.dropped
            bend_(KINDS[kind], z, added, bits, *lots, room.gains[layer])

    def _backward(self, x: Tensor, room: Rows, noise: Sequence[Noise]) -> None:
        slope = room.outputs[-1]
        for layer in range(len(self._weights) - 1, 0, -1):
            fall = room.slopes[layer - 1]
            room.products[layer - 1].backward(slope, self._weights[layer][1], fall)
            self._bend_back(layer - 1, room, noise[layer - 1])
            slope = fall
        _products(slope, x, self._weights[0][1])

    def _bend_back(self, layer: int, room: Rows, noise: Noise) -> None:
        """Make the slopes in front of `_bend` of those behind it."""
        fall, norm = room.slopes[layer].flat, self._norms[layer]
        added_slope = norm.shift[1] if norm else self._biases[layer][1]
        if self.stack.hidden[layer].activation == "ReLU":
            output = room.outputs[layer].flat
            activate_backward_(fall, output, room.count, noise.scale, added_slope)
        else:
            bend_backward_(fall, room.gains[layer], room.count, added_slope)
        if norm:
            norm.backward(fall, room.normed[layer], room.count)

    def _learn(self, rates: Rates) -> None:
        self.steps += 1
        for layer, (weight, bias) in enumerate(zip(self._weights, self._biases, strict=True)):
            adam_(*(block.flat for block in weight), rates.at(layer).learning, self.steps)
            adam_(*bias, rates.unpenalized, self.steps)
        for norm in filter(None, self._norms):
            norm.learn(rates, self.steps)


def _products(left: Block, right: Tensor, out: Block) -> None:
    """Multiply every member's matrix by the same one: as one product where they are packed."""
    if left.packed is not None and out.packed is not None:
        torch.mm(left.packed, right, out=out.packed)
    else:
        torch.bmm(left.tensor, right.expand(left.members, *right.shape), out=out.tensor)
