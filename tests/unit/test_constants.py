"""A table's encoder gives bit for bit what scikit-learn's transformers give."""

import numpy as np
import pandas as pd
import pytest

from fitwell.data.columns import CLIP, TableEncoder, _spread, infer_columns
from fitwell.data.constants import Category, Number
from serving.conftest import make_rows


def by_scikit_learn(encoder, frame):
    """Encode as the fitted ColumnTransformer does, then bend."""
    numbers, categories = _spread(frame, encoder.columns)
    flags = numbers.isna().astype(float).add_prefix("missing ")
    table = pd.concat([numbers, flags, categories], axis=1)
    found = np.asarray(encoder._transformer.transform(table), dtype=np.float64)
    bent = found[:, : numbers.shape[1]]
    found[:, : numbers.shape[1]] = bent / np.hypot(1, bent / CLIP)
    return found.astype(np.float32)


def odd_rows():
    """Every kind of column there is, and rows that training did not hold."""
    rows = make_rows().drop(columns="bought").astype(object)
    rows["empty"], rows["constant"], rows["gone"] = None, 1.0, None
    rows["rare"] = [f"r{i % 40}" for i in range(len(rows))]
    new = rows.copy()
    odd = {"rare": "new", "age": 1e200, "empty": 3.0, "constant": 1e-20, "since": None}
    for place, (name, value) in enumerate({**odd, "city": "new", "gone": "here"}.items()):
        new.loc[place, name] = value
    return rows, new


@pytest.mark.parametrize("names", [None, ["rare"], ["city"], ["age"], ["empty"], ["gone", "since"]])
def test_rows_are_encoded_bit_for_bit_as_scikit_learn_does(names):
    rows, new = odd_rows()
    names = names or list(rows.columns)
    encoder = TableEncoder.fit(rows[names], infer_columns(rows[names]))
    for frame in (rows[names], new[names]):
        assert np.array_equal(encoder.transform(frame), by_scikit_learn(encoder, frame))


def test_a_category_has_one_input_per_value_and_one_for_the_rest():
    category = Category("city", alone=("a", "b"), rare=("c", "d"))
    assert category.encode(["b", "d", "new"]).tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 1]]
    assert Category("city", ("a", "b"), ()).encode(["new", "a"]).tolist() == [[0, 0], [1, 0]]


@pytest.mark.parametrize("entry", [(0, 0, 0), (np.nan, 1, 0), (0, np.inf, 0), (0, -1, 0), (0, 1, np.nan)])  # fmt: skip
def test_constants_that_cannot_scale_are_refused(entry):
    with pytest.raises(ValueError, match="has no finite center, scale and fill"):
        Number("age", *entry)
