"""Numbers that are ready for the network."""

import numpy as np
import pytest
import torch
from torch.utils.data import TensorDataset

from fitwell.data.arrays import make_arrays
from fitwell.data.splits import split_rows
from fitwell.errors import InputError

X = np.random.default_rng(0).normal(size=(40, 3))
Y = np.arange(40) % 2


@pytest.mark.parametrize(
    "data",
    [
        (X, Y),
        (X.tolist(), Y.tolist()),
        (X, Y.astype(float)),
        (torch.tensor(X), torch.tensor(Y)),
        TensorDataset(torch.tensor(X), torch.tensor(Y)),
    ],
    ids=["arrays", "lists", "float classes", "tensors", "Dataset"],
)
def test_every_form_gives_the_same_source(data):
    source = make_arrays(data)
    np.testing.assert_array_equal(source.x, X.astype(np.float32))
    assert source.x.dtype == np.float32
    assert source.target.tolist() == Y.tolist()
    assert source.classes == ("0", "1")
    assert source.official is None
    assert source.features == 3


def test_labels_may_be_text():
    source = make_arrays((X, np.array(["정상", "병"])[Y]))
    assert source.classes == ("병", "정상")
    assert source.target.tolist() == (1 - Y).tolist()


def test_encoding_changes_nothing():
    encoder, encoded = make_arrays((X.reshape(40, 1, 3), Y)).encode(np.arange(5))
    assert encoder.shape == (1, 3)
    np.testing.assert_array_equal(encoded, X.reshape(40, 1, 3).astype(np.float32))


def test_an_own_test_part_is_the_test_part():
    source = make_arrays((X[:30], Y[:30]), (X[30:], Y[30:]))
    assert split_rows(source, seed=0).test.tolist() == list(range(30, 40))
    np.testing.assert_array_equal(source.x, X.astype(np.float32))


def test_whatever_changes_changes_the_fingerprint():
    other_x, other_y = X.copy(), Y.copy()
    other_x[7, 1] += 1
    other_y[7] = 1 - other_y[7]
    prints = [
        make_arrays(train, test).fingerprint
        for train, test in (
            ((X, Y), None),
            ((other_x, Y), None),
            ((X, other_y), None),
            ((X.reshape(40, 1, 3), Y), None),
            ((X[:30], Y[:30]), (X[30:], Y[30:])),
            ((X[:20], Y[:20]), (X[20:], Y[20:])),
        )
    ]
    assert len(set(prints)) == 6
    assert make_arrays((X.copy(), Y.copy())).fingerprint == prints[0]


@pytest.mark.parametrize(
    ("train", "test", "message"),
    [
        (
            (X, Y[:39]),
            None,
            "train: x has 40 rows and y has shape (39,), but one class per row is expected.",
        ),
        (
            (X, Y[:, None]),
            None,
            "train: x has 40 rows and y has shape (40, 1), but one class per row is expected.",
        ),
        (
            (np.where(X == X[7, 1], np.nan, X), Y),
            None,
            "train: x holds NaN or infinity, first in row 7. Fill it in, or give a DataFrame, where"
            " missing values are allowed.",
        ),
        (
            (np.where(X == X[7, 1], 1e300, X), Y),
            None,
            "train: x holds NaN or infinity, first in row 7. Fill it in, or give a DataFrame, where"
            " missing values are allowed.",
        ),
        ((X, Y / 2), None, "train: y holds fractions, but fitwell predicts classes."),
        (
            (X, Y * 0),
            None,
            "train: y holds one class only, 0. Two at least are expected.",
        ),
        (
            (X.astype(str).astype(object), np.array(["a"] * 40)),
            (np.array([["word"] * 3]), np.array(["a"])),
            "test: x has type <U4, but numbers are expected. Encode it, or give a DataFrame, where"
            " text is allowed.",
        ),
        (
            (X, Y),
            (X[:, :2], Y),
            "test: a row has shape (2,), but (3,) is expected, as in train.",
        ),
        (
            3,
            None,
            "train is int, but (x, y), a Dataset of such pairs, a DataFrame or a file name is"
            " expected.",
        ),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(train, test, message):
    with pytest.raises(InputError) as caught:
        make_arrays(train, test)
    assert str(caught.value) == message
