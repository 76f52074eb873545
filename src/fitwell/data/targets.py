"""A column of labels to class numbers, or one clear line why it cannot be one."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fitwell.errors import InputError

MOST_CLASSES = 100


def as_classes(values: pd.Series, name: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Number the classes: in numeric order if all are numbers, else alphabetically.

    Text, Booleans, whole numbers and whole-valued floats are classes; ``1.0`` and ``1``
    are the same one.

    Raises:
        InputError: no value at all, one class only, a class with one row, or so many
            values that the column is a number to predict and not a class.
    """
    if values.isna().all():
        raise InputError(f"--target {name}: every value is missing. Name another column.")
    labels = _labels(values, name)
    classes = _ordered(list(labels.unique()))
    if len(classes) == 1:
        raise InputError(
            f"--target {name} holds one class only, {classes[0]!r}, in all {len(labels)} rows. At"
            " least two are expected; name another column."
        )
    counts = labels.value_counts()
    if len(classes) == len(labels) or len(classes) > max(MOST_CLASSES, len(labels) // 10):
        raise InputError(
            f"--target {name} has {len(classes)} different values in {len(labels)} rows, so it is"
            " no class but a name or a measurement. Name another column, or put it into bins."
        )
    rare = [label for label in classes if counts[label] < 2]
    if rare:
        raise InputError(
            f"--target {name}: class {rare[0]!r} has one row, but at least 2 are expected. Give"
            " more rows of it, merge it with another, or leave it out."
        )
    number = {label: code for code, label in enumerate(classes)}
    codes = np.array([number[label] for label in labels], dtype=np.int64)
    return codes, tuple(classes)


def _labels(values: pd.Series, name: str) -> pd.Series:
    values = values.infer_objects()
    if not pd.api.types.is_float_dtype(values):
        return values.astype(object).map(str)
    numbers = values.to_numpy(dtype=np.float64)
    if np.isinf(numbers).any():
        raise InputError(
            f"--target {name} holds infinite values, but classes are expected. Correct them or"
            " leave them empty."
        )
    whole = numbers == np.round(numbers)
    if whole.all():
        return pd.Series([str(int(number)) for number in numbers])
    distinct = len(np.unique(numbers))
    if distinct > 20:
        raise InputError(
            f"--target {name} holds fractions with {distinct} different values, but classes are"
            " expected. Put it into bins, or name another column."
        )
    return pd.Series([str(number).removesuffix(".0") for number in values.to_numpy()])


def _ordered(labels: list[str]) -> list[str]:
    try:
        return sorted(labels, key=float)
    except ValueError:
        return sorted(labels)
