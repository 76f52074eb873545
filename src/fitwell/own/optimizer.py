"""An optimizer other than Adam as it is: a class of torch's or the user's, and its arguments."""

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fitwell.errors import InputError
from fitwell.own.arguments import parse_arguments, written
from fitwell.own.finding import find, name_of

Make = Callable[..., torch.optim.Optimizer]


@dataclass(frozen=True)
class Optimizer:
    """How an optimizer is made for a network; hashable, so that it can be part of a recipe.

    Attributes:
        name: as shown.
        factory: the class, or any function that is called like one.
        arguments: all but the parameters and the learning rate.
    """

    name: str
    factory: Make
    arguments: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({written(dict(self.arguments))})" if self.arguments else self.name

    def make(self, parameters: Iterable[Tensor], learning_rate: float) -> torch.optim.Optimizer:
        """Make the optimizer.

        Raises:
            InputError: it refuses its arguments or the network's parameters.
        """
        try:
            made = self.factory(parameters, lr=learning_rate, **dict(self.arguments))
        except Exception as error:
            reason = str(error).split("\n")[0].rstrip(".")
            raise InputError(
                f"--optimizer {self} cannot be made: {type(error).__name__}: {reason}. Change"
                " --optimizer-args, or use another optimizer."
            ) from error
        if not isinstance(made, torch.optim.Optimizer):
            raise InputError(
                f"--optimizer {self.name} returned {type(made).__name__}, but a"
                " torch.optim.Optimizer is expected. Name a class of them."
            )
        return made


def optimizer_of(given: str | Make, arguments: str | Mapping[str, Any]) -> Optimizer | None:
    """Find an optimizer by name, or take a class; None is Adam with torch's defaults.

    Raises:
        InputError: no such optimizer, or it has no such argument.
    """
    if not isinstance(arguments, str | Mapping):
        raise InputError(
            f"optimizer_args is {arguments!r}, but a dict of names and values is expected, such as"
            " {'momentum': 0.9}."
        )
    known = parse_arguments(arguments) if isinstance(arguments, str) else dict(arguments)
    factory = _found(given) if isinstance(given, str) else given
    if not callable(factory):
        raise InputError(
            f"optimizer is {factory!r}, but a class such as torch.optim.SGD, or its name, is"
            " expected."
        )
    if factory is torch.optim.Adam and not known:
        return None
    name = given if isinstance(given, str) else name_of(given)
    _check(name, factory, known)
    return Optimizer(name, factory, tuple((key, _frozen(value)) for key, value in known.items()))


def _found(name: str) -> Make:
    if ":" in name:
        return find(name, "--optimizer", "module:Class")
    inside = vars(torch.optim)
    names = [
        key
        for key, value in inside.items()
        if isinstance(value, type)
        and issubclass(value, torch.optim.Optimizer)
        and value is not torch.optim.Optimizer
    ]
    if name not in names:
        folded = {key.lower(): key for key in names}
        near = difflib.get_close_matches(name.lower(), folded, n=1)
        hint = f"Did you mean {folded[near[0]]}?" if near else f"There are {', '.join(names)}."
        raise InputError(
            f"--optimizer is {name!r}, but a class of torch.optim or module:Class is expected."
            f" {hint}"
        )
    found: Make = inside[name]
    return found


def _check(name: str, factory: Make, arguments: Mapping[str, Any]) -> None:
    """Refuse an argument that the optimizer lacks, and the learning rate, which has its option."""
    if "lr" in arguments:
        raise InputError(
            "--optimizer-args: lr is the learning rate. Give it to --learning-rate instead."
        )
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):  # it does not say
        return
    if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters.values()):
        return
    known = [key for key in list(parameters)[1:] if key != "lr"]
    for key in arguments:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"It has {', '.join(known) or 'none'}."
            raise InputError(f"--optimizer-args: {name} has no argument {key!r}. {hint}")


def _frozen(value: Any) -> Any:
    """Make lists into tuples, so that a recipe can be hashed."""
    value = tuple(map(_frozen, value)) if isinstance(value, list | tuple) else value
    try:
        hash(value)
    except TypeError as error:
        raise InputError(
            f"--optimizer-args: {value!r} cannot be an argument, but a number, text, True, False"
            " or a tuple of them is expected."
        ) from error
    return value
