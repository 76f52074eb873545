"""A network as something that can be built again and again, each time from new weights."""

import copy
import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import nn

from fitwell.errors import InputError
from fitwell.models.cnn import cnn
from fitwell.models.mlp import ACTIVATIONS, mlp
from fitwell.own.finding import find

Factory = Callable[..., nn.Module]
Shape = tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Blueprint:
    """How a network is built for inputs of a given shape and a number of outputs.

    Attributes:
        kind: ``mlp`` and ``cnn`` are built in; ``custom`` is the user's own.
        widths: units of each hidden layer, or filters of each block.
        activation: one of `ACTIVATIONS`.
        hidden: units of the linear layer after the blocks of a ``cnn``.
        factory: for ``custom``, called with the shape and the number of outputs.
        name: where the factory can be found again, ``module:factory``; may be empty.
        width: every width is multiplied by this (the remedy `network_size`).
        removed: so many hidden layers less (the remedy `network_size`).
    """

    kind: Literal["mlp", "cnn", "custom"]
    widths: tuple[int, ...] = (256, 256)
    activation: str = "relu"
    hidden: int = 128
    factory: Factory | None = None
    name: str = ""
    width: float = 1.0
    removed: int = 0

    def __post_init__(self) -> None:
        if self.activation not in ACTIVATIONS:
            raise InputError(
                f"activation is {self.activation!r}, but one of {', '.join(ACTIVATIONS)} is"
                " expected. Choose one of them."
            )
        if not self.widths or min(self.widths) < 1:
            raise InputError(
                f"widths is {','.join(map(str, self.widths))!r}, but every hidden layer needs at"
                " least one unit. Write for example 256,256."
            )

    @property
    def spare_layers(self) -> int:
        """How many hidden layers `smaller` can take away: all but one, none of a custom net."""
        return 0 if self.kind == "custom" else len(self.widths) - 1

    @property
    def scalable(self) -> bool:
        """Whether a smaller network of the same kind can be built."""
        return self.kind != "custom" or "width" in _parameters(self.factory)

    def smaller(self, width: float, removed: int = 0) -> "Blueprint":
        """Build with every width times ``width`` and ``removed`` hidden layers less."""
        return replace(self, width=width, removed=removed)

    def build(self, shape: Shape, outputs: int) -> nn.Module:
        """Make a network with new weights from torch's current random state.

        Raises:
            InputError: the network cannot be built, or does not map such inputs to
                ``outputs`` numbers a row.
        """
        widths = [max(1, round(width * self.width)) for width in self.widths]
        widths = widths[: max(1, len(widths) - self.removed)]
        if self.kind == "mlp":
            inputs = int(torch.Size(shape).numel())
            plain = mlp(inputs, outputs, widths=widths, activation=self.activation)
            return plain if len(shape) == 1 else nn.Sequential(nn.Flatten(), *plain)
        if self.kind == "cnn":
            if len(shape) != 3:
                raise InputError(
                    "--model cnn needs images, but the data is a table. Use --model mlp."
                )
            hidden = max(1, round(self.hidden * self.width))
            image: tuple[int, int, int] = (shape[0], shape[1], shape[2])
            return cnn(image, outputs, widths=widths, hidden=hidden, activation=self.activation)
        return self._build_custom(shape, outputs)

    def _build_custom(self, shape: Shape, outputs: int) -> nn.Module:
        assert self.factory is not None
        label = self.name or getattr(self.factory, "__name__", "model")
        inputs: int | Shape = shape[0] if len(shape) == 1 else shape
        given: dict[str, object] = {"width": self.width} if self.scalable else {}
        try:
            wants = [p for p in _parameters(self.factory) if p != "width"]
            network = self.factory(*(inputs, outputs)[: len(wants)], **given)
        except Exception as error:
            raise InputError(
                f"--model {label} cannot be built for {inputs} inputs and {outputs} outputs:"
                f" {type(error).__name__}: {error}. It is called as"
                " factory(inputs, outputs) and must return a torch.nn.Module."
            ) from error
        if not isinstance(network, nn.Module):
            raise InputError(
                f"--model {label} returned {type(network).__name__}, but a torch.nn.Module is"
                " expected. Let it return the network."
            )
        _check_fit(network, label, shape, outputs)
        return network


def _parameters(factory: Factory | None) -> dict[str, inspect.Parameter]:
    try:
        found = inspect.signature(factory or (lambda: None)).parameters
    except (TypeError, ValueError):  # some builtins have no signature
        return {"inputs": inspect.Parameter("inputs", inspect.Parameter.POSITIONAL_ONLY)}
    return {
        name: parameter
        for name, parameter in found.items()
        if name == "width" or parameter.default is inspect.Parameter.empty
    }


def _check_fit(network: nn.Module, label: str, shape: Shape, outputs: int) -> None:
    """Send two rows of zeros through, so that a misfit shows before any training."""
    try:
        with torch.no_grad():
            result = copy.deepcopy(network).eval()(torch.zeros(2, *shape))
    except Exception as error:
        reason = str(error).splitlines()[0]
        raise InputError(
            f"--model {label} does not fit the data, where a row has shape {shape}: {reason}."
            " Build it from the factory's first argument, the number of inputs."
        ) from error
    if not isinstance(result, torch.Tensor) or result.shape != (2, outputs):
        got = tuple(result.shape) if isinstance(result, torch.Tensor) else type(result).__name__
        raise InputError(
            f"--model {label} gives {got} for 2 rows, but (2, {outputs}) is expected: one number"
            " per class. Build it from the factory's second argument, the number of outputs."
        )


def find_factory(name: str) -> Factory:
    """Import ``module:factory``; the current folder is searched too.

    Raises:
        InputError: no such module, no such name, or it is not callable.
    """
    found: Factory = find(name, "--model", "module:factory")
    return found


def from_module(module: nn.Module) -> Factory:
    """Make a factory that copies ``module`` and draws its weights anew.

    Raises:
        InputError: a layer with weights of its own has no ``reset_parameters``.
    """
    stuck = [
        name or type(layer).__name__
        for name, layer in module.named_modules()
        if list(layer.parameters(recurse=False)) and not hasattr(layer, "reset_parameters")
    ]
    if stuck:
        raise InputError(
            f"model: layer {stuck[0]!r} has no reset_parameters, so its weights cannot be drawn"
            " anew. Give a function that builds the network instead of the network."
        )
    template = copy.deepcopy(module)

    def rebuild(inputs: object, outputs: object) -> nn.Module:  # noqa: ARG001 - it has its sizes
        network = copy.deepcopy(template)
        for layer in network.modules():
            reset = getattr(layer, "reset_parameters", None)
            if reset is not None:
                reset()
        return network

    return rebuild
