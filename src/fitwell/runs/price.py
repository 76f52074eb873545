"""What a network costs those who use it: numbers to hold, time to ask."""

import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fitwell.determinism import one_thread
from fitwell.results import Interval
from fitwell.statistics import median_interval

BATCH, REPEATS = 256, 15
"""A batch of at most so many rows is read so often; the median counts."""


def size_of(network: nn.Module) -> tuple[int, int]:
    """Give how many numbers a network learned, and how many of them are not 0."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    return sum(w.numel() for w in weights), sum(int(w.count_nonzero()) for w in weights)


@torch.no_grad()
def row_seconds(network: nn.Module, x: NDArray[np.float32]) -> Interval:
    """Time one row of a batch, in eval mode on one thread of the processor.

    The interval is that of the median of the repeats: it says how far the clock wavers here, and
    nothing of another machine.
    """
    network = network.eval()
    rows = torch.from_numpy(x[:BATCH])
    taken = []
    with one_thread():
        for _ in range(REPEATS):
            start = time.perf_counter()
            network(rows)
            taken.append((time.perf_counter() - start) / len(rows))
    return median_interval(np.array(taken))
