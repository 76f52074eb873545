"""Request bodies to what a model reads: rows of a table, images, or plain arrays."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fitwell.data.columns import TableEncoder
from fitwell.data.images import ImageEncoder
from fitwell.data.spreading import Column
from fitwell.errors import InputError
from fitwell.serving.arrays import pixels_first, read_image, read_nested, read_npy
from fitwell.serving.csv_rows import read_csv, read_numbers
from fitwell.serving.limits import MAX_NESTED, TooLarge, check_rows
from fitwell.serving.parquet_rows import read_parquet

CSV, JSON, NPY = "text/csv", "application/json", "application/x-npy"
LINES, PARQUET = "application/jsonlines", "application/x-parquet"
PNG, JPEG = "image/png", "image/jpeg"


NESTED = {dict, list}
"""Types that no value of a row has."""


class Unsupported(InputError):
    """A content type that the server does not read: 415."""


@dataclass(frozen=True)
class Reader:
    """Reads bodies for one model.

    Attributes:
        encoder: the model's; None for a model that was trained on arrays.
        shape: what one row looks like to the network.
    """

    encoder: TableEncoder | ImageEncoder | None
    shape: tuple[int, ...]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The content types that this model's rows come in."""
        if isinstance(self.encoder, TableEncoder):
            return (CSV, JSON, LINES, PARQUET)
        if isinstance(self.encoder, ImageEncoder):
            return (JSON, NPY, PNG, JPEG)
        return (CSV, JSON, NPY) if len(self.shape) == 1 else (JSON, NPY)

    @property
    def json_shape(self) -> tuple[int, ...]:
        """What one row looks like as nested lists: of an image the channels come last."""
        if isinstance(self.encoder, ImageEncoder):
            channels, height, width = self.shape
            return (height, width, channels)
        return self.shape

    def read(self, body: bytes, content_type: str) -> Any:
        """Read rows; where no content type is named, the first of `kinds` is taken.

        Raises:
            Unsupported: a content type that is not among `kinds`.
            InputError: the body is not what its type says.
        """
        kind, _, parameters = content_type.partition(";")
        kind = kind.strip().lower() or self.kinds[0]
        if kind not in self.kinds:
            raise Unsupported(
                f"content type {kind!r} is not read here; send {', '.join(self.kinds[:-1])} or"
                f" {self.kinds[-1]}"
            )
        if kind == NPY:
            return self._fit(read_npy(body))
        if kind in (PNG, JPEG):
            return self._fit(read_image(body, self.shape))
        if isinstance(self.encoder, TableEncoder):
            columns = self.encoder.columns
            if kind == CSV:
                return read_csv(body, columns, parameters)
            if kind == PARQUET:
                return read_parquet(body, [column.name for column in columns])
            rows = _lines(body) if kind == LINES else _json(body)
            return _dates_as_text(_records(rows, [column.name for column in columns]), columns)
        if kind == CSV:
            return self._fit(read_numbers(body, self.shape[0]))
        return self._fit(read_nested(_json(body)))

    def example(self) -> Any:
        """Give one row to warm up with: every value missing, or zero."""
        if isinstance(self.encoder, TableEncoder):
            return pd.DataFrame({column.name: [None] for column in self.encoder.columns})
        kind = np.uint8 if isinstance(self.encoder, ImageEncoder) else np.float32
        return np.zeros((1, *self.shape), dtype=kind)

    def _fit(self, array: NDArray[Any]) -> NDArray[Any]:
        """Check an array of images or plain numbers against what the network reads."""
        if isinstance(self.encoder, ImageEncoder):
            return pixels_first(array, self.shape)
        if array.shape[1:] != self.shape or len(array) == 0:
            raise InputError(
                f"the array has shape {array.shape}, but {('rows', *self.shape)} is expected"
            )
        numbers = array.astype(np.float32)
        if not np.isfinite(numbers).all():
            raise InputError("the array holds NaN or infinity; fill it in")
        return numbers


def _json(body: bytes) -> Any:
    if not body.strip():
        raise InputError("the body is empty; send at least one row")
    if body.count(b"[") + body.count(b"{") > MAX_NESTED:
        raise TooLarge(f"the JSON holds over {MAX_NESTED:,} lists and objects; send fewer rows")
    try:
        data = _parsed(body)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the body is not JSON: {error}") from error
    return data.get("instances") if isinstance(data, dict) else data


def _parsed(document: bytes) -> Any:
    """Read JSON by pydantic's parser, in a third of the time of Python's; it knows the errors."""
    from pydantic_core import from_json

    try:
        return from_json(document)
    except ValueError:  # Python's takes a little more, such as a byte-order mark
        return json.loads(document)


def _lines(body: bytes) -> list[Any]:
    """Read one JSON document per line."""
    rows = [line for line in body.splitlines() if line.strip()]
    if not rows:
        raise InputError("the body is empty; send at least one row")
    check_rows(len(rows))
    found = []
    for number, row in enumerate(rows, start=1):
        try:
            found.append(_parsed(row))
        except (ValueError, RecursionError) as error:
            raise InputError(f"line {number} of the body is not JSON: {error}") from error
    return found


def _records(data: Any, names: Sequence[str]) -> pd.DataFrame:
    """Read a list of objects, or of lists of values in the order of ``names``."""
    if isinstance(data, list) and data and all(isinstance(row, list) for row in data):
        data = [_named(row, names, number) for number, row in enumerate(data, start=1)]
    if not isinstance(data, list) or not data or not all(isinstance(row, dict) for row in data):
        raise InputError(
            'the JSON must be a list of objects, one per row, or {"instances": [...]}, with the'
            " columns as keys"
        )
    check_rows(len(data))
    first = data[0].keys()
    alike = all(row.keys() == first for row in data)
    wanted = [] if alike else [name for name in names if any(name in row for row in data)]
    for number, row in enumerate(data, start=1):
        if not NESTED.isdisjoint(map(type, row.values())):
            raise InputError(
                f"row {number}: a value is a list or an object; each must be a number, a text, a"
                " Boolean or null"
            )
        absent = next((name for name in wanted if name not in row), None)
        if absent is not None:
            raise InputError(f"row {number} has no {absent!r}; write null where a value is missing")
    # As objects: pandas would turn a category 3 into 3.0 where another row's is missing. What
    # the first row lacks is no column of the model.
    return pd.DataFrame({name: [row.get(name) for row in data] for name in first}, dtype=object)


def _dates_as_text(rows: pd.DataFrame, columns: Sequence[Column]) -> pd.DataFrame:
    """Write numbers as text: 2024 is the year 2024, not so many nanoseconds."""
    for column in columns:
        if column.kind == "date" and column.name in rows:
            values = rows[column.name]
            rows[column.name] = values.map(str).astype(object).where(values.notna(), None)
    return rows


def _named(row: list[Any], names: Sequence[str], number: int) -> dict[str, Any]:
    if len(row) != len(names):
        raise InputError(
            f"row {number} has {len(row)} values, but {len(names)} are expected:"
            f" {', '.join(names)}; or send objects with the columns as keys"
        )
    return dict(zip(names, row, strict=True))
