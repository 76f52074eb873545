"""Batch norm for K networks at once: what lies between a product and its activation."""

import numpy as np
from numpy.typing import NDArray

from fitwell.population.engine import Rates
from fitwell.population.kernels import ONE, ZERO, adam_, compiled, sum_of, summed
from fitwell.population.stack import Norm, Weights


@summed
def _spread(row, mean):  # type: ignore[no-untyped-def]
    total = ZERO
    for j in range(row.size):
        total += (row[j] - mean) * (row[j] - mean)
    return total


@summed
def _along(one, other):  # type: ignore[no-untyped-def]
    total = ZERO
    for j in range(one.size):
        total += one[j] * other[j]
    return total


@compiled
def normalize_(z, rows, scale, eps, normed, inverse, mean, variance):  # type: ignore[no-untyped-def]
    r"""Scaled batch norm of each unit, in place: :math:`\gamma (z - \mu) / \sqrt{v + \varepsilon}`.

    Args:
        z: ``[k, units * rows]`` or longer.
        rows: how many; at least 2.
        scale: :math:`\gamma`, ``[k, units]``.
        eps: :math:`\varepsilon`.
        normed: of the shape of ``z``; takes what :math:`\gamma` is multiplied by.
        inverse: ``[k, units]``; takes :math:`1 / \sqrt{v + \varepsilon}`.
        mean: takes :math:`\mu`, the mean over rows.
        variance: takes :math:`v`, the mean of squared distances to it.
    """
    count = np.float32(rows)
    for k in range(z.shape[0]):
        for unit in range(scale.shape[1]):
            part = slice(unit * rows, (unit + 1) * rows)
            row, made, factor = z[k, part], normed[k, part], scale[k, unit]
            middle = sum_of(row) / count
            spread = _spread(row, middle) / count
            narrow = ONE / np.sqrt(spread + eps)
            for j in range(row.size):
                value = (row[j] - middle) * narrow
                made[j] = value
                row[j] = factor * value
            mean[k, unit], variance[k, unit], inverse[k, unit] = middle, spread, narrow


@compiled
def normalize_backward_(slope, rows, scale, normed, inverse, shift_slope, scale_slope):  # type: ignore[no-untyped-def]
    r"""Slope of `normalize_`, in place, with :math:`\hat z` for ``normed``, s for ``slope``:

    .. math:: \frac{\gamma}{\sqrt{v + \varepsilon}}
              \left(s - \bar s - \hat z\,\overline{s \hat z}\right)

    The sums over rows of :math:`s` are given, ``shift_slope``; those of :math:`s \hat z` are
    written, ``scale_slope``: they are the slopes of shift and scale.
    """
    count = np.float32(rows)
    for k in range(slope.shape[0]):
        for unit in range(scale.shape[1]):
            part = slice(unit * rows, (unit + 1) * rows)
            row, made = slope[k, part], normed[k, part]
            along = _along(row, made)
            scale_slope[k, unit] = along
            factor = scale[k, unit] * inverse[k, unit]
            level, tilt = shift_slope[k, unit] / count, along / count
            for j in range(row.size):
                row[j] = factor * (row[j] - level - made[j] * tilt)


@compiled
def rescale_(z, rows, factor):  # type: ignore[no-untyped-def]
    """Multiply the rows of each unit by its factor, ``[k, units]``, in place."""
    for k in range(z.shape[0]):
        for unit in range(factor.shape[1]):
            row, by = z[k, unit * rows : (unit + 1) * rows], factor[k, unit]
            for j in range(row.size):
                row[j] *= by


class Normalizer:
    r"""The batch norm of one layer, for K members.

    The bias in front of it has no say in training: the mean takes it away. Its slope is
    therefore exactly 0 here, where autograd has one of rounding, which Adam would make steps
    of. It counts in the running mean, as in torch.

    Args:
        norm: as the network has it.
        members: how many.
        width: units of the layer.

    Attributes:
        scale: :math:`\gamma`, its slope, Adam's first and second means: ``[4, k, units]``.
        shift: :math:`\beta` likewise; it is added by who activates, as a bias would be.
        mean: running mean, ``[k, units]``.
        variance: running variance, unbiased.
        seen: how many batches these have seen, ``[k]``.
    """

    def __init__(self, norm: Norm, members: int, width: int) -> None:
        self._norm = norm
        self.scale, self.shift = np.zeros((2, 4, members, width), np.float32)
        self.mean, self.variance = np.zeros((2, members, width), np.float32)
        self.seen = np.zeros(members, np.float32)
        self._inverse, self._mean, self._variance = np.zeros((3, members, width), np.float32)

    def train(self, z: Weights, bias: Weights, normed: Weights, rows: int) -> Weights:
        """Normalize outputs without bias by their batch; give what is to be added to them."""
        eps = np.float32(self._norm.eps)
        normalize_(z, rows, self.scale[0], eps, normed, self._inverse, self._mean, self._variance)
        self.seen += 1
        momentum = self._norm.momentum
        share = 1 / self.seen[:, None] if momentum is None else np.float32(momentum)
        unbiased = self._variance * np.float32(rows / (rows - 1))
        self.mean += share * (self._mean + bias - self.mean)
        self.variance += share * (unbiased - self.variance)
        added: Weights = self.shift[0]
        return added

    def read(self, z: Weights, bias: Weights, rows: int) -> Weights:
        """Normalize outputs without bias by the running statistics; give what is to be added."""
        factor = self.scale[0] / np.sqrt(self.variance + np.float32(self._norm.eps))
        rescale_(z, rows, factor)
        added: Weights = self.shift[0] + (bias - self.mean) * factor
        return added

    def backward(self, slope: Weights, normed: Weights, rows: int) -> None:
        """Turn slopes behind it into slopes in front of it; those of the shift are there."""
        normalize_backward_(
            slope, rows, self.scale[0], normed, self._inverse, self.shift[1], self.scale[1]
        )

    def learn(self, rates: Rates, steps: int) -> None:
        """Take a step of Adam; scale and shift have no penalty."""
        for quantity in (self.scale, self.shift):
            adam_(*quantity, rates.unpenalized, steps)

    def parts(self, member: int, kind: int) -> list[NDArray[np.float32]]:
        """Give a member's scale and shift, or what ``kind`` of Adam's means of them."""
        return [self.scale[kind, member], self.shift[kind, member]]

    def running(self, member: int) -> list[NDArray[np.float32]]:
        """Give a member's running statistics."""
        return [self.mean[member], self.variance[member], self.seen[member : member + 1]]
