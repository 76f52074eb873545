r"""Group lasso: whole units to zero, :math:`\lambda_g \sum_g \sqrt{|g|}\, \lVert w_g \rVert_2`."""

from collections.abc import Sequence

import torch
from torch import Tensor

from fitwell.remedies.metric import groups_of, inverse_metric, step_length, warmed_up


def _norms(weight: Tensor, axis: int) -> Tensor:
    """Give the length of each group: all weights into one unit or channel; shape kept."""
    others = [dim for dim in range(weight.dim()) if dim != axis]
    squares = weight.square().sum(dim=others, keepdim=True)
    # The slope of a length at 0 is taken as 0, as for |w|; sqrt alone would give NaN.
    there = squares > 0
    return torch.where(there, torch.where(there, squares, 1.0).sqrt(), 0.0)


def _root_size(weight: Tensor, axis: int) -> float:
    return float((weight.numel() / weight.shape[axis]) ** 0.5)


def group_penalty(weights: Sequence[Tensor], axes: Sequence[int], strength: float) -> Tensor:
    r"""Sum over units of the length of their weights, each times the root of their number.

    :math:`\lambda_g \sum_g \sqrt{|g|}\,\lVert w_g \rVert_2`, where a group is everything that
    one unit or output channel reads: a row of a linear layer, a filter of a convolution.

    Args:
        weights: the penalized tensors.
        axes: for each, the axis that counts its units.
        strength: :math:`\lambda_g`, in units of loss; zero gives zero.

    Reference:
        Yuan and Lin: Model selection and estimation in regression with grouped variables,
        JRSS B 68, 2006.

    >>> group_penalty([torch.tensor([[3.0, 4.0], [0.0, 0.0]])], [0], 1.0)
    tensor(7.0711)
    """
    total = weights[0].new_zeros(())
    for weight, axis in zip(weights, axes, strict=True):
        total = total + _root_size(weight, axis) * _norms(weight, axis).sum()
    return strength * total


@torch.no_grad()
def add_group_gradient_(weights: Sequence[Tensor], axes: Sequence[int], strength: float) -> None:
    r"""Add :math:`\lambda_g \sqrt{|g|}\, w / \lVert w_g \rVert` to each gradient; 0 at 0."""
    if not strength:
        return
    for weight, axis in zip(weights, axes, strict=True):
        if weight.grad is not None:
            norms = _norms(weight, axis)
            slope = torch.where(norms > 0, 1 / norms, torch.zeros_like(norms))
            weight.grad.add_(weight * slope, alpha=strength * _root_size(weight, axis))


@torch.no_grad()
def group_shrink_(
    optimizer: torch.optim.Optimizer,
    weights: Sequence[Tensor],
    axes: Sequence[int],
    strength: float,
    warm_up: int = 0,
) -> None:
    r"""Proximal step of the group lasso in the optimizer's metric, one scale per group.

    .. math:: w_g \leftarrow w_g \cdot \max\!\Bigl(0,\;
              1 - \frac{\eta\,\lambda_g \sqrt{|g|}}{D_g\,\lVert w_g \rVert_2}\Bigr)

    For Adam, AdamW and RMSprop the running mean of squares is first averaged over each
    group, in the optimizer's own state: with one metric per group the step has this
    closed form, and its fixed point is the minimum of loss plus penalty. Ours.

    Call it after ``optimizer.step()``, which must have seen the loss without the term.
    With ``warm_up`` the strength rises in a line over so many steps, see `warmed_up`.

    Raises:
        InputError: an optimizer without such a metric, or one that does not hold a weight.
    """
    if not strength:
        return
    axis_of = {id(weight): axis for weight, axis in zip(weights, axes, strict=True)}
    for group, places in groups_of(optimizer, weights):
        held = [weights[place] for place in places]
        for weight in held:
            _share_metric(optimizer, weight, axis_of[id(weight)])
        length = step_length(optimizer, group) * warmed_up(optimizer, held, warm_up)
        scales = inverse_metric(optimizer, group, held)
        for number, weight in enumerate(held):
            axis = axis_of[id(weight)]
            limit = length * strength * _root_size(weight, axis)
            norms = _norms(weight, axis)
            scale = limit if scales is None else limit * _first(scales[number], axis)
            weight.mul_(torch.where(norms > scale, 1 - scale / norms, torch.zeros_like(norms)))


def _share_metric(optimizer: torch.optim.Optimizer, weight: Tensor, axis: int) -> None:
    others = [dim for dim in range(weight.dim()) if dim != axis]
    for key in ("exp_avg_sq", "max_exp_avg_sq", "square_avg"):
        squares = optimizer.state[weight].get(key)
        if squares is not None and others:
            squares.copy_(squares.mean(dim=others, keepdim=True).expand_as(squares))


def _first(scale: Tensor, axis: int) -> Tensor:
    """Give one entry per group, in the shape of `_norms`; the entries of a group are equal."""
    for dim in range(scale.dim()):
        if dim != axis:
            scale = scale.narrow(dim, 0, 1)
    return scale
