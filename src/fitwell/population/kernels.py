"""The element-wise parts of a step for K networks at once, compiled when first called.

Matrix products are torch's; what lies between them is memory traffic, and one pass over an
array costs a third of torch's three or four. Every loop treats a member by itself and in
the same order wherever it stands, so that a member's numbers do not depend on its
neighbours. Comparisons are written so that NaN passes. Arrays are float32; those of
activations are ``[member, unit * rows + row]``, and what lies behind the last unit is left
alone.
"""

import math
from typing import Any

import numba
import numpy as np

# "numpy": a division by zero gives inf, as in torch, and loops stay free of checks.
OPTIONS: dict[str, Any] = {"error_model": "numpy", "cache": True, "nogil": True}
compiled: Any = numba.njit(fastmath={"contract", "nsz"}, **OPTIONS)
# Sums may be taken in vector lanes. Their order then hangs on the length alone, which is
# the same for every member.
summed: Any = numba.njit(fastmath={"contract", "nsz", "reassoc"}, **OPTIONS)

ZERO, ONE, TWO = np.float32(0), np.float32(1), np.float32(2)


@compiled
def draw_(words, key):  # type: ignore[no-untyped-def]
    """Fill with 64-bit noise from a counter: word i is splitmix64 of ``key`` + i.

    The same key gives the same noise whoever asks, so that members that are trained apart
    see what they would have seen together.

    Reference:
        Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators, OOPSLA 2014.
    """
    for i in range(words.size):
        z = key + np.uint64(i + 1) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        words[i] = z ^ (z >> np.uint64(31))


@compiled
def activate_(z, bias, noise, below, scale):  # type: ignore[no-untyped-def]
    """ReLU and dropout in place: ``scale * max(z + bias, 0)`` where noise >= below, else 0.

    Args:
        z: ``[k, units * rows]`` or longer.
        bias: ``[k, units]``.
        noise: 16 bits per entry ``[units, rows]``, shared by the members.
        below: per member, rate times 65,536; 0 leaves dropout out.
        scale: per member, 1 / (1 - rate).
    """
    rows = noise.shape[1]
    for k in range(z.shape[0]):
        limit, factor = below[k], scale[k]
        for unit in range(bias.shape[1]):
            row, bits, shift = z[k, unit * rows : (unit + 1) * rows], noise[unit], bias[k, unit]
            if limit == 0:
                for j in range(row.size):
                    value = row[j] + shift
                    row[j] = ZERO if value <= ZERO else value
            else:
                for j in range(row.size):
                    value = (row[j] + shift) * factor
                    row[j] = ZERO if (value <= ZERO) | (bits[j] < limit) else value


@compiled
def activate_backward_(slope, output, rows, scale, bias_slope):  # type: ignore[no-untyped-def]
    """Slope of `activate_`, in place: ``slope * scale`` where its output is above 0, else 0."""
    for k in range(slope.shape[0]):
        for unit in range(bias_slope.shape[1]):
            part = slice(unit * rows, (unit + 1) * rows)
            row, made, factor = slope[k, part], output[k, part], scale[k]
            for j in range(row.size):
                value = row[j] * factor
                row[j] = ZERO if made[j] <= ZERO else value
            bias_slope[k, unit] = sum_of(row)


@summed
def sum_of(row):  # type: ignore[no-untyped-def]
    """Add up."""
    total = ZERO
    for j in range(row.size):
        total += row[j]
    return total


