"""A trained model as files, with its preprocessing; loading them runs no code from them.

``model.json`` says what the network is, ``weights.safetensors`` holds its numbers,
``encoder.json`` the preprocessing. ``model.json`` holds the sha256 of the others: a file that
was changed is refused. So is, whatever its hash says, one that does not hold what a run writes,
before it takes memory.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from fitwell.data.columns import TableEncoder
from fitwell.data.images import ImageEncoder
from fitwell.errors import InputError
from fitwell.models.blueprint import Blueprint, find_factory
from fitwell.models.ensemble import Ensemble
from fitwell.storage import replacing, write_json
from fitwell.training.loop import probabilities
from fitwell.vetting.about import FORMAT, About, read_about
from fitwell.vetting.hashes import check_hash, sha256
from fitwell.vetting.layout import ABOUT, FILES, WEIGHTS, check_folder, check_names
from fitwell.vetting.tensors import Form, check_fit, read_header

TYPES = {
    torch.bool: "BOOL", torch.uint8: "U8", torch.int8: "I8", torch.int16: "I16",
    torch.int32: "I32", torch.int64: "I64", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.float32: "F32", torch.float64: "F64", torch.complex64: "C64",
}  # fmt: skip
"""How safetensors writes the types of torch."""


@dataclass(frozen=True)
class Predictor:
    """A trained network with its preprocessing: raw rows in, probabilities out.

    Attributes:
        network: bare, in eval mode.
        encoder: None for a model that was trained on arrays.
        classes: names of the outputs, in order.
        shape: what one row looks like to the network.
    """

    network: nn.Module
    encoder: TableEncoder | ImageEncoder | None
    classes: tuple[str, ...]
    shape: tuple[int, ...]

    def predict_proba(self, rows: Any) -> NDArray[np.float64]:
        """Give one row of class probabilities per row, in order; each row sums to 1.

        Args:
            rows: a DataFrame, a uint8 array of images, or, for a model trained on arrays,
                an array as the network reads it.

        Raises:
            InputError: they do not fit what the model was trained on.
        """
        return self.answer(self.encode(rows))

    def encode(self, rows: Any) -> NDArray[np.float32]:
        """Turn raw rows into what the network reads; see `predict_proba`."""
        x = np.asarray(rows) if self.encoder is None else self.encoder.transform(rows)
        if x.shape[1:] != self.shape:
            raise InputError(
                f"a row has shape {x.shape[1:]}, but the model was trained on {self.shape}. Give"
                " the columns of training, in their order."
            )
        return np.ascontiguousarray(x, dtype=np.float32)

    def answer(self, x: NDArray[np.float32]) -> NDArray[np.float64]:
        """Give the class probabilities of encoded rows."""
        return probabilities(self.network, x)


def save_model(
    folder: Path,
    *,
    network: nn.Module,
    blueprint: Blueprint,
    shape: Sequence[int],
    classes: Sequence[str],
    encoder: Any,
    manifest: bool = False,
) -> None:
    """Write a model's files into ``folder``, which is made if need be.

    ``blueprint`` is that of the network; of an ensemble that of one member. ``manifest`` says
    that the hashes of the run's evidence will lie beside the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    with replacing(folder / "weights.safetensors") as temporary:
        save_file(state, temporary)
    if hasattr(encoder, "save"):
        encoder.save(folder)
    kind = type(encoder).__name__ if hasattr(encoder, "save") else None
    write_json(
        folder / ABOUT,
        {
            "format": FORMAT,
            "network": {
                "kind": blueprint.kind,
                "widths": list(blueprint.widths),
                "activation": blueprint.activation,
                "hidden": blueprint.hidden,
                "width": blueprint.width,
                "removed": blueprint.removed,
                "factory": blueprint.name,
                **({"members": len(network.members)} if isinstance(network, Ensemble) else {}),
            },
            "shape": list(shape),
            "classes": list(classes),
            "encoder": kind,
            **({"manifest": True} if manifest else {}),
            "sha256": {name: sha256(folder / name) for name in sorted(FILES[kind])},
        },
    )


