"""The user's own weights: read, checked against the network, and named by their hash."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from fitwell.errors import InputError
from fitwell.models.blueprint import Blueprint
from fitwell.task import Given

IN_PYTHON = "given in Python"


def name_given(weights: object) -> tuple[str, Mapping[str, Tensor] | None]:
    """Tell a file's name from a ``state_dict``; give what the question holds, and the latter.

    Raises:
        InputError: it is neither.
    """
    if isinstance(weights, Mapping):
        return IN_PYTHON, weights
    if weights is None or isinstance(weights, str | Path):
        return str(weights or ""), None
    raise InputError(
        f"from_weights is a {type(weights).__name__}, but a safetensors file or a state_dict is"
        " expected, such as network.state_dict()."
    )


def read_given(path: str, network: nn.Module, blueprint: Blueprint) -> Given:
    """Read a safetensors file that holds the network's ``state_dict``.

    Args:
        path: the file.
        network: what the weights must fit.
        blueprint: of the network; it decides what a misfit is told.

    Raises:
        InputError: no such file, not safetensors, or not the network's.
    """
    file = Path(path)
    if file.is_dir():
        raise InputError(
            f"--from {path} is a folder. Name the file in it: of a run of fitwell"
            f" {file / 'model' / 'weights.safetensors'}."
        )
    try:
        content = file.read_bytes()
    except OSError as error:
        reason = "there is no such file" if not file.exists() else error.strerror
        raise InputError(
            f"--from {path}: {reason}. Name a safetensors file of the network's weights."
        ) from error
    try:
        state = load(content)
    except SafetensorError as error:
        raise InputError(
            f"--from {path} is not a safetensors file. Write one with"
            " safetensors.torch.save_file(network.state_dict(), 'weights.safetensors')."
        ) from error
    return _given(path, hashlib.sha256(content).hexdigest(), state, network, blueprint)


def take_given(state: Mapping[str, Tensor], network: nn.Module, blueprint: Blueprint) -> Given:
    """Take a ``state_dict`` that was given in Python.

    Raises:
        InputError: it is not the network's.
    """
    digest = hashlib.sha256()
    taken = {name: value.detach().cpu().contiguous() for name, value in state.items()}
    for name, value in taken.items():
        digest.update(name.encode())
        digest.update(value.flatten().view(torch.uint8).numpy().tobytes())
    return _given(IN_PYTHON, digest.hexdigest(), taken, network, blueprint)


def _given(
    name: str, sha256: str, state: Mapping[str, Tensor], network: nn.Module, blueprint: Blueprint
) -> Given:
    expected = network.state_dict()
    misfit = _misfit(state, expected)
    if misfit:
        raise InputError(f"--from {name} does not fit the network: {misfit}. {_way_out(blueprint)}")
    for key, value in state.items():
        if not bool(torch.isfinite(value).all()):
            raise InputError(
                f"--from {name}: {key} holds NaN or infinite numbers. Give weights of a training"
                " that did not diverge."
            )
    arrays = {key: state[key].to(own.dtype).numpy().copy() for key, own in expected.items()}
    return Given(name=name, sha256=sha256, state=arrays)


def _misfit(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """Describe the first key that does not fit; empty if all do."""
    for key, own in expected.items():
        if key not in state:
            return f"it has no {key}, of shape {tuple(own.shape)}"
        if state[key].shape != own.shape:
            return f"{key} has shape {tuple(state[key].shape)}, but {tuple(own.shape)} is expected"
    for key in state:
        if key not in expected:
            return f"the network has no {key}, of shape {tuple(state[key].shape)}"
    return ""


def _way_out(blueprint: Blueprint) -> str:
    if blueprint.kind == "custom":
        return "Use the --model that the weights were trained with."
    if blueprint.kind == "cnn":
        return "Use images of the size, and the --widths, that the weights were trained with."
    return (
        "The inputs of a table's network follow from the columns and the categories of its"
        " training rows: use the data, --seed, --widths and --ignore that the weights were"
        " trained with."
    )
