"""Hidden layers that dropout misses because a forward cannot be traced: named, not passed over."""

from collections.abc import Iterable, Mapping, Sequence

from torch import nn

from fitwell.dataflow import CONTAINERS, Part, Reading, given_back, known, open_ends, readings
from fitwell.errors import InputError
from fitwell.remedies.own_rates import attends, own_rates, shared_rates
from fitwell.rules import RateOf
from fitwell.surgery import (
    DROPOUTS,
    RECURRENT,
    WEIGHTED,
    Change,
    Site,
    after_output,
    hidden_sites,
)


def unseen(module: nn.Module, rate_of: RateOf, traced: Sequence[Part]) -> list[Change]:
    """List the places that would have dropout if they could be reached."""
    return [
        *_behind(module, rate_of),
        *_shared(module, rate_of),
        *_mixed(module, rate_of, traced),
        *_untraced(module, rate_of, traced),
    ]


def hidden_site(module: nn.Module, found: Reading) -> Site | None:
    """Give the hidden layer whose activation a part gives back; the output layer is none.

    It is the one that the graph shows, or the last that was registered before the part.
    """
    name = found.source
    for other, layer in module.named_modules(remove_duplicate=False):
        if found.source or other == found.layer:
            break
        if isinstance(layer, (*WEIGHTED, *RECURRENT)):
            name = other
    return next((site for site in hidden_sites(module) if site.name == name), None)


def no_place(traced: Sequence[Part]) -> InputError:
    """Say that there is no place for dropout, and what was in the way."""
    text = "dropout: the network has no hidden activation to put it after"
    untraced = [part for part in traced if isinstance(part.graph, str)]
    if not untraced:
        return InputError(f"{text}. Use dropout=0.")
    name = repr(untraced[-1].name) if untraced[-1].name else "it"
    return InputError(
        f"{text} ({name} cannot be traced: {untraced[-1].graph}). Use dropout=0, or make its"
        " activations modules such as nn.ReLU."
    )


def _behind(module: nn.Module, rate_of: RateOf) -> Iterable[Change]:
    behind = after_output(module)
    for name, layer in module.named_modules():
        if id(layer) in behind and isinstance(layer, DROPOUTS) and rate_of(name):
            yield Change(name, "left alone: it is registered behind the output layer")


def _shared(module: nn.Module, rate_of: RateOf) -> Iterable[Change]:
    for name, layer in module.named_modules():
        for rate, value in shared_rates(layer).items():
            if rate_of(name):
                yield Change(
                    name or "model",
                    f"left alone: reads config.{rate} ({value:g}) at each call, which all layers"
                    " share; set it there",
                )


def _mixed(module: nn.Module, rate_of: RateOf, traced: Sequence[Part]) -> Iterable[Change]:
    for part in traced:
        for found in given_back(part):
            site = hidden_site(module, found)
            if part.name and found.mixed and site and rate_of(part.name, site.name):
                yield Change(
                    part.name,
                    f"left alone: its {found.function} is of a sum or one of several outputs, and"
                    " what reads it cannot be traced",
                )


def _untraced(module: nn.Module, rate_of: RateOf, traced: Sequence[Part]) -> Iterable[Change]:
    """Name the layers behind which a forward that cannot be traced may have an activation."""
    seen = {found.source for part in traced for found in (*readings(part), *given_back(part))}
    missed: dict[Part, list[str]] = {}
    for site in hidden_sites(module):
        covered = site.activation or site.dropout or isinstance(site.layer, RECURRENT)
        owner = _owner(module, site.name, traced)
        if owner and not covered and site.name not in seen and rate_of(site.name):
            missed.setdefault(owner, []).append(site.name.removeprefix(f"{owner.name}."))
    return _by_kind({part: tuple(names) for part, names in missed.items()})


def _by_kind(missed: Mapping[Part, tuple[str, ...]]) -> Iterable[Change]:
    """Say it once for parts of one kind that miss the same."""
    alike: dict[tuple[type, tuple[str, ...], str], list[str]] = {}
    for part, names in missed.items():
        if not attends(part.module) and "activation_dropout" not in own_rates(part.module):
            key = (type(part.module), names, str(part.graph))
            alike.setdefault(key, []).append(part.name or "model")
    for (kind, names, reason), where in alike.items():
        more = f", as in {len(where) - 1} more {kind.__name__}" if len(where) > 1 else ""
        yield Change(
            where[0],
            f"left alone: no activation found after {', '.join(names)}; its forward cannot be"
            f" traced ({reason}){more}",
        )


def _owner(module: nn.Module, name: str, traced: Sequence[Part]) -> Part | None:
    """Find the part that decides what follows a layer, if it cannot be traced."""
    above = module.get_submodule(name.rpartition(".")[0])
    if known(above) and not isinstance(above, CONTAINERS):
        return None
    for part in sorted(traced, key=lambda part: -len(part.name)):
        if part.name and not name.startswith(f"{part.name}."):
            continue
        if isinstance(part.graph, str):
            return part
        if name not in open_ends(part):
            return None
    return None
