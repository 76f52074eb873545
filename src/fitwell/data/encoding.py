"""What a fitted table encoder does to rows, as plain arrays.

scikit-learn fits; applied through its own classes one row takes 30 ms, of which names and
copies of tables are nearly all. A server answers one row at a time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

CLIP = 3.0
"""Scaled numbers are bent into (-3, 3): z / sqrt(1 + (z/3)²)."""


@dataclass(frozen=True, kw_only=True)
class OneHot:
    """The inputs of one column of categories.

    Attributes:
        name: of the column.
        slots: the input of each category known from fitting; rare ones share the last.
        other: the input of those that are not known; -1 where there were no rare ones.
        width: how many inputs.
    """

    name: str
    slots: Mapping[str, int]
    other: int
    width: int


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """Numbers scaled, filled and bent, then flags of missing ones, then one-hot categories.

    Attributes:
        numbers: names, in the order of the inputs.
        centre: what is subtracted from each.
        scale: what each is divided by.
        fill: what a missing one is, scaled.
        flagged: names of the numbers whose absence is an input.
        categories: columns of categories, in order.
    """

    numbers: Sequence[str]
    centre: NDArray[np.float64]
    scale: NDArray[np.float64]
    fill: NDArray[np.float64]
    flagged: Sequence[str]
    categories: Sequence[OneHot]

    @classmethod
    def of(cls, transformer: Any) -> "Encoding":
        """Read what a fitted ``ColumnTransformer`` of `TableEncoder` does."""
        parts = {name: (step, list(columns)) for name, step, columns in transformer.transformers_}
        numbers: list[str] = []
        centres, scales, fills = ([np.empty(0)] for _ in range(3))
        for name in ("wide", "narrow", "empty"):
            step, columns = parts[name]
            if not columns:
                continue
            numbers += columns
            scaler = step[0] if name != "empty" else None
            nothing = np.zeros(len(columns))
            centres.append(getattr(scaler, "center_", getattr(scaler, "mean_", nothing)))
            scales.append(getattr(scaler, "scale_", nothing + 1))
            missing = pd.DataFrame(np.full((1, len(columns)), np.nan), columns=columns)
            fills.append(np.asarray(step.transform(missing), dtype=np.float64)[0])
        one_hot, names = parts["categories"]
        return cls(
            numbers=numbers,
            centre=np.concatenate(centres),
            scale=np.concatenate(scales),
            fill=np.concatenate(fills),
            flagged=[name.removeprefix("missing ") for name in parts["missing"][1]],
            categories=[_one_hot(name, one_hot, place) for place, name in enumerate(names)],
        )

    @property
    def width(self) -> int:
        """How many inputs a row has."""
        return len(self.numbers) + len(self.flagged) + sum(c.width for c in self.categories)

    def apply(
        self,
        numbers: Mapping[str, NDArray[np.float64]],
        categories: Mapping[str, Sequence[str]],
        rows: int,
    ) -> NDArray[np.float32]:
        """Encode rows: numbers with NaN where missing, categories as text; by column."""
        encoded = np.zeros((rows, self.width), dtype=np.float32)
        count = len(self.numbers)
        if count:
            scaled = np.stack([numbers[name] for name in self.numbers], axis=1)
            scaled = (scaled - self.centre) / self.scale
            scaled = np.where(np.isnan(scaled), self.fill, scaled)
            encoded[:, :count] = scaled / np.hypot(1, scaled / CLIP)
        for place, name in enumerate(self.flagged, start=count):
            encoded[:, place] = np.isnan(numbers[name])
        start = count + len(self.flagged)
        for column in self.categories:
            find, other = column.slots.get, column.other
            slots = np.array([find(text, other) for text in categories[column.name]], np.intp)
            known = np.flatnonzero(slots >= 0)
            encoded[known, start + slots[known]] = 1.0
            start += column.width
        return encoded


def _one_hot(name: str, one_hot: Any, place: int) -> OneHot:
    """Give the inputs of a column: frequent categories in order, then one for the rare."""
    rare = one_hot.infrequent_categories_[place]
    rare = set() if rare is None else set(rare)
    frequent = [text for text in one_hot.categories_[place] if text not in rare]
    slots = {text: slot for slot, text in enumerate(frequent)}
    slots |= dict.fromkeys(rare, len(frequent))
    other = len(frequent) if rare else -1
    return OneHot(name=name, slots=slots, other=other, width=len(frequent) + bool(rare))
