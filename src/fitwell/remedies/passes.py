"""One pass over a weight where torch needs several: compiled loops for float32 on a processor.

In a small network a call into torch costs more than its arithmetic, and in a larger one each
pass reads the weights from memory again. Elsewhere, and in other types, the callers do the
same with torch's own functions.
"""

import math
from functools import cache
from typing import Any

import torch
from torch import Tensor


def one_pass(one: Tensor, other: Tensor) -> bool:
    """Whether the loops here can work on two tensors of one shape."""
    return (
        one.dtype is other.dtype is torch.float32
        and one.is_cpu
        and other.is_cpu
        and one.is_contiguous()
        and other.is_contiguous()
    )


def add_elastic_(gradient: Tensor, weight: Tensor, l1: float, l2: float) -> None:
    r"""Add :math:`\lambda_1\,\mathrm{sign}(w) + 2\lambda_2 w` to a gradient."""
    _loops()[0](gradient.numpy(), weight.detach().numpy(), l1, l2)


def shrink_(weight: Tensor, squares: Tensor, correction: float, small: float, pull: float) -> None:
    r"""Move each weight toward zero by ``pull`` :math:`/ (\sqrt{v / c} + \varepsilon)`; stop there.

    Args:
        weight: changed in place.
        squares: :math:`v`, the optimizer's mean of squared gradients.
        correction: :math:`c`, 1 or Adam's :math:`1 - \beta_2^t`.
        small: :math:`\varepsilon`.
        pull: learning rate times strength.
    """
    _loops()[1](weight.detach().numpy(), squares.numpy(), correction, small, pull)


@cache
def _loops() -> tuple[Any, Any]:
    """Compile, or fetch what was compiled before; numba takes half a second to import."""
    import numba
    import numpy as np

    compiled = numba.njit(error_model="numpy", fastmath={"contract", "nsz"}, nogil=True, cache=True)

    @compiled
    def elastic(gradients, weights, l1, l2):  # type: ignore[no-untyped-def]
        one, two = np.float32(l1), np.float32(2 * l2)
        g, w = gradients.ravel(), weights.ravel()
        for i in range(w.size):
            sign = np.float32(w[i] > 0) - np.float32(w[i] < 0)
            g[i] += one * sign + two * w[i]

    @compiled
    def shrink(weights, squares, correction, small, pull):  # type: ignore[no-untyped-def]
        share, away, force = np.float32(1 / correction), np.float32(small), np.float32(pull)
        w, v, zero = weights.ravel(), squares.ravel(), np.float32(0)
        for i in range(w.size):
            left = abs(w[i]) - force / (np.sqrt(v[i] * share) + away)
            w[i] = math.copysign(zero if left <= zero else left, w[i])

    return elastic, shrink
