"""Where an axis lies once a tensor has been indexed, or its axes put in another order."""

import operator
from collections.abc import Sequence
from typing import Any

import torch
from torch import fx

INDEXED: set[Any] = {operator.getitem}
TRANSPOSED: set[Any] = {torch.transpose, torch.swapaxes, "transpose", "swapaxes"}
PERMUTED: set[Any] = {torch.permute, "permute"}
SQUEEZED: set[Any] = {torch.squeeze, "squeeze"}
UNSQUEEZED: set[Any] = {torch.unsqueeze, "unsqueeze"}


def moved(node: fx.Node, kind: object, axis: int, old: int, new: int) -> int | None:
    """Say where an axis lies behind a node; None if it is gone, or nobody knows.

    Args:
        node: the call; the tensor is its first argument.
        kind: the function, or the name of the method.
        axis: where the axis lies in front.
        old: how many axes there are in front.
        new: how many there are behind.
    """
    if kind in INDEXED:
        return _indexed(node.args[1], axis, old)
    given = _numbers(node)
    if given is None:
        return None
    if kind in TRANSPOSED and len(given) == 2:
        one, other = (d % old for d in given)
        return {one: other, other: one}.get(axis, axis)
    if kind in PERMUTED and len(given) == old:
        return [d % old for d in given].index(axis)
    if kind in SQUEEZED and len(given) == 1:
        # Nothing is squeezed where there is more than one entry.
        gone = given[0] % old
        return axis if new == old else None if gone == axis else axis - (gone < axis)
    if kind in UNSQUEEZED and len(given) == 1:
        return axis + (given[0] % new <= axis)
    return None


def _numbers(node: fx.Node) -> Sequence[int] | None:
    """Give the axes that are named after the tensor, one by one or in one tuple."""
    given: Any = (*node.args[1:], *node.kwargs.values())
    if len(given) == 1 and isinstance(given[0], (tuple, list)):
        given = given[0]
    return given if all(isinstance(d, int) for d in given) else None


def _indexed(index: object, axis: int, axes: int) -> int | None:
    """Follow an axis that is taken as a whole through ``x[index]``."""
    parts = list(index) if isinstance(index, tuple) else [index]
    if not all(_is_plain(part) for part in parts):
        return None
    if Ellipsis in parts:
        at = parts.index(Ellipsis)
        rest = axes - sum(part not in (None, Ellipsis) for part in parts)
        parts[at : at + 1] = [slice(None)] * rest
    front = behind = 0
    for part in parts:
        if part is not None and front == axis:
            return behind if part == slice(None) else None
        front += part is not None
        behind += not isinstance(part, int)
    return behind + axis - front


def _is_plain(part: object) -> bool:
    """Whether it is a number, a slice, None or an ellipsis; a truth value is a mask."""
    if isinstance(part, int):
        return not isinstance(part, bool)
    return part is None or part is Ellipsis or isinstance(part, slice)
