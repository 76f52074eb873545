"""More shuffling: smaller batches, drawn with or without replacement."""

from collections.abc import Iterator

import torch
from torch import Tensor

from fitwell.remedies.remedy import Parameter, Remedy

REMEDY = Remedy(
    name="shuffling",
    parameters=(
        Parameter(name="batch_size", choices=(16, 32, 64, 128), default=32),
        Parameter(name="sampling", choices=("reshuffle", "replacement"), default="reshuffle"),
    ),
)


def steps_per_epoch(rows: int, batch_size: int) -> int:
    """Say how many batches `batches` makes of so many rows.

    >>> steps_per_epoch(130, 64), steps_per_epoch(129, 64)
    (3, 2)
    """
    return rows // batch_size + (rows % batch_size > 1)


def key_of(*numbers: int) -> int:
    """Mix whole numbers into a seed of 63 bits."""
    mask, mixed = 2**64 - 1, 0
    for number in numbers:
        mixed = (mixed ^ number) * 0xD6E8FEB86659FD93 & mask
        mixed = (mixed ^ mixed >> 32) * 0xD6E8FEB86659FD93 & mask
    return mixed >> 1


def order_of(seed: int, epoch: int) -> torch.Generator:
    """Give what draws the order of rows in an epoch: keyed by both, so that any epoch can be
    drawn without those before it.
    """
    return torch.Generator().manual_seed(key_of(seed, epoch))


def batches(
    rows: int, batch_size: int, sampling: str, generator: torch.Generator
) -> Iterator[Tensor]:
    """Draw one epoch of row numbers.

    ``reshuffle`` visits every row once in a new order; ``replacement`` draws as many
    rows, each independently, so that some come twice and some not at all. A last batch
    of a single row is left out: batch norm has no variance there.
    """
    if sampling == "replacement":
        order = torch.randint(rows, (rows,), generator=generator)
    else:
        order = torch.randperm(rows, generator=generator)
    for batch in torch.split(order, batch_size):
        if len(batch) > 1:
            yield batch
