"""Where dropout goes: after hidden activations, into layers that have one, never at the end."""

from collections.abc import Callable, Iterable

from torch import nn

from fitwell.dataflow import Reading, readings, trace
from fitwell.errors import InputError
from fitwell.remedies.dropout import DropoutBefore, DropoutHook, DropoutRecurrent
from fitwell.surgery import (
    CONVOLUTIONS,
    DROPOUTS,
    TRANSPOSED,
    Change,
    Site,
    after_output,
    hidden_sites,
)

RateOf = Callable[..., float]
"""The rate for a place that goes by the given names; 0 leaves it alone."""


def places(module: nn.Module) -> list[str]:
    """Name every layer at which a rate could be set, for the check of rules."""
    names = [n for site in hidden_sites(module) for n in (site.name, site.activation_name)]
    names += [site.next_name for site in hidden_sites(module)[-1:]]
    own = (*DROPOUTS, nn.RNNBase, nn.RNNCellBase, nn.MultiheadAttention)
    names += [name for name, layer in module.named_modules() if isinstance(layer, own)]
    return [name for name in dict.fromkeys(names) if name]


def insert_dropout(module: nn.Module, rate_of: RateOf) -> list[Change]:
    """Put dropout after each hidden activation; one that is there is set, not doubled.

    Changes ``module`` itself. The output layer and the input are left alone.

    - Dropout layers, attention and stacked recurrent layers have rates of their own: set.
    - Activation modules between two layers with weights: a hook, unless a dropout layer
      follows; recurrent layers that another layer reads: a hook.
    - Activation functions: a hook on the layers that read them, found by `torch.fx`.

    Raises:
        InputError: there is no place for dropout, or an activation also serves the output.
    """
    behind = after_output(module)
    changes = [*_own_rates(module, rate_of, behind), *_activations(module, rate_of, behind)]
    changes += _recurrent(module, rate_of, behind)
    graph = trace(module)
    if not isinstance(graph, str):
        changes += _functions(module, rate_of, readings(module, graph))
    if not changes:
        reason = f" (it cannot be traced: {graph})" if isinstance(graph, str) else ""
        raise InputError(
            f"dropout: the network has no hidden activation to put it after{reason}. Use dropout=0."
        )
    return changes


def _own_rates(module: nn.Module, rate_of: RateOf, behind: set[int]) -> Iterable[Change]:
    before = {id(site.dropout): site.name for site in hidden_sites(module) if site.dropout}
    for name, layer in module.named_modules():
        if id(layer) in behind:
            continue
        if isinstance(layer, DROPOUTS):
            rate = rate_of(name, before.get(id(layer), name))
            if rate:
                layer.p = rate
                yield Change(name, f"existing {type(layer).__name__} set to {rate:g}")
        elif isinstance(layer, nn.MultiheadAttention) and rate_of(name):
            layer.dropout = rate_of(name)
            yield Change(name, f"attention dropout set to {rate_of(name):g}")
        elif isinstance(layer, nn.RNNBase) and layer.num_layers > 1 and rate_of(name):
            layer.dropout = rate_of(name)
            yield Change(name, f"dropout between its layers set to {rate_of(name):g}")


def _activations(module: nn.Module, rate_of: RateOf, behind: set[int]) -> Iterable[Change]:
    sites = hidden_sites(module)
    for number, site in enumerate(sites):
        if site.activation is None or site.dropout is not None:
            continue
        last = (site.next_name,) if number == len(sites) - 1 else ()
        rate = rate_of(site.name, site.activation_name, *last)
        if not rate or _hooked(site.activation):
            continue
        if id(site.activation) in behind:
            raise InputError(
                f"dropout: {site.activation_name!r} is one module that also follows the output"
                " layer. Use a separate activation module there."
            )
        kind = _kind(site)
        site.activation.register_forward_hook(DropoutHook(rate, kind))
        yield Change(site.activation_name, f"dropout {rate:g} ({kind}) after it")


def _recurrent(module: nn.Module, rate_of: RateOf, behind: set[int]) -> Iterable[Change]:
    for site in hidden_sites(module):
        recurrent = isinstance(site.layer, (nn.RNNBase, nn.RNNCellBase))
        if not recurrent or site.dropout is not None or _hooked(site.layer):
            continue
        rate = rate_of(site.name)
        if rate and id(site.layer) not in behind:
            site.layer.register_forward_hook(DropoutRecurrent(rate, "entry"))
            yield Change(f"{site.name} output", f"dropout {rate:g} (entry) after it")


def _functions(module: nn.Module, rate_of: RateOf, found: Iterable[Reading]) -> Iterable[Change]:
    layers = dict(module.named_modules(remove_duplicate=False))
    dropped = {site.next_name for site in hidden_sites(module) if site.dropout is not None}
    for reading in found:
        layer, source = layers[reading.layer], layers.get(reading.source)
        rate = rate_of(reading.layer, reading.source)
        if not rate or _hooked(layer) or reading.layer in dropped:
            continue
        kind = "channel" if isinstance(source, (*CONVOLUTIONS, *TRANSPOSED)) else "entry"
        kind = "alpha" if "selu" in reading.function else kind
        layer.register_forward_pre_hook(DropoutBefore(rate, kind))
        yield Change(
            reading.layer, f"dropout {rate:g} ({kind}) before it, after {reading.function}"
        )


def _hooked(layer: nn.Module) -> bool:
    hooks = (*layer._forward_hooks.values(), *layer._forward_pre_hooks.values())
    return any(isinstance(hook, DropoutHook) for hook in hooks)


def _kind(site: Site) -> str:
    if isinstance(site.activation, nn.SELU):
        return "alpha"
    return "channel" if isinstance(site.layer, (*CONVOLUTIONS, *TRANSPOSED)) else "entry"
