"""Predict with the model of a run folder: a file in, a CSV of probabilities out."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fitwell.data.images import ImageEncoder, read_pixels
from fitwell.data.reading import read_table
from fitwell.errors import InputError
from fitwell.model_files import Predictor, load_model
from fitwell.runs.opened import opened
from fitwell.storage import replacing


def load_predictor(run: Path, factory: str | None = None) -> Predictor:
    """Load the model of a finished run, from its folder or its archive.

    Raises:
        InputError: it is none, or a file of it was changed.
    """
    with opened(run) as folder:
        return load_model(folder.model, factory)


def predict_file(
    run: Path, data: str, *, out: Path | None = None, factory: str | None = None
) -> str:
    """Predict every row of a file; write a CSV to ``out``, or give it as text.

    The columns are the classes, the rows are those of the file, in order; of a folder of
    images, those of its files by name, which the first column holds.
    """
    predictor = load_predictor(run, factory)
    rows, names = _rows(predictor, Path(data))
    frame = pd.DataFrame(predictor.predict_proba(rows), columns=list(predictor.classes))
    if names:
        frame.insert(0, "file", names)
    if out is None:
        return str(frame.to_csv(index=False))
    try:
        with replacing(out) as temporary:
            frame.to_csv(temporary, index=False)
    except OSError as error:
        raise InputError(
            f"--out {out} cannot be written: {error.strerror}. Choose another file."
        ) from error
    return f"{len(frame)} rows written to {out}\n"


def _rows(predictor: Predictor, path: Path) -> tuple[Any, tuple[str, ...]]:
    encoder = predictor.encoder
    if isinstance(encoder, ImageEncoder):
        return read_pixels(path, encoder.shape)
    if encoder is None:
        return _numbers(read_table(path)), ()
    text = [column.name for column in encoder.columns if column.kind == "category"]
    return read_table(path, text=text), ()


def _numbers(frame: pd.DataFrame) -> NDArray[np.float32]:
    """Give a table's numbers by position, for a model that was trained on arrays."""
    wrong = [name for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])]
    if wrong:
        raise InputError(
            f"column {wrong[0]!r} holds text, but this model was trained on arrays of numbers."
            " Give numbers, in the order of training."
        )
    return frame.to_numpy(dtype=np.float32)
