"""Hyperparameters, which SageMaker hands over as text, to options of their types."""

import difflib
import json
from collections.abc import Mapping
from typing import Any

from fitwell.errors import InputError

Kind = type | tuple[str, ...]
"""str, int, float, bool; list for names with commas; a tuple of the values allowed."""

HYPERPARAMETERS: dict[str, Kind] = {
    "verb": ("diagnose", "tune", "compare"),
    "target": str, "group": str, "time": str, "ignore": list,
    "task": ("auto", "binary", "multiclass"),
    "model": str, "widths": list, "activation": str,
    "trials": int, "seeds": int, "resamples": int, "seed": int, "epochs": int, "batch_size": int,
    "learning_rate": float, "schedule": ("constant", "flat-cosine"), "patience": int,
    "class_weights": ("none", "balanced"), "batch_norm": bool, "bag": bool, "greedy": bool,
    "l1": float, "decay_epochs": float, "dropout": float, "layers": list, "outside_is_off": bool,
    "budget": str, "device": str, "workers": int, "lang": ("en", "ko"),
}  # fmt: skip


def as_options(
    given: Mapping[str, str], known: Mapping[str, Kind] = HYPERPARAMETERS
) -> dict[str, Any]:
    """Turn hyperparameters into options: dashes to underscores, types as expected.

    Raises:
        InputError: an unknown name, with the near one suggested, or a value of another
            kind.
    """
    found: dict[str, Any] = {}
    for name, text in given.items():
        key = name.replace("-", "_")
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(known)}."
            raise InputError(f"hyperparameter {name!r} is unknown. {hint}")
        found[key] = _typed(name, text, known[key])
    return found


def _typed(name: str, text: str, kind: Kind) -> Any:
    if isinstance(kind, tuple):
        return _among(name, text, kind)
    if kind is list:
        return _names(text)
    if kind is str:
        return text
    if kind is bool:
        truth = {"true": True, "1": True, "false": False, "0": False}
        if text.lower() not in truth:
            raise _misfit(name, text, "true or false")
        return truth[text.lower()]
    wanted = "a whole number" if kind is int else "a number"
    try:
        number = float(text)
        if kind is float:
            return number
        # A tuning job may write a whole number as 32.0.
        whole = int(number)
    except (ValueError, OverflowError) as error:
        raise _misfit(name, text, wanted) from error
    if whole != number:
        raise _misfit(name, text, wanted)
    return whole


def _among(name: str, text: str, values: tuple[str, ...]) -> str:
    if text not in values:
        raise _misfit(name, text, f"{', '.join(values[:-1])} or {values[-1]}")
    return text


def _names(text: str) -> tuple[str, ...]:
    """Read a JSON list, or names with commas between them."""
    try:
        listed = json.loads(text)
    except ValueError:
        listed = None
    parts = map(str, listed) if isinstance(listed, list) else text.split(",")
    return tuple(part.strip() for part in parts if part.strip())


def _misfit(name: str, text: str, wanted: str) -> InputError:
    return InputError(f"hyperparameter {name} is {text!r}, but {wanted} is expected. Correct it.")


def as_widths(names: tuple[str, ...]) -> tuple[int, ...]:
    """Read the units per hidden layer.

    Raises:
        InputError: one is not a whole number.
    """
    try:
        return tuple(int(name) for name in names)
    except ValueError as error:
        raise _misfit("widths", ",".join(names), "a list such as 64,32") from error
