import numpy as np
import pytest
import torch
from torch import nn

from fitwell.runs import price


class Slow(nn.Module):
    """A network that notes its batches, and a clock that it moves: 4 ms, or 10 at first."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []
        self.time = 0.0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.batches.append(len(x))
        self.time += 0.010 if len(self.batches) == 1 else 0.004
        return x


@pytest.mark.parametrize(("rows", "batch"), [(1000, 256), (20, 20)])
def test_a_row_costs_its_share_of_a_batch(
    rows: int, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Slow()
    monkeypatch.setattr(price.time, "perf_counter", lambda: network.time)
    found = price.row_seconds(network, np.zeros((rows, 3), np.float32))
    assert network.batches == [batch] * 15
    assert not network.training
    assert (found.low, found.value, found.high) == pytest.approx((0.004 / batch,) * 3)
