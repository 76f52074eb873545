"""The constants of a fitted table encoder, and what it does with them.

scikit-learn finds the constants; rows are encoded from them alone, and they are all that is
stored. For one row, which is what a server answers, scikit-learn's classes spend nearly all of
their time on names and copies of tables. The numbers are bit for bit theirs.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

CLIP = 3.0
"""Scaled numbers are bent into (-3, 3): z / sqrt(1 + (z/3)²)."""


@dataclass(frozen=True)
class Number:
    """A number x becomes (x - center) / scale; where x is missing, fill."""

    key: str
    center: float
    scale: float
    fill: float

    def __post_init__(self) -> None:
        found = (self.center, self.scale, self.fill)
        finite = all(isinstance(number, float) and math.isfinite(number) for number in found)
        if not (isinstance(self.key, str) and finite and self.scale > 0):
            raise ValueError(f"{self.key!r:.40} has no finite center, scale and fill")


@dataclass(frozen=True)
class Category:
    """One input for each common value, and one for all others, if training had rare ones.

    The rare values themselves are not kept: they may name a person.

    Attributes:
        key: of the column.
        alone: values with an input of their own.
        others: whether any other value has the last input; without it, it has none.
    """

    key: str
    alone: tuple[str, ...]
    others: bool

    def __post_init__(self) -> None:
        if not all(isinstance(value, str) for value in (self.key, *self.alone)):
            raise ValueError(f"{self.key!r:.40} has values that are no texts")
        if not isinstance(self.others, bool):
            raise ValueError(f"{self.key!r:.40} does not say whether there are others")

    @cached_property
    def places(self) -> dict[str, int]:
        """Where the input of each value lies."""
        return {value: i for i, value in enumerate(self.alone)}

    @property
    def inputs(self) -> int:
        """How many inputs the column has."""
        return len(self.alone) + self.others

    def fill(self, inputs: NDArray[np.float32], texts: Sequence[str]) -> None:
        """Set the input of each row's text, in zeros."""
        find, other = self.places.get, len(self.alone) if self.others else -1
        places = np.array([find(text, other) for text in texts], dtype=np.intp)
        known = np.flatnonzero(places >= 0)
        inputs[known, places[known]] = 1.0


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

    @cached_property
    def _scaling(self) -> tuple[NDArray[np.float64], ...]:
        """Centers, scales and fills."""
        names = ("center", "scale", "fill")
        return tuple(np.array([getattr(n, name) for n in self.numbers]) for name in names)

    def encode(
        self,
        numbers: Mapping[str, NDArray[np.float64]],
        categories: Mapping[str, Sequence[str]],
        rows: int,
    ) -> NDArray[np.float32]:
        """Scale and bend numbers, NaN where missing; flag missing ones; one input per category.

        Args:
            numbers: by key.
            categories: texts, by key.
            rows: how many each has.
        """
        encoded = np.zeros((rows, self.inputs), dtype=np.float32)
        start = len(self.numbers)
        if start:
            values = np.stack([numbers[number.key] for number in self.numbers], axis=1)
            center, scale, fill = self._scaling
            scaled = (values - center) / scale
            scaled = np.where(np.isnan(scaled), fill, scaled)
            encoded[:, :start] = scaled / np.hypot(1, scaled / CLIP)
        for key in self.flags:
            encoded[:, start] = np.isnan(numbers[key])
            start += 1
        for category in self.categories:
            category.fill(encoded[:, start : start + category.inputs], categories[category.key])
            start += category.inputs
        return encoded


def constants_of(transformer: Any) -> Constants:
    """Read the constants out of the ``ColumnTransformer`` that `fit_transformer` fitted."""
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
    return [float(value) for value in values]


def _numbers(
    keys: Sequence[str], center: Sequence[float], scale: Sequence[float], fill: Sequence[float]
) -> list[Number]:
    return [Number(*entry) for entry in zip(keys, center, scale, fill, strict=True)]


def _category(key: str, one_hot: Any, number: int) -> Category:
    found = one_hot.infrequent_categories_[number]
    rare = set() if found is None else set(found)
    alone = tuple(str(value) for value in one_hot.categories_[number] if value not in rare)
    return Category(key, alone, bool(rare))
