"""A trained model as files, with its preprocessing; loading them runs no code from them.

``model.json`` says what the network is, ``weights.safetensors`` holds its numbers,
``encoder.json`` (and ``encoder.skops`` for tables) the preprocessing. ``model.json`` holds
the sha256 of the others: a file that was changed is refused.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from fitwell.data.columns import TableEncoder
from fitwell.data.images import ImageEncoder
from fitwell.errors import InputError
from fitwell.models.blueprint import Blueprint, find_factory
from fitwell.models.ensemble import Ensemble
from fitwell.storage import read_json, replacing, write_json
from fitwell.training.loop import probabilities

FORMAT = 1


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
) -> None:
    """Write a model's files into ``folder``, which is made if need be.

    ``blueprint`` is that of the network; of an ensemble that of one member.
    """
    folder.mkdir(parents=True, exist_ok=True)
    state = {name: value.contiguous() for name, value in network.state_dict().items()}
    with replacing(folder / "weights.safetensors") as temporary:
        save_file(state, temporary)
    if hasattr(encoder, "save"):
        encoder.save(folder)
    files = sorted(path.name for path in folder.iterdir() if path.name != "model.json")
    write_json(
        folder / "model.json",
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
            "encoder": type(encoder).__name__ if hasattr(encoder, "save") else None,
            "sha256": {name: _sha256(folder / name) for name in files},
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
    about = read_json(folder / "model.json")
    if about.get("format") != FORMAT:
        raise InputError(
            f"{folder / 'model.json'} has format {about.get('format')!r}, but this fitwell reads"
            f" format {FORMAT}. Use the version that made it."
        )
    _check_hashes(folder, about)
    encoder: TableEncoder | ImageEncoder | None = None
    if about["encoder"] == "TableEncoder":
        encoder = TableEncoder.load(folder)
    elif about["encoder"] == "ImageEncoder":
        encoder = ImageEncoder.load(folder)
    classes = tuple(about["classes"])
    blueprint = _blueprint(about["network"], factory, folder)
    network = _build(blueprint, about, len(classes))
    try:
        network.load_state_dict(load_file(folder / "weights.safetensors"))
    except (RuntimeError, SafetensorError) as error:
        raise InputError(
            f"{folder / 'weights.safetensors'} does not fit the network:"
            f" {str(error).splitlines()[0]}. Make the run anew."
        ) from error
    return Predictor(network.eval(), encoder, classes, tuple(about["shape"]))


def _build(blueprint: Blueprint, about: Mapping[str, Any], outputs: int) -> nn.Module:
    shape, members = tuple(about["shape"]), about["network"].get("members")
    if not members:
        return blueprint.build(shape, outputs)
    return Ensemble([blueprint.build(shape, outputs) for _ in range(members)])


def _blueprint(network: Mapping[str, Any], factory: str | None, folder: Path) -> Blueprint:
    if network["kind"] != "custom":
        return Blueprint(
            kind=network["kind"],
            widths=tuple(network["widths"]),
            activation=network["activation"],
            hidden=network["hidden"],
            width=network["width"],
            removed=network["removed"],
        )
    if factory is None:
        raise InputError(
            f"{folder} holds a network of your own, {network['factory'] or 'a Python object'}."
            " Name it again with --model module:factory, so that no code runs that you did not"
            " name."
        )
    return Blueprint(
        kind="custom", factory=find_factory(factory), name=factory, width=network["width"]
    )


def _check_hashes(folder: Path, about: Mapping[str, Any]) -> None:
    for name, expected in about["sha256"].items():
        path = folder / Path(name).name
        if not path.is_file():
            raise InputError(f"{path} is missing. Copy the whole run folder again.")
        if _sha256(path) != expected:
            raise InputError(
                f"{path} was changed since the run: its sha256 is not the one in model.json. Copy"
                " the run folder again, or make the run anew."
            )


def _sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
