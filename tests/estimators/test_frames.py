"""DataFrames: numbers as they are, text and gaps through fitwell's own encoding."""

import numpy as np
import pandas as pd
import pytest

from fitwell import FitwellClassifier, FitwellRegressor
from fitwell.data.splits import stratified

QUICK = {"widths": (8,), "epochs": 20, "learning_rate": 0.05, "random_state": 0}


@pytest.fixture
def visits():
    rng = np.random.default_rng(1)
    city = rng.choice(["Seoul", "Busan", "Jeju"], 200)
    frame = pd.DataFrame(
        {
            "age": rng.normal(40, 10, 200),
            "city": pd.Series(city),
            "member": pd.Categorical(rng.choice(["yes", "no"], 200)),
            "since": pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 500, 200), "D"),
        }
    )
    frame.loc[::7, "age"] = np.nan
    frame.loc[::11, "city"] = None
    return frame, np.where(city == "Seoul", "bought", "left")


def test_a_frame_of_numbers_gives_what_its_array_gives():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 3))
    y = x[:, 0] > 0
    frame = pd.DataFrame(x, columns=["a", "b", "c"])
    named = FitwellClassifier(**QUICK).fit(frame, y)
    plain = FitwellClassifier(**QUICK).fit(x, y)
    assert np.array_equal(named.predict_proba(frame), plain.predict_proba(x))
    assert list(named.feature_names_in_) == ["a", "b", "c"]
    assert named.encoder_ is None
    assert not hasattr(plain, "feature_names_in_")


def test_text_dates_and_gaps_are_encoded(visits):
    frame, y = visits
    classifier = FitwellClassifier(**QUICK).fit(frame, y)
    assert classifier.n_features_in_ == 4
    assert list(classifier.feature_names_in_) == ["age", "city", "member", "since"]
    assert (classifier.predict(frame) == y)[~frame.city.isna()].all()
    value = np.where(frame.city == "Seoul", 10.0, 0.0)
    assert FitwellRegressor(**QUICK).fit(frame, value).score(frame, value) > 0.8


def test_the_encoder_is_fitted_on_the_rows_that_are_trained_on(visits):
    frame, y = visits
    held = stratified(np.unique(y, return_inverse=True)[1], 0.2, 0)
    whole = FitwellClassifier(**QUICK).fit(frame, y)
    extreme = frame.copy()
    extreme.loc[held, "age"] = 1e6
    changed = FitwellClassifier(**QUICK).fit(extreme, y)
    assert np.array_equal(
        changed.encoder_.transform(frame[~held]), whole.encoder_.transform(frame[~held])
    )
    extreme.loc[~held, "age"] *= 3
    other = FitwellClassifier(**QUICK).fit(extreme, y)
    assert not np.array_equal(
        other.encoder_.transform(frame[~held]), whole.encoder_.transform(frame[~held])
    )


def test_a_category_that_fitting_did_not_see_can_be_predicted(visits):
    frame, y = visits
    classifier = FitwellClassifier(**QUICK).fit(frame, y)
    new = frame.head(2).assign(city=["Daegu", None])
    assert classifier.predict(new).shape == (2,)


def test_weights_leave_rows_of_a_frame_out(visits):
    frame, y = visits
    kept = np.arange(200) % 3 > 0
    weighted = FitwellClassifier(**QUICK).fit(frame, y, sample_weight=kept)
    absent = FitwellClassifier(**QUICK).fit(frame[kept], y[kept])
    assert np.array_equal(weighted.predict_proba(frame), absent.predict_proba(frame))


def test_an_array_in_place_of_the_frame_is_refused(visits):
    frame, y = visits
    classifier = FitwellClassifier(**QUICK).fit(frame, y)
    with pytest.raises(ValueError, match="X is") as caught:
        classifier.predict(frame.to_numpy())
    assert str(caught.value) == (
        "X is a ndarray, but a DataFrame with the columns of fitting is expected: some of them"
        " were no numbers. Give one."
    )
    with pytest.raises(ValueError, match="feature names"):
        classifier.predict(frame.rename(columns={"age": "Age"}))


def test_numbers_with_gaps_are_refused_as_in_an_array():
    frame = pd.DataFrame({"a": [1.0, np.nan] * 20, "b": np.arange(40.0)})
    with pytest.raises(ValueError, match="Input X contains NaN"):
        FitwellClassifier(**QUICK).fit(frame, [0, 1] * 20)


def test_two_columns_of_one_name_are_refused(visits):
    frame, y = visits
    with pytest.raises(ValueError, match="named") as caught:
        FitwellClassifier(**QUICK).fit(frame.rename(columns={"age": "city"}), y)
    assert str(caught.value) == "X: two columns are named 'city'. Rename one."
