"""Columns to numbers: by hand, never from test rows, the same after a round trip."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from fitwell.data.columns import TableEncoder, infer_columns
from fitwell.data.spreading import Column
from fitwell.data.tables import make_table
from fitwell.errors import InputError
from toys import make_frame


def fitted(frame):
    return TableEncoder.fit(frame, infer_columns(frame))


def bent(z):
    return z / np.sqrt(1 + (np.asarray(z) / 3) ** 2)


def mixed(rows=60, seed=0):
    """Numbers with gaps, categories, dates and Booleans, under Korean names."""
    rng = np.random.default_rng(seed)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 700, rows), unit="D")
    return pd.DataFrame(
        {
            "나이": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(40, 9, rows)),
            "도시": rng.choice(["서울", "부산", "제주", None], rows, p=[0.3, 0.3, 0.3, 0.1]),
            "가입일": days.strftime("%Y-%m-%d"),
            "member": rng.random(rows) < 0.5,
        }
    )


def test_a_number_is_scaled_by_median_and_quartiles_and_bent():
    frame = pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0, 5.0]})  # median 3, quartiles 2 and 4
    encoder = fitted(frame)
    by_hand = bent([-1, -0.5, 0, 0.5, 1])
    np.testing.assert_allclose(encoder.transform(frame)[:, 0], by_hand, rtol=1e-6)
    far = encoder.transform(pd.DataFrame({"x": [1e300, -1e300]}))
    np.testing.assert_allclose(far[:, 0], [3, -3], rtol=1e-6)


def test_where_the_quartiles_coincide_mean_and_deviation_scale():
    frame = pd.DataFrame({"x": [0.0] * 9 + [10.0]})  # mean 1, deviation 3
    encoded = fitted(frame).transform(frame)[:, 0]
    np.testing.assert_allclose(encoded, bent([-1 / 3] * 9 + [3]), rtol=1e-6)


def test_the_unit_of_a_column_does_not_matter_however_small():
    frame = pd.DataFrame({"charge": np.random.default_rng(0).normal(size=50)})
    spread = [fitted(frame * unit).transform(frame * unit).std() for unit in (1, 1e-12, 1e-19)]
    assert min(spread) > 0.5


def test_a_missing_number_becomes_the_median_and_is_flagged():
    frame = pd.DataFrame({"x": [1.0, 2.0, np.nan, 4.0, 5.0, np.inf]})
    encoded = fitted(frame).transform(frame)
    filled = np.array([1.0, 2.0, 3.0, 4.0, 5.0, 3.0])
    low, high = np.percentile([1, 2, 4, 5], [25, 75])  # of the values that are there
    np.testing.assert_allclose(encoded[:, 0], bent((filled - 3) / (high - low)), rtol=1e-6)
    assert encoded[:, 1].tolist() == [0, 0, 1, 0, 0, 1]


def test_a_column_with_most_values_missing_is_scaled_by_those_that_are_there():
    values = np.random.default_rng(0).normal(1e6, 1e5, 100)
    frame = pd.DataFrame({"x": np.where(np.arange(100) % 10 < 4, values, np.nan)})
    there = fitted(frame).transform(frame)[np.arange(100) % 10 < 4, 0]
    assert 0.5 < there.std() < 1.5
    assert abs(np.median(there)) < 1e-6


def test_a_gap_first_met_in_prediction_becomes_the_median():
    encoder = fitted(pd.DataFrame({"x": [1.0, 2.0, 3.0, 4.0, 5.0]}))
    assert encoder.transform(pd.DataFrame({"x": [np.nan, None]})).tolist() == [[0], [0]]


def test_categories_are_one_hot_and_rare_ones_share_an_input():
    frame = pd.DataFrame({"c": ["b"] * 6 + ["a"] * 5 + ["x"] * 4 + ["y"]})
    encoder = fitted(frame)
    assert encoder.shape == (3,)
    rows = encoder.transform(pd.DataFrame({"c": ["a", "b", "x", "y", "never seen"]}))
    assert rows.tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]]


def test_without_rare_categories_an_unseen_one_is_all_zeros():
    encoder = fitted(pd.DataFrame({"c": ["a", "b"] * 5}))
    assert encoder.transform(pd.DataFrame({"c": ["z", None]})).tolist() == [[0, 0], [0, 0]]


def test_a_missing_category_is_a_category():
    encoder = fitted(pd.DataFrame({"c": ["a", None] * 5}))
    assert encoder.transform(pd.DataFrame({"c": [None, "a"]})).tolist() == [[1, 0], [0, 1]]


def test_of_many_categories_the_most_frequent_keep_their_input():
    names = [f"c{number:03d}" for number in range(100) for _ in range(5 + (number < 63))]
    encoder = fitted(pd.DataFrame({"c": names}))
    assert encoder.shape == (64,)
    rows = encoder.transform(pd.DataFrame({"c": [f"c{number:03d}" for number in range(100)]}))
    np.testing.assert_array_equal(rows[:63], np.eye(64)[:63])
    np.testing.assert_array_equal(rows[63:], np.tile(np.eye(64)[63], (37, 1)))


def test_whole_numbers_are_one_category_however_they_were_read():
    encoder = fitted(pd.DataFrame({"code": ["1", "2", "A"] * 5}))
    as_text = encoder.transform(pd.DataFrame({"code": ["1", "2", None]}))
    as_read_beside_a_gap = encoder.transform(pd.DataFrame({"code": [1.0, 2.0, np.nan]}))
    np.testing.assert_array_equal(as_read_beside_a_gap, as_text)
    assert as_text[:2].tolist() == [[1, 0, 0], [0, 1, 0]]


def test_dates_become_days_month_weekday_and_hour():
    start = datetime(2023, 12, 30, 5, tzinfo=UTC)
    dates = [start + timedelta(hours=1000 * step) for step in range(40)]
    parts = pd.DataFrame(
        {
            "day": [date.timestamp() / 86400 for date in dates],
            "month": [date.month for date in dates],
            "weekday": [date.weekday() for date in dates],
            "hour": [date.hour for date in dates],
        }
    )
    by_parts = fitted(parts).transform(parts)
    for written in (pd.Series(dates), pd.Series([date.isoformat() for date in dates])):
        frame = pd.DataFrame({"when": written})
        np.testing.assert_allclose(fitted(frame).transform(frame), by_parts, atol=1e-6)


def test_kinds_are_inferred_from_types_and_values():
    frame = pd.DataFrame(
        {
            "whole": [1, 2],
            "number": [0.5, np.nan],
            "number as text": ["1", "2.5"],
            "Boolean": [True, False],
            "date": pd.to_datetime(["2024-01-01", None]),
            "date as text": ["2024-01-01", "2024-12-31 10:00:00"],
            "no date": ["2024-01-01", "2024-99-99"],
            "text": ["a", None],
        }
    )
    assert [column.kind for column in infer_columns(frame)] == [
        "number", "number", "number", "number", "date", "date", "category", "category",
    ]  # fmt: skip


@pytest.mark.parametrize("column", ["나이", "도시", "가입일", "member"])
def test_what_test_rows_hold_never_changes_the_encoding_of_training_rows(column):
    train, frame = np.arange(40), mixed()
    extreme = {"나이": 1e30, "도시": "화성", "가입일": "1900-01-01", "member": True}[column]
    changed = frame.copy()
    changed.loc[40:, column] = extreme
    target = ["a", "b"] * 30
    encoder, before = make_table(frame, target).encode(train)
    again, after = make_table(changed, target).encode(train)
    assert encoder.shape == again.shape
    np.testing.assert_array_equal(after[train], before[train])
    assert (after[40:] != before[40:]).any()


def test_every_output_is_finite_float32():
    encoder = fitted(mixed())
    odd = pd.DataFrame(
        {
            "나이": [np.inf, -1e308, np.nan],
            "도시": [None, "", "?"],
            "가입일": [None, "1800-01-01", "2199-12-31T23:59:59"],
            "member": [None, True, 5],
        }
    )
    encoded = encoder.transform(odd)
    assert encoded.dtype == np.float32
    assert encoded.shape == (3, *encoder.shape)
    assert np.isfinite(encoded).all()


def test_a_saved_encoder_gives_the_same_bits(tmp_path):
    encoder, rows = fitted(mixed()), mixed(seed=1)
    encoder.save(tmp_path)
    loaded = TableEncoder.load(tmp_path)
    assert loaded.columns == encoder.columns
    assert loaded.shape == encoder.shape
    assert loaded.transform(rows).tobytes() == encoder.transform(rows).tobytes()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["encoder.json"]


def test_an_encoder_file_that_holds_something_else_is_refused(tmp_path):
    fitted(make_frame()[["age"]]).save(tmp_path)
    (tmp_path / "encoder.json").write_text('{"columns": [["age", "number"]], "inputs": 1}')
    with pytest.raises(InputError) as caught:
        TableEncoder.load(tmp_path)
    assert str(caught.value) == (
        f"{tmp_path / 'encoder.json'} is refused: numbers is no list. Copy the run folder again."
    )


def test_names_that_look_like_derived_columns_stay_apart():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(30, 3)), columns=["age", "age missing", "missing age"])
    frame.loc[:4, "age"] = np.nan
    frame["d"] = pd.date_range("2024-01-01", periods=30)
    frame["d month"] = frame["month d"] = rng.normal(size=30)
    apart = frame.set_axis(list("uvwxyz"), axis=1)
    np.testing.assert_array_equal(fitted(frame).transform(frame), fitted(apart).transform(apart))


def test_only_the_named_columns_count_in_any_order():
    frame = make_frame().drop(columns="bought")
    encoder = fitted(frame)
    shuffled = frame[["city", "income", "age"]].assign(more=1)
    np.testing.assert_array_equal(encoder.transform(shuffled), encoder.transform(frame))
    assert encoder.transform(frame.head(0)).shape == (0, *encoder.shape)


def test_columns_named_by_numbers_can_be_encoded():
    frame = pd.DataFrame(np.arange(20.0).reshape(10, 2))
    assert fitted(frame.set_axis(["0", "1"], axis=1)).transform(frame).shape == (10, 2)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            {"age": [1]},
            "column 'income' and 1 more is missing; the model needs the 3 columns that it was"
            " trained on.",
        ),
        (
            {"age": [1], "incomes": [1], "city": ["Seoul"]},
            "column 'income' is missing; the model needs the 3 columns that it was trained on."
            " Did you mean 'incomes'?",
        ),
        (
            {"age": [1, "old"], "income": [1, 2], "city": ["Seoul", "Jeju"]},
            "column 'age', row 2: 'old' is no number, but numbers are expected, as in training."
            " Correct it or leave it empty.",
        ),
    ],
)
def test_rows_that_do_not_fit_are_refused(rows, message):
    with pytest.raises(InputError) as caught:
        fitted(make_frame().drop(columns="bought")).transform(pd.DataFrame(rows))
    assert str(caught.value) == message


def test_text_in_a_column_of_dates_is_refused():
    encoder = TableEncoder.fit(mixed(), [Column("가입일", "date")])
    with pytest.raises(InputError) as caught:
        encoder.transform(pd.DataFrame({"가입일": [None, "soon"]}))
    assert str(caught.value) == (
        "column '가입일', row 2: 'soon' is no date, but dates are expected, as in training."
        " Correct it or leave it empty."
    )


def test_a_date_far_away_is_a_number_of_days_like_any_other():
    dates = ["2024-01-01", "2024-01-03", "2024-01-05", "9999-12-31"] * 3
    frame = pd.DataFrame({"until": dates})
    encoded = fitted(frame).transform(frame)
    days = np.array([(datetime.fromisoformat(d) - datetime(1970, 1, 1)).days for d in dates])
    low, middle, high = np.percentile(days, [25, 50, 75])
    np.testing.assert_allclose(encoded[:, 0], bent((days - middle) / (high - low)), rtol=1e-5)
