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
