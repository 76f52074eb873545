"""K networks of one shape on a graphics card, as one batched model of torch's operations."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from fitwell.population.engine import Minibatch, Rates
from fitwell.population.job import Vectors
from fitwell.population.layers import Layers, Lots
from fitwell.population.record import Record
from fitwell.population.splitmix import Words
from fitwell.population.stack import Stack, Weights
from fitwell.remedies.shuffling import key_of

READ_NUMBERS = 2**26
"""So many outputs of a layer are made at a time, at most, when networks are only read."""

BETA1, BETA2, SMALL = 0.9, 0.999, 1e-8
"""Adam's."""


@dataclass(frozen=True)
class _Room:
    """What a step of so many rows reads, always from the same memory, and its record."""

    x: Tensor
    target: Tensor
    weight: Tensor
    words: Words
    record: Record


class OnDevice:
    """K members, from their vectors to their vectors.

    The noise is that of `Fused`. A member's numbers are those of `Fused` up to rounding, and
    so is what they are beside others: a device chooses its matrix products by their number.

    Args:
        stack: the shape that all share.
        weights: one vector per member.
        first: Adam's mean of slopes, one vector per member.
        second: Adam's mean of squared slopes.
        steps: how many steps were made before.
        device: of torch.
    """

    def __init__(
        self,
        stack: Stack,
        weights: Vectors,
        first: Vectors,
        second: Vectors,
        steps: int,
        device: str,
    ) -> None:
        self.stack, self.members, self.steps = stack, len(weights), steps
        self._put = partial(torch.as_tensor, device=device)
        whole, self._first, self._second = (
            self._put(np.stack(vectors)) for vectors in (weights, first, second)
        )
        # Apart: autograd counts what is written to a tensor's memory, wherever in it.
        self._weights, self._running = (
            part.contiguous() for part in torch.tensor_split(whole, [stack.parameters], 1)
        )
        self._layers = Layers(stack, self._weights, self._running)
        zeros = partial(torch.zeros, device=device)
        self._lots = Lots(len(stack.hidden), self.members, device)
        self._learning = zeros(4, self.members, 1)
        self._corrections = zeros(2)
        self._loss = zeros(self.members, dtype=torch.float64)
        self._rates: Rates | None = None
        self._rooms: dict[int, _Room] = {}

    def inputs(self, x: NDArray[np.float32]) -> Tensor:
        """Give rows as matrices read them, ``[rows, inputs]``."""
        rows: Tensor = self._put(x)
        return rows.flatten(1)

    @property
    def vectors(self) -> tuple[Vectors, Vectors, Vectors]:
        """Weights and Adam's two means, one vector per member."""
        whole = torch.cat([self._weights, self._running], 1)
        weights, first, second = (
            tuple(tensor.cpu().numpy().copy()) for tensor in (whole, self._first, self._second)
        )
        return weights, first, second

    def weights_of(self, member: int) -> Weights:
        """Copy one member's weights."""
        return torch.cat([self._weights[member], self._running[member]]).cpu().numpy()

    def terms(self, rates: Rates) -> NDArray[np.float64]:
        """Give each member's terms of L1 and of L2 at its weights, biases left out: ``[k, 2]``."""
        weights = (self._weights * self._layers.penalized).double()
        sums = torch.stack([weights.abs().sum(1), weights.square().sum(1)], 1)
        return sums.cpu().numpy() * rates.learning[:, 1:3]

    def step(self, rows: Minibatch, rates: Rates) -> None:
        """Train every member on one batch."""
        room = self._room(len(rows.target))
        room.x.copy_(rows.x)
        room.target.copy_(torch.from_numpy(rows.target))
        room.weight.copy_(torch.from_numpy(rows.weight))
        room.words.keys.copy_(
            torch.tensor([key_of(*rows.draw, layer) for layer in range(len(self.stack.hidden))])
        )
        if rates is not self._rates:
            self._lots.set(self.stack, rates)
            self._learning.copy_(torch.from_numpy(rates.learning.T[..., None]))
            self._rates = rates
        self.steps += 1
        self._corrections.copy_(
            torch.tensor([1 / (1 - BETA1**self.steps), 1 / (1 - BETA2**self.steps)])
        )
        room.record.run(lambda: self._train(room))

    def taken(self) -> NDArray[np.float64]:
        """Give every member's loss of the batches since this was last asked, added up: ``[k]``."""
        losses = self._loss.cpu().numpy().copy()
        self._loss.zero_()
        return losses

    @torch.no_grad()
    def losses(self, x: Tensor, target: NDArray[np.int64]) -> NDArray[np.float32]:
        """Give every member's log-loss of every row, without dropout: ``[k, rows]``."""
        found = np.empty((self.members, len(target)), np.float32)
        rows = max(1, READ_NUMBERS // (self.members * max(self.stack.sizes[1:])))
        for start in range(0, len(target), rows):
            part = slice(start, start + rows)
            losses = _row_losses(self._layers.read(x[part]), self._put(target[part]))
            found[:, part] = losses.cpu().numpy()
        return found

    def _room(self, rows: int) -> _Room:
        if rows not in self._rooms:
            x = self._put(np.zeros((rows, self.stack.sizes[0]), np.float32))
            target = self._put(np.zeros(rows, np.int64))
            weight = self._put(np.zeros(rows, np.float32))
            words = Words([width * rows for width in self.stack.sizes[1:-1]], x.device)
            self._rooms[rows] = _Room(x, target, weight, words, Record(x.device))
        return self._rooms[rows]

    def _train(self, room: _Room) -> None:
        outputs = self._layers.train(room.x, room.words.draw(), self._lots)
        loss = (_row_losses(outputs, room.target) * room.weight).sum(1)
        self._loss += loss.detach()
        leaves = self._layers.leaves
        slopes = torch.autograd.grad(loss.sum(), leaves, materialize_grads=True)
        self._learn(torch.cat([slope.flatten(1) for slope in slopes], 1))

    @torch.no_grad()
    def _learn(self, slopes: Tensor) -> None:
        """Take the step that `adam_` describes."""
        weights, penalized = self._weights, self._layers.penalized
        rate, l1, l2, decay = self._learning
        slopes = slopes + 2 * l2 * penalized * weights
        self._first.mul_(BETA1).add_(slopes, alpha=1 - BETA1)
        self._second.mul_(BETA2).addcmul_(slopes, slopes, value=1 - BETA2)
        correct1, correct2 = self._corrections
        force = 1 / ((self._second * correct2).sqrt() + SMALL)
        moved = (1 - rate * decay * penalized) * weights - rate * correct1 * self._first * force
        left = (moved.abs() - rate * l1 * penalized * force).clamp_min(0)
        weights.copy_(torch.copysign(left, moved))


def _row_losses(outputs: Tensor, target: Tensor) -> Tensor:
    """Give :math:`-\\ln p_y` of each row: ``[k, rows]``."""
    logs = F.log_softmax(outputs, dim=2)
    return -logs.gather(2, target.expand(len(outputs), -1)[..., None])[..., 0]