def load_model(folder: Path, factory: str | None = None) -> Predictor:
    """Read a model's files.

    Args:
        folder: the ``model`` folder of a run.
        factory: for a model of the user's own, ``module:factory`` once more: a folder
            alone never decides which code is run.

    Raises:
        InputError: a file is missing, was changed, or does not fit; or ``factory`` is
            needed and was not given.
    """
    about = check_model(folder)
    encoder: TableEncoder | ImageEncoder | None = None
    if about.encoder == "TableEncoder":
        encoder = TableEncoder.load(folder)
    elif about.encoder == "ImageEncoder":
        encoder = ImageEncoder.load(folder)
    if encoder is not None and tuple(encoder.shape) != about.shape:
        raise InputError(
            f"{folder / ABOUT} has rows of shape {about.shape}, but the encoder gives"
            f" {tuple(encoder.shape)}. Copy the run folder again."
        )
    network = _network(_blueprint(about, factory, folder), about, folder / WEIGHTS)
    return Predictor(network.eval(), encoder, about.classes, about.shape)


def check_model(folder: Path) -> About:
    """Check a model's files by name, kind, size and hash, and give what model.json says.

    Raises:
        InputError: one is missing, was changed, or is no file of a model.
    """
    check_folder(folder)
    about = read_about(folder)  # another format may have other files
    check_names(folder)
    for name, expected in about.sha256.items():
        check_hash(folder / name, expected, ABOUT)
    return about


def _network(blueprint: Blueprint, about: About, path: Path) -> nn.Module:
    """Build the network that model.json describes and give it its weights.

    A built-in one is first built without memory, so that nothing larger than the file of its
    weights is ever taken.
    """
    found = read_header(path)
    if blueprint.kind == "custom":
        network = _build(blueprint, about)
        check_fit(path, found, _forms(network))
    else:
        layers = max(1, len(about.widths) - about.removed) + 1
        if layers * max(1, about.members) > len(found):
            raise InputError(
                f"{path} has {len(found)} tensors, too few for the layers in model.json. Copy the"
                " run folder again."
            )
        with torch.device("meta"):
            network = _outlined(blueprint, about, path)
        check_fit(path, found, _forms(network))
        network = network.to_empty(device="cpu")
    try:
        state = load_file(path)
    except SafetensorError as error:
        raise InputError(f"{path} is broken: {error}. Copy the run folder again.") from error
    _check_numbers(path, state, dict(network.named_buffers()))
    network.load_state_dict(state)
    return network


def _outlined(blueprint: Blueprint, about: About, path: Path) -> nn.Module:
    try:
        return _build(blueprint, about)
    except (RuntimeError, OverflowError, TypeError) as error:
        raise InputError(
            f"{path.with_name(ABOUT)} describes no network that can be built:"
            f" {str(error).splitlines()[0][:200]}. Copy the run folder again."
        ) from error


def _build(blueprint: Blueprint, about: About) -> nn.Module:
    shape, outputs = about.shape, len(about.classes)
    if not about.members:
        return blueprint.build(shape, outputs)
    return Ensemble([blueprint.build(shape, outputs) for _ in range(about.members)])


def _forms(network: nn.Module) -> dict[str, Form]:
    return {
        name: Form(TYPES.get(tensor.dtype, str(tensor.dtype)), tuple(tensor.shape))
        for name, tensor in network.state_dict().items()
    }


def _check_numbers(path: Path, state: Mapping[str, Tensor], buffers: Iterable[str]) -> None:
    """Refuse weights that are no numbers; a buffer may be infinite, as a mask of attention is."""
    for name, tensor in state.items():
        bad = tensor.isnan() if name in buffers else ~tensor.isfinite()
        if bool(bad.any()):
            raise InputError(
                f"{path}: {name[:80]!r} holds NaN or infinite numbers. Copy the run folder again,"
                " or make the run anew."
            )


def _blueprint(about: About, factory: str | None, folder: Path) -> Blueprint:
    if about.kind != "custom":
        return Blueprint(
            kind=about.kind,  # type: ignore[arg-type]  # looked at by read_about
            widths=about.widths,
            activation=about.activation,
            hidden=about.hidden,
            width=about.width,
            removed=about.removed,
        )
    if factory is None:
        raise InputError(
            f"{folder} holds a network of your own, {about.factory or 'a Python object'}."
            " Name it again with --model module:factory, so that no code runs that you did not"
            " name."
        )
    return Blueprint(kind="custom", factory=find_factory(factory), name=factory, width=about.width)
