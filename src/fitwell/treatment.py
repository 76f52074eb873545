"""Regularize a network that is already built: a copy of it, with L1, L2 and dropout."""

import copy
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fitwell.compaction import Compacted, compact
from fitwell.errors import InputError
from fitwell.remedies.batch_norm import fold_batch_norm, insert_batch_norm
from fitwell.remedies.decoupled import decay_, decay_l1_
from fitwell.remedies.dropout import DropoutHook
from fitwell.remedies.dropout_places import insert_dropout, places
from fitwell.remedies.elastic import Place, add_elastic_gradient_
from fitwell.remedies.group_lasso import add_group_gradient_, group_penalty, group_shrink_
from fitwell.remedies.l1 import l1_penalty, l1_shrink_
from fitwell.remedies.l2 import l2_penalty
from fitwell.rules import Rules, check_rules, check_settings, strength
from fitwell.surgery import DROPOUTS, NORMS, Change, Weight, penalized, strangers, without_hooks

STRENGTHS = ("l1", "l2", "group_lasso", "decoupled_l1", "decoupled_l2")
WORDS = ("L1", "L2", "group lasso", "decoupled L1", "decoupled L2")


@dataclass(frozen=True, eq=False)
class Term:
    """One kind of penalty at one strength, and the weights that have it."""

    kind: str
    strength: float
    weights: tuple[Weight, ...]

    def tensors(self, parameters: Mapping[str, Tensor] | None = None) -> list[Tensor]:
        """Give the weights, or those that go by their names in ``parameters``."""
        if parameters is None:
            return [weight.tensor for weight in self.weights]
        return [parameters[weight.full_name] for weight in self.weights]

    @property
    def axes(self) -> list[int]:
        """For each weight the axis that counts units."""
        return [weight.units for weight in self.weights]

    def value(self, parameters: Mapping[str, Tensor] | None = None) -> Tensor:
        """Give the term, differentiable."""
        tensors = self.tensors(parameters)
        if self.kind == "group_lasso":
            return group_penalty(tensors, self.axes, self.strength)
        return (l1_penalty if self.kind == "l1" else l2_penalty)(tensors, self.strength)


class Treated:
    """A regularized copy of a network.

    Attributes:
        module: the copy; train this one. Its ``state_dict`` has the keys of the original
            (batch norm adds its own), and in eval mode it computes the same numbers.
        changes: what was touched, layer by layer.
        exact_zeros: whether the terms that can zero weights, L1 and group lasso, are left
            to `shrink_` instead of `penalty`.
        shrinks: whether `shrink_` has anything to do after a step.
    """

    def __init__(
        self,
        module: nn.Module,
        changes: tuple[Change, ...],
        terms: Sequence[Term],
        *,
        exact_zeros: bool,
        former_rates: dict[str, float],
    ) -> None:
        self.module = module
        self.changes = changes
        self.exact_zeros = exact_zeros
        self._weights = penalized(module)
        self._terms = tuple(terms)
        kinds = ("l2",) if exact_zeros else ("l1", "l2", "group_lasso")
        self._in_loss = [term for term in terms if term.kind in kinds]
        self._elastic = _elastic(self._in_loss)
        self._groups = [term for term in self._in_loss if term.kind == "group_lasso"]
        self._decays = any(term.kind == "decoupled_l2" for term in terms)
        self.shrinks = exact_zeros or any(term.kind == "decoupled_l1" for term in terms)
        self._former_rates = former_rates
        self._set_rates = {n: _rate(m) for n, m in module.named_modules() if n in former_rates}

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
                l1_shrink_(optimizer, term.tensors(), term.strength)
            elif term.kind == "group_lasso":
                group_shrink_(optimizer, term.tensors(), term.axes, term.strength)

    def decay_(self, optimizer: torch.optim.Optimizer) -> None:
        """Take decoupled L2; call it before ``optimizer.step()``, as AdamW does it."""
        for term in self._terms:
            if term.kind == "decoupled_l2":
                decay_(optimizer, term.tensors(), term.strength)

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
                _set_rate(layer, share * self._set_rates[name])
            for hook in (*layer._forward_hooks.values(), *layer._forward_pre_hooks.values()):
                if isinstance(hook, DropoutHook):
                    hook.set_(share * hook.base)

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
                _set_rate(layer, self._former_rates[name])
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


def _elastic(terms: Sequence[Term]) -> list[Place]:
    """Gather L1 and L2 weight by weight."""
    found: dict[Weight, dict[str, float]] = {}
    for term in terms:
        for weight in term.weights:
            found.setdefault(weight, {})[term.kind] = term.strength
    return [
        (weight.module, weight.name, strengths.get("l1", 0.0), strengths.get("l2", 0.0))
        for weight, strengths in found.items()
    ]


def _has_rate(layer: nn.Module) -> bool:
    return isinstance(layer, (*DROPOUTS, nn.MultiheadAttention, nn.RNNBase))


