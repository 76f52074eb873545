"""Labels to class numbers."""

import numpy as np
import pandas as pd
import pytest

from fitwell.data.targets import as_classes
from fitwell.errors import InputError


@pytest.mark.parametrize(
    ("values", "classes", "codes"),
    [
        (["no", "yes", "no", "yes", "no"], ("no", "yes"), [0, 1, 0, 1, 0]),
        ([True, False, True, False, True], ("False", "True"), [1, 0, 1, 0, 1]),
        ([10, 9, 10, 9, 9], ("9", "10"), [1, 0, 1, 0, 0]),
        ([1.0, 0.0, 1.0, 0.0, 0.0], ("0", "1"), [1, 0, 1, 0, 0]),
        ([-1, 1, -1, 1, 1], ("-1", "1"), [0, 1, 0, 1, 1]),
        (["10", "9", "10", "9", "9"], ("9", "10"), [1, 0, 1, 0, 0]),
        (["병", "정상", "병", "정상", "병"], ("병", "정상"), [0, 1, 0, 1, 0]),
        ([0.5, 1.0, 0.5, 1.0, 1.0], ("0.5", "1"), [0, 1, 0, 1, 1]),
    ],
)
def test_classes_are_numbered_in_their_natural_order(values, classes, codes):
    found, names = as_classes(pd.Series(values), "y")
    assert names == classes
    assert found.tolist() == codes
    assert found.dtype == np.int64


@pytest.mark.parametrize("dtype", ["Int64", "int8", "float32", "object", "category", "string"])
def test_the_type_of_the_column_does_not_change_the_classes(dtype):
    values = pd.Series([2, 0, 2, 1, 1, 0])
    codes, names = as_classes(
        (values.astype(str) if dtype == "string" else values).astype(dtype), "y"
    )
    assert names == ("0", "1", "2")
    assert codes.tolist() == [2, 0, 2, 1, 1, 0]


@pytest.mark.parametrize(
    "pair", [(2**53, 2**53 + 1), (0.1234567, 0.1234568), ("1", "1.0"), ("a", "a ")]
)
def test_values_that_differ_are_never_merged(pair):
    codes, names = as_classes(pd.Series(list(pair) * 3), "y")
    assert len(names) == 2
    assert len(set(codes[::2])) == len(set(codes[1::2])) == 1


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_fractions_are_written_as_they_are_read(dtype):
    values = pd.Series(np.array([0.1, 2.5, 3.0] * 2, dtype=dtype))
    assert as_classes(values, "y")[1] == ("0.1", "2.5", "3")


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([None, None], "--target y: every value is missing. Name another column."),
        (
            [1.0, 2.0, np.inf, 1.0, 2.0, np.inf],
            "--target y holds infinite values, but classes are expected. Correct them or leave"
            " them empty.",
        ),
        (
            list("aabbc"),
            "--target y: class 'c' has one row, but at least 2 are expected. Give more rows of it,"
            " merge it with another, or leave it out.",
        ),
        (
            list(range(101)) * 2,
            "--target y has 101 different values in 202 rows, so it is no class but a name or a"
            " measurement. Name another column, or put it into bins.",
        ),
        (
            [7, 7, 7],
            "--target y holds one class only, '7', in all 3 rows. At least two are expected; name"
            " another column.",
        ),
    ],
)
def test_a_column_that_is_no_class_is_refused(values, message):
    with pytest.raises(InputError) as caught:
        as_classes(pd.Series(values), "y")
    assert str(caught.value) == message


def test_a_hundred_classes_are_fine():
    codes, names = as_classes(pd.Series(list(range(100)) * 2), "y")
    assert names == tuple(str(number) for number in range(100))
    np.testing.assert_array_equal(codes, list(range(100)) * 2)
