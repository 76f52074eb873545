"""Columns of a table to numbers for a network; fitted on training rows alone."""

import difflib
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fitwell.data.constants import Constants, constants_of
from fitwell.data.encoder_files import from_plain, to_plain
from fitwell.errors import InputError
from fitwell.storage import read_json, replacing

NAME = "encoder.json"

MOST_CATEGORIES = 64
"""Of a column; rarer values share one input."""

RAREST = 5
"""A category with fewer training rows shares its input with the other rare ones."""


HUGE = 1e100
"""Larger numbers are cut off, so that their squares stay finite."""

NARROW = 10 * np.finfo(np.float64).eps
"""RobustScaler takes a quartile range below this for zero and would not scale at all."""


@dataclass(frozen=True)
class Column:
    """A feature column and how it is read: ``number``, ``category`` or ``date``."""

    name: str
    kind: str


def infer_columns(frame: pd.DataFrame) -> list[Column]:
    """Infer the kind of every column from its type and values."""
    return [Column(str(name), _kind(frame[name])) for name in frame.columns]


def _kind(values: pd.Series) -> str:
    if pd.api.types.is_bool_dtype(values) or pd.api.types.is_numeric_dtype(values):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    texts = values.dropna().astype(str)
    if len(texts) and texts.head(200).str.match(r"\d{4}-\d\d-\d\d").all():
        if pd.to_datetime(texts, errors="coerce", format="ISO8601", utc=True).notna().all():
            return "date"
    if len(texts) and pd.to_numeric(texts, errors="coerce").notna().all():
        return "number"
    return "category"


class TableEncoder:
    """Numbers scaled robustly, missing ones flagged; categories one-hot; dates as numbers.

    A number x becomes z = (x - median) / (quartile range), bent to z / sqrt(1 + (z/3)²);
    where the quartiles coincide, mean and standard deviation take their place. Missing
    numbers become the median, with a column that says so. A category not seen in fitting
    shares the input of the rare ones; where there were none, all its inputs are 0. The
    output is float32 without NaN or infinity.

    Reference:
        Holzmüller, Grinsztajn, Steinwart: Better by Default (RealMLP), NeurIPS 2024, for
        the scaling and bending.
    """

    def __init__(self, columns: Sequence[Column], constants: Constants) -> None:
        """Take columns and the constants that were found for them."""
        self.columns = tuple(columns)
        self.constants = constants
        self.shape = (constants.inputs,)

    @classmethod
    def fit(cls, frame: pd.DataFrame, columns: Sequence[Column]) -> "TableEncoder":
        """Fit on the rows of ``frame``."""
        return cls(columns, constants_of(fit_transformer(frame, columns)))

    def transform(self, frame: pd.DataFrame) -> NDArray[np.float32]:
        """Encode rows, in order; columns not known from fitting are ignored.

        Raises:
            InputError: a column is missing, or one of numbers or dates holds other text.
        """
        frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
        _check_present(frame, self.columns)
        if len(frame) == 0:
            return np.empty((0, *self.shape), dtype=np.float32)
        return self.constants.encode(*_spread(frame, self.columns), len(frame))

    def save(self, folder: Path) -> None:
        """Write ``encoder.json``."""
        columns = [[column.name, column.kind] for column in self.columns]
        about = {"columns": columns, "inputs": self.shape[0], **to_plain(self.constants)}
        with replacing(
            folder / NAME
        ) as temporary:  # escaped: a text may hold half a surrogate pair
            temporary.write_text(json.dumps(about, allow_nan=False) + "\n", encoding="ascii")

    @classmethod
    def load(cls, folder: Path) -> "TableEncoder":
        """Read what `save` wrote.

        Raises:
            InputError: the file holds something else, or its parts do not fit each other.
        """
        path = folder / NAME
        about = read_json(path)
        columns, inputs = about.get("columns"), about.get("inputs")
        named = isinstance(columns, list) and all(map(_named, columns))
        if type(inputs) is not int or not named:
            raise InputError(f"{path} does not describe columns. Copy the run folder again.")
        try:
            constants = from_plain(about)
        except ValueError as error:
            raise InputError(f"{path} is refused: {error}. Copy the run folder again.") from error
        encoder = cls([Column(name, kind) for name, kind in columns or ()], constants)
        if encoder.shape != (inputs,) or not encoder._knows_its_columns():
            raise InputError(
                f"{path} has columns that its constants do not fit. Copy the run folder again."
            )
        return encoder

    def _knows_its_columns(self) -> bool:
        """Whether the constants are those of the columns, each once."""
        row = pd.DataFrame({column.name: [None] for column in self.columns})
        numbers, categories = _spread(row, self.columns)
        found = self.constants
        return (
            sorted(number.key for number in found.numbers) == sorted(numbers)
            and sorted(category.key for category in found.categories) == sorted(categories)
            and set(found.flags) <= set(numbers)
        )


