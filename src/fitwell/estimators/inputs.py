"""What scikit-learn hands over, checked: rows, targets and weights."""

from numbers import Number
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.utils.validation import check_array, check_consistent_length, validate_data

from fitwell.data.columns import TableEncoder, infer_columns
from fitwell.data.source import Rows
from fitwell.errors import InputError


def read(estimator: Any, X: Any, y: Any) -> tuple[Any, NDArray[Any]]:
    """Check X and y in fitting, and note their columns on the estimator.

    Returns:
        The rows, a float32 array or a frame that has yet to be encoded, and the target.

    Raises:
        ValueError: they cannot be used; scikit-learn's words.
    """
    y = validate_data(estimator, y=y)
    if not needs_encoder(X):
        X = validate_data(estimator, X, **_NUMBERS)
        check_consistent_length(X, y)
        return X, y
    if not X.columns.is_unique:
        twice = X.columns[X.columns.duplicated()][0]
        raise InputError(f"X: two columns are named {twice!r}. Rename one.")
    validate_data(estimator, X, skip_check_array=True)
    check_consistent_length(X, y)
    return X.set_axis([str(name) for name in X.columns], axis=1), y


def read_again(estimator: Any, X: Any, encoder: TableEncoder | None) -> NDArray[np.float32]:
    """Check and encode X in predicting.

    Raises:
        ValueError: its columns are not those of fitting.
    """
    if encoder is None:
        found: NDArray[np.float32] = validate_data(estimator, X, reset=False, **_NUMBERS)
        return found
    if not isinstance(X, pd.DataFrame):
        raise InputError(
            f"X is a {type(X).__name__}, but a DataFrame with the columns of fitting is expected:"
            " some of them were no numbers. Give one."
        )
    validate_data(estimator, X, reset=False, skip_check_array=True)
    return encoder.transform(X)


_NUMBERS: dict[str, Any] = {"dtype": np.float32, "order": "C"}


def needs_encoder(X: Any) -> bool:
    """Whether X is a DataFrame with a column that is neither a number nor a Boolean.

    The types decide, not the values, so that all folds of one frame are treated alike.
    """
    return isinstance(X, pd.DataFrame) and not all(
        pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind) for kind in X.dtypes
    )


def encode(x: Any, train: Rows) -> tuple[TableEncoder | None, NDArray[np.float32]]:
    """Encode a frame, fitted on its training rows alone; an array stays as it is."""
    if not isinstance(x, pd.DataFrame):
        return None, x
    encoder = TableEncoder.fit(x.iloc[train], infer_columns(x))
    return encoder, encoder.transform(x)


def row_weights(sample_weight: Any, rows: int) -> NDArray[np.float32] | None:
    """Check the weights of the rows and scale them to a largest one of 1.

    Returns:
        One number per row, 0 for a row to be left out; None where all count the same.

    Raises:
        ValueError: a weight below zero, none above zero, or another number of them.
    """
    if sample_weight is None or isinstance(sample_weight, Number):
        return None
    weights = check_array(
        sample_weight, ensure_2d=False, dtype=np.float64, input_name="sample_weight"
    )
    if weights.shape != (rows,):
        raise InputError(
            f"sample_weight has shape {weights.shape}, but one number for each of the {rows} rows"
            " is expected."
        )
    if weights.min() < 0 or weights.max() == 0:
        raise InputError(
            f"sample_weight goes from {weights.min():g} to {weights.max():g}, but numbers from 0 up"
            " are expected, and not all of them zero."
        )
    if weights.min() == weights.max():
        return None
    scaled: NDArray[np.float32] = (weights / weights.max()).astype(np.float32)
    return scaled
