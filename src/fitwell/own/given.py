"""What of a run's training is the user's own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fitwell.own.loss import OwnLoss, loss_of
from fitwell.own.optimizer import Optimizer, optimizer_of


@dataclass(frozen=True)
class Own:
    """The user's own optimizer and loss; None is Adam, and cross-entropy."""

    optimizer: Optimizer | None = None
    loss: OwnLoss | None = None


def own(
    optimizer: str | Callable[..., Any] = "Adam",
    optimizer_args: str | Mapping[str, Any] = "",
    loss: str | Callable[..., Any] = "",
) -> Own:
    """Find what is named, and take what is given.

    Raises:
        InputError: something is not there, or cannot be used.
    """
    return Own(optimizer_of(optimizer, optimizer_args), loss_of(loss))
