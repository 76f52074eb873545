"""A loss other than cross-entropy: a function of the user's, one number per row."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from fitwell.errors import InputError
from fitwell.own.finding import find, name_of

Function = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True)
class OwnLoss:
    """A loss of one's own.

    Attributes:
        name: as shown.
        function: of outputs [rows, classes] and class numbers [rows]; gives [rows].
    """

    name: str
    function: Function


def loss_of(given: str | Function) -> OwnLoss | None:
    """Find a loss by name, ``module:function``, or take a function; empty is cross-entropy.

    Raises:
        InputError: there is no such function.
    """
    if not callable(given) and not isinstance(given, str):
        raise InputError(
            f"loss is {given!r}, but a function of the outputs and the targets that gives one"
            " loss per row is expected."
        )
    if not isinstance(given, str):
        return OwnLoss(name_of(given), given)
    if given in ("", "cross-entropy"):
        return None
    if ":" not in given:
        raise InputError(
            f"--loss is {given!r}, but module:function is expected, for example --loss"
            " mylosses:focal."
        )
    return OwnLoss(given, find(given, "--loss", "module:function"))
