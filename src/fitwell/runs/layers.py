"""Which strengths the layers that fit a pattern can have of their own."""

import copy
from collections.abc import Collection, Sequence

from torch import nn

from fitwell.errors import InputError
from fitwell.remedies.dropout import DropoutHook
from fitwell.remedies.dropout_places import insert_dropout
from fitwell.remedies.own_rates import own_rates
from fitwell.rules import as_rules, matches, strength
from fitwell.surgery import hidden_sites, penalized

OTHERS = ""
"""Stands for what no pattern fits."""


def by_layer(network: nn.Module, patterns: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Pair patterns with the strengths that a search gives their layers.

    Of two patterns that fit a layer the last one holds. Where patterns fit all that there is,
    the layers of the first have the general strengths, which would hold nowhere else.

    Raises:
        InputError: a pattern makes no difference, or dropout cannot differ.

    >>> from fitwell.models.mlp import mlp
    >>> by_layer(mlp(3, 2, widths=(4, 4)), ["4"])
    (('4', 'l1'), ('4', 'decay_epochs'), ('4', 'dropout'))
    """
    patterns = tuple(dict.fromkeys(patterns))
    if not patterns:
        return ()
    names = list(dict.fromkeys(weight.layer for weight in penalized(network)))
    owners = [_last(patterns, name) for name in names]
    for pattern in patterns:
        _check(pattern, names, owners)
    dropped = _apart(patterns, _dropped(network, patterns))
    activations = [id(site.activation) for site in hidden_sites(network) if site.activation]
    if dropped and len(set(activations)) < len(activations):
        raise InputError(
            "--layers: one activation module follows two layers, so that dropout cannot differ"
            " between them. Give each layer a module of its own."
        )
    kinds = {"l1": _apart(patterns, owners), "decay_epochs": _apart(patterns, owners)}
    kinds["dropout"] = dropped
    return tuple(
        (pattern, kind) for pattern in patterns for kind in kinds if pattern in kinds[kind]
    )


def _last(patterns: Sequence[str], name: str) -> str:
    return next((one for one in reversed(patterns) if matches(one, name)), OTHERS)


def _check(pattern: str, names: Sequence[str], owners: Sequence[str]) -> None:
    fits = [matches(pattern, name) for name in names]
    if not any(fits) or all(owner == pattern for owner in owners):
        raise InputError(
            f"--layers: {pattern!r} fits {'all layers' if any(fits) else 'no layer'} with weights;"
            f" a pattern that fits some of {', '.join(names)} is expected."
        )
    if pattern not in owners:
        raise InputError(
            f"--layers: {pattern!r} holds for no layer, since later patterns fit its layers too."
            " Leave it out, or put it last."
        )


def _apart(patterns: Sequence[str], owners: Collection[str]) -> list[str]:
    own = [pattern for pattern in patterns if pattern in owners]
    return own if OTHERS in owners else own[1:]


def _dropped(network: nn.Module, patterns: Sequence[str]) -> set[str]:
    """Put dropout of many rates into a copy, and see whose rates there are."""
    rates = {pattern: 0.3017 + 0.0013 * n for n, pattern in enumerate((OTHERS, *patterns))}
    rules = as_rules((pattern, "dropout", rates[pattern]) for pattern in patterns)
    module = copy.deepcopy(network)
    try:
        insert_dropout(module, lambda *names: strength(rules, "dropout", rates[OTHERS], *names))
    except InputError:
        return set()
    found: set[float] = set()
    for layer in module.modules():
        found |= set(own_rates(layer).values())
        hooks = (*layer._forward_hooks.values(), *layer._forward_pre_hooks.values())
        found |= {hook.base for hook in hooks if isinstance(hook, DropoutHook)}
    return {pattern for pattern, rate in rates.items() if rate in found}
