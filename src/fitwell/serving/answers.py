"""Probabilities to answers, in the type that the client asks for."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fitwell.errors import InputError

JSON_NAMES = ("*/*", "application/*", "application/json")
CSV_NAMES = ("text/*", "text/csv")


class Unacceptable(InputError):
    """An Accept header that asks only for types the server does not write: 406."""


def write_answer(
    probabilities: NDArray[np.float64], classes: Sequence[str], accept: str
) -> tuple[bytes, str]:
    """Format probabilities as JSON or CSV; give them with their media type.

    JSON: the likeliest class and every class's probability, by row. CSV: one column per
    class, as ``fitwell predict`` writes it.

    Raises:
        Unacceptable: as said there.
    """
    if choose(accept) == "text/csv":
        frame = pd.DataFrame(probabilities, columns=list(classes))
        return str(frame.to_csv(index=False)).encode(), "text/csv"
    return _json(probabilities, classes), "application/json"


def choose(accept: str) -> str:
    """Give the media type that an Accept header likes best; JSON where it names none.

    >>> choose("text/csv;q=0.5, application/json")
    'application/json'

    Raises:
        Unacceptable: neither JSON nor CSV is among them.
    """
    wanted = sorted((_weighed(part) for part in accept.split(",")), key=lambda kind: -kind[1])
    for kind, weight in wanted:
        if weight > 0 and (not accept.strip() or kind in JSON_NAMES):
            return "application/json"
        if weight > 0 and kind in CSV_NAMES:
            return "text/csv"
    raise Unacceptable(
        f"accept {accept!r} is not written here; ask for application/json or text/csv"
    )


def _weighed(part: str) -> tuple[str, float]:
    kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return kind, float(parameter[2:])
            except ValueError:
                return kind, 0.0
    return kind, 1.0


def _json(probabilities: NDArray[np.float64], classes: Sequence[str]) -> bytes:
    best = probabilities.argmax(axis=1)
    answer: list[dict[str, Any]] = [
        {
            "class": classes[top],
            "probabilities": dict(zip(classes, map(float, row), strict=True)),
        }
        for top, row in zip(best, probabilities, strict=True)
    ]
    return json.dumps({"predictions": answer}, ensure_ascii=False, allow_nan=False).encode()
