"""What model.json says of a network, checked by type and size before anything is built."""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fitwell.errors import InputError
from fitwell.models.mlp import ACTIVATIONS
from fitwell.storage import read_json
from fitwell.vetting.layout import ABOUT, FILES, check_file

FORMAT = 2
MOST = 2**31 - 1
"""Of a width, an axis, a number of layers."""

LARGEST_ROW = 2**28
"""Numbers; a row of 1 GiB."""

MOST_MEMBERS = 1024


@dataclass(frozen=True, kw_only=True)
class About:
    """The content of model.json.

    Attributes:
        kind: of the network: ``mlp``, ``cnn`` or ``custom``.
        widths: units of each hidden layer, or filters of each block.
        activation: its name.
        hidden: units of the linear layer behind the blocks.
        width: every width is multiplied by this.
        removed: so many hidden layers less.
        factory: for ``custom`` the name of what builds it; may be empty.
        members: of an ensemble; 0 for a single network.
        shape: of one row.
        classes: names of the outputs.
        encoder: ``TableEncoder``, ``ImageEncoder``, or None for arrays.
        sha256: of the files beside it, by name.
        manifest: whether the hashes of the evidence lie beside the model's folder.
    """

    kind: str
    widths: tuple[int, ...]
    activation: str
    hidden: int
    width: float
    removed: int
    factory: str
    members: int
    shape: tuple[int, ...]
    classes: tuple[str, ...]
    encoder: str | None
    sha256: Mapping[str, str]
    manifest: bool


def read_about(folder: Path) -> About:
    """Read model.json.

    Raises:
        InputError: it is missing, of another format, or a field has another type or size than
            any run writes.
    """
    path = folder / ABOUT
    check_file(path)
    about = read_json(path)
    if about.get("format") != FORMAT:
        raise InputError(
            f"{path} has format {about.get('format')!r:.40}, but this fitwell reads format"
            f" {FORMAT}. Use the version that made it."
        )
    found = _parsed(_Fields(path, about), path)
    if set(found.sha256) != FILES[found.encoder]:
        raise InputError(
            f"{path} names the files {', '.join(sorted(found.sha256))[:200]}, but"
            f" {', '.join(sorted(FILES[found.encoder]))} are expected. Copy the run folder again."
        )
    return found


def _parsed(fields: "_Fields", path: Path) -> About:
    network = _Fields(path, fields.get("network", _is_object, "an object"))
    return About(
        kind=network.get("kind", _is_kind, "mlp, cnn or custom"),
        widths=tuple(network.get("widths", _are_sizes, "a list of whole numbers from 1")),
        activation=network.get("activation", _is_activation, f"one of {', '.join(ACTIVATIONS)}"),
        hidden=network.get("hidden", _is_size, "a whole number from 1"),
        width=float(network.get("width", _is_factor, "a number above 0, at most 64")),
        removed=network.get("removed", _is_count, "a whole number from 0"),
        factory=network.get("factory", _is_text, "a text"),
        members=network.get("members", _is_members, f"1 to {MOST_MEMBERS}", absent=0),
        shape=tuple(fields.get("shape", _is_shape, "a list of whole numbers, the sizes of a row")),
        classes=tuple(fields.get("classes", _are_names, "a list of texts")),
        encoder=fields.get("encoder", _is_encoder, "TableEncoder, ImageEncoder or null"),
        sha256=fields.get("sha256", _are_hashes, "an object of file names with 64 hexadecimals"),
        manifest=fields.get("manifest", lambda value: value is True, "true", absent=False),
    )


@dataclass(frozen=True)
class _Fields:
    """An object of model.json, whose fields are looked at before they are used."""

    path: Path
    content: Mapping[str, Any]

    def get(
        self, name: str, fits: Callable[[Any], bool], expected: str, absent: object = None
    ) -> Any:
        """Give a field, or ``absent`` where it may be left out.

        Raises:
            InputError: it is missing or does not fit.
        """
        if name not in self.content and absent is not None:
            return absent
        value = self.content.get(name)
        if name in self.content and fits(value):
            return value
        shown = f"{name} is {_short(value)}" if name in self.content else f"{name} is missing"
        raise InputError(
            f"{self.path}: {shown}, but {expected} is expected. Copy the run folder again, or make"
            " the run anew."
        )


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _is_whole(value: object, least: int, most: int = MOST) -> bool:
    return type(value) is int and least <= value <= most


def _is_size(value: object) -> bool:
    return _is_whole(value, 1)


def _is_count(value: object) -> bool:
    return _is_whole(value, 0)


def _is_members(value: object) -> bool:
    return _is_whole(value, 1, MOST_MEMBERS)


def _are_sizes(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_size, value))


def _is_shape(value: Any) -> bool:
    return _are_sizes(value) and len(value) <= 16 and math.prod(value) <= LARGEST_ROW


def _is_factor(value: Any) -> bool:
    return type(value) in (int, float) and 0 < value <= 64


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_object(value: object) -> bool:
    return isinstance(value, dict)


def _is_activation(value: object) -> bool:
    return isinstance(value, str) and value in ACTIVATIONS


def _is_kind(value: object) -> bool:
    return value in ("mlp", "cnn", "custom")


def _is_encoder(value: object) -> bool:
    return value is None or (isinstance(value, str) and value in FILES)


def _are_names(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_text, value))


def _are_hashes(value: object) -> bool:
    return isinstance(value, dict) and all(map(_is_hash, value.values()))


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None
