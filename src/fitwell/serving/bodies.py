"""Request bodies to rows, probabilities to answers."""

import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fitwell.errors import InputError


class Unsupported(InputError):
    """A content type that the server does not read: 415."""


class Unacceptable(InputError):
    """An Accept header that asks only for types the server does not write: 406."""


def read_rows(body: bytes, content_type: str) -> pd.DataFrame:
    """Read rows from a body.

    Raises:
        Unsupported: neither text/csv nor application/json.
        InputError: the body is not what its type says.
    """
    kind = content_type.split(";")[0].strip().lower()
    if kind == "text/csv":
        return _read_csv(body)
    if kind == "application/json":
        return _read_json(body)
    raise Unsupported(f"content type {kind!r} is not read here; send text/csv or application/json")


def _read_csv(body: bytes) -> pd.DataFrame:
    try:
        frame = pd.read_csv(io.BytesIO(body), encoding="utf-8-sig")
    except (ValueError, pd.errors.ParserError) as error:
        raise InputError(f"the body is not a CSV with a header: {error}") from error
    if frame.empty:
        raise InputError("the CSV has no rows; the first line must be the header")
    return frame


def _read_json(body: bytes) -> pd.DataFrame:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise InputError(f"the body is not JSON: {error}") from error
    if isinstance(data, dict):
        data = data.get("instances")
    if not isinstance(data, list) or not data or not all(isinstance(row, dict) for row in data):
        raise InputError(
            'the JSON must be a list of objects, one per row, or {"instances": [...]}, with the'
            " columns as keys"
        )
    if any(isinstance(value, (dict, list)) for row in data for value in row.values()):
        raise InputError("a value is a list or an object; each must be a number, a text or null")
    return pd.DataFrame(data)


def write_answer(
    probabilities: NDArray[np.float64], classes: Sequence[str], accept: str
) -> tuple[bytes, str]:
    """Format probabilities as JSON or CSV, whichever ``accept`` names first."""
    for wanted in accept.split(","):
        kind = wanted.split(";")[0].strip().lower()
        if kind in ("*/*", "application/*", "application/json"):
            return _json(probabilities, classes), "application/json"
        if kind in ("text/csv", "text/*"):
            frame = pd.DataFrame(probabilities, columns=list(classes))
            return frame.to_csv(index=False).encode(), "text/csv"
    raise Unacceptable(f"accept {accept!r} is not written here; ask for application/json, text/csv")


def _json(probabilities: NDArray[np.float64], classes: Sequence[str]) -> bytes:
    best = probabilities.argmax(axis=1)
    answer: list[dict[str, Any]] = [
        {
            "class": classes[top],
            "probabilities": dict(zip(classes, map(float, row), strict=True)),
        }
        for top, row in zip(best, probabilities, strict=True)
    ]
    return json.dumps({"predictions": answer}, ensure_ascii=False).encode()
