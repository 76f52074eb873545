"""The constants of a fitted table encoder, and what it does with them.

Rows are encoded from these constants alone, never by the object in which they were stored:
a stored ``OneHotEncoder`` whose attributes were changed by hand makes SciPy write beyond its
memory. The numbers are bit for bit those of scikit-learn.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray


@dataclass(frozen=True)
class Number:
    """A number x becomes (x - center) / scale; where x is missing, fill."""

    key: str
    center: float
    scale: float
    fill: float

    def __post_init__(self) -> None:
        finite = all(map(math.isfinite, (self.center, self.scale, self.fill)))
        if not (isinstance(self.key, str) and finite and self.scale > 0):
            raise ValueError(f"{self.key!r:.40} has no finite center, scale and fill")


@dataclass(frozen=True)
class Category:
    """One input for each common value, and one for the rare ones, if there are any.

    Attributes:
        key: of the column.
        alone: values with an input of their own.
        rare: values that share the last input, which a new value has too.
    """

    key: str
    alone: tuple[str, ...]
    rare: tuple[str, ...]

    def __post_init__(self) -> None:
        values = (self.key, *self.alone, *self.rare)
        if not all(isinstance(value, str) for value in values):
            raise ValueError(f"{self.key!r:.40} has values that are no texts")

    @cached_property
    def places(self) -> dict[str, int]:
        """Where the input of each value lies."""
        last = len(self.alone)
        return {value: i for i, value in enumerate(self.alone)} | dict.fromkeys(self.rare, last)

    @property
    def inputs(self) -> int:
        """How many inputs the column has."""
        return len(self.alone) + bool(self.rare)

    def encode(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """One row per text; a new value without rare ones to share with is all zeros."""
        unknown = len(self.alone)
        places = np.array([self.places.get(text, unknown) for text in texts], dtype=np.intp)
        return np.eye(unknown + 1)[places][:, : self.inputs]


@dataclass(frozen=True)
class Constants:
    """All columns of a table, in the order of the network's inputs.

    Attributes:
        numbers: come first.
        flags: keys of numbers; 1 where one is missing.
        categories: come last.
    """

    numbers: tuple[Number, ...]
    flags: tuple[str, ...]
    categories: tuple[Category, ...]

    @property
    def inputs(self) -> int:
        """How many numbers a row becomes."""
        categories = sum(category.inputs for category in self.categories)
        return len(self.numbers) + len(self.flags) + categories

    def encode(self, numbers: pd.DataFrame, categories: pd.DataFrame) -> NDArray[np.float64]:
        """Scale numbers, NaN where missing; flag missing ones; one input per category."""
        values = numbers[[number.key for number in self.numbers]].to_numpy(dtype=np.float64)
        center, scale, fill = (
            np.array([getattr(number, name) for number in self.numbers])
            for name in ("center", "scale", "fill")
        )
        scaled = (values - center) / scale
        flags = numbers[list(self.flags)].isna().to_numpy(dtype=np.float64)
        one_hot = [c.encode(categories[c.key].tolist()) for c in self.categories]
        return np.hstack([np.where(np.isnan(scaled), fill, scaled), flags, *one_hot])


def constants_of(transformer: Any) -> Constants:
    """Read the constants out of a fitted ``ColumnTransformer`` of `TableEncoder`.

    Raises:
        Exception: of any kind, where it is none, or its attributes were changed.
    """
    parts = {name: (fitted, list(keys)) for name, fitted, keys in transformer.transformers_}
    numbers: list[Number] = []
    for name, center in (("wide", "center_"), ("narrow", "mean_")):
        fitted, keys = parts[name]
        if keys:
            scaler, imputer = fitted[0], fitted[1]
            triples = (getattr(scaler, center), scaler.scale_, imputer.statistics_)
            numbers += _numbers(keys, *map(_floats, triples))
    fitted, keys = parts["empty"]
    if keys:
        nothing = [0.0] * len(keys), [1.0] * len(keys)
        numbers += _numbers(keys, *nothing, _floats(fitted.statistics_))
    flags = tuple(str(key).removeprefix("missing ") for key in parts["missing"][1])
    fitted, keys = parts["categories"]
    categories = tuple(_category(key, fitted, i) for i, key in enumerate(keys))
    return Constants(tuple(numbers), flags, categories)


def _floats(values: Any) -> list[float]:
    array = np.asarray(values)
    if array.dtype.kind != "f" or array.ndim != 1:
        raise ValueError("a constant is no number")
    return [float(value) for value in array]


def _numbers(
    keys: Sequence[str], center: Sequence[float], scale: Sequence[float], fill: Sequence[float]
) -> list[Number]:
    return [Number(*entry) for entry in zip(keys, center, scale, fill, strict=True)]


def _category(key: str, one_hot: Any, number: int) -> Category:
    values = list(one_hot.categories_[number])
    found = one_hot.infrequent_categories_[number]
    rare = tuple([] if found is None else found)
    return Category(key, tuple(value for value in values if value not in set(rare)), rare)
