"""Regularize a network that is already built: a copy of it, with L1, L2 and dropout."""

import copy
import math
import warnings

import torch
from torch import Tensor, nn

from fitwell.errors import InputError
from fitwell.remedies.batch_norm import fold_batch_norm, insert_batch_norm
from fitwell.remedies.dropout import insert_dropout
from fitwell.remedies.l1 import l1_penalty, l1_shrink_
from fitwell.remedies.l2 import add_l2_gradient_, l2_penalty
from fitwell.surgery import (
    DROPOUTS,
    NORMS,
    Change,
    penalized_weights,
    weighted_layers,
    without_hooks,
)


class Treated:
    """A regularized copy of a network.

    Attributes:
        module: the copy; train this one. Its ``state_dict`` has the keys of the original
            (batch norm adds its own), and in eval mode it computes the same numbers.
        changes: what was touched, layer by layer.
        l1: strength of Σ|w|.
        l2: strength of Σw².
        exact_zeros: whether the L1 term is taken by `shrink_` instead of `penalty`.
    """

    def __init__(
        self,
        module: nn.Module,
        changes: tuple[Change, ...],
        *,
        l1: float,
        l2: float,
        exact_zeros: bool,
        former_rates: dict[str, float],
    ) -> None:
        self.module = module
        self.changes = changes
        self.l1 = l1
        self.l2 = l2
        self.exact_zeros = exact_zeros
        self._former_rates = former_rates

    @property
    def weights(self) -> list[nn.Parameter]:
        """The penalized tensors, each once."""
        return penalized_weights(self.module)

    def penalty(self) -> Tensor:
        """Give ``l1 Σ|w| + l2 Σw²``, to be added to the loss.

        With ``exact_zeros`` the L1 term is left out: `shrink_` takes it.
        """
        total = l2_penalty(self.weights, self.l2)
        return total if self.exact_zeros else total + l1_penalty(self.weights, self.l1)

    def add_penalty_gradient_(self) -> None:
        """Add the gradient of the L2 term directly: the same numbers, less work."""
        add_l2_gradient_(self.weights, self.l2)

    def shrink_(self, optimizer: torch.optim.Optimizer) -> None:
        """Take the L1 term as a proximal step; call it after ``optimizer.step()``.

        `zeros` says how many weights are exactly zero afterwards.

        Raises:
            InputError: the penalty holds the L1 term already, or the optimizer is not
                SGD, Adam or AdamW.
        """
        if not self.exact_zeros:
            raise InputError(
                "shrink_: penalty() holds the L1 term already, so it would count twice. Use"
                " regularize(..., exact_zeros=True)."
            )
        l1_shrink_(optimizer, self.weights, self.l1)

    def terms(self) -> tuple[float, float]:
        """Values of the L1 and the L2 term at the present weights."""
        with torch.no_grad():
            return (
                float(l1_penalty(self.weights, self.l1)),
                float(l2_penalty(self.weights, self.l2)),
            )

    def zeros(self) -> float:
        """Share of the penalized weights that are exactly zero, 0 to 1."""
        weights = self.weights
        zero = sum(int((weight == 0).sum()) for weight in weights)
        return zero / sum(weight.numel() for weight in weights)

    def remove(self) -> nn.Module:
        """Give back the bare architecture with the trained weights, as a copy.

        An inserted batch norm is folded into its layer: equal in eval mode up to rounding.
        """
        bare = without_hooks(self.module)
        fold_batch_norm(bare)
        for name, layer in bare.named_modules():
            if name in self._former_rates:
                layer.p = self._former_rates[name]
        return bare


def regularize(
    model: nn.Module,
    *,
    l1: float = 0.0,
    l2: float = 0.0,
    dropout: float = 0.0,
    batch_norm: bool = False,
    exact_zeros: bool = False,
) -> Treated:
    """Give a network L1, L2, dropout and batch norm without editing it.

    The objective is ``loss + l1 Σ|w| + l2 Σw²`` over the weights of linear and
    convolution layers: no half, sums rather than means, no biases, norms or embeddings.

    Args:
        model: left alone; the treated module is a copy.
        l1: strength of Σ|w|, in units of loss; 0 turns it off.
        l2: strength of Σw²; for plain SGD the same as ``weight_decay = 2 * l2``.
        dropout: rate after each hidden activation, 0 to below 1.
        batch_norm: normalize before each hidden activation; adds keys to ``state_dict``.
        exact_zeros: leave the L1 term to `Treated.shrink_`, which gives exact zeros.

    Raises:
        InputError: a strength is out of range, or there is no layer to act on.

    >>> from torch import nn
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> for change in regularize(net, l2=1e-4, dropout=0.3).changes:
    ...     print(change)
    0: L1 0, L2 0.0001 on 6 weights
    2: L1 0, L2 0.0001 on 3 weights
    1: dropout 0.3 (entry) after it
    """
    _check(l1, l2, dropout)
    if isinstance(model, torch.jit.ScriptModule):
        raise InputError("model is scripted and cannot be treated. Give the original module.")
    module = copy.deepcopy(model)
    changes = [
        Change(name, f"L1 {l1:g}, L2 {l2:g} on {layer.weight.numel():,} weights")  # type: ignore[operator]
        for name, layer in weighted_layers(module)
        if l1 or l2
    ]
    former = {n: m.p for n, m in module.named_modules() if isinstance(m, DROPOUTS)}
    if dropout:
        if batch_norm or any(isinstance(layer, NORMS) for layer in module.modules()):
            warnings.warn(
                "dropout in front of a batch norm shifts the variance that the norm learns"
                " (Li et al., CVPR 2019); prefer one of the two.",
                stacklevel=2,
            )
        changes += insert_dropout(module, dropout)
    if batch_norm:
        changes += insert_batch_norm(module)
    return Treated(
        module,
        tuple(changes),
        l1=l1,
        l2=l2,
        exact_zeros=exact_zeros,
        former_rates=former if dropout else {},
    )


def _check(l1: float, l2: float, dropout: float) -> None:
    wrong = [
        f"{name} is {value!r}, but {wanted} is expected"
        for name, value, holds, wanted in (
            ("l1", l1, 0 <= l1 < math.inf, "a number from 0 up"),
            ("l2", l2, 0 <= l2 < math.inf, "a number from 0 up"),
            ("dropout", dropout, 0 <= dropout < 1, "a rate from 0 to below 1"),
        )
        if not holds
    ]
    if wrong:
        raise InputError("; ".join(wrong) + ".")
