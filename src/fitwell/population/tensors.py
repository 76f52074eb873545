"""Any network as one vector: what a training of it leaves from one epoch to another."""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fitwell.population.stack import Weights


@dataclass(frozen=True)
class Tensors:
    """The tensors of a network: its parameters, then its buffers.

    Attributes:
        parameters: how many numbers the parameters have.
        numbers: how many the vector has.
        names: of the ``state_dict``, with where in the vector each begins, its shape and type.
    """

    parameters: int
    numbers: int
    names: tuple[tuple[str, int, tuple[int, ...], torch.dtype], ...]

    def vector(self, network: nn.Module) -> Weights:
        """Lay a network's tensors out, ``[numbers]``."""
        parts = [tensor.detach().flatten().float() for tensor in _all(network)]
        return torch.cat(parts).numpy()

    def state(self, vector: Weights) -> dict[str, NDArray[np.generic]]:
        """Give the ``state_dict`` back."""
        flat = torch.from_numpy(vector)
        return {
            name: flat[start : start + int(np.prod(shape))].view(shape).to(kind, copy=True).numpy()
            for name, start, shape, kind in self.names
        }


def tensors_of(network: nn.Module) -> Tensors | str:
    """Read a network's tensors, or say in a few words why a vector cannot hold them.

    >>> tensors_of(nn.Linear(2, 1)).names
    (('weight', 0, (1, 2), torch.float32), ('bias', 2, (1,), torch.float32))
    """
    starts, start = {}, 0
    for tensor in _all(network):
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            return f"a tensor of it is {str(tensor.dtype).removeprefix('torch.')}"
        starts[id(tensor)] = start
        start += tensor.numel()
    state = network.state_dict(keep_vars=True)
    lost = [name for name, tensor in state.items() if id(tensor) not in starts]
    if lost:
        return f"{lost[0]} is neither a parameter nor a buffer"
    return Tensors(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        numbers=start,
        names=tuple((n, starts[id(t)], tuple(t.shape), t.dtype) for n, t in state.items()),
    )


@torch.no_grad()
def fill_(tensors: list[Tensor], vector: Weights) -> None:
    """Give tensors the numbers of a vector, one after the other."""
    flat, start = torch.from_numpy(vector), 0
    for tensor in tensors:
        tensor.copy_(flat[start : start + tensor.numel()].view(tensor.shape))
        start += tensor.numel()


def _all(network: nn.Module) -> list[Tensor]:
    return [*network.parameters(), *network.buffers()]
