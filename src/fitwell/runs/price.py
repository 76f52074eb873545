"""What a network costs those who use it: numbers to hold, time to ask."""

import statistics
import time

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from fitwell.determinism import one_thread

BATCH, REPEATS = 256, 15
"""A batch of at most so many rows is read so often; the median counts."""


def size_of(network: nn.Module) -> tuple[int, int]:
    """Give how many numbers a network learned, and how many of them are not 0."""
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    return sum(w.numel() for w in weights), sum(int(w.count_nonzero()) for w in weights)


@torch.no_grad()
def row_seconds(network: nn.Module, x: NDArray[np.float32]) -> float:
    """Time one row of a batch, in eval mode on one thread of the processor."""
    network = network.eval()
    rows = torch.from_numpy(x)
    taken = []
    with one_thread():
        for _ in range(REPEATS):
            start = time.perf_counter()
            network(rows)
            taken.append(time.perf_counter() - start)
    return statistics.median(taken) / max(1, len(rows))
