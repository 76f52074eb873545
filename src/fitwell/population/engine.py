"""What trains the members of a chunk: the fused engine, or one network by itself."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fitwell.population.job import Vectors
from fitwell.population.stack import Weights

LEVELS = 65_536
"""So many different numbers the noise of a unit has."""


@dataclass(frozen=True)
class Rates:
    """What one epoch trains by: an entry per member.

    Attributes:
        learning: ``[k, 4]``: learning rate, l1, l2 and decoupled decay.
        dropout: ``[k]``, 0 to below 1.
    """

    learning: NDArray[np.float32]
    dropout: NDArray[np.float64]

    @cached_property
    def unpenalized(self) -> NDArray[np.float32]:
        """Give ``learning`` as it is for biases: the rate alone."""
        free = self.learning.copy()
        free[:, 1:] = 0
        return free

    @cached_property
    def below(self) -> NDArray[np.uint16]:
        """Give the level of noise below which a unit is dropped, of `LEVELS`."""
        return self._levels.astype(np.uint16)

    @cached_property
    def scale(self) -> NDArray[np.float32]:
        """Give what the units that stay are multiplied by."""
        return (LEVELS / (LEVELS - self._levels)).astype(np.float32)

    @property
    def _levels(self) -> NDArray[np.float64]:
        return np.minimum(np.round(self.dropout * LEVELS), LEVELS - 1)


@dataclass(frozen=True)
class Minibatch:
    """The rows of one step.

    Attributes:
        x: as `Engine.inputs` gives them.
        target: class of each row.
        weight: what each row counts in the mean; the sum is 1.
        draw: seed, epoch and batch: they say which noise is drawn.
    """

    x: Tensor
    target: NDArray[np.int64]
    weight: NDArray[np.float32]
    draw: tuple[int, int, int]


class Engine(Protocol):
    """K members, from their vectors to their vectors."""

    @property
    def members(self) -> int:
        """How many there are."""
        ...

    @property
    def vectors(self) -> tuple[Vectors, Vectors, Vectors]:
        """Weights and Adam's two means, one vector per member."""
        ...

    def inputs(self, x: NDArray[np.float32]) -> Tensor:
        """Give rows as `step` and `losses` read them."""
        ...

    def step(self, rows: Minibatch, rates: Rates, loss: NDArray[np.float64]) -> None:
        """Train every member on one batch; its loss is added to ``loss``, ``[k]``."""
        ...

    def losses(self, x: Tensor, target: NDArray[np.int64]) -> NDArray[np.float32]:
        """Give every member's log-loss of every row, without dropout: ``[k, rows]``."""
        ...

    def weights_of(self, member: int) -> Weights:
        """Copy one member's weights."""
        ...

    def sums(self) -> NDArray[np.float64]:
        """Give each member's sums of absolute and of squared penalized weights: ``[k, 2]``."""
        ...
