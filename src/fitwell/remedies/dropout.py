"""Dropout noise and the hooks that apply it, in the kind that suits the layer."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fitwell.remedies.remedy import Parameter, Remedy
from fitwell.surgery import Inserted

REMEDY = Remedy(
    name="dropout",
    parameters=(
        Parameter(name="dropout", low=0.0, high=0.5, off=0.15, default=0.15),
        Parameter(name="fades", choices=(False, True), default=True),
    ),
)

LEVELS = 65_536
"""Rates are rounded to multiples of 1 / LEVELS: 16 random bits decide about an entry."""


class DropoutHook(Inserted):
    """Zeroes entries of what passes, while its layer is in training mode.

    Entries are zero with probability ``rate`` and scaled by 1 / (1 - rate) otherwise;
    ``channel`` drops whole channels (neighbouring pixels say the same, so single ones
    would not be missed), ``alpha`` keeps mean and variance behind a SELU. The rate is
    held in tensors, so that a compiled network follows when it changes.

    Reference:
        Srivastava et al., JMLR 15, 2014; Tompson et al., CVPR 2015 (channels);
        Klambauer et al., NeurIPS 2017 (alpha).
    """

    def __init__(self, rate: float, kind: str) -> None:
        self.base = rate
        self.kind = kind
        self._below = torch.zeros((), dtype=torch.int16)
        self._scale = torch.zeros((), dtype=torch.float64)
        self.set_(rate)

    def set_(self, rate: float) -> None:
        """Set the rate from now on."""
        self.rate = rate
        below = _level(rate)
        self._below.fill_(below - LEVELS // 2)
        self._scale.fill_(LEVELS / (LEVELS - below))

    def __call__(self, layer: nn.Module, _: Any, output: Any) -> Any:
        """Act as a forward hook: ``output`` is what the layer made."""
        return self._drop(output) if layer.training else output

    def _drop(self, output: Tensor) -> Tensor:
        if self.kind == "alpha":
            return F.alpha_dropout(output, self.rate, training=True)
        shape = output.shape
        if self.kind == "channel" and output.dim() > 2:
            shape = torch.Size((*shape[:2], *[1] * (output.dim() - 2)))
        kept = _bits(shape, output.device) >= self._below
        return output * (kept.to(output.dtype) * self._scale)


class DropoutBefore(DropoutHook):
    """The same in front of a layer, for activations that are functions, not modules."""

    def __call__(self, layer: nn.Module, inputs: Any, output: Any = None) -> Any:  # noqa: ARG002
        """Act as a forward pre-hook: ``inputs`` is what the layer is about to read."""
        return (self._drop(inputs[0]), *inputs[1:]) if layer.training else inputs


class DropoutRecurrent(DropoutHook):
    """The same for a recurrent layer: its outputs and its last hidden state."""

    def __call__(self, layer: nn.Module, _: Any, output: Any) -> Any:
        """Act as a forward hook on ``(output, h)`` or ``(output, (h, c))``, or on a cell."""
        if not layer.training:
            return output
        if isinstance(output, Tensor):  # a cell without a memory
            return self._drop(output)
        if isinstance(layer, nn.LSTMCell):
            return self._drop(output[0]), output[1]
        sequence, state = output
        state = (self._drop(state[0]), state[1]) if isinstance(state, tuple) else self._drop(state)
        if isinstance(sequence, nn.utils.rnn.PackedSequence):
            return sequence._replace(data=self._drop(sequence.data)), state
        return self._drop(sequence), state


def _level(rate: float) -> int:
    return min(round(rate * LEVELS), LEVELS - 1)


def _bits(shape: Sequence[int], device: torch.device) -> Tensor:
    """Draw 16 random bits for each entry, four of them from each 64-bit number."""
    count = math.prod(shape)
    words = torch.empty((count + 3) // 4, dtype=torch.int64, device=device)
    return words.random_(-(2**63), None).view(torch.int16)[:count].view(*shape)


def noise(shape: Sequence[int], rate: float, like: Tensor) -> Tensor:
    """Draw factors that are 0 with probability ``rate`` and 1 / (1 - rate) otherwise.

    A quarter of the time of torch's own dropout on a processor; ``rate`` is rounded to a
    multiple of 1/65,536, and the factor to match, so that the expectation is exactly 1.
    """
    below = _level(rate)
    kept = _bits(shape, like.device) >= below - LEVELS // 2
    return kept.to(like.dtype) * (LEVELS / (LEVELS - below))


def schedule(kind: str, progress: float) -> float:
    """Give the share of its full rate that dropout has at some point of the training.

    ``constant``: 1. ``warm-up``: rises in a line to 1 over the first fifth. ``late
    start``: 0 for the first half, then 1. ``flat-cosine``: 1 for the first half, then half
    a cosine down to 0.

    Args:
        kind: one of the four.
        progress: share of the training that is done, 0 to 1.

    Reference:
        Liu et al.: Dropout Reduces Underfitting, ICML 2023 (early and late dropout);
        Holzmüller et al.: RealMLP, NeurIPS 2024 (flat-cosine).

    >>> [schedule(kind, 0.75) for kind in ("constant", "warm-up", "late start", "flat-cosine")]
    [1.0, 1.0, 1.0, 0.5]
    """
    return SCHEDULES[kind](progress)


SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "warm-up": lambda done: min(1.0, done / 0.2),
    "late start": lambda done: float(done >= 0.5),
    "flat-cosine": lambda done: (
        1.0 if done <= 0.5 else round(0.5 * (1 + math.cos(math.pi * (2 * done - 1))), 15)
    ),
}
