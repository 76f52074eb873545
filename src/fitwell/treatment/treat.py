"""Regularize a network that is already built: check, copy, and operate."""

import copy
import warnings
from collections.abc import Mapping, Sequence

import torch
from torch import nn

from fitwell.errors import InputError
from fitwell.remedies.batch_norm import insert_batch_norm
from fitwell.remedies.dropout_places import insert_dropout, places
from fitwell.remedies.own_rates import own_rates
from fitwell.rules import Rules, check_rules, check_settings, strength
from fitwell.surgery import NORMS, Weight, penalized, strangers
from fitwell.treatment.terms import STRENGTHS, penalize
from fitwell.treatment.treated import Treated


def regularize(
    model: nn.Module,
    *,
    l1: float = 0.0,
    l2: float = 0.0,
    dropout: float = 0.0,
    batch_norm: bool = False,
    exact_zeros: bool = False,
    warm_up: int = 0,
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
        warm_up: with ``exact_zeros``, steps over which their strength rises in a line from 0,
            while the second moment of Adam or RMSprop settles.
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
    if warm_up < 0 or (warm_up and not exact_zeros):
        raise InputError(
            f"warm_up is {warm_up!r}, but a number of steps from 0 up is expected, and above 0 only"
            " with exact_zeros=True."
        )
    base = _strengths({"l1": l1, "l2": l2, "dropout": dropout, **more})
    rules = rules or {}
    module = copy.deepcopy(model)
    weights = penalized(module)
    _check_rules(rules, module, weights)
    terms, changes = penalize(weights, base, rules)
    former = {name: own_rates(layer) for name, layer in module.named_modules()}
    set_rates = set[str]()
    dropped = dropout or any(settings.get("dropout") for settings in rules.values())
    if dropped:
        if batch_norm or any(isinstance(layer, NORMS) for layer in module.modules()):
            warnings.warn(
                "dropout in front of a batch norm shifts the variance that the norm learns"
                " (Li et al., CVPR 2019); prefer one of the two.",
                stacklevel=2,
            )
        inserted = insert_dropout(
            module, lambda *names: strength(rules, "dropout", dropout, *names)
        )
        set_rates = {change.layer for change in inserted}
        changes += inserted
    if batch_norm:
        changes += insert_batch_norm(module)
    changes += strangers(module)
    return Treated(
        module,
        tuple(changes),
        terms,
        exact_zeros=exact_zeros,
        warm_up=warm_up,
        former_rates={n: rates for n, rates in former.items() if (n or "model") in set_rates},
    )


def _strengths(given: Mapping[str, float]) -> dict[str, float]:
    known = {**dict.fromkeys(STRENGTHS, 0.0), "dropout": 0.0}
    unknown = [name for name in given if name not in known]
    if unknown:
        raise InputError(f"{unknown[0]} is no option. Known are {', '.join(known)}.")
    check_settings(given)
    return {**known, **given}


def _check_rules(rules: Rules, module: nn.Module, weights: Sequence[Weight]) -> None:
    if not rules:
        return
    layers = {kind: [weight.layer for weight in weights] for kind in STRENGTHS}
    check_rules(rules, (*STRENGTHS, "dropout"), {**layers, "dropout": places(module)})