def fit_transformer(frame: pd.DataFrame, columns: Sequence[Column]) -> Any:
    """Fit scikit-learn's transformers on the rows of ``frame``: a ``ColumnTransformer``."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, RobustScaler, StandardScaler

    found = _spread(frame, columns)
    numbers, categories = (pd.DataFrame(part, index=range(len(frame))) for part in found)
    spread = numbers.quantile(0.75) - numbers.quantile(0.25)
    wide = [name for name in numbers.columns if spread[name] > NARROW]
    empty = list(numbers.columns[numbers.isna().all()])
    narrow = [name for name in numbers.columns if name not in {*wide, *empty}]
    gaps = numbers.columns[numbers.isna().any()]
    fill = {"strategy": "median", "keep_empty_features": True}
    one_hot = OneHotEncoder(
        handle_unknown="infrequent_if_exist",
        min_frequency=RAREST,
        max_categories=MOST_CATEGORIES,
        sparse_output=False,
    )
    transformer = ColumnTransformer(
        [
            ("wide", make_pipeline(RobustScaler(), SimpleImputer(**fill)), wide),
            ("narrow", make_pipeline(StandardScaler(), SimpleImputer(**fill)), narrow),
            ("empty", SimpleImputer(**fill), empty),
            ("missing", "passthrough", [f"missing {name}" for name in gaps]),
            ("categories", one_hot, list(categories.columns)),
        ],
        sparse_threshold=0,
    )
    flags = numbers.isna().astype(np.float64).add_prefix("missing ")
    transformer.fit(pd.concat([numbers, flags, categories.astype(object)], axis=1))
    return transformer


def _named(entry: Any) -> bool:
    return (
        isinstance(entry, list)
        and len(entry) == 2
        and isinstance(entry[0], str)
        and entry[1] in ("number", "category", "date")
    )


def _check_present(frame: pd.DataFrame, columns: Sequence[Column]) -> None:
    there = [str(name) for name in frame.columns]
    known = set(there)
    missing = [column.name for column in columns if column.name not in known]
    if missing:
        near = difflib.get_close_matches(missing[0], there, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise InputError(
            f"column {missing[0]!r}{more} is missing; the model needs the {len(columns)} columns"
            f" that it was trained on.{hint}"
        )


def _spread(
    frame: pd.DataFrame, columns: Sequence[Column]
) -> tuple[dict[str, NDArray[np.float64]], dict[str, list[str]]]:
    """Give the numbers, NaN where missing, and the categories, "" where missing.

    The first word of a key says what it holds, so that no two columns share one.
    """
    numbers: dict[str, NDArray[np.float64]] = {}
    categories: dict[str, list[str]] = {}
    for column in columns:
        values = frame[column.name]
        if column.kind == "number":
            numbers[f"number {column.name}"] = _numbers(values, column.name)
        elif column.kind == "date":
            numbers.update(_dates(values, column.name))
        else:
            categories[f"category {column.name}"] = _texts(values)
    return numbers, categories


def _texts(values: pd.Series) -> list[str]:
    given = values.to_numpy(dtype=object)
    if set(map(type, given)) <= {str, type(None)}:  # as JSON has them
        return ["" if value is None else value for value in given]
    missing = pd.isna(given)
    return ["" if none else _text(value) for value, none in zip(given, missing, strict=True)]


def _text(value: object) -> str:
    """Write 2.0 as 2: pandas reads whole numbers as floats where one beside them is missing."""
    whole = isinstance(value, float | np.floating) and value.is_integer()
    return str(int(value)) if whole else str(value)  # type: ignore[call-overload]


def _numbers(values: pd.Series, name: str) -> NDArray[np.float64]:
    array = _plain(values)
    if array is None:
        try:
            parsed = pd.to_numeric(values, errors="coerce")
        except OverflowError as error:
            raise InputError(
                f"column {name!r} holds a whole number of more than 308 digits. Correct it."
            ) from error
        array = parsed.to_numpy(dtype=np.float64, na_value=np.nan)
        _check_parsed(np.isnan(array), values, name, "number")
    array = np.where(np.isfinite(array), array, np.nan)
    clipped: NDArray[np.float64] = np.clip(array, -HUGE, HUGE)
    return clipped


def _plain(values: pd.Series) -> NDArray[np.float64] | None:
    """Give numbers that need no parsing: of a column of numbers, or Python's own, as JSON has."""
    if pd.api.types.is_numeric_dtype(values):
        return values.to_numpy(dtype=np.float64, na_value=np.nan)
    if values.dtype == object:
        given = values.to_numpy()
        if set(map(type, given)) <= {int, float, type(None)}:
            with suppress(OverflowError):  # a whole number of hundreds of digits
                return given.astype(np.float64)
    return None


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
