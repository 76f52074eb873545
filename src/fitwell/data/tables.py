"""A table of rows with a class each, and the encoder that feeds it to a network."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from fitwell.data.columns import TableEncoder, infer_columns
from fitwell.data.reading import near
from fitwell.data.source import Rows
from fitwell.data.spreading import Column
from fitwell.data.targets import as_classes
from fitwell.errors import InputError

ID_LIKE = 50
"""A text column that differs in every one of more rows than this names rows: no feature."""


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of columns; a `Source`."""

    frame: pd.DataFrame
    columns: tuple[Column, ...]
    target: NDArray[np.int64]
    classes: tuple[str, ...]
    groups: NDArray[np.int64] | None
    times: NDArray[np.float64] | None
    official: NDArray[np.int8] | None
    fingerprint: str
    name: str
    notes: tuple[str, ...]

    @property
    def features(self) -> int:
        """How many columns are used."""
        return len(self.columns)

    def encode(self, fit_rows: Rows) -> tuple[TableEncoder, NDArray[np.float32]]:
        """Fit an encoder on ``fit_rows`` alone and apply it to all rows."""
        encoder = TableEncoder.fit(self.frame.iloc[fit_rows], self.columns)
        return encoder, encoder.transform(self.frame)


def make_table(
    frame: pd.DataFrame,
    target: str | ArrayLike,
    *,
    test: pd.DataFrame | None = None,
    group: str | None = None,
    time: str | None = None,
    ignore: Sequence[str] = (),
    name: str = "data",
    fingerprint: str = "",
) -> Table:
    """Build a table from a frame.

    Args:
        frame: features and target; the index is ignored.
        target: a column's name, or one value per row.
        test: rows of the same columns that become the test part.
        group: rows that share this column's value stay in one part; no feature.
        time: a number or date to split by; no feature.
        ignore: columns to leave out.
        name: how to call the data.
        fingerprint: sha256 of the file; computed from the values where empty.

    Raises:
        InputError: a column that is not there, or a target that is not made of classes.
    """
    notes: list[str] = []
    for part, option in ((frame, "DATA"), (test, "--test")):
        _check_names(part, option)
    frame, official = _stack(frame, test, target, notes)
    special = [c for c in (group, time, *ignore) if c is not None]
    for option, column in (
        ("--group", group),
        ("--time", time),
        *(("--ignore", c) for c in ignore),
    ):
        if column is not None:
            _check_column(frame, column, option)
    values = _target_values(frame, target)
    if isinstance(target, str):
        special.append(target)
    labelled = values.notna().to_numpy()
    if not labelled.all() and labelled.any():
        notes.append(f"{(~labelled).sum()} rows without a target were dropped.")
        frame, values = frame[labelled].reset_index(drop=True), values[labelled]
        official = None if official is None else official[labelled]
    codes, classes = as_classes(values.reset_index(drop=True), _named(target))
    features, columns = _features(frame.drop(columns=list(dict.fromkeys(special))), notes)
    return Table(
        frame=features,
        columns=tuple(columns),
        target=codes,
        classes=classes,
        groups=None if group is None else _groups(frame[group], group, notes),
        times=None if time is None else _times(frame[time], time),
        official=official,
        fingerprint=fingerprint or _fingerprint(frame, values, official),
        name=name,
        notes=tuple(notes),
    )


def _check_names(frame: pd.DataFrame | None, option: str) -> None:
    names = pd.Index([] if frame is None else [str(column) for column in frame.columns])
    twice = names[names.duplicated()]
    if len(twice):
        raise InputError(f"{option}: two columns are named {twice[0]!r}. Rename one.")


def _named(target: str | ArrayLike) -> str:
    return target if isinstance(target, str) else "target"


def _stack(
    frame: pd.DataFrame, test: pd.DataFrame | None, target: str | ArrayLike, notes: list[str]
) -> tuple[pd.DataFrame, NDArray[np.int8] | None]:
    frame = frame.reset_index(drop=True)
    frame.columns = pd.Index([str(column) for column in frame.columns])
    if test is None:
        return frame, None
    if not isinstance(target, str):
        raise InputError("test: with a test frame the target must be a column's name.")
    test = test.reset_index(drop=True)
    test.columns = pd.Index([str(column) for column in test.columns])
    missing = [column for column in frame.columns if column not in test.columns]
    if missing:
        raise InputError(
            f"--test: column {missing[0]!r} is missing there, but the test rows need all"
            f" {len(frame.columns)} columns of the training rows. Add it."
        )
    extra = [column for column in test.columns if column not in frame.columns]
    if extra:
        notes.append(f"{len(extra)} columns that only the test file has were ignored.")
    official = np.repeat(np.array([-1, 2], dtype=np.int8), [len(frame), len(test)])
    return pd.concat([frame, test[list(frame.columns)]], ignore_index=True), official


