"""Rows that look like those of training, made of what the encoder knows of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fitwell.data.columns import TableEncoder
from fitwell.data.images import ImageEncoder
from fitwell.data.spreading import Column
from fitwell.exports.preprocessing import describe_encoder
from fitwell.model_files import Predictor

ROWS = 64
MISSING = 0.1
DAY = 86_400
FAR = 100
"""Scales from the center: one row of each number lies that far out."""


def example_rows(predictor: Predictor, seed: int = 0) -> NDArray[np.float32]:
    """Draw `ROWS` rows and encode them.

    Numbers are normal around their center in units of their scale, one far out, some missing;
    categories are those of training and one that is new; pixels are normal by channel; plain
    arrays are standard normal.
    """
    draw = np.random.default_rng(seed)
    encoder = predictor.encoder
    if isinstance(encoder, TableEncoder):
        return np.ascontiguousarray(encoder.transform(_table(encoder, draw)))
    if isinstance(encoder, ImageEncoder):
        return np.ascontiguousarray(encoder.transform(_pixels(encoder, draw)))
    return draw.normal(size=(ROWS, *predictor.shape)).astype(np.float32)


def _table(encoder: TableEncoder, draw: np.random.Generator) -> pd.DataFrame:
    inputs: list[dict[str, Any]] = describe_encoder(encoder)["inputs"]
    return pd.DataFrame(
        {
            column.name: _column(column, [i for i in inputs if i["column"] == column.name], draw)
            for column in encoder.columns
        }
    )


def _column(
    column: Column, inputs: Sequence[dict[str, Any]], draw: np.random.Generator
) -> pd.Series:
    missing = draw.random(ROWS) < MISSING
    if column.kind == "category":
        known = [value for entry in inputs for value in entry.get("values", ())]
        values = pd.Series(draw.choice([*known, "new to the encoder"], ROWS), dtype=object)
        return values.where(~missing, None)
    scaled = next(i for i in inputs if i["part"] in ("number", "day") and "center" in i)
    numbers = scaled["center"] + scaled["scale"] * draw.normal(size=ROWS)
    if column.kind == "date":
        # From the year 1700 to 2250, which pandas can hold in any unit.
        seconds = np.clip(numbers, -98_000, 102_000) * DAY
        dates = pd.to_datetime(seconds.astype(np.int64), unit="s")
        return pd.Series(dates.astype(str), dtype=object).where(~missing, None)
    numbers[0] = scaled["center"] + FAR * scaled["scale"]
    return pd.Series(np.where(missing, np.nan, numbers))


def _pixels(encoder: ImageEncoder, draw: np.random.Generator) -> NDArray[np.uint8]:
    mean = np.array(encoder.mean).reshape(-1, 1, 1)
    deviation = np.array(encoder.deviation).reshape(-1, 1, 1)
    shares = mean + deviation * draw.normal(size=(ROWS, *encoder.shape))
    return np.asarray(np.clip(np.round(255 * shares), 0, 255), dtype=np.uint8)
