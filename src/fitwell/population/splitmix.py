"""The noise of `kernels.draw_`, by torch's operations on any device."""

from collections.abc import Sequence

import torch
from torch import Tensor


class Words:
    """Noise of several layers at once.

    Args:
        counts: how many units times rows each layer has; at least one layer.
        device: of torch.

    Attributes:
        keys: one per layer, to be filled before `draw`.
    """

    def __init__(self, counts: Sequence[int], device: torch.device) -> None:
        self._counts = counts
        words = [(count + 3) // 4 for count in counts]
        self.keys = torch.zeros(len(counts), dtype=torch.int64, device=device)
        self._layer = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(words))
        self._layer = self._layer.to(device)
        steps = [(torch.arange(count) + 1) * _signed(0x9E3779B97F4A7C15) for count in words]
        self._steps = torch.cat(steps).to(device)
        self._words = words

    def draw(self) -> list[Tensor]:
        """Draw 16 bits, 0 to 65,535, for each entry of each layer: ``[count]`` as int32.

        Word i is splitmix64 of the layer's key + i. Products wrap round as those of numbers
        without a sign do; shifts to the right have to be told not to copy the sign.
        """
        z = self.keys[self._layer] + self._steps
        z = (z ^ _shifted(z, 30)) * _signed(0xBF58476D1CE4E5B9)
        z = (z ^ _shifted(z, 27)) * _signed(0x94D049BB133111EB)
        z = z ^ _shifted(z, 31)
        parts = torch.split(
            z.view(torch.int16).to(torch.int32) & 0xFFFF, [4 * n for n in self._words]
        )
        return [part[:count] for part, count in zip(parts, self._counts, strict=True)]


def _signed(constant: int) -> int:
    return constant - 2**64 if constant >= 2**63 else constant


def _shifted(z: Tensor, bits: int) -> Tensor:
    return torch.bitwise_and(z >> bits, 2 ** (64 - bits) - 1)
