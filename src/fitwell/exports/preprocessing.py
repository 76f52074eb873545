"""What stays outside an exported file: how raw values become the network's input."""

from typing import Any

from fitwell.data.columns import TableEncoder
from fitwell.data.constants import CLIP, Category, Constants
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
    "1 where the value, as text, is among values, or others is true and no other input of the"
    ' column has it, else 0; a missing value is the text ""; a whole number has no decimal point'
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
        "inputs": _inputs(encoder.constants),
    }


def _inputs(constants: Constants) -> list[dict[str, Any]]:
    numbers = (
        _named(n.key) | {"center": n.center, "scale": n.scale, "fill": n.fill}
        for n in constants.numbers
    )
    flags = (_named(key) | {"missing": True} for key in constants.flags)
    return [*numbers, *flags, *(e for c in constants.categories for e in _categories(c))]


def _categories(category: Category) -> list[dict[str, Any]]:
    named = _named(category.key)
    entries = [{**named, "values": [value], "others": False} for value in category.alone]
    if category.others:
        entries.append({**named, "values": [], "others": True})
    return entries


def _named(key: str) -> dict[str, Any]:
    part, _, column = key.partition(" ")
    return {"column": column, "part": part}
