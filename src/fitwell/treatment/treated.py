"""A regularized copy of a network, and what is done with it around each step."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from fitwell.compaction import Compacted, compact
from fitwell.errors import InputError
from fitwell.remedies.batch_norm import fold_batch_norm
from fitwell.remedies.decoupled import decay_, decay_l1_
from fitwell.remedies.dropout import DropoutHook
from fitwell.remedies.elastic import add_elastic_gradient_
from fitwell.remedies.group_lasso import add_group_gradient_, group_shrink_
from fitwell.remedies.l1 import l1_shrink_
from fitwell.remedies.own_rates import own_rates, set_own_rates
from fitwell.surgery import Change, penalized, without_hooks
from fitwell.treatment.terms import Term, elastic


class Treated:
    """A regularized copy of a network.

    Attributes:
        module: the copy; train this one. Its ``state_dict`` has the keys of the original
            (batch norm adds its own), and in eval mode it computes the same numbers.
        changes: what was touched, layer by layer.
        exact_zeros: whether the terms that can zero weights, L1 and group lasso, are left
            to `shrink_` instead of `penalty`.
        warm_up: over so many steps `shrink_` reaches its full strength.
        shrinks: whether `shrink_` has anything to do after a step.
    """

    def __init__(
        self,
        module: nn.Module,
        changes: tuple[Change, ...],
        terms: Sequence[Term],
        *,
        exact_zeros: bool,
        warm_up: int,
        former_rates: dict[str, dict[str, float]],
    ) -> None:
        self.module = module
        self.changes = changes
        self.exact_zeros = exact_zeros
        self.warm_up = warm_up
        self._weights = penalized(module)
        self._terms = tuple(terms)
        kinds = ("l2",) if exact_zeros else ("l1", "l2", "group_lasso")
        self._in_loss = [term for term in terms if term.kind in kinds]
        self._elastic = elastic(self._in_loss)
        self._groups = [term for term in self._in_loss if term.kind == "group_lasso"]
        self._decays = any(term.kind == "decoupled_l2" for term in terms)
        self.shrinks = exact_zeros or any(term.kind == "decoupled_l1" for term in terms)
        self._former_rates = former_rates
        self._set_rates = {n: own_rates(m) for n, m in module.named_modules() if n in former_rates}

    @property
    def weights(self) -> list[Tensor]:
        """The tensors that can be penalized, each once."""
        return [weight.tensor for weight in self._weights]

    def penalty(self, parameters: Mapping[str, Tensor] | None = None) -> Tensor:
        """Give the terms of the objective, to be added to the loss; differentiable.

        ``l1 Σ|w| + l2 Σw² + group_lasso Σ √|g| ‖w_g‖``; with ``exact_zeros`` only the L2
        term, since `shrink_` takes the others. Decoupled decay is no part of it.

        Args:
            parameters: values by name instead of the module's own, for `torch.func`.
        """
        total = self._weights[0].tensor.new_zeros(())
        for term in self._in_loss:
            total = total + term.value(parameters)
        return total

    def add_penalty_gradient_(self) -> None:
        """Add the gradient of `penalty` directly: the same numbers, less work.

        Call it once per optimizer step, after the last ``backward`` and instead of adding
        `penalty` to the loss.
        """
        add_elastic_gradient_(self._elastic)
        for term in self._groups:
            add_group_gradient_(term.tensors(), term.axes, term.strength)

    def shrink_(self, optimizer: torch.optim.Optimizer) -> None:
        """Take L1 and group lasso as proximal steps; call it after ``optimizer.step()``.

        Decoupled L1 is taken here too. `zeros` says how many weights are exactly zero.

        Raises:
            InputError: the penalty holds the L1 term already, or the optimizer has no
                metric that fitwell knows.
        """
        for term in self._terms:
            if term.kind == "decoupled_l1":
                decay_l1_(optimizer, term.tensors(), term.strength)
            elif not self.exact_zeros and term.kind in ("l1", "group_lasso"):
                raise InputError(
                    "shrink_: penalty() holds the L1 term already, so it would count twice. Use"
                    " regularize(..., exact_zeros=True)."
                )
            elif term.kind == "l1":
                l1_shrink_(optimizer, term.tensors(), term.strength, self.warm_up)
            elif term.kind == "group_lasso":
                group_shrink_(optimizer, term.tensors(), term.axes, term.strength, self.warm_up)

    def decay_(self, optimizer: torch.optim.Optimizer, share: float = 1.0) -> None:
        """Take decoupled L2; call it before ``optimizer.step()``, as AdamW does it.

        Args:
            optimizer: gives the learning rate.
            share: of the full strength, for a schedule.
        """
        for term in self._terms:
            if term.kind == "decoupled_l2":
                decay_(optimizer, term.tensors(), share * term.strength)

    def step_(self, optimizer: torch.optim.Optimizer) -> None:
        """Do all of it around one optimizer step, for a loss without `penalty`."""
        self.add_penalty_gradient_()
        if self._decays:
            self.decay_(optimizer)
        optimizer.step()
        if self.shrinks:
            self.shrink_(optimizer)

    def set_dropout_(self, share: float) -> None:
        """Set every dropout rate to a share of its full rate, 0 to 1, for a schedule."""
        if not 0 <= share <= 1:
            raise InputError(f"share is {share!r}, but a number from 0 to 1 is expected.")
        for name, layer in self.module.named_modules():
            if name in self._set_rates:
                set_own_rates(layer, {n: share * r for n, r in self._set_rates[name].items()})
            for hook in (*layer._forward_hooks.values(), *layer._forward_pre_hooks.values()):
                if isinstance(hook, DropoutHook):
                    hook.set_(share * hook.base)

    def conversions(self, learning_rate: float, steps_per_epoch: int) -> str:
        """Say term by term what the strengths are in terms of ``weight_decay`` and of time.

        >>> from torch import nn
        >>> from fitwell.treatment import regularize
        >>> print(regularize(nn.Linear(2, 1), l2=0.01, decoupled_l2=1.0).conversions(1e-3, 50))
        L2 0.01: weight_decay=0.02 in SGD, RMSprop and Adam; none in AdamW
        decoupled L2 1: weight_decay=1 in AdamW, l2=0.5 in plain SGD; a timescale of 20 epochs
        """
        return "\n".join(term.conversion(learning_rate, steps_per_epoch) for term in self._terms)

    def terms(self) -> tuple[float, float]:
        """Values of the L1 and the L2 term at the present weights."""
        with torch.no_grad():
            value = {"l1": 0.0, "l2": 0.0}
            for term in self._terms:
                if term.kind in value:
                    value[term.kind] += float(term.value())
        return value["l1"], value["l2"]

    def zeros(self) -> float:
        """Share of the weights that can be penalized that are exactly zero, 0 to 1."""
        zero = sum(int((weight == 0).sum()) for weight in self.weights)
        return zero / sum(weight.numel() for weight in self.weights)

    def zeros_by_layer(self) -> dict[str, tuple[int, int]]:
        """Give for each penalized tensor how many weights are exactly zero, and of how many."""
        return {
            weight.full_name: (int((weight.tensor == 0).sum()), weight.tensor.numel())
            for weight in self._weights
        }

    def remove(self) -> nn.Module:
        """Give back the bare architecture with the trained weights, as a copy.

        An inserted batch norm is folded into its layer: equal in eval mode up to rounding.
        """
        bare = without_hooks(self.module)
        fold_batch_norm(bare)
        for name, layer in bare.named_modules():
            if name in self._former_rates:
                set_own_rates(layer, self._former_rates[name])
        return bare

    def compact(self, example: Tensor | tuple[Tensor, ...]) -> Compacted:
        """Give the bare network without its dead units and channels, proven equal.

        The smaller network, earned instead of guessed: what L1 or the group lasso have set
        to zero leaves, layers shrink, and the outputs are compared in float64.

        Args:
            example: an input, or the inputs, with at least one row.

        Raises:
            InputError: the network cannot be traced.
            FitwellError: the outputs would differ; nothing is given back.
        """
        return compact(self.remove(), example)
