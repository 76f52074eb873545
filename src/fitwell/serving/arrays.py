"""Bodies of numbers and images: NPY, nested JSON lists, one PNG or JPEG."""

import io
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitwell.errors import InputError
from fitwell.serving.limits import check_rows


def read_npy(body: bytes) -> NDArray[Any]:
    """Read a ``.npy`` file of plain numbers; nothing is allocated that the body does not hold.

    Raises:
        InputError: anything else, pickled objects among them.
    """
    stream = io.BytesIO(body)
    try:
        version = np.lib.format.read_magic(stream)
        read = {(1, 0): np.lib.format.read_array_header_1_0}.get(
            version, np.lib.format.read_array_header_2_0
        )
        shape, _, dtype = read(stream)
        there, needed = len(body) - stream.tell(), dtype.itemsize
        for side in shape:
            needed *= int(side)
        if dtype.hasobject:
            raise ValueError("it holds Python objects")
        if needed != there:
            raise ValueError(f"its header promises {needed:,} bytes, but {there:,} follow")
        array = np.lib.format.read_array(io.BytesIO(body), allow_pickle=False)
    except Exception as error:  # numpy raises many kinds for a broken file
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"the body is not a .npy file of plain numbers: {reason}") from error
    return numeric(array)


def read_nested(data: Any) -> NDArray[Any]:
    """Read nested lists of numbers.

    Raises:
        InputError: they differ in length, or hold something else.
    """
    try:
        array = np.asarray(data)
    except (ValueError, OverflowError) as error:
        raise InputError("the JSON lists differ in length; every row needs one shape") from error
    return numeric(array)


def read_image(body: bytes, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read one PNG or JPEG of the size and the colours that the network takes.

    Raises:
        InputError: anything else; a picture of another size is not scaled, since one that
            was trained on is not known to be alike.
    """
    from PIL import Image

    channels, height, width = shape
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # a decompression bomb is a warning at first
            image = Image.open(io.BytesIO(body), formats=("PNG", "JPEG"))
            if image.size != (width, height):
                raise InputError(
                    f"the image has {image.size[0]} x {image.size[1]} pixels, but {width} x"
                    f" {height} are expected; scale it"
                )
            mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
            pixels = np.asarray(image.convert(mode), dtype=np.uint8)
    except InputError:
        raise
    except Exception as error:  # Pillow raises many kinds for a broken file
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"the body is not a PNG or JPEG: {reason}") from error
    return pixels.reshape(1, height, width, channels)


def numeric(array: NDArray[Any]) -> NDArray[Any]:
    """Check that an array holds numbers, one entry per row."""
    if array.dtype.kind not in "buif" or array.ndim == 0:
        raise InputError(
            "the body must hold numbers only: a list, or an array, with one entry per row"
        )
    check_rows(len(array))
    return array


def pixels_first(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Turn [rows, height, width] or [rows, height, width, channels] into channels first.

    Raises:
        InputError: another shape, or other values than whole numbers from 0 to 255.
    """
    channels, height, width = shape
    if array.ndim == 3:
        array = array[..., None]
    if array.shape[1:] != (height, width, channels) or len(array) == 0:
        raise InputError(
            f"the images have shape {array.shape}, but ('rows', {height}, {width}, {channels}) is"
            " expected; the last may be left out for grey images"
        )
    if (array != np.clip(np.round(array), 0, 255)).any():
        raise InputError("the images hold other values than whole numbers from 0 to 255")
    return np.ascontiguousarray(array.astype(np.uint8).transpose(0, 3, 1, 2))
