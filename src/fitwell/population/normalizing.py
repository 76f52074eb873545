"""Batch norm for K networks at once: what lies between a product and its activation."""

import numpy as np

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
def normalize_(z, rows, bias, scale, eps, share, mean, variance, normed, inverse):  # type: ignore[no-untyped-def]
    r"""Scaled batch norm of each unit, in place: :math:`\gamma (z - \mu) / \sqrt{v + \varepsilon}`.

    :math:`\mu` is the mean over rows and :math:`v` the mean of squared distances to it.

    Args:
        z: ``[k, units * rows]`` or longer, without the bias.
        rows: how many; at least 2.
        bias: ``[k, units]``; it counts in the running mean alone.
        scale: :math:`\gamma`, ``[k, units]``.
        eps: :math:`\varepsilon`.
        share: per member, how far the running statistics go towards those of the batch.
        mean: the running mean, ``[k, units]``.
        variance: the running variance, of which a batch's estimate is unbiased.
        normed: of the shape of ``z``; takes what :math:`\gamma` is multiplied by.
        inverse: ``[k, units]``; takes :math:`1 / \sqrt{v + \varepsilon}`.
    """
    count = np.float32(rows)
    unbiased = count / (count - ONE)
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
            inverse[k, unit] = narrow
            mean[k, unit] += share[k] * (middle + bias[k, unit] - mean[k, unit])
            variance[k, unit] += share[k] * (spread * unbiased - variance[k, unit])


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
def rescale_(z, rows, bias, scale, shift, eps, mean, variance, added):  # type: ignore[no-untyped-def]
    """Scaled batch norm by running statistics, in place; ``added`` takes what is left to add."""
    for k in range(z.shape[0]):
        for unit in range(scale.shape[1]):
            row = z[k, unit * rows : (unit + 1) * rows]
            factor = scale[k, unit] / np.sqrt(variance[k, unit] + eps)
            for j in range(row.size):
                row[j] *= factor
            added[k, unit] = shift[k, unit] + (bias[k, unit] - mean[k, unit]) * factor


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
        self._eps = np.float32(norm.eps)
        self._inverse, self._added = np.zeros((2, members, width), np.float32)

    def train(self, z: Weights, bias: Weights, normed: Weights, rows: int) -> Weights:
        """Normalize outputs without bias by their batch; give what is to be added to them."""
        self.seen += 1
        momentum = self._norm.momentum
        share = 1 / self.seen if momentum is None else np.full_like(self.seen, momentum)
        running = share, self.mean, self.variance
        normalize_(z, rows, bias, self.scale[0], self._eps, *running, normed, self._inverse)
        added: Weights = self.shift[0]
        return added

    def read(self, z: Weights, bias: Weights, rows: int) -> Weights:
        """Normalize outputs without bias by the running statistics; give what is to be added."""
        learned = self.scale[0], self.shift[0]
        rescale_(z, rows, bias, *learned, self._eps, self.mean, self.variance, self._added)
        return self._added

    def backward(self, slope: Weights, normed: Weights, rows: int) -> None:
        """Turn slopes behind it into slopes in front of it; those of the shift are there."""
        normalize_backward_(
            slope, rows, self.scale[0], normed, self._inverse, self.shift[1], self.scale[1]
        )

    def learn(self, rates: Rates, steps: int) -> None:
        """Take a step of Adam; scale and shift have no penalty."""
        for quantity in (self.scale, self.shift):
            adam_(*quantity, rates.unpenalized, steps)

    def parts(self, member: int, kind: int) -> list[Weights]:
        """Give a member's scale and shift, or what ``kind`` of Adam's means of them."""
        return [self.scale[kind, member], self.shift[kind, member]]

    def running(self, member: int) -> list[Weights]:
        """Give a member's running statistics."""
        return [self.mean[member], self.variance[member], self.seen[member : member + 1]]
