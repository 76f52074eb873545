"""Strengths layer by layer: patterns of names that override what holds for the others."""

import difflib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase

from fitwell.errors import InputError

Rules = Mapping[str, Mapping[str, float]]
"""Pattern of layer names to strengths, for example ``{"encoder.*": {"l2": 0.0}}``."""

RateOf = Callable[..., float]
"""The rate for a place that goes by the given names; 0 leaves it alone."""

RATES = ("dropout",)
"""Settings that are rates below 1; the others are strengths from 0 up."""


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern names a layer or something that the layer is part of.

    >>> matches("encoder.*", "encoder.0"), matches("head", "head.2"), matches("head", "heads")
    (True, True, False)
    """
    parts = name.split(".")
    above = (".".join(parts[:end]) for end in range(1, len(parts) + 1))
    return any(fnmatchcase(part, pattern) for part in above)


def strength(rules: Rules, setting: str, default: float, *names: str) -> float:
    """Give a setting for a layer that goes by any of ``names``; the last rule that fits wins.

    >>> strength({"*": {"l2": 1.0}, "head": {"l2": 0.0}}, "l2", 0.5, "head")
    0.0
    """
    for pattern, settings in rules.items():
        if setting in settings and any(matches(pattern, name) for name in names):
            default = settings[setting]
    return default


def as_rules(listed: Iterable[tuple[str, str, float]]) -> Rules:
    """Make rules of patterns, settings and values, in their order.

    >>> as_rules([("head", "l1", 0.0), ("head", "l2", 1.0)])
    {'head': {'l1': 0.0, 'l2': 1.0}}
    """
    found: dict[str, dict[str, float]] = {}
    for pattern, setting, value in listed:
        found.setdefault(pattern, {})[setting] = value
    return found


def in_use(everywhere: float, listed: Iterable[tuple[str, str, float]], setting: str) -> bool:
    """Say whether a setting is above 0 everywhere, or where one of the rules holds.

    >>> in_use(0.0, [("head", "l1", 0.5)], "l1"), in_use(0.0, [("head", "l1", 0.5)], "l2")
    (True, False)
    """
    return bool(everywhere) or any(value for _, name, value in listed if name == setting)


def check_settings(settings: Mapping[str, float], where: str = "") -> None:
    """Check strengths and rates.

    Raises:
        InputError: one or more are out of range; all are named.
    """
    wrong = [
        f"{where}{name} is {value!r}, but {wanted} is expected"
        for name, value in settings.items()
        for holds, wanted in [_range(name, value)]
        if not holds
    ]
    if wrong:
        raise InputError("; ".join(wrong) + ".")


def _range(name: str, value: float) -> tuple[bool, str]:
    if name in RATES:
        return 0 <= value < 1, "a rate from 0 to below 1"
    return 0 <= value < math.inf, "a number from 0 up"


def check_rules(rules: Rules, known: Sequence[str], layers: Mapping[str, Iterable[str]]) -> None:
    """Check that every rule sets something that exists somewhere.

    Args:
        rules: what was given.
        known: names of the settings.
        layers: for each setting, the names of the layers that it can act on.

    Raises:
        InputError: an unknown setting, a value out of range, or a pattern without a layer
            that the setting can act on, with names that are near.
    """
    for pattern, settings in rules.items():
        for setting in settings:
            if setting not in known:
                raise InputError(
                    f"rules[{pattern!r}] sets {setting!r}, but {', '.join(known)} are known."
                )
            names = list(layers[setting])
            if not any(matches(pattern, name) for name in names):
                near = difflib.get_close_matches(pattern, names, n=3, cutoff=0.4) or names[:3]
                raise InputError(
                    f"rules[{pattern!r}]: no layer of that name can take {setting}. Did you mean"
                    f" {', '.join(map(repr, near)) or 'another setting'}?"
                )
        check_settings(settings, f"rules[{pattern!r}]: ")