@compiled
def cross_entropy_(z, bias, target, weight, loss, bias_slope):  # type: ignore[no-untyped-def]
    r"""Turn outputs into their slopes: ``weight * (softmax(z + bias) - onehot)``; add up losses.

    ``loss[k]`` grows by :math:`\sum_j w_j \cdot -\ln p_{y_j}`, natural logarithm. What each
    row weighs is the caller's: 1 / rows for a mean.

    Args:
        z: ``[k, classes * rows]`` or longer, overwritten.
        bias: ``[k, classes]``.
        target: class of each row.
        weight: of each row.
        loss: ``[k]``, float64.
        bias_slope: ``[k, classes]``, overwritten.
    """
    rows, classes = target.size, bias.shape[1]
    for k in range(z.shape[0]):
        for j in range(rows):
            top = z[k, j] + bias[k, 0]
            for c in range(1, classes):
                top = max(top, z[k, c * rows + j] + bias[k, c])
            right = z[k, target[j] * rows + j] + bias[k, target[j]] - top
            total = ZERO
            for c in range(classes):
                value = np.exp(z[k, c * rows + j] + bias[k, c] - top)
                z[k, c * rows + j] = value
                total += value
            loss[k] += weight[j] * (np.log(total) - right)
            for c in range(classes):
                z[k, c * rows + j] *= weight[j] / total
            z[k, target[j] * rows + j] -= weight[j]
        for c in range(classes):
            bias_slope[k, c] = sum_of(z[k, c * rows : (c + 1) * rows])


@compiled
def row_losses_(z, bias, target, losses):  # type: ignore[no-untyped-def]
    r"""Write :math:`-\ln p_y` of each row into ``losses[k, row]``."""
    rows, classes = target.size, bias.shape[1]
    for k in range(z.shape[0]):
        for j in range(rows):
            top = z[k, j] + bias[k, 0]
            for c in range(1, classes):
                top = max(top, z[k, c * rows + j] + bias[k, c])
            total = ZERO
            for c in range(classes):
                total += np.exp(z[k, c * rows + j] + bias[k, c] - top)
            right = z[k, target[j] * rows + j] + bias[k, target[j]] - top
            losses[k, j] = np.log(total) - right


@compiled
def adam_(weights, slopes, first, second, rates, step):  # type: ignore[no-untyped-def]
    r"""One step of Adam with L2, decoupled decay and the proximal step of L1, in one pass.

    With :math:`g = \partial\,\mathrm{loss} + 2\lambda_2 w`, :math:`m, v` Adam's means of
    :math:`g, g^2` and :math:`D = \sqrt{\hat v} + \varepsilon`:

    .. math:: w' = (1 - \eta\delta)\,w - \eta\,\hat m / D, \qquad
              w \leftarrow \mathrm{sign}(w') \max(|w'| - \eta\lambda_1 / D,\ 0)

    :math:`\beta_1 = 0.9`, :math:`\beta_2 = 0.999`, :math:`\varepsilon = 10^{-8}`.

    Args:
        weights: ``[k, n]``; the same for ``slopes``, ``first`` and ``second``.
        slopes: of the loss.
        first: :math:`m`.
        second: :math:`v`.
        rates: per member :math:`\eta, \lambda_1, \lambda_2, \delta`: ``[k, 4]``.
        step: how many steps this one makes, from 1.
    """
    beta1, beta2, small = np.float32(0.9), np.float32(0.999), np.float32(1e-8)
    correct1 = np.float32(1 / (1 - 0.9**step))
    correct2 = np.float32(1 / (1 - 0.999**step))
    for k in range(weights.shape[0]):
        w, g, m, v = weights[k], slopes[k], first[k], second[k]
        rate, l1, l2, decay = rates[k, 0], rates[k, 1], TWO * rates[k, 2], rates[k, 3]
        keep, ahead, pull = ONE - rate * decay, rate * correct1, rate * l1
        for i in range(w.size):
            slope = g[i] + l2 * w[i]
            m[i] = beta1 * m[i] + (ONE - beta1) * slope
            v[i] = beta2 * v[i] + (ONE - beta2) * slope * slope
            force = ONE / (np.sqrt(v[i] * correct2) + small)
            moved = keep * w[i] - ahead * m[i] * force
            left = abs(moved) - pull * force
            w[i] = math.copysign(ZERO if left <= ZERO else left, moved)
