"""Whatever a body holds, it is read or refused; nothing else may happen."""

import json

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from fitwell.data.columns import TableEncoder, infer_columns
from fitwell.errors import InputError
from fitwell.serving.bodies import Reader

FRAME = pd.DataFrame(
    {
        "age": [20.0, 30.0, np.nan, 50.0],
        "city": ["Seoul", "Jeju", None, "Seoul"],
        "since": ["2024-01-01", "2024-01-02", "2024-01-03", None],
    }
)
ENCODER = TableEncoder.fit(FRAME, infer_columns(FRAME))
READER = Reader(ENCODER, ENCODER.shape)

values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
names = st.sampled_from(["age", "city", "since", "other"])
anything = st.recursive(
    values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4)
)
moments = st.datetimes().map(str)
dates = st.none() | st.booleans() | st.floats() | moments
full_rows = st.lists(
    st.fixed_dictionaries({"age": values, "city": values, "since": dates}), min_size=1, max_size=4
)


def read_or_refused(body, kind):
    try:
        encoded = ENCODER.transform(READER.read(body, kind))
    except InputError:
        return None
    assert np.isfinite(encoded).all()
    return encoded


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_as_csv(body):
    read_or_refused(body, "text/csv")


@given(st.text(alphabet='age,city;since\n\r\t "1.-e', max_size=60).map(str.encode))
def test_anything_like_a_csv_is_read_or_refused(body):
    read_or_refused(b"age,city,since\n" + body, "text/csv")


@given(anything)
def test_any_json_is_read_or_refused(body):
    read_or_refused(json.dumps(body).encode(), "application/json")


@settings(max_examples=30)
@given(full_rows)
def test_full_json_rows_are_encoded_one_by_one(rows):
    encoded = read_or_refused(json.dumps(rows).encode(), "application/json")
    for number, row in enumerate(rows):
        alone = read_or_refused(json.dumps([row]).encode(), "application/json")
        if encoded is not None:
            assert np.array_equal(alone[0], encoded[number])


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused_as_an_array(body):
    reader = Reader(None, (3,))
    for kind in reader.kinds:
        try:
            reader.read(body, kind)
        except InputError:
            pass


def test_a_table_of_one_column_may_come_without_a_header():
    frame = FRAME[["age"]]
    encoder = TableEncoder.fit(frame, infer_columns(frame))
    rows = Reader(encoder, encoder.shape).read(b"20\n30\n", "text/csv")
    assert rows.age.tolist() == [20, 30]
