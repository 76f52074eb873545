r"""Activations other than ReLU for K networks at once: values, and gains for the way back.

All rest on one exponential that the compiler turns into vector instructions, which the
library's own does not become. Values are within 5e-7 of torch's where inputs are of order 1.
What holds of `kernels` holds here: members never mix, and NaN passes.
"""

import math

import numpy as np

from fitwell.population.kernels import ONE, TWO, ZERO, compiled, sum_of

GELU, SILU, SELU, TANH, SIGMOID, LEAKY_RELU, ELU = range(7)
KINDS = {
    "GELU": GELU, "SiLU": SILU, "SELU": SELU, "Tanh": TANH, "Sigmoid": SIGMOID,
    "LeakyReLU": LEAKY_RELU, "ELU": ELU,
}  # fmt: skip

HALF, LEAK = np.float32(0.5), np.float32(0.01)
SELU_SCALE, SELU_ALPHA = np.float32(1.0507009873554805), np.float32(1.6732632423543772)
# e^x = 2^n e^r: ln 2 in two parts, so that n ln 2 loses nothing.
LOG2_E, LN2, LN2_REST = np.float32(1.44269504), np.float32(0.693359375), np.float32(-2.12194440e-4)
LEAST, MOST = np.float32(-87), np.float32(88)
ROUND = np.float32(3 * 2**22)
"""What is added to it is rounded to a whole number, which then stands in the last bits."""
R2, R3, R4, R5, R6, R7 = np.array(
    [5.0000001201e-1, 1.6666665459e-1, 4.1665795894e-2, 8.3334519073e-3, 1.3981999507e-3,
     1.9875691500e-4], np.float32,
)  # fmt: skip
ERF0 = np.float32(0.3275911 / math.sqrt(2))
ERF1, ERF2, ERF3, ERF4, ERF5 = np.array(
    [0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429], np.float32
)
DENSITY = np.float32(1 / math.sqrt(2 * math.pi))


@compiled
def _exponential(x):  # type: ignore[no-untyped-def]
    r"""Give p and r with :math:`e^x = p (1 + r)`: p is a power of two, r at most 0.42.

    In two parts, so that :math:`e^x - 1 = p r + (p - 1)` keeps its digits near 0. ``x`` is
    taken as -87 below it and as 88 above it, where float32 ends.

    Reference:
        Moshier: Cephes, expf (the polynomial).
    """
    x = LEAST if x < LEAST else x
    x = MOST if x > MOST else x
    rounded = np.float32(x * LOG2_E + ROUND)
    whole = rounded - ROUND
    r = x - whole * LN2 - whole * LN2_REST
    r = r + r * r * (R2 + r * (R3 + r * (R4 + r * (R5 + r * (R6 + r * R7)))))
    bits = (rounded.view(np.int32) << np.int32(23)) + np.int32(0x3F800000)
    return np.int32(bits).view(np.float32), r


@compiled
def _gelu(x):  # type: ignore[no-untyped-def]
    r""":math:`x\,\Phi(x)`, the normal distribution by Abramowitz and Stegun, 7.1.26."""
    power, rest = _exponential(-HALF * x * x)
    bell = power + power * rest
    q = ONE / (ONE + ERF0 * abs(x))
    tail = HALF * bell * q * (ERF1 + q * (ERF2 + q * (ERF3 + q * (ERF4 + q * ERF5))))
    below = tail if x < ZERO else ONE - tail
    return x * below, below + x * bell * DENSITY


@compiled
def _sigmoid(x):  # type: ignore[no-untyped-def]
    power, rest = _exponential(-x)
    value = ONE / (ONE + (power + power * rest))
    return value, value * (ONE - value)


@compiled
def _silu(x):  # type: ignore[no-untyped-def]
    share, _ = _sigmoid(x)
    return x * share, share * (ONE + x * (ONE - share))


@compiled
def _tanh(x):  # type: ignore[no-untyped-def]
    power, rest = _exponential(-TWO * abs(x))
    lost = power * rest + (power - ONE)
    value = math.copysign(-lost / (TWO + lost), x)
    return value, ONE - value * value


@compiled
def _elu(x):  # type: ignore[no-untyped-def]
    power, rest = _exponential(x)
    value = power * rest + (power - ONE)
    return (x if x > ZERO else value), (ONE if x > ZERO else ONE + value)


@compiled
def _selu(x):  # type: ignore[no-untyped-def]
    value, rise = _elu(x)
    factor = SELU_SCALE if x > ZERO else SELU_SCALE * SELU_ALPHA
    return factor * value, factor * rise


@compiled
def _leaky_relu(x):  # type: ignore[no-untyped-def]
    factor = ONE if x > ZERO else LEAK
    return factor * x, factor


@compiled
def _activate(kind, row, shift, gain):  # type: ignore[no-untyped-def]
    """Activate ``row + shift`` in place; one loop for each kind, so that none branches."""
    if kind == GELU:
        for j in range(row.size):
            row[j], gain[j] = _gelu(row[j] + shift)
    elif kind == SILU:
        for j in range(row.size):
            row[j], gain[j] = _silu(row[j] + shift)
    elif kind == SELU:
        for j in range(row.size):
            row[j], gain[j] = _selu(row[j] + shift)
    elif kind == TANH:
        for j in range(row.size):
            row[j], gain[j] = _tanh(row[j] + shift)
    elif kind == SIGMOID:
        for j in range(row.size):
            row[j], gain[j] = _sigmoid(row[j] + shift)
    elif kind == LEAKY_RELU:
        for j in range(row.size):
            row[j], gain[j] = _leaky_relu(row[j] + shift)
    elif kind == ELU:
        for j in range(row.size):
            row[j], gain[j] = _elu(row[j] + shift)


@compiled
def bend_(kind, z, bias, noise, below, scale, shift, dropped, gain):  # type: ignore[no-untyped-def]
    """Activation and dropout in place: ``scale * f(z + bias) + shift``, or ``dropped``.

    Args:
        kind: of `KINDS`.
        z: ``[k, units * rows]`` or longer.
        bias: ``[k, units]``.
        noise: 16 bits per entry ``[units, rows]``, shared by the members.
        below: per member, the level of noise below which an entry is dropped; 0: no dropout.
        scale: per member; the same for ``shift`` and ``dropped``.
        gain: of the shape of ``z``: takes the derivative of what is written by ``z``; of no
            size where nobody will ask.
    """
    rows = noise.shape[1]
    spare = np.empty(rows, np.float32)
    for k in range(z.shape[0]):
        limit, factor, added, gone = below[k], scale[k], shift[k], dropped[k]
        for unit in range(bias.shape[1]):
            part = slice(unit * rows, (unit + 1) * rows)
            row, bits = z[k, part], noise[unit]
            rise = gain[k, part] if gain.size else spare
            _activate(kind, row, bias[k, unit], rise)
            if limit != 0:
                for j in range(row.size):
                    row[j] = gone if bits[j] < limit else factor * row[j] + added
                    rise[j] = ZERO if bits[j] < limit else factor * rise[j]


@compiled
def bend_backward_(slope, gain, rows, bias_slope):  # type: ignore[no-untyped-def]
    """Slope of `bend_`, in place: ``slope * gain``; ``bias_slope`` takes its sums over rows."""
    for k in range(slope.shape[0]):
        for unit in range(bias_slope.shape[1]):
            part = slice(unit * rows, (unit + 1) * rows)
            row, rise = slope[k, part], gain[k, part]
            for j in range(row.size):
                row[j] *= rise[j]
            bias_slope[k, unit] = sum_of(row)
