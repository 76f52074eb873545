"""CSV bodies to rows, with or without a header."""

import csv
import io
import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fitwell.data.spreading import Column
from fitwell.errors import InputError
from fitwell.serving.limits import check_rows

TRUTH = {
    **dict.fromkeys(("True", "TRUE", "true"), "True"),
    **dict.fromkeys(("False", "FALSE", "false"), "False"),
}
"""How pandas spells a column of nothing but these when it reads a file."""


def read_csv(body: bytes, columns: Sequence[Column], parameters: str = "") -> pd.DataFrame:
    """Read rows of a table.

    The first line is a header if it holds the name of a column. ``text/csv;header=present``
    and ``header=absent`` (RFC 4180) settle it where names look like values. Without a
    header the fields are the model's columns, in the order of training.

    Args:
        body: UTF-8 text with commas, semicolons or tabs.
        columns: what the model was trained on.
        parameters: of the content type, such as ``header=absent; charset=utf-8``.

    Raises:
        InputError: the body is not such a table.
    """
    text = _text(body)
    separator = _separator(text)
    records = _records(text, separator)
    known = [column.name for column in columns]
    header = _has_header(records[0], known, parameters)
    if not header:
        _check_fields(records[0], known)
    elif len(records) == 1:
        raise InputError("the CSV has a header but no rows; send at least one row")
    names = [name.strip() for name in records[0]] if header else known
    frame = _parse(text, separator, columns, names, skipped=int(header))
    if len(frame) != len(records) - header:
        raise InputError("the CSV has a blank line; leave it out, one row has one answer")
    for column in columns:
        if column.kind == "category" and column.name in frame:
            frame[column.name] = _spelled(frame[column.name])
    return frame


def read_numbers(body: bytes, width: int) -> NDArray[np.float64]:
    """Read rows of ``width`` numbers, without a header.

    Raises:
        InputError: anything else.
    """
    text = _text(body)
    records = _records(text, _separator(text))
    if len(records[0]) != width:
        raise InputError(f"a row has {len(records[0])} fields, but {width} numbers are expected")
    try:
        return np.array(records, dtype=np.float64)
    except ValueError as error:
        raise InputError(
            f"the CSV must hold numbers only, {width} in a row and no header: {error}"
        ) from error


def _text(body: bytes) -> str:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"the body is not UTF-8 text: byte {error.start} is wrong") from error
    if "\0" in text:
        raise InputError("the body is not text: it holds a zero byte")
    text = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\n")
    if not text.strip():
        raise InputError("the body is empty; send at least one row")
    check_rows(text.count("\n") - 1)  # a header, and a last line that ends
    return text


def _separator(text: str) -> str:
    first = re.sub(r'"[^"]*"', "", text.split("\n", 1)[0])
    return max(",;\t", key=first.count)


def _records(text: str, separator: str) -> list[list[str]]:
    """Split into fields and check that every row has as many as the first."""
    try:
        records = [
            record for record in csv.reader(io.StringIO(text), delimiter=separator) if record
        ]
    except csv.Error as error:
        raise InputError(f"the body is not a CSV: {error}") from error
    for number, record in enumerate(records, start=1):
        if len(record) != len(records[0]):
            raise InputError(
                f"line {number} of the CSV has {len(record)} fields, but the first has"
                f" {len(records[0])}; leave a field empty where a value is missing"
            )
    return records


def _has_header(first: Sequence[str], names: Sequence[str], parameters: str) -> bool:
    asked = parameters.replace(" ", "").replace('"', "").lower().split(";")
    if "header=present" in asked or "header=absent" in asked:
        header = "header=present" in asked
    else:
        fields = {field.strip().lower() for field in first}
        known = {name.lower() for name in names}
        # A column may be called 7; that alone makes no header of a row that holds a 7.
        header = known <= fields or any(not _is_number(name) for name in known & fields)
    stripped = [field.strip() for field in first]
    if header and len(set(stripped)) < len(stripped):
        double = next(name for name in stripped if stripped.count(name) > 1)
        raise InputError(f"the CSV has two columns named {double!r}; rename one")
    return header


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _check_fields(first: Sequence[str], names: Sequence[str]) -> None:
    if len(first) != len(names):
        raise InputError(
            f"the CSV has no header, so {len(names)} fields are expected in this order:"
            f" {', '.join(names)}; it has {len(first)}"
        )


def _parse(
    text: str, separator: str, columns: Sequence[Column], names: list[str], *, skipped: int
) -> pd.DataFrame:
    """Read as files are read, but categories and dates as the text that stands there."""
    as_text = {column.name: str for column in columns if column.kind != "number"}
    try:
        return pd.read_csv(
            io.StringIO(text),
            sep=separator,
            header=None,
            skiprows=skipped,
            names=names,
            dtype=as_text,
            index_col=False,
            low_memory=False,
            on_bad_lines="error",
        )
    except (pd.errors.ParserError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"the body is not a regular CSV: {reason}") from error


def _spelled(values: pd.Series) -> pd.Series:
    """Spell truth values as they were spelled in training, if there is nothing else."""
    present = {value for value in values if isinstance(value, str)}
    return values.map(TRUTH) if present and present <= TRUTH.keys() else values
