"""Columns of a table to numbers for a network; fitted on training rows alone."""

import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fitwell.data.constants import Constants, constants_of
from fitwell.data.encoder_files import from_plain, to_plain
from fitwell.data.spreading import Column, spread
from fitwell.errors import InputError
from fitwell.storage import read_json, replacing

NAME = "encoder.json"

MOST_CATEGORIES = 64
"""Of a column; rarer values share one input."""

RAREST = 5
"""A category with fewer training rows shares its input with the other rare ones."""

NARROW = 10 * np.finfo(np.float64).eps
"""RobustScaler takes a quartile range below this for zero and would not scale at all."""


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
        return self.constants.encode(*spread(frame, self.columns), len(frame))

    def save(self, folder: Path) -> None:
        """Write ``encoder.json``."""
        columns = [[column.name, column.kind] for column in self.columns]
        about = {"columns": columns, "inputs": self.shape[0], **to_plain(self.constants)}
        with replacing(folder / NAME) as temporary:
            # In ASCII: a text may hold half a surrogate pair.
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
        numbers, categories = spread(row, self.columns)
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

    found = spread(frame, columns)
    numbers, categories = (pd.DataFrame(part, index=range(len(frame))) for part in found)
    ranges = numbers.quantile(0.75) - numbers.quantile(0.25)
    wide = [name for name in numbers.columns if ranges[name] > NARROW]
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
