"""Numbers that are ready for the network: arrays, tensors, a torch Dataset."""

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitwell.data.source import Rows
from fitwell.errors import InputError


@dataclass(frozen=True)
class AsIs:
    """The encoder that changes nothing."""

    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Arrays:
    """Rows as the network reads them; a `Source` without preprocessing."""

    x: NDArray[np.float32]
    target: NDArray[np.int64]
    classes: tuple[str, ...]
    official: NDArray[np.int8] | None
    fingerprint: str
    name: str = "arrays"
    groups: NDArray[np.int64] | None = None
    times: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()

    @property
    def features(self) -> int:
        """How many numbers a row has."""
        return int(np.prod(self.x.shape[1:]))

    def encode(self, fit_rows: Rows) -> tuple[AsIs, NDArray[np.float32]]:  # noqa: ARG002
        """Give the numbers as they are: nothing is fitted."""
        return AsIs(self.x.shape[1:]), self.x


def make_arrays(train: Any, test: Any = None) -> Arrays:
    """Build a source from ``(x, y)`` or a torch Dataset of such pairs, and a test part.

    Raises:
        InputError: x and y differ in length, x holds NaN, or y is not made of classes.
    """
    x, y = _pair(train, "train")
    official = None
    if test is not None:
        test_x, test_y = _pair(test, "test")
        if test_x.shape[1:] != x.shape[1:]:
            raise InputError(
                f"test: a row has shape {test_x.shape[1:]}, but {x.shape[1:]} is expected, as in"
                " train."
            )
        official = np.repeat(np.array([-1, 2], dtype=np.int8), [len(x), len(test_x)])
        x, y = np.concatenate([x, test_x]), np.concatenate([y, test_y])
    names, codes = np.unique(y, return_inverse=True)
    if len(names) < 2:
        raise InputError(f"train: y holds one class only, {names[0]}. Two at least are expected.")
    digest = hashlib.sha256(repr((x.shape, None if test is None else len(test_x))).encode())
    digest.update(np.ascontiguousarray(x).tobytes() + y.astype("U").tobytes())
    return Arrays(
        x=x,
        target=codes.astype(np.int64).reshape(-1),
        classes=tuple(str(name) for name in names),
        official=official,
        fingerprint=digest.hexdigest(),
    )


def _pair(data: Any, what: str) -> tuple[NDArray[np.float32], NDArray[Any]]:
    if hasattr(data, "__getitem__") and hasattr(data, "__len__") and not isinstance(data, tuple):
        rows = [data[i] for i in range(len(data))]  # a torch Dataset: pairs by number
        data = (np.stack([np.asarray(r[0]) for r in rows]), np.array([int(r[1]) for r in rows]))
    try:
        x, y = (np.asarray(part) for part in data)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{what} is {type(data).__name__}, but (x, y), a Dataset of such pairs, a DataFrame or"
            " a file name is expected."
        ) from error
    if x.ndim == 0 or y.ndim != 1 or len(x) != len(y):
        raise InputError(
            f"{what}: x has {len(x) if x.ndim else 0} rows and y has shape {y.shape}, but one class"
            " per row is expected."
        )
    try:
        with np.errstate(over="ignore"):  # beyond float32 is infinity, refused below
            x = x.astype(np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{what}: x has type {x.dtype}, but numbers are expected. Encode it, or give a"
            " DataFrame, where text is allowed."
        ) from error
    if not np.isfinite(x).all():
        row = int(np.argwhere(~np.isfinite(x))[0][0])
        raise InputError(
            f"{what}: x holds NaN or infinity, first in row {row}. Fill it in, or give a"
            " DataFrame, where missing values are allowed."
        )
    if np.issubdtype(y.dtype, np.floating) and (y != np.round(y)).any():
        raise InputError(f"{what}: y holds fractions, but fitwell predicts classes.")
    return x, y.astype(np.int64) if np.issubdtype(y.dtype, np.floating) else y
