"""Whether a file answers as the network in torch does."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitwell.errors import InputError
from fitwell.exports.onnx_file import Answers

TOLERANCE = 1e-5
"""Of a probability. float32 rounds by 1e-7; a layer that does something else shows above."""

SIZES = (1, 3, 0)
"""Rows at once; 0 stands for all of them."""


@dataclass(frozen=True)
class Parity:
    """How far a file's probabilities are from torch's: the largest difference, and of how many."""

    rows: int
    largest: float


def prove_parity(
    answers: Answers, rows: NDArray[np.float32], expected: NDArray[np.float64], kind: str
) -> Parity:
    """Compare one row, a few rows and all rows, so that the free axis is proven too.

    Raises:
        InputError: a probability differs by more than `TOLERANCE`, or the shape does.
    """
    largest = 0.0
    for size in SIZES:
        part = rows[: size or len(rows)]
        wanted = expected[: len(part)]
        try:
            found = answers(part)
        except Exception as error:  # a runtime raises kinds of its own
            reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
            raise _refused(kind, f"it cannot answer {len(part)} row(s): {reason}") from error
        if found.shape != wanted.shape:
            raise _refused(kind, f"it answers {found.shape}, but {wanted.shape} is expected")
        difference = np.abs(found - wanted)
        if not (difference <= TOLERANCE).all():
            row = int(np.argmax(np.nan_to_num(difference.max(axis=1), nan=np.inf)))
            raise _refused(
                kind,
                f"its probabilities differ from torch's by up to {difference[row].max():.1e} (row"
                f" {row + 1} of {len(part)}), where {TOLERANCE:g} is allowed",
            )
        largest = max(largest, float(difference.max()))
    return Parity(len(rows), largest)


def _refused(kind: str, reason: str) -> InputError:
    other = "torch" if kind == "onnx" else "onnx"
    return InputError(
        f"--format {kind}: no file was written, for {reason}. Try --format {other}, or fitwell"
        " serve, which needs no export."
    )
