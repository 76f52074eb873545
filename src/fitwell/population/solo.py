"""One member of any network: torch's autograd and Adam, between two vectors."""

from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from fitwell.determinism import seeded
from fitwell.population.course import Course
from fitwell.population.engine import Minibatch, Rates
from fitwell.population.job import State, Vectors
from fitwell.population.networks import initial, treat
from fitwell.population.stack import Weights
from fitwell.population.tensors import fill_
from fitwell.remedies.metric import adam
from fitwell.remedies.shuffling import key_of

READ_ROWS = 4096
"""So many rows pass at a time when the network is only read."""


class Solo:
    """A population of one; it computes whatever the network computes.

    Args:
        course: says how the network is built.
        state: of one member.
        steps: how many steps were made before.
    """

    members = 1

    def __init__(self, course: Course, state: State, steps: int) -> None:
        self._member = state.tracks[0].member
        self._device = course.device
        self._put = partial(torch.as_tensor, device=course.device)
        self._loss = torch.zeros((), dtype=torch.float64, device=course.device)
        recipe = course.recipe
        # The seed is of no account: all weights are overwritten.
        network = initial(course.material, recipe, 0)
        self._treated = treat(network, self._member, batch_norm=recipe.batch_norm)
        self._module = self._treated.module.to(course.device)
        _lay_out(self._module, self.inputs(course.material.train_x[:2]))
        self._parameters = list(self._module.parameters())
        self._tensors = [*self._parameters, *self._module.buffers()]
        fill_(self._tensors, state.weights[0])
        self._optimizer = adam(self._parameters, recipe.learning_rate)
        if steps:
            self._remember(state, steps)

    def _remember(self, state: State, steps: int) -> None:
        means = [[torch.empty_like(p) for p in self._parameters] for _ in range(2)]
        for tensors, vectors in zip(means, (state.first, state.second), strict=True):
            fill_(tensors, vectors[0])
        for parameter, first, second in zip(self._parameters, *means, strict=True):
            if parameter.requires_grad:
                count = torch.tensor(float(steps))
                known = {"step": count, "exp_avg": first, "exp_avg_sq": second}
                self._optimizer.state[parameter] = known

    def inputs(self, x: NDArray[np.float32]) -> Tensor:
        """Give rows as the network reads them."""
        # A copy: bits hang on where an array begins, and elsewhere it may begin anywhere.
        return torch.from_numpy(x).to(self._device, copy=True)

    @property
    def vectors(self) -> tuple[Vectors, Vectors, Vectors]:
        """Weights and Adam's two means, one vector each."""
        first, second = (self._means(name) for name in ("exp_avg", "exp_avg_sq"))
        return (self.weights_of(0),), (first,), (second,)

    def _means(self, name: str) -> Weights:
        known = self._optimizer.state
        return _vector([known[p].get(name, torch.zeros_like(p)) for p in self._parameters])

    def weights_of(self, member: int) -> Weights:
        """Copy the member's weights."""
        assert member == 0
        return _vector(self._tensors)

    def terms(self, _: Rates) -> NDArray[np.float64]:
        """Give the terms of L1 and of L2 at the weights, ``[1, 2]``."""
        return np.array([self._treated.terms()])

    def step(self, rows: Minibatch, rates: Rates) -> None:
        """Train on one batch."""
        share = float(rates.share[0])
        self._set(float(rates.learning[0, 0]), share)
        with seeded(key_of(*rows.draw), self._device):
            outputs = self._module.train()(rows.x)
        losses = F.cross_entropy(outputs, self._put(rows.target), reduction="none")
        value = (losses * self._put(rows.weight)).sum()
        self._optimizer.zero_grad(set_to_none=True)
        value.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self._treated.add_penalty_gradient_()
        if self._member.uses("decay"):
            self._treated.decay_(self._optimizer, share)
        self._optimizer.step()
        if self._member.uses("l1"):
            self._treated.shrink_(self._optimizer)
        self._loss += value.detach()

    def taken(self) -> NDArray[np.float64]:
        """Give the loss of the batches since this was last asked, added up: ``[1]``."""
        losses = self._loss.cpu().numpy()[None].copy()
        self._loss.zero_()
        return losses

    def _set(self, learning_rate: float, share: float) -> None:
        for group in self._optimizer.param_groups:
            group["lr"] = learning_rate
        if self._member.fades and self._member.uses("dropout"):
            self._treated.set_dropout_(share)

    @torch.no_grad()
    def losses(self, x: Tensor, target: NDArray[np.int64]) -> NDArray[np.float32]:
        """Give the log-loss of every row in eval mode, ``[1, rows]``."""
        if not len(target):
            return np.empty((1, 0), np.float32)  # not every network takes no rows
        self._module.eval()
        outputs = torch.cat([self._module(part) for part in torch.split(x, READ_ROWS)])
        losses = F.cross_entropy(outputs, self._put(target), reduction="none")
        return losses.cpu().numpy()[None]


@torch.no_grad()
def _lay_out(module: nn.Module, example: Tensor) -> None:
    """Lay the channels of images side by side in memory, if the network bears it.

    Convolutions and pools on a processor are faster that way: a step of the built-in CNN takes
    .76 of the time on 28 x 28 x 1 pixels and .80 on 32 x 32 x 3 (ours, medians of 40; middle
    halves .69 to .83). A network that views its tensors as if channels lay apart raises.
    """
    if not any(isinstance(layer, nn.Conv2d) for layer in module.modules()):
        return
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    try:
        module.eval()(example)
    except RuntimeError:
        module.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]


def _vector(tensors: list[Tensor]) -> Weights:
    return torch.cat([tensor.detach().flatten().float() for tensor in tensors]).cpu().numpy()
