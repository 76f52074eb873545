"""A table's encoder gives bit for bit what scikit-learn's transformers give."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitwell.data.columns import TableEncoder, fit_transformer, infer_columns
from fitwell.data.constants import CLIP, Number
from fitwell.data.spreading import spread
from fitwell.errors import InputError
from serving.conftest import make_rows

NUMBERS = st.one_of(
    st.floats(allow_infinity=False, width=64),
    st.sampled_from([0.0, 1.0, 1.0, 1.0, np.nan, -3.5, 1e-12, 1e15]),
)
TEXTS = st.sampled_from(["a", "a", "a", "b", "b", "c", "d", "", None, "서울", "2.5"])
DAYS = st.sampled_from(["2024-01-01", "2024-02-29", "1999-12-31", None])


@st.composite
def frames(draw, most=40):
    rows = draw(st.integers(6, most))
    kinds = draw(st.lists(st.sampled_from("nnnccd"), min_size=1, max_size=6))
    values = {"n": NUMBERS, "c": TEXTS, "d": DAYS}
    return pd.DataFrame(
        {
            f"{kind}{place}": draw(st.lists(values[kind], min_size=rows, max_size=rows))
            for place, kind in enumerate(kinds)
        }
    )


def by_scikit_learn(transformer, frame, columns):
    """Encode as the fitted ColumnTransformer does, then bend."""
    numbers, categories = (
        pd.DataFrame(part, index=range(len(frame))) for part in spread(frame, columns)
    )
    flags = numbers.isna().astype(float).add_prefix("missing ")
    table = pd.concat([numbers, flags, categories.astype(object)], axis=1)
    found = np.asarray(transformer.transform(table), dtype=np.float64)
    bent = found[:, : numbers.shape[1]]
    found[:, : numbers.shape[1]] = bent / np.hypot(1, bent / CLIP)
    return found.astype(np.float32)


def both(frame, columns):
    """Give an encoder that was stored and read again, and what scikit-learn fits."""
    with tempfile.TemporaryDirectory() as folder:
        TableEncoder.fit(frame, columns).save(Path(folder))
        return TableEncoder.load(Path(folder)), fit_transformer(frame, columns)


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
    columns = infer_columns(rows[names])
    encoder, transformer = both(rows[names], columns)
    for frame in (rows[names], new[names]):
        expected = by_scikit_learn(transformer, frame, columns)
        assert np.array_equal(encoder.transform(frame), expected)


@pytest.mark.parametrize("entry", [(0, 0, 0), (np.nan, 1, 0), (0, np.inf, 0), (0, -1, 0), (0, 1, np.nan)])  # fmt: skip
def test_constants_that_cannot_scale_are_refused(entry):
    with pytest.raises(ValueError, match="has no finite center, scale and fill"):
        Number("age", *entry)


@settings(max_examples=40, deadline=None)
@given(frames(), st.data())
def test_random_tables_are_encoded_bit_for_bit_as_scikit_learn_does(frame, data):
    encoder, transformer = both(frame, infer_columns(frame))
    other = frame.sample(frac=1.0, random_state=0).reset_index(drop=True)
    for name, column in zip(other.columns, encoder.columns, strict=True):
        if column.kind == "category":
            other.loc[0, name] = data.draw(st.sampled_from(["never seen", "a", "d"]))
    for rows in (frame, other):
        found = encoder.transform(rows)
        expected = by_scikit_learn(transformer, rows, encoder.columns)
        assert found.dtype == expected.dtype == np.float32
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(encoder.transform(rows[2:3]), expected[2:3])
        np.testing.assert_array_equal(encoder.transform(rows.astype(object)), expected)


def test_rare_and_unseen_categories_share_an_input_only_where_there_are_rare_ones():
    common = pd.DataFrame({"x": ["a"] * 10 + ["b"] * 10})
    rare = pd.DataFrame({"x": ["a"] * 10 + ["b"] * 10 + ["c", "d"]})
    new = pd.DataFrame({"x": ["a", "c", "new", None]})
    told = {
        name: TableEncoder.fit(frame, infer_columns(frame)).transform(new).tolist()
        for name, frame in (("common", common), ("rare", rare))
    }
    assert told["common"] == [[1, 0], [0, 0], [0, 0], [0, 0]]
    assert told["rare"] == [[1, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]]


@pytest.mark.parametrize("value", [7, 7.0, "7", True, None, 10**300])
def test_numbers_as_json_has_them_are_read_as_those_of_a_file(value):
    frame = pd.DataFrame({"x": np.arange(20.0)})
    encoder = TableEncoder.fit(frame, infer_columns(frame))
    alone = encoder.transform(pd.DataFrame({"x": [value]}, dtype=object))
    beside = encoder.transform(pd.DataFrame({"x": [value, "3"]}, dtype=object))
    np.testing.assert_array_equal(alone[0], beside[0])


def test_a_whole_number_that_no_float_can_hold_is_refused():
    frame = pd.DataFrame({"x": np.arange(20.0)})
    encoder = TableEncoder.fit(frame, infer_columns(frame))
    with pytest.raises(InputError, match="column 'x' holds a whole number of more than 308"):
        encoder.transform(pd.DataFrame({"x": [10**400]}, dtype=object))
