"""Intervals drawn with letters: where the ends, the value and zero stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitwell.report.bars import CELLS, Scale
from fitwell.results import Interval


def interval(value, low, high):
    return Interval(value=value, low=low, high=high)


@pytest.mark.parametrize(
    ("given_", "drawn"),
    [
        (interval(-2.0, -3.0, -1.0), "├───●───┤   │            "),
        (interval(2.0, 1.0, 3.0), "            │   ├───●───┤"),
        (interval(0.0, 0.0, 0.0), "            ●            "),
    ],
)
def test_ends_value_and_zero_stand_where_they_belong(given_, drawn):
    assert Scale(-3.0, 3.0).bar(given_) == drawn


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3), st.floats(-1, 1), st.floats(-1, 1))
def test_every_bar_has_one_length_and_shows_its_value(ends, low, high):
    low_, value, high_ = sorted(ends)
    one = interval(value, low_, high_)
    bar = Scale.of([one, interval(0, min(low, high), max(low, high))]).bar(one)
    assert len(bar) == CELLS
    assert bar.count("●") == 1
    assert set(bar) <= set(" ├─┤┼│●")
