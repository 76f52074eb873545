"""Where dropout goes: after hidden activations, into layers that have one, never at the end."""

from collections.abc import Iterable, Sequence

from torch import nn

from fitwell.dataflow import Activated, Part, Reading, activated, given_back, parts, readings
from fitwell.errors import InputError
from fitwell.remedies.dropout import DropoutBefore, DropoutHook, DropoutRecurrent
from fitwell.remedies.own_rates import own_rates, set_own_rates, shared_rates
from fitwell.remedies.unseen import hidden_site, no_place, unseen
from fitwell.rules import RateOf
from fitwell.surgery import (
    CONVOLUTIONS,
    DROPOUTS,
    RECURRENT,
    TRANSPOSED,
    Change,
    Site,
    after_output,
    hidden_sites,
)


def places(module: nn.Module) -> list[str]:
    """Name every layer at which a rate could be set, for the check of rules."""
    names = [n for site in hidden_sites(module) for n in (site.name, site.activation_name)]
    names += [site.next_name for site in hidden_sites(module)[-1:]]
    names += [n for n, layer in module.named_modules() if _has_rate(layer)]
    names += [found.layer for part in parts(module) for found in given_back(part)]
    return [name for name in dict.fromkeys(names) if name]


def _has_rate(layer: nn.Module) -> bool:
    return isinstance(layer, RECURRENT) or bool(own_rates(layer) or shared_rates(layer))


def insert_dropout(module: nn.Module, rate_of: RateOf) -> list[Change]:
    """Put dropout after each hidden activation; one that is there is set, not doubled.

    Changes ``module`` itself. The output layer and the input are left alone.

    - Dropout layers, attention, stacked recurrent layers and many layers of transformers
      have rates of their own: set.
    - Activation modules between two layers with weights: a hook, unless a dropout layer
      follows; recurrent layers that another layer reads: a hook.
    - Activation functions: a hook on the layers that read them, or on the module that gives
      them back, found by `torch.fx` in the whole or else in its parts.
    - What cannot be traced and has no place either is listed as left alone.

    Raises:
        InputError: there is no place for dropout, or an activation also serves the output.
    """
    behind, traced = after_output(module), list(parts(module))
    changes = [*_own_rates(module, rate_of, behind)]
    changes += _activations(module, rate_of, behind, traced)
    changes += _recurrent(module, rate_of, behind)
    for part in traced:
        changes += _functions(module, rate_of, readings(part))
        changes += _given_back(module, rate_of, part)
    if not changes:
        raise no_place(traced)
    return changes + unseen(module, rate_of, traced)


def _own_rates(module: nn.Module, rate_of: RateOf, behind: set[int]) -> Iterable[Change]:
    before = {id(site.dropout): site.name for site in hidden_sites(module) if site.dropout}
    for name, layer in module.named_modules():
        rates, rate = own_rates(layer), rate_of(name, before.get(id(layer), name))
        single = isinstance(layer, nn.RNNBase) and layer.num_layers == 1
        if rates and rate and not single and id(layer) not in behind:
            set_own_rates(layer, dict.fromkeys(rates, rate))
            yield Change(name or "model", f"{_words(layer, list(rates))} set to {rate:g}")


def _words(layer: nn.Module, names: Sequence[str]) -> str:
    if isinstance(layer, DROPOUTS):
        return f"existing {type(layer).__name__}"
    if isinstance(layer, nn.MultiheadAttention):
        return "attention dropout"
    if isinstance(layer, nn.RNNBase):
        return "dropout between its layers"
    return f"existing {' and '.join(names)}"


def _activations(
    module: nn.Module, rate_of: RateOf, behind: set[int], traced: Sequence[Part]
) -> Iterable[Change]:
    sites, layers = hidden_sites(module), dict(module.named_modules(remove_duplicate=False))
    graphs = {name: how for part in traced for name, how in activated(part).items()}
    for number, site in enumerate(sites):
        how = graphs.get(site.activation_name, Activated("", None))
        followed = site.dropout is not None if how.dropped is None else how.dropped
        if site.activation is None or followed or _dropped_by_number(module, site):
            continue
        last = (site.next_name,) if number == len(sites) - 1 else ()
        source = how.source or site.name  # the order of registration where no graph shows it
        rate = rate_of(source, site.activation_name, *last)
        if not rate or _hooked(site.activation):
            continue
        if id(site.activation) in behind:
            raise InputError(
                f"dropout: {site.activation_name!r} is one module that also follows the output"
                " layer. Use a separate activation module there."
            )
        kind = "alpha" if isinstance(site.activation, nn.SELU) else _kind(layers[source])
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
        kind = "alpha" if "selu" in reading.function else _kind(source)
        layer.register_forward_pre_hook(DropoutBefore(rate, kind))
        yield Change(
            reading.layer, f"dropout {rate:g} ({kind}) before it, after {reading.function}"
        )


def _given_back(module: nn.Module, rate_of: RateOf, part: Part) -> Iterable[Change]:
    """Put a hook on a part that gives back an activation, where the whole is not traced."""
    for found in given_back(part):
        site = hidden_site(module, found)
        if not part.name or found.mixed or site is None or site.dropout or _hooked(part.module):
            continue
        rate = rate_of(part.name, site.name)
        if rate:
            kind = "alpha" if "selu" in found.function else _kind(site.layer)
            part.module.register_forward_hook(DropoutHook(rate, kind))
            yield Change(part.name, f"dropout {rate:g} ({kind}) after it, after {found.function}")


def _dropped_by_number(module: nn.Module, site: Site) -> bool:
    """Whether a layer of transformers drops what the activation in it makes."""
    above = module.get_submodule(site.activation_name.rpartition(".")[0])
    return "activation_dropout" in own_rates(above)


def _hooked(layer: nn.Module) -> bool:
    hooks = (*layer._forward_hooks.values(), *layer._forward_pre_hooks.values())
    return any(isinstance(hook, DropoutHook) for hook in hooks)


def _kind(layer: nn.Module | None) -> str:
    return "channel" if isinstance(layer, (*CONVOLUTIONS, *TRANSPOSED)) else "entry"
