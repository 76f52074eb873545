"""Prove that two networks compute the same, on an example and on random inputs of its shape."""

import torch
from torch import Tensor, nn

from fitwell.errors import FitwellError, InputError

RANDOM_INPUTS = 3
TOLERANCE = 1e-9
"""Of the largest output. Both networks run in float64, where a step rounds by 1e-16, but they
add in another order; a forgotten constant shows in the first digits."""


def checked(example: object) -> tuple[Tensor, ...]:
    """Give the inputs in float64, as a tuple; whole numbers stay what they are."""
    inputs = example if isinstance(example, tuple) else (example,)
    if not inputs or not all(isinstance(t, Tensor) and t.numel() for t in inputs):
        raise InputError(
            f"example is {type(example).__name__}, but a tensor or a tuple of tensors with rows is"
            " expected. Give one batch of the network's input."
        )
    return tuple(t.detach().double() if t.is_floating_point() else t.detach() for t in inputs)


def outputs(model: nn.Module, inputs: tuple[Tensor, ...], where: str = "it") -> list[Tensor]:
    """Run a network on clones, for it may write over them, and list the tensors it gives.

    Raises:
        InputError: it cannot run, or gives something other than tensors.
    """
    try:
        output = model(*(tensor.clone() for tensor in inputs))
    except Exception as error:
        raise InputError(
            f"example: {type(model).__name__} cannot run on {where} in float64:"
            f" {first_line(error)}. Give one batch in the shape that the network takes."
        ) from error
    return _flat(output)


def first_line(error: Exception) -> str:
    """Give the first line of what an error says, without the full stop."""
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")


def _flat(output: object) -> list[Tensor]:
    if isinstance(output, Tensor):
        return [output.double()]
    if not isinstance(output, (dict, tuple, list)):
        raise InputError(
            f"model: {type(output).__name__} is among its outputs, but tensors in tuples, lists or"
            " dictionaries are expected, to be compared. Compact the part that gives tensors."
        )
    parts = output.values() if isinstance(output, dict) else output
    return [tensor for part in parts for tensor in _flat(part)]


def prove_equal(original: nn.Module, small: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    """Raise unless both networks, in float64, give the same; see `TOLERANCE`.

    Raises:
        FitwellError: they do not.
    """
    draw = torch.Generator().manual_seed(0)
    random = [("random inputs of its shape", _random(inputs, draw)) for _ in range(RANDOM_INPUTS)]
    for where, trial in (("the example", inputs), *random):
        expected = outputs(original, trial, where)
        try:
            same = _close(outputs(small, trial), expected)
        except InputError:  # the smaller one cannot run at all
            same = False
        if not same:
            raise FitwellError(
                f"compact: the smaller {type(small).__name__} gives other outputs on {where}, so"
                " it is not returned. Keep the network as it is; one that draws random numbers"
                " in eval mode cannot be compared."
            )


def _close(found: list[Tensor], expected: list[Tensor]) -> bool:
    sizes = [float(t.nan_to_num(0, 0, 0).abs().max()) for t in expected if t.numel()]
    limit = TOLERANCE * max(sizes, default=0.0)
    return len(found) == len(expected) and all(
        a.shape == b.shape and torch.allclose(a, b, rtol=0, atol=limit, equal_nan=True)
        for a, b in zip(found, expected, strict=True)
    )


def _random(inputs: tuple[Tensor, ...], draw: torch.Generator) -> tuple[Tensor, ...]:
    """Draw normal numbers; whole numbers, which may be indices, are shuffled."""
    return tuple(
        torch.randn(t.shape, generator=draw, dtype=t.dtype).to(t.device)
        if t.is_floating_point()
        else t.flatten()[torch.randperm(t.numel(), generator=draw).to(t.device)].reshape(t.shape)
        for t in inputs
    )
