"""What all members of a population share."""

from dataclasses import dataclass

from fitwell.population.products import has_bfloat16, roundable
from fitwell.population.stack import Stack
from fitwell.population.tensors import Tensors
from fitwell.recipe import Recipe
from fitwell.task import Material

CACHE = 5 * 2**20
"""Bytes that one chunk may touch in a step. Measured (ours): a step per member costs the
same from 3 to 8 MiB, and a tenth more at 20 MiB, where the chunk leaves the cache."""

ROUNDED_CACHE = 8 * 2**20
"""The same where products are rounded: two members of 3x256 take a tenth less time a member
than one does, since a call in bfloat16 costs more (ours)."""

MEMORY = 2**30
"""The same on a graphics card, whose memory is all near: what small ones have to spare."""

CURVE_ROWS = 2000
"""The training curve is read on at most so many training rows, in eval mode."""


@dataclass(frozen=True, kw_only=True)
class Course:
    """What all members of a population share.

    Attributes:
        material: rows to train on and rows to stop by.
        shape: of the network: a `Stack` is fused, anything else trained one by one.
        recipe: epochs, batches, learning rate; not the strengths, which members have.
        seed: of the order of rows and of the noise.
        device: of torch.
        bfloat16: multiply hidden layers in bfloat16 where the network is fused on a processor.
        read_every: the validation rows are read after every so many epochs, and after the last.
        keeps: keep each member's weights: of its best epoch, or of its last if it does not stop.
        curves: follow what a report draws: the training loss in eval mode, on at most
            `CURVE_ROWS` rows, and the terms of the penalty.
    """

    material: Material
    shape: Stack | Tensors
    recipe: Recipe
    seed: int
    device: str = "cpu"
    bfloat16: bool = False
    read_every: int = 2
    keeps: bool = False
    curves: bool = False

    @property
    def rounds(self) -> bool:
        """Whether products are rounded to bfloat16: where that may be, and is quicker here."""
        if not (self.bfloat16 and self.device == "cpu" and isinstance(self.shape, Stack)):
            return False
        return any(roundable(self.shape)) and has_bfloat16()

    @property
    def chunk(self) -> int:
        """Say how many members make one chunk."""
        if not isinstance(self.shape, Stack):
            return 1
        if self.device != "cpu":
            return max(1, MEMORY // touched(self.shape, self.recipe.batch_size))
        cache = ROUNDED_CACHE if self.rounds else CACHE
        return chunk_size(self.shape, self.recipe.batch_size, cache)


def chunk_size(stack: Stack, batch_size: int, cache: int = CACHE) -> int:
    """Say how many members of a stack make one chunk: as many as stay in the cache, 1 to 32.

    It follows from sizes alone, so that the same seed gives the same result.

    >>> from fitwell.models.mlp import mlp
    >>> from fitwell.population.stack import stack_of
    >>> sizes = ("relu", (64, 64)), ("tanh", (64, 64)), ("relu", (256, 256, 256))
    >>> nets = [mlp(60, 2, widths=widths, activation=kind) for kind, widths in sizes]
    >>> [chunk_size(stack_of(net), 128) for net in nets]
    [19, 15, 1]
    """
    return min(32, max(1, cache // touched(stack, batch_size)))


def touched(stack: Stack, batch_size: int) -> int:
    """Say how many bytes a step of one member touches.

    A member has four numbers a weight (itself, its slope, Adam's two means) and two an
    activation; one more an activation for its gain, if it is no ReLU, and one for batch norm.
    """
    more = zip(stack.sizes[1:-1], stack.bent, stack.normed, strict=True)
    activations = 2 * sum(stack.sizes[1:]) + sum(w * (bent + norm) for w, bent, norm in more)
    return int(16 * stack.parameters + 4 * batch_size * activations)
