"""What all members of a population share."""

from dataclasses import dataclass

from fitwell.population.stack import Stack
from fitwell.recipe import Recipe
from fitwell.task import Material

CURVE_ROWS = 2000
"""The training curve is read on at most so many training rows, in eval mode."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """What all members of a population share.

    Attributes:
        material: rows to train on and rows to stop by.
        stack: the shape of the network.
        recipe: epochs, batches, learning rate; not the strengths, which members have.
        seed: of the order of rows and of the noise.
        read_every: the validation rows are read after every so many epochs, and after the last.
        keeps: keep each member's weights: of its best epoch, or of its last if it does not stop.
        curves: follow what a report draws: the training loss in eval mode, on at most
            `CURVE_ROWS` rows, and the terms of the penalty.
    """

    material: Material
    stack: Stack
    recipe: Recipe
    seed: int
    read_every: int = 2
    keeps: bool = False
    curves: bool = False
