"""What trains the members of a chunk: a fused engine, or one network by itself."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fitwell.population.job import Vectors
from fitwell.population.stack import Hidden, Weights

LEVELS = 65_536
"""So many different numbers the noise of a unit has."""

SELU_LIMIT = 1.7580993408473766
"""A SELU tends to its negative."""


@dataclass(frozen=True)
class Noise:
    r"""Dropout of one layer: an entry per member.

    What stays becomes ``scale * value + shift``. With alpha dropout of rate p behind a SELU,
    which tends to -a = -1.758, that keeps mean 0 and variance 1: with
    :math:`s = 1 / \sqrt{(1 - p)(1 + a^2 p)}` the scale is s, the shift :math:`s a p` and what
    is dropped becomes :math:`-s a (1 - p)`.

    Attributes:
        below: level of noise below which a unit is dropped, of `LEVELS`; 0: no dropout.
        scale: of the units that stay.
        shift: of the units that stay.
        dropped: value of the others.

    Reference:
        Klambauer et al.: Self-Normalizing Neural Networks, NeurIPS 2017 (alpha dropout).
    """

    below: NDArray[np.uint16]
    scale: NDArray[np.float32]
    shift: NDArray[np.float32]
    dropped: NDArray[np.float32]


def noise_of(rates: NDArray[np.float64], *, alpha: bool = False) -> Noise:
    """Give the dropout of so many members by their rates."""
    levels = np.minimum(np.round(rates * LEVELS), LEVELS - 1)
    scale, shift, dropped = LEVELS / (LEVELS - levels), np.zeros_like(rates), np.zeros_like(rates)
    if alpha:
        share = levels / LEVELS
        scale = 1 / np.sqrt((1 - share) * (1 + SELU_LIMIT**2 * share))
        shift, dropped = scale * SELU_LIMIT * share, -scale * SELU_LIMIT * (1 - share)
    return Noise(
        levels.astype(np.uint16),
        scale.astype(np.float32),
        shift.astype(np.float32),
        dropped.astype(np.float32),
    )


@dataclass(frozen=True)
class Rates:
    """What one epoch trains by: an entry per member.

    Attributes:
        learning: ``[k, 4]``: learning rate, l1, l2 and decoupled decay.
        dropout: ``[k]``, 0 to below 1; 0 leaves dropout layers of the network's own as they
            are. What fades is never quite 0.
        share: ``[k]``: what is left of dropout and decay where they fade, else 1.
        by_layer: the same layer by layer, where one member or more has rules; else empty.
    """

    learning: NDArray[np.float32]
    dropout: NDArray[np.float64]
    share: NDArray[np.float64]
    by_layer: "tuple[Rates, ...]" = ()

    def at(self, layer: int) -> "Rates":
        """Give those of a linear layer and of what lies behind it."""
        return self.by_layer[layer] if self.by_layer else self

    @cached_property
    def unpenalized(self) -> NDArray[np.float32]:
        """Give ``learning`` as it is for biases: the rate alone."""
        free = self.learning.copy()
        free[:, 1:] = 0
        return free

    def noise(self, hidden: Hidden) -> Noise:
        """Give the dropout behind a hidden layer, as `regularize` would place it."""
        if hidden not in self._noise:
            own = hidden.dropout or 0.0
            alpha = hidden.activation == "SELU" and hidden.dropout is None
            rates = np.where(self.dropout > 0, self.dropout, own)
            self._noise[hidden] = noise_of(rates, alpha=alpha)
        return self._noise[hidden]

    @cached_property
    def _noise(self) -> dict[Hidden, Noise]:
        return {}


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

    def step(self, rows: Minibatch, rates: Rates) -> None:
        """Train every member on one batch."""
        ...

    def taken(self) -> NDArray[np.float64]:
        """Give every member's loss of the batches since this was last asked, added up: ``[k]``."""
        ...

    def losses(self, x: Tensor, target: NDArray[np.int64]) -> NDArray[np.float32]:
        """Give every member's log-loss of every row, without dropout: ``[k, rows]``."""
        ...

    def weights_of(self, member: int) -> Weights:
        """Copy one member's weights."""
        ...

    def terms(self, rates: Rates, /) -> NDArray[np.float64]:
        """Give each member's terms of L1 and of L2 at its weights: ``[k, 2]``."""
        ...
