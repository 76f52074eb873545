"""The columns of a table spread into numbers and texts, before they are scaled."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fitwell.errors import InputError

HUGE = 1e100
"""Larger numbers are cut off, so that their squares stay finite."""

NUMERIC, TEXTUAL = {int, float, type(None)}, {str, type(None)}
"""What JSON has in a column of numbers, and in one of texts."""


@dataclass(frozen=True)
class Column:
    """A feature column and how it is read: ``number``, ``category`` or ``date``."""

    name: str
    kind: str


def spread(
    frame: pd.DataFrame, columns: Sequence[Column]
) -> tuple[dict[str, NDArray[np.float64]], dict[str, list[str]]]:
    """Give the numbers, NaN where missing, and the categories, "" where missing.

    The first word of a key says what it holds, so that no two columns share one.

    Raises:
        InputError: a column of numbers or dates holds other text.
    """
    read = _at_once(frame, columns)
    numbers: dict[str, NDArray[np.float64]] = {}
    categories: dict[str, list[str]] = {}
    for column in columns:
        if column.name in read:
            numbers[f"number {column.name}"] = read[column.name]
            continue
        values = frame[column.name]
        if column.kind == "number":
            numbers[f"number {column.name}"] = _numbers(values, column.name)
        elif column.kind == "date":
            numbers.update(_dates(values, column.name))
        else:
            categories[f"category {column.name}"] = _texts(values)
    return numbers, categories


def _at_once(frame: pd.DataFrame, columns: Sequence[Column]) -> dict[str, NDArray[np.float64]]:
    """Read the columns of Python's own numbers, as JSON has them; one by one takes longer."""
    kinds = dict(zip(frame.columns, frame.dtypes, strict=True))
    names = [c.name for c in columns if c.kind == "number" and kinds[c.name].kind == "O"]
    if not names:
        return {}
    table = frame[names].to_numpy()
    plain = [place for place in range(len(names)) if set(map(type, table[:, place])) <= NUMERIC]
    try:
        array = _bounded(table[:, plain].astype(np.float64))
    except OverflowError:  # a whole number of hundreds of digits; its column will be named
        return {}
    return {names[place]: array[:, i] for i, place in enumerate(plain)}


def _texts(values: pd.Series) -> list[str]:
    given = values.to_numpy(dtype=object)
    if set(map(type, given)) <= TEXTUAL:
        return ["" if value is None else value for value in given]
    missing = pd.isna(given)
    return ["" if none else _text(value) for value, none in zip(given, missing, strict=True)]


def _text(value: object) -> str:
    """Write 2.0 as 2: pandas reads whole numbers as floats where one beside them is missing."""
    whole = isinstance(value, float | np.floating) and value.is_integer()
    return str(int(value)) if whole else str(value)  # type: ignore[call-overload]


def _numbers(values: pd.Series, name: str) -> NDArray[np.float64]:
    if pd.api.types.is_numeric_dtype(values):
        return _bounded(values.to_numpy(dtype=np.float64, na_value=np.nan))
    try:
        parsed = pd.to_numeric(values, errors="coerce")
    except OverflowError as error:
        raise InputError(
            f"column {name!r} holds a whole number of more than 308 digits. Correct it."
        ) from error
    array = parsed.to_numpy(dtype=np.float64, na_value=np.nan)
    _check_parsed(np.isnan(array), values, name, "number")
    return _bounded(array)


def _bounded(array: NDArray[np.float64]) -> NDArray[np.float64]:
    array = np.where(np.isfinite(array), array, np.nan)
    clipped: NDArray[np.float64] = np.clip(array, -HUGE, HUGE)
    return clipped


def _check_parsed(missing: NDArray[np.bool_], values: pd.Series, name: str, kind: str) -> None:
    """Check that what is missing after parsing was missing before."""
    if not missing.any():
        return
    wrong = missing & values.notna().to_numpy()
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"column {name!r}, row {row + 1}: {values.iloc[row]!r} is no {kind}, but {kind}s are"
            " expected, as in training. Correct it or leave it empty."
        )


def _dates(values: pd.Series, name: str) -> dict[str, NDArray[np.float64]]:
    """Days since 1970, and where in the year, the week and the day a date lies."""
    dates = pd.to_datetime(values, errors="coerce", format="ISO8601", utc=True)
    _check_parsed(dates.isna().to_numpy(), values, name, "date")
    # In seconds: in nanoseconds the year 9999, a common "until further notice", overflows.
    epoch = pd.Timestamp(0, tz="UTC").as_unit("s")
    days = (dates - epoch) / pd.Timedelta(days=1).as_unit("s")
    parts = {
        f"day {name}": days,
        f"month {name}": dates.dt.month,
        f"weekday {name}": dates.dt.day_of_week,
        f"hour {name}": dates.dt.hour,
    }
    return {key: np.asarray(part, dtype=np.float64) for key, part in parts.items()}
