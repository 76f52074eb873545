"""Predict with the model of a run folder: a file in, a CSV of probabilities out."""

from pathlib import Path
from typing import Any

import pandas as pd

from fitwell.data.images import ImageEncoder, read_npz
from fitwell.data.reading import read_table
from fitwell.errors import InputError
from fitwell.model_files import Predictor, load_model
from fitwell.runs.folder import RunFolder
from fitwell.storage import replacing


def load_predictor(run: Path, factory: str | None = None) -> Predictor:
    """Load the model of a finished run."""
    return load_model(RunFolder.open(run).model, factory)


def predict_file(
    run: Path, data: str, *, out: Path | None = None, factory: str | None = None
) -> str:
    """Predict every row of a file; write a CSV to ``out``, or give it as text.

    The columns are the classes, the rows are those of the file, in order.
    """
    predictor = load_predictor(run, factory)
    probabilities = predictor.predict_proba(_rows(predictor, Path(data)))
    frame = pd.DataFrame(probabilities, columns=list(predictor.classes))
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


def _rows(predictor: Predictor, path: Path) -> Any:
    if isinstance(predictor.encoder, ImageEncoder):
        return read_npz(path).pixels
    return read_table(path)
