"""What is to be trained, and what a training leaves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitwell.recipe import Recipe


@dataclass(frozen=True)
class Job:
    """One training to be run; ``key`` tells the caller which it was."""

    key: int
    recipe: Recipe
    seed: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a training leaves: plain arrays, so that it can cross processes.

    Attributes:
        weights: ``state_dict`` of the bare architecture at the kept epoch.
        best_epoch: the kept epoch, from 1.
        train_log_loss: after each epoch, in eval mode, so comparable with validation; of a
            regression the squared error.
        l1_term: ``l1 Σ|w|`` after each epoch.
        l2_term: ``l2 Σw²`` after each epoch.
        validation_log_loss: after each epoch; empty without validation rows.
        judged: log-loss per validation row at an epoch chosen by other rows; at the last one, if
            the recipe says after how many to stop.
        zeros: share of the penalized weights that are exactly zero.
        parameters: number of trainable numbers.
        seconds: wall-clock.
    """

    weights: dict[str, NDArray[np.generic]]
    best_epoch: int
    train_log_loss: tuple[float, ...]
    l1_term: tuple[float, ...]
    l2_term: tuple[float, ...]
    validation_log_loss: tuple[float, ...]
    judged: NDArray[np.float32]
    zeros: float
    parameters: int
    seconds: float

    @property
    def epochs(self) -> int:
        """How many epochs were run."""
        return len(self.train_log_loss)
