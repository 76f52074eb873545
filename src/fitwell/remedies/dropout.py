"""Dropout after each hidden activation, in the kind that suits the layer."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fitwell.errors import InputError
from fitwell.remedies.remedy import Parameter, Remedy
from fitwell.surgery import Change, Inserted, Site, after_output, hidden_sites

REMEDY = Remedy(
    name="dropout",
    parameters=(Parameter(name="dropout", low=0.0, high=0.5, off=0.15, default=0.25),),
)


class DropoutHook(Inserted):
    """Zeroes entries of what passes, while its layer is in training mode.

    Entries are zero with probability ``rate`` and scaled by 1 / (1 - rate) otherwise;
    ``channel`` drops whole channels (neighbouring pixels say the same, so single ones
    would not be missed), ``alpha`` keeps mean and variance behind a SELU.

    Reference:
        Srivastava et al., JMLR 15, 2014; Tompson et al., CVPR 2015 (channels);
        Klambauer et al., NeurIPS 2017 (alpha).
    """

    def __init__(self, rate: float, kind: str) -> None:
        self.rate = rate
        self.kind = kind

    def __call__(self, layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> Tensor:
        """Act as a forward hook: ``output`` is what the layer made."""
        if not layer.training:
            return output
        if self.kind == "alpha":
            return F.alpha_dropout(output, self.rate, training=True)
        channels = (*output.shape[:2], *[1] * (output.dim() - 2))
        return output * noise(
            channels if self.kind == "channel" else output.shape, self.rate, output
        )


def noise(shape: Sequence[int], rate: float, like: Tensor) -> Tensor:
    """Draw factors that are 0 with probability ``rate`` and 1 / (1 - rate) otherwise.

    Four draws of 16 bits are cut from each 64-bit random number, a quarter of the time of
    torch's own dropout on a processor; ``rate`` is rounded to a multiple of 1/65,536, and
    the factor to match, so that the expectation is exactly 1.
    """
    below = min(round(rate * 65_536), 65_535)
    count = math.prod(shape)
    words = torch.empty((count + 3) // 4, dtype=torch.int64, device=like.device)
    bits = words.random_(-(2**63), None).view(torch.int16)[:count].view(*shape)
    kept = bits >= below - 32_768
    return kept.to(like.dtype) * (65_536 / (65_536 - below))


class DropoutBefore(DropoutHook):
    """The same in front of a layer, for networks whose activations are not modules."""

    def __call__(  # type: ignore[override]  # a pre-hook has no output
        self, layer: nn.Module, inputs: tuple[Tensor, ...]
    ) -> tuple[Tensor, ...]:
        """Act as a forward pre-hook: ``inputs`` is what the layer is about to read."""
        return (super().__call__(layer, inputs, inputs[0]), *inputs[1:])


def insert_dropout(module: nn.Module, rate: float) -> list[Change]:
    """Put dropout after each hidden activation; one that is there is set, not doubled.

    Changes ``module`` itself. The output layer and the input are left alone.

    Raises:
        InputError: there is no hidden layer, or an activation also serves the output.
    """
    sites = hidden_sites(module)
    if not sites:
        raise InputError("dropout: the network has no hidden layer to put it after. Use dropout=0.")
    as_modules = any(site.activation is not None for site in sites)
    behind = after_output(module)
    changes: dict[str, Change] = {}
    for site in sites:
        where, what = _treat(site, rate, as_modules, behind)
        if where:
            changes[where] = Change(where, what)
    return list(changes.values())


def _treat(site: Site, rate: float, as_modules: bool, behind: set[int]) -> tuple[str, str]:
    kind = _kind(site)
    if site.dropout is not None:
        site.dropout.p = rate  # type: ignore[assignment]  # a plain float in every dropout layer
        return site.dropout_name, f"existing {type(site.dropout).__name__} set to {rate:g}"
    if not as_modules:
        site.next_layer.register_forward_pre_hook(DropoutBefore(rate, kind))
        return site.next_name, f"dropout {rate:g} ({kind}) before it"
    if site.activation is None:
        return "", ""  # two linear maps in a row: no activation, nothing to drop
    if id(site.activation) in behind:
        raise InputError(
            f"dropout: {site.activation_name!r} is one module that also follows the output layer."
            " Use a separate activation module there."
        )
    if not any(isinstance(h, DropoutHook) for h in site.activation._forward_hooks.values()):
        site.activation.register_forward_hook(DropoutHook(rate, kind))
    return site.activation_name, f"dropout {rate:g} ({kind}) after it"


def _kind(site: Site) -> str:
    if isinstance(site.activation, nn.SELU):
        return "alpha"
    return "channel" if isinstance(site.layer, nn.Conv2d) else "entry"
