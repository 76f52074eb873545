"""Batch normalization before each hidden activation; it can be folded away again."""

from typing import cast

import torch
from torch import Tensor, nn

from fitwell.errors import InputError
from fitwell.remedies.remedy import Parameter, Remedy
from fitwell.surgery import CONVOLUTIONS, Change, Inserted, hidden_sites

REMEDY = Remedy(
    name="batch norm",
    parameters=(Parameter(name="batch_norm", choices=(False, True), default=False),),
)

_NORM: dict[type[nn.Module], type[nn.Module]] = {
    nn.Linear: nn.BatchNorm1d,
    nn.Conv1d: nn.BatchNorm1d,
    nn.Conv2d: nn.BatchNorm2d,
    nn.Conv3d: nn.BatchNorm3d,
}


class BatchNormHook(Inserted):
    """Normalizes what its layer makes, through the layer's child ``batch_norm``."""

    def __call__(self, layer: nn.Module, _: tuple[Tensor, ...], output: Tensor) -> Tensor:
        """Act as a forward hook; a linear layer's leading axes count as rows."""
        norm = cast(nn.Module, layer.batch_norm)
        if isinstance(layer, nn.Linear):
            flat: Tensor = norm(output.reshape(-1, output.shape[-1]))
            return flat.reshape(output.shape)
        normalized: Tensor = norm(output)
        return normalized


def insert_batch_norm(module: nn.Module) -> list[Change]:
    """Normalize every hidden layer's output before its activation, in place.

    This changes the architecture: each such layer gains a child ``batch_norm``, and the
    ``state_dict`` its keys. In eval mode it starts as the identity but for the factor
    1 / sqrt(1 + 1e-5). A layer that a batch norm follows already is left alone.

    Raises:
        InputError: no hidden layer, or one without a bias, which could not take the
            shift when the normalization is folded away.

    Reference:
        Ioffe and Szegedy, ICML 2015.
    """
    changes = []
    for site in hidden_sites(module):
        normed = site.norm is not None or hasattr(site.layer, "batch_norm")
        if normed or not isinstance(site.layer, tuple(_NORM)):
            continue
        if site.layer.bias is None:
            raise InputError(
                f"batch_norm: layer {site.name!r} has no bias, so the normalization could not be"
                " folded into it afterwards. Give it a bias or use batch_norm=False."
            )
        width = cast(Tensor, site.layer.weight).shape[0]
        weight = cast(Tensor, site.layer.weight)
        norm = _NORM[_base(site.layer)](width).to(weight.device, weight.dtype)
        site.layer.add_module("batch_norm", norm)
        site.layer.register_forward_hook(BatchNormHook())
        changes.append(Change(site.name, f"batch norm of {width} outputs, before the activation"))
    if not changes:
        raise InputError("batch_norm: the network has no hidden layer without one. Leave it out.")
    return changes


def _base(layer: nn.Module) -> type[nn.Module]:
    return next(kind for kind in _NORM if isinstance(layer, kind))


@torch.no_grad()
def fold_batch_norm(module: nn.Module) -> None:
    r"""Fold every inserted batch norm into its layer, in place; equal in eval mode.

    With :math:`s = \gamma / \sqrt{\sigma^2 + \varepsilon}`:
    :math:`w \leftarrow s\,w`, :math:`b \leftarrow s\,(b - \mu) + \beta`.
    """
    for layer in module.modules():
        norm = getattr(layer, "batch_norm", None)
        if not isinstance(layer, (nn.Linear, *CONVOLUTIONS)) or norm is None:
            continue
        assert layer.bias is not None  # insert_batch_norm saw to it
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        layer.weight.mul_(scale.reshape(-1, *[1] * (layer.weight.dim() - 1)))
        layer.bias.sub_(norm.running_mean).mul_(scale).add_(norm.bias)
        del layer.batch_norm