def _rate(layer: nn.Module) -> float:
    return float(layer.p if isinstance(layer, DROPOUTS) else layer.dropout)  # type: ignore[arg-type]


def _set_rate(layer: nn.Module, rate: float) -> None:
    if isinstance(layer, DROPOUTS):
        layer.p = rate
    else:
        layer.dropout = rate  # type: ignore[assignment]  # a float in attention and recurrent layers


def regularize(
    model: nn.Module,
    *,
    l1: float = 0.0,
    l2: float = 0.0,
    dropout: float = 0.0,
    batch_norm: bool = False,
    exact_zeros: bool = False,
    rules: Rules | None = None,
    **more: float,
) -> Treated:
    """Give a network L1, L2, dropout and batch norm without editing it.

    The objective is ``loss + l1 Σ|w| + l2 Σw²`` over the weights of linear, convolution,
    recurrent and attention layers: no half, sums rather than means, no biases, norms or
    embeddings; a tensor that two layers share counts once.

    Args:
        model: left alone; the treated module is a copy.
        l1: strength of Σ|w|, in units of loss; 0 turns it off.
        l2: strength of Σw²; for plain SGD the same as ``weight_decay = 2 * l2``.
        dropout: rate after each hidden activation, 0 to below 1.
        batch_norm: normalize before each hidden activation; adds keys to ``state_dict``.
        exact_zeros: leave L1 and group lasso to `Treated.shrink_`, which gives exact zeros.
        rules: strengths by layer, such as ``{"encoder.*": {"l2": 0.0}}``; a pattern also
            stands for what its layers are made of, and the last one that fits wins.
        more: ``group_lasso``, strength of Σ √|g| ‖w_g‖ over units; ``decoupled_l1`` and
            ``decoupled_l2``, decay beside the gradient step, per unit of learning rate.

    Raises:
        InputError: a strength is out of range, a rule fits no layer, or there is no layer
            to act on.

    >>> from torch import nn
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
    >>> for change in regularize(net, l2=1e-4, dropout=0.3).changes:
    ...     print(change)
    0: L2 0.0001 on 6 weights
    2: L2 0.0001 on 3 weights
    1: dropout 0.3 (entry) after it
    """
    if isinstance(model, torch.jit.ScriptModule):
        raise InputError("model is scripted and cannot be treated. Give the original module.")
    if hasattr(model, "_orig_mod"):  # torch.compile's wrapper; its class takes long to import
        raise InputError("model is compiled. Give the original module; compile treated.module.")
    base = _strengths({"l1": l1, "l2": l2, "dropout": dropout, **more})
    rules = rules or {}
    module = copy.deepcopy(model)
    weights = penalized(module)
    _check_rules(rules, module, weights)
    terms, changes = _penalize(weights, base, rules)
    former = {n: _rate(m) for n, m in module.named_modules() if _has_rate(m)}
    dropped = dropout or any(settings.get("dropout") for settings in rules.values())
    if dropped:
        if batch_norm or any(isinstance(layer, NORMS) for layer in module.modules()):
            warnings.warn(
                "dropout in front of a batch norm shifts the variance that the norm learns"
                " (Li et al., CVPR 2019); prefer one of the two.",
                stacklevel=2,
            )
        changes += insert_dropout(
            module, lambda *names: strength(rules, "dropout", dropout, *names)
        )
    if batch_norm:
        changes += insert_batch_norm(module)
    changes += strangers(module)
    return Treated(
        module,
        tuple(changes),
        terms,
        exact_zeros=exact_zeros,
        former_rates=former if dropped else {},
    )


def _strengths(given: Mapping[str, float]) -> dict[str, float]:
    known = {**dict.fromkeys(STRENGTHS, 0.0), "dropout": 0.0}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise InputError(f"{unknown[0]} is no option. Known are {', '.join(known)}.")
    check_settings(given)
    return {**known, **given}


def _check_rules(rules: Rules, module: nn.Module, weights: Sequence[Weight]) -> None:
    layers = {kind: [weight.layer for weight in weights] for kind in STRENGTHS}
    check_rules(rules, (*STRENGTHS, "dropout"), {**layers, "dropout": places(module)})


def _penalize(
    weights: Sequence[Weight], base: Mapping[str, float], rules: Rules
) -> tuple[list[Term], list[Change]]:
    """Gather the weights of each kind and strength into one term, and say what each has."""
    gathered: dict[tuple[str, float], list[Weight]] = {}
    changes = []
    for weight in weights:
        said = []
        for kind, word in zip(STRENGTHS, WORDS, strict=True):
            value = strength(rules, kind, base[kind], weight.layer)
            if value:
                gathered.setdefault((kind, value), []).append(weight)
                said.append(f"{word} {value:g}")
        if said:
            name = weight.layer if weight.name == "weight" else weight.full_name
            count = f"{weight.tensor.numel():,} weights"
            changes.append(Change(name, f"{', '.join(said)} on {count}"))
    terms = [Term(kind, value, tuple(held)) for (kind, value), held in gathered.items()]
    return terms, changes