def _check_column(frame: pd.DataFrame, column: str, option: str) -> None:
    if column not in frame.columns:
        raise InputError(
            f"{option}: there is no column {column!r}.{near(column, list(frame.columns))}"
        )


def _target_values(frame: pd.DataFrame, target: str | ArrayLike) -> pd.Series:
    if isinstance(target, str):
        _check_column(frame, target, "--target")
        return frame[target]
    values = pd.Series(np.asarray(target))
    if len(values) != len(frame):
        raise InputError(
            f"target has {len(values)} values for {len(frame)} rows. Give one per row."
        )
    return values


def _features(frame: pd.DataFrame, notes: list[str]) -> tuple[pd.DataFrame, list[Column]]:
    """Leave out columns that cannot help, and say which."""
    gaps = frame.isna()
    empty = list(frame.columns[gaps.all()])
    constant = [c for c in frame.columns[~gaps.any()] if frame[c].nunique() == 1]
    columns = infer_columns(frame.drop(columns=[*empty, *constant]))
    named = [c.name for c in columns if c.kind == "category" and _names_rows(frame[c.name])]
    for dropped, why in (
        (empty, "without any value"),
        (constant, "with one value only"),
        (named, "of text that differs in every row"),
    ):
        if dropped:
            notes.append(f"{_count(dropped, 'column')} {why} left out: {_listed(dropped)}.")
    infinite = [c.name for c in columns if c.kind == "number" and _has_infinite(frame[c.name])]
    if infinite:
        notes.append(f"Infinite values are taken as missing in {_listed(infinite)}.")
    kept = [c for c in columns if c.name not in set(named)]
    if not kept:
        raise InputError(
            "the data has no column left to predict from: all others are the target, constant,"
            " empty or names of rows. Give at least one feature."
        )
    features = frame[[c.name for c in kept]]
    twice = int(features.duplicated().sum())
    if twice:
        notes.append(f"{twice} of {len(features)} rows repeat an earlier row's features.")
    return features, kept


def _names_rows(values: pd.Series) -> bool:
    return len(values) > ID_LIKE and bool(values.nunique() == values.notna().sum())


def _has_infinite(values: pd.Series) -> bool:
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    return bool(np.isinf(numbers).any())


def _count(names: Sequence[str], noun: str) -> str:
    return f"{len(names)} {noun}{'s' if len(names) > 1 else ''}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(str(name) for name in names[:5]) + more


def _groups(values: pd.Series, name: str, notes: list[str]) -> NDArray[np.int64]:
    codes = pd.factorize(values)[0].astype(np.int64)
    alone = codes < 0
    if alone.any():
        notes.append(f"{alone.sum()} rows without {name} count as a group each.")
        codes[alone] = codes.max() + 1 + np.arange(alone.sum())
    return codes


def _times(values: pd.Series, name: str) -> NDArray[np.float64]:
    dated = pd.api.types.is_datetime64_any_dtype(values)  # NaT would count as a number
    numbers = values if dated else pd.to_numeric(values, errors="coerce")
    if dated or numbers.isna().any():
        dates = pd.to_datetime(values, errors="coerce", utc=True, format="mixed")
        epoch = pd.Timestamp(0, tz="UTC").as_unit("s")  # nanoseconds end in 2262
        numbers = (dates - epoch) / pd.Timedelta(seconds=1).as_unit("s")
    array = np.asarray(numbers, dtype=np.float64)
    if np.isnan(array).any():
        row = int(np.flatnonzero(np.isnan(array))[0])
        raise InputError(
            f"--time: column {name!r}, row {row + 1}: {values.iloc[row]!r} is neither a number nor"
            " a date such as 2025-01-31. Correct it."
        )
    return array


def _fingerprint(frame: pd.DataFrame, values: pd.Series, official: NDArray[np.int8] | None) -> str:
    digest = hashlib.sha256("\n".join(frame.columns).encode())
    for part in (frame, values):
        hashed: Any = pd.util.hash_pandas_object(part, index=False).to_numpy()
        digest.update(hashed.tobytes())
    digest.update(b"" if official is None else official.tobytes())
    return digest.hexdigest()
