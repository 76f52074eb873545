"""What stays outside an exported file: how raw values become the network's input."""

from collections.abc import Mapping
from typing import Any

from fitwell.data.columns import CLIP, TableEncoder
from fitwell.data.images import ImageEncoder

NUMBERS = (
    "z = (x - center) / scale; where x is missing, z = fill; then the input is"
    f" z / sqrt(1 + (z / {CLIP:g})**2)"
)
DATES = (
    "four numbers of the time in UTC: day (days since 1970-01-01, with fractions), month (1 to"
    " 12), weekday (Monday is 0), hour (0 to 23)"
)
FLAGS = "1 where the number is missing, else 0"
CATEGORIES = (
    "1 where the value, as text, is among values, or is unknown and others is true, else 0; a"
    ' missing value is the text ""; a whole number has no decimal point'
)
PIXELS = "(pixel / 255 - mean) / deviation, by channel; pixels from 0 to 255, channels first"


def describe_encoder(encoder: TableEncoder | ImageEncoder | None) -> dict[str, Any]:
    """Give everything that is needed to make the input without fitwell, as plain data.

    For a table ``inputs`` has one entry per number that the network reads, in order: the
    column, the part of it and the constants of the formulas.
    """
    if encoder is None:
        return {"kind": "none", "how": "the numbers that the model was trained on, as they are"}
    if isinstance(encoder, ImageEncoder):
        return {
            "kind": "image",
            "how": PIXELS,
            "shape": list(encoder.shape),
            "mean": list(encoder.mean),
            "deviation": list(encoder.deviation),
        }
    return {
        "kind": "table",
        "how": {"number": NUMBERS, "date": DATES, "missing": FLAGS, "category": CATEGORIES},
        "columns": [[column.name, column.kind] for column in encoder.columns],
        "inputs": _inputs(encoder.transformer),
    }


def _inputs(transformer: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for name, fitted, keys in transformer.transformers_:
        if name in ("wide", "narrow") and len(keys):
            scaler, imputer = fitted[0], fitted[1]
            center = scaler.center_ if name == "wide" else scaler.mean_
            found += _numbers(keys, center, scaler.scale_, imputer.statistics_)
        elif name == "empty" and len(keys):
            found += _numbers(keys, [0] * len(keys), [1] * len(keys), fitted.statistics_)
        elif name == "missing":
            found += [_named(key.removeprefix("missing ")) | {"missing": True} for key in keys]
        elif name == "categories" and len(keys):
            for number, key in enumerate(keys):
                found += _categories(_named(key), fitted, number)
    return found


def _numbers(keys: Any, center: Any, scale: Any, fill: Any) -> list[dict[str, Any]]:
    return [
        _named(key) | {"center": float(c), "scale": float(s), "fill": float(f)}
        for key, c, s, f in zip(keys, center, scale, fill, strict=True)
    ]


def _categories(named: Mapping[str, Any], one_hot: Any, number: int) -> list[dict[str, Any]]:
    rare = one_hot.infrequent_categories_[number]
    rare = [] if rare is None else [str(value) for value in rare]
    alone = [str(value) for value in one_hot.categories_[number] if str(value) not in set(rare)]
    entries = [{**named, "values": [value], "others": False} for value in alone]
    return [*entries, {**named, "values": rare, "others": True}] if rare else entries


def _named(key: str) -> dict[str, Any]:
    part, _, column = str(key).partition(" ")
    return {"column": column, "part": part}
