"""Images with a class each: MedMNIST's ``.npz`` form, or one folder per class."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitwell.data.reading import check_file
from fitwell.data.source import Rows
from fitwell.errors import InputError
from fitwell.storage import read_json, write_json

PARTS = {"train": 0, "val": 1, "test": 2}
LARGEST_SIDE = 64
"""Images of a folder are resized to their median side, at most so many pixels."""

ENDINGS = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}


@dataclass(frozen=True)
class ImageEncoder:
    """Pixels to (x / 255 - mean) / SD, by channel; float32 [rows, channels, height, width]."""

    shape: tuple[int, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]

    def transform(self, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Encode images of the size that the encoder was fitted on.

        Raises:
            InputError: they have another size or number of channels.
        """
        if pixels.shape[1:] != self.shape:
            raise InputError(
                f"images have shape {pixels.shape[1:]} (channels, height, width), but"
                f" {self.shape} is expected, as in training. Resize them."
            )
        mean = np.array(self.mean, dtype=np.float32).reshape(-1, 1, 1)
        deviation = np.array(self.deviation, dtype=np.float32).reshape(-1, 1, 1)
        scaled = pixels.astype(np.float32) / 255
        return ((scaled - mean) / deviation).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write ``encoder.json``."""
        write_json(
            folder / "encoder.json",
            {"shape": list(self.shape), "mean": self.mean, "deviation": self.deviation},
        )

    @classmethod
    def load(cls, folder: Path) -> "ImageEncoder":
        """Read what `save` wrote.

        Raises:
            InputError: it is not a shape with a mean and a deviation for each channel.
        """
        path = folder / "encoder.json"
        about = read_json(path)
        shape: Any = about.get("shape")
        mean: Any = about.get("mean")
        deviation: Any = about.get("deviation")
        if not (
            _are_numbers(shape, 3, least=1)
            and all(type(size) is int for size in shape)
            and _are_numbers(mean, shape[0], least=0)
            and _are_numbers(deviation, shape[0], least=1e-6)
        ):
            raise InputError(
                f"{path} does not hold a shape, and a mean and a deviation per channel. Copy the"
                " run folder again."
            )
        return cls(tuple(shape), tuple(mean), tuple(deviation))


def _are_numbers(values: Any, count: int, *, least: float) -> bool:
    return (
        isinstance(values, list)
        and len(values) == count
        and all(type(value) in (int, float) and least <= value < 2**31 for value in values)
    )


@dataclass(frozen=True, eq=False)
class Images:
    """Images as they came; a `Source`."""

    pixels: NDArray[np.uint8]
    target: NDArray[np.int64]
    classes: tuple[str, ...]
    official: NDArray[np.int8] | None
    fingerprint: str
    name: str
    notes: tuple[str, ...] = ()
    groups: NDArray[np.int64] | None = None
    times: NDArray[np.float64] | None = None

    @property
    def features(self) -> int:
        """How many numbers an image has."""
        return int(np.prod(self.pixels.shape[1:]))

    def encode(self, fit_rows: Rows) -> tuple[ImageEncoder, NDArray[np.float32]]:
        """Fit mean and standard deviation on ``fit_rows`` alone and apply them to all."""
        fitted = self.pixels[fit_rows].astype(np.float64) / 255
        mean = fitted.mean(axis=(0, 2, 3))
        deviation = np.maximum(fitted.std(axis=(0, 2, 3)), 1e-6)
        encoder = ImageEncoder(
            self.pixels.shape[1:], tuple(map(float, mean)), tuple(map(float, deviation))
        )
        return encoder, encoder.transform(self.pixels)


def read_npz(path: str | Path) -> Images:
    """Read ``train_images`` and ``train_labels``, and the same of ``val`` and ``test``.

    Raises:
        InputError: an array is missing or misshapen, or holds Python objects.
    """
    path = Path(path)
    arrays = _arrays(path)
    images, labels, official = [], [], []
    for part, number in PARTS.items():
        if f"{part}_images" not in arrays:
            continue
        pixels = _channels_first(arrays[f"{part}_images"], f"{path}: {part}_images")
        found = arrays.get(f"{part}_labels")
        if found is None or found.shape[:1] != (len(pixels),) or found.size != len(pixels):
            shape = "missing" if found is None else f"of shape {found.shape}"
            raise InputError(
                f"{path}: {part}_labels is {shape}, but one label for each of {len(pixels)} images"
                " is expected."
            )
        images.append(pixels)
        labels.append(found.reshape(-1))
        official.append(np.full(len(pixels), number, dtype=np.int8))
    return _assemble(images, np.concatenate(labels), np.concatenate(official), path, _hash(path))


def read_pixels(
    path: str | Path, shape: tuple[int, ...]
) -> tuple[NDArray[np.uint8], tuple[str, ...]]:
    """Read images that need no labels, for a network that takes ``shape``.

    Of an ``.npz`` all arrays whose name ends in ``images``, training, validation and test
    first; of a folder all images below it by name, resized. The names are those of the
    files; an ``.npz`` has none.

    Raises:
        InputError: no images, or a file that cannot be read.
    """
    path = Path(path)
    if not path.is_dir():
        arrays = _archive(path)
        order = [f"{part}_images" for part in PARTS]
        found = sorted(
            (name for name in arrays if name.endswith("images")),
            key=lambda name: order.index(name) if name in order else len(order),
        )
        if not found:
            raise InputError(
                f"DATA: {path} has no array whose name ends in images; it has"
                f" {', '.join(arrays) or 'none'}."
            )
        parts = [_channels_first(arrays[name], f"{path}: {name}") for name in found]
        return np.concatenate(parts), ()
    files = sorted(f for f in path.rglob("*") if f.suffix.lower() in ENDINGS)
    if not files:
        raise InputError(f"DATA: {path} holds no images. Name a folder with some.")
    channels, height, width = shape
    mode = "L" if channels == 1 else "RGB"
    images = [_eight_bits(_open(f), f).convert(mode).resize((width, height)) for f in files]
    pixels = np.stack([np.asarray(image).reshape(height, width, -1) for image in images])
    names = tuple(file.relative_to(path).as_posix() for file in files)
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)), names


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    arrays = _archive(path)
    if "train_images" not in arrays:
        raise InputError(
            f"DATA: {path} has no array train_images; it has {', '.join(arrays) or 'none'}. Use the"
            " names train_images, train_labels, and val_ or test_ likewise."
        )
    return arrays


def _archive(path: Path) -> dict[str, NDArray[Any]]:
    check_file(path)
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # numpy raises many kinds for a broken archive
        reason = str(error).splitlines()[0]
        raise InputError(
            f"DATA: {path} is not an .npz file of plain arrays: {reason}. Write it with np.savez."
        ) from error


def _channels_first(array: NDArray[Any], what: str) -> NDArray[np.uint8]:
    shape = array.shape
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[-1] not in (1, 3, 4) or array.dtype != np.uint8:
        raise InputError(
            f"{what} has shape {shape} and type {array.dtype}, but uint8 images [rows,"
            " height, width] or [rows, height, width, channels] are expected."
        )
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2))


def _assemble(
    images: Sequence[NDArray[np.uint8]],
    labels: NDArray[Any],
    official: NDArray[np.int8],
    path: Path,
    fingerprint: str,
    notes: tuple[str, ...] = (),
) -> Images:
    shapes = {part.shape[1:] for part in images}
    if len(shapes) > 1:
        raise InputError(f"{path}: the parts hold images of different shapes, {sorted(shapes)}.")
    if len(labels) == 0:
        raise InputError(f"{path} holds no images. Give at least two classes of them.")
    names, codes = np.unique(labels, return_inverse=True)
    unseen = sorted(set(codes[official == 2]) - set(codes[official == 0]))
    if unseen:
        raise InputError(
            f"{path}: class {str(names[unseen[0]])!r} is in the test part, but not in the training"
            " part. Add images of it, or leave it out."
        )
    if len(names) < 2:
        raise InputError(f"{path} holds one class only, {names[0]}. At least two are expected.")
    return Images(
        pixels=np.concatenate(images),
        target=codes.astype(np.int64).reshape(-1),
        classes=tuple(str(name) for name in names),
        official=official if (official > 0).any() else None,
        fingerprint=fingerprint,
        name=path.name,
        notes=notes,
    )


def _hash(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_folder(path: str | Path) -> Images:
    """Read one sub-folder of images per class, below ``train`` and ``test`` if split.

    Raises:
        InputError: no images, a file that cannot be read, or a class only in ``test``.
    """
    path = Path(path)
    parts = {name: number for name, number in PARTS.items() if (path / name).is_dir()}
    files: list[tuple[Path, str, int]] = []
    for part, number in (parts or {"": -1}).items():
        for folder in sorted(p for p in (path / part).iterdir() if p.is_dir()):
            found = sorted(f for f in folder.iterdir() if f.suffix.lower() in ENDINGS)
            files += [(file, folder.name, number) for file in found]
    if not files:
        raise InputError(
            f"DATA: {path} holds no images in sub-folders. Make one sub-folder per class, below"
            " train/ and test/ if the data is split."
        )
    pixels, notes, digest = _load_files([file for file, _, _ in files], path)
    labels = np.array([label for _, label, _ in files])
    official = np.array([number for _, _, number in files], dtype=np.int8)
    return _assemble([pixels], labels, official, path, digest, notes)


def _load_files(
    files: Sequence[Path], root: Path
) -> tuple[NDArray[np.uint8], tuple[str, ...], str]:
    opened, notes, digest = [], [], hashlib.sha256()
    deep = 0
    for file in files:
        digest.update(file.relative_to(root).as_posix().encode() + file.read_bytes())
        image = _open(file)
        deep += image.mode.startswith("I")
        opened.append(_eight_bits(image, file))
    if deep:
        notes.append(f"{deep} images of 16 bits per pixel were brought to 8.")
    mode = "L" if all(image.mode == "L" for image in opened) else "RGB"
    sides = [side for image in opened for side in image.size]
    side = int(min(LARGEST_SIDE, np.median(sides)))
    resized = [image.convert(mode).resize((side, side)) for image in opened]
    arrays = np.stack([np.asarray(image).reshape(side, side, -1) for image in resized])
    if set(sides) != {side}:
        notes.append(f"Images were resized to {side} x {side} pixels.")
    return np.ascontiguousarray(arrays.transpose(0, 3, 1, 2)), tuple(notes), digest.hexdigest()


def _open(file: Path) -> Any:
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise InputError(
            "a folder of images needs Pillow. Install it: pip install 'fitwell[images]'"
        ) from error
    try:
        with Image.open(file) as image:
            image.load()
            return image.copy()
    except Exception as error:  # Pillow raises many kinds for a broken file
        raise InputError(f"DATA: {file} cannot be read as an image. Remove it.") from error


def _eight_bits(image: Any, file: Path) -> Any:
    """Give grey or colour; of 16 bits the high byte, since Pillow alone would cut at 255."""
    from PIL import Image

    if not image.mode.startswith(("I", "F")):
        return image.convert("L" if image.mode in ("1", "L") else "RGB")
    pixels = np.asarray(image)
    if image.mode == "F" or pixels.min() < 0 or pixels.max() > 0xFFFF:
        raise InputError(
            f"DATA: {file} has pixels of 32 bits, but 8 or 16 are expected. Convert it."
        )
    return Image.fromarray((pixels.astype(np.int64) >> 8).astype(np.uint8))
