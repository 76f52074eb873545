"""The dropout rates that layers have of their own, under whatever names they keep them."""

import inspect
import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from torch import nn

from fitwell.surgery import DROPOUTS

PLAIN = (
    "dropout", "dropout_p", "dropout_prob", "dropout_rate", "attention_dropout", "attn_dropout",
    "attn_dropout_p", "attn_drop", "attn_pdrop", "activation_dropout", "hidden_dropout",
    "residual_dropout", "resid_pdrop", "embedding_dropout",
)  # fmt: skip
"""Plain numbers that models of transformers hand to a dropout function. Rates at which whole
layers or paths are left out (``layerdrop``, ``drop_prob``) are something else."""

_MODELS = "transformers.models."


def own_rates(layer: nn.Module) -> dict[str, float]:
    """Give a layer's own dropout rates by the names of its attributes; mostly none or one.

    They are ``p`` of dropout layers, ``dropout`` of torch's attention and recurrent layers,
    and in models of transformers the numbers that a method reads.
    """
    if isinstance(layer, DROPOUTS):
        return {"p": layer.p}
    if isinstance(layer, (nn.MultiheadAttention, nn.RNNBase)):
        return {"dropout": layer.dropout}
    if not _of_transformers(layer):
        return {}
    held = _numbers({name: vars(layer).get(name) for name in PLAIN})
    return {name: rate for name, rate in held.items() if _reads(type(layer), name)}


def set_own_rates(layer: nn.Module, rates: Mapping[str, float]) -> None:
    """Set them by the same names."""
    for name, rate in rates.items():
        setattr(layer, name, rate)


def shared_rates(layer: nn.Module) -> dict[str, float]:
    """Give the rates that a layer of transformers takes from its ``config`` at each call.

    All layers of the model have the one config, so that none has such a rate of its own.
    """
    config = getattr(layer, "config", None)
    if not _of_transformers(layer) or config is None:
        return {}
    return _numbers({name: getattr(config, name, None) for name in _read_from_config(type(layer))})


def attends(layer: nn.Module) -> bool:
    """Whether it is an attention layer of transformers with dropout on its weights.

    Its projections have no activation, so that none is missed there.
    """
    if not _of_transformers(layer) or "Attention" not in type(layer).__name__:
        return False
    return bool(own_rates(layer)) or any(isinstance(c, DROPOUTS) for c in layer.children())


def _of_transformers(layer: nn.Module) -> bool:
    return type(layer).__module__.startswith(_MODELS)


def _numbers(held: Mapping[str, Any]) -> dict[str, float]:
    """Leave out what is no number: a layer, a flag, nothing."""
    return {n: float(v) for n, v in held.items() if type(v) in (int, float)}


def _reads(kind: type, name: str) -> bool:
    """Whether a method reads the attribute; some models keep a rate that nothing uses."""
    text = _methods(kind)
    return not text or re.search(rf"\bself\.{name}\b(?!\s*=[^=])", text) is not None


def _read_from_config(kind: type) -> list[str]:
    return re.findall(r"\bself\.config\.(\w*dropout\w*)", _methods(kind))


@cache
def _methods(kind: type) -> str:
    """Give the text of a class's methods but its constructor; empty where it is not at hand."""
    methods = [
        method
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if name != "__init__" and method.__module__.startswith(_MODELS)
    ]
    try:
        return "\n".join(inspect.getsource(method) for method in methods)
    except OSError:
        return ""
