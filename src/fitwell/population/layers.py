"""The layers of K networks of one shape as batched operations of torch, on any device."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from fitwell.population.engine import Rates
from fitwell.population.stack import ACTIVATIONS, Norm, Stack

_BEND = {kind.__name__: kind() for kind in ACTIVATIONS}


class Lots:
    """Which noise drops a unit of each hidden layer, and what becomes of units, per member.

    Args:
        hidden: how many layers.
        members: how many networks.
        device: of torch.
    """

    def __init__(self, hidden: int, members: int, device: str) -> None:
        self._below = torch.zeros(hidden, members, 1, 1, dtype=torch.int32, device=device)
        self._made = torch.zeros(hidden, 3, members, 1, 1, device=device)

    def set(self, stack: Stack, rates: Rates) -> None:
        """Take the rates of an epoch."""
        for layer, hidden in enumerate(stack.hidden):
            noise = rates.noise(hidden)
            self._below[layer, :, 0, 0] = torch.from_numpy(noise.below.astype(np.int32))
            made = np.stack([noise.scale, noise.shift, noise.dropped])
            self._made[layer, :, :, 0, 0] = torch.from_numpy(made)

    def drop(self, layer: int, output: Tensor, bits: Tensor) -> Tensor:
        """Scale, shift or replace outputs ``[k, rows, units]`` by noise ``[units * rows]``."""
        scale, shift, dropped = self._made[layer]
        drawn = bits.view(output.shape[2], output.shape[1]).t()
        return torch.where(drawn < self._below[layer], dropped, scale * output + shift)


class Layers:
    """The tensors of K networks, and what they make of rows.

    Args:
        stack: the shape that all share.
        weights: what is trained of one vector per member; its tensors lie in this memory.
        running: the rest of the vectors likewise, the running statistics of batch norms.

    Attributes:
        leaves: what is trained, in the vectors' order, for autograd.
        penalized: 1 for each number of a vector that is a linear layer's weight, else 0.
    """

    def __init__(self, stack: Stack, weights: Tensor, running: Tensor) -> None:
        self._stack = stack
        self._tensors: dict[str, Tensor] = {}
        self.penalized = torch.zeros_like(weights[0])
        linear = {f"{name}.weight" for name in stack.names}
        start = 0
        for name, shape in stack.tensors.items():
            numbers = int(np.prod(shape))
            learned = start < stack.parameters
            first = start if learned else start - stack.parameters
            part = (weights if learned else running)[:, first : first + numbers]
            tensor = part.view(len(weights), *(shape or (1,)))
            self._tensors[name] = tensor.detach().requires_grad_() if learned else tensor
            if name in linear:
                self.penalized[start : start + numbers] = 1
            start += numbers
        self.leaves = [tensor for tensor in self._tensors.values() if tensor.requires_grad]

    def train(self, x: Tensor, noise: Sequence[Tensor], lots: Lots) -> Tensor:
        """Give the outputs ``[k, rows, classes]`` of a batch, and note its statistics."""
        return self._through(x, noise, lots)

    def read(self, x: Tensor) -> Tensor:
        """Give the outputs ``[k, rows, classes]`` in eval mode."""
        return self._through(x, [], None)

    def _through(self, x: Tensor, noise: Sequence[Tensor], lots: Lots | None) -> Tensor:
        read = x.expand(len(self.leaves[0]), *x.shape)
        for layer, (name, hidden) in enumerate(
            zip(self._stack.names[:-1], self._stack.hidden, strict=True)
        ):
            weight, bias = self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"]
            if hidden.norm is None:
                output = torch.baddbmm(bias[:, None], read, weight.mT)
            else:
                output = self._normed(hidden.norm, read @ weight.mT, bias, learns=lots is not None)
            read = _BEND[hidden.activation](output)
            if lots is not None:
                read = lots.drop(layer, read, noise[layer])
        name = self._stack.names[-1]
        weight, bias = self._tensors[f"{name}.weight"], self._tensors[f"{name}.bias"]
        return torch.baddbmm(bias[:, None], read, weight.mT)

    def _normed(self, norm: Norm, output: Tensor, bias: Tensor, *, learns: bool) -> Tensor:
        """Batch norm of outputs without bias, which counts in the running mean alone."""
        scale, shift, mean, variance, seen = (
            self._tensors[f"{norm.name}.{kind}"]
            for kind in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        )
        if not learns:
            factor = scale * torch.rsqrt(variance + norm.eps)
            return output * factor[:, None] + (shift + (bias - mean) * factor)[:, None]
        spread, middle = torch.var_mean(output, 1, correction=0, keepdim=True)
        with torch.no_grad():
            rows = output.shape[1]
            seen += 1
            share = 1 / seen if norm.momentum is None else norm.momentum
            mean += share * (middle[:, 0] + bias - mean)
            variance += share * (spread[:, 0] * (rows / (rows - 1)) - variance)
        normed = (output - middle) * torch.rsqrt(spread + norm.eps)
        return normed * scale[:, None] + shift[:, None]
