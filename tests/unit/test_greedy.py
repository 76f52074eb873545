"""Greedy weights, held against a trace by hand and plain loops."""

import math

import numpy as np
import pytest

from fitwell.tuning.greedy import PICKS, greedy_weights


def test_two_candidates_are_picked_as_traced_by_hand():
    """Rows' right class: A says 0.9 and 0.4, B says 0.2 and 0.8.

    The product of the mean's two numbers is, after each pick, .36 for A against .16 for B;
    AA .36, AB .33; AAA .36, AAB .3556; AAAA .36, AAAB .3625: B; then A to the end, since
    .3648 > .3472, .3656 > .3556, .3657 > .36 and .3656 > .3625.
    """
    right = np.array([[0.9, 0.4], [0.2, 0.8]])
    trace = "AAABAAAA"
    for picks in range(1, 9):
        expected = [trace[:picks].count(name) / picks for name in "AB"]
        np.testing.assert_array_equal(greedy_weights(right, picks=picks), expected)
    assert PICKS == 8
    assert greedy_weights(right).tolist() == [7 / 8, 1 / 8]


def picked_slowly(right, counted, picks):
    taken = []
    for _ in range(picks):
        losses = []
        for candidate in range(len(right)):
            bag = [*taken, candidate]
            means = [sum(right[m][row] for m in bag) / len(bag) for row in range(len(right[0]))]
            losses.append(-sum(w * math.log(p) for w, p in zip(counted, means, strict=True)))
        taken.append(losses.index(min(losses)))
    return [taken.count(candidate) / picks for candidate in range(len(right))]


@pytest.mark.parametrize("seed", range(5))
def test_many_candidates_are_picked_as_by_plain_loops(seed):
    rng = np.random.default_rng(seed)
    right = rng.uniform(0.05, 0.95, (5, 30))
    for counted in (np.ones(30), rng.uniform(0.2, 3, 30)):
        expected = picked_slowly(right.tolist(), counted.tolist(), 8)
        assert greedy_weights(right, counted).tolist() == expected
        assert sum(weight > 0 for weight in expected) > 1


def test_a_candidate_that_only_hurts_gets_no_weight():
    good = np.random.default_rng(0).uniform(0.5, 0.9, (2, 40))
    weights = greedy_weights(np.vstack([good, good.min(axis=0) / 3]))
    assert weights[2] == 0
    assert weights.sum() == 1


def test_of_equals_the_earlier_is_picked_even_where_both_are_certainly_wrong():
    right = np.full((3, 4), 0.7)
    assert greedy_weights(right).tolist() == [1, 0, 0]
    assert greedy_weights(np.zeros((2, 4))).tolist() == [1, 0]


def test_rows_that_count_more_turn_the_choice():
    right = np.array([[0.9, 0.1], [0.1, 0.9]])
    assert greedy_weights(right, np.array([9.0, 1.0]), picks=1).tolist() == [1, 0]
    assert greedy_weights(right, np.array([1.0, 9.0]), picks=1).tolist() == [0, 1]
