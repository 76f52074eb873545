"""Parts: disjoint, complete, stratified, seeded; by group and by time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitwell.data.splits import split_rows
from fitwell.data.tables import make_table
from fitwell.errors import InputError


def table(classes, **options):
    """Rows of one number each, with these classes."""
    frame = pd.DataFrame({"x": np.arange(len(classes)) % 7, **options.pop("columns", {})})
    return make_table(frame, np.asarray(classes), **options)


def parts(split):
    return (split.train, split.validation, split.test)


def test_rows_are_split_60_20_20():
    assert [len(part) for part in parts(split_rows(table([0, 1] * 250), seed=0))] == [300, 100, 100]
    sizes = [len(part) for part in parts(split_rows(table([0, 1, 1] * 20), seed=0))]
    assert sizes == [36, 12, 12]


@given(
    counts=st.lists(st.integers(2, 60), min_size=2, max_size=6).filter(lambda c: sum(c) >= 20),
    seed=st.integers(0, 9),
)
def test_every_row_is_in_one_part_and_every_class_keeps_its_share(counts, seed):
    target = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(counts)), counts))
    split = split_rows(table(target), seed=seed)
    together = np.concatenate(parts(split))
    np.testing.assert_array_equal(np.sort(together), np.arange(len(target)))
    for part in parts(split):
        np.testing.assert_array_equal(part, np.sort(part))
    for code, count in enumerate(counts):
        train, validation, test = ((target[part] == code).sum() for part in parts(split))
        assert abs(test - 0.2 * count) <= 1
        assert abs(validation - 0.2 * count) <= 1
        assert train >= 1


def test_the_same_seed_gives_the_same_split_and_another_another():
    source = table([0, 1] * 100)
    first, same, other = (split_rows(source, seed=seed) for seed in (3, 3, 4))
    for one, two in zip(parts(first), parts(same), strict=True):
        np.testing.assert_array_equal(one, two)
    assert set(first.test) != set(other.test)
    assert set(first.validation) != set(other.validation)


def test_rows_are_drawn_and_not_cut_off_in_order():
    split = split_rows(table([0, 1] * 100), seed=0)
    # Of 40 of 200 rows the mean has a standard error of 57.7 / sqrt(40) = 9.1 at most.
    assert abs(split.test.mean() - 99.5) < 5 * 9.2


def test_other_shares_can_be_asked_for():
    split = split_rows(table([0, 1] * 50), seed=0, shares=(0.5, 0.25, 0.25))
    assert [len(part) for part in parts(split)] == [50, 25, 25]


@pytest.mark.parametrize("seed", range(3))
def test_a_group_is_never_split(seed):
    rng = np.random.default_rng(seed)
    patients = rng.integers(0, 40, 300)
    source = table(rng.integers(0, 2, 300), columns={"환자": patients}, group="환자")
    split = split_rows(source, seed=seed)
    inside = [set(patients[part]) for part in parts(split)]
    assert sum(map(len, inside)) == len(set().union(*inside))
    assert sum(len(part) for part in parts(split)) == 300
    for part, share in zip(parts(split), (0.6, 0.2, 0.2), strict=True):
        assert abs(len(part) / 300 - share) < 0.1  # groups of 7.5 rows on average


def test_rows_without_a_group_are_a_group_each_and_noted():
    groups = [None] * 10 + [f"g{number // 3}" for number in range(90)]
    source = table([0, 1] * 50, columns={"g": groups}, group="g")
    assert "10 rows without g count as a group each." in source.notes
    assert len(set(source.groups[:10])) == 10
    assert not set(source.groups[:10]) & set(source.groups[10:])


@pytest.mark.parametrize(
    "write",
    [
        lambda days: days,
        lambda days: days.astype(str),
        lambda days: (days - pd.Timestamp(0)) // pd.Timedelta("1s"),
    ],
    ids=["dates", "text", "numbers"],
)
def test_by_time_the_past_is_trained_on_and_the_future_tested(write):
    days = pd.Series(pd.date_range("1969-11-01", periods=100)).sample(frac=1, random_state=0)
    days = days.reset_index(drop=True)
    source = table([0, 1] * 50, columns={"when": write(days)}, time="when")
    split = split_rows(source, seed=0)
    assert [len(part) for part in parts(split)] == [60, 20, 20]
    assert days[split.train].max() < days[split.validation].min()
    assert days[split.validation].max() < days[split.test].min()


def test_rows_of_one_time_stay_together():
    months = np.arange(100) // 9
    source = table([0, 1] * 50, columns={"month": months}, time="month")
    split = split_rows(source, seed=0)
    inside = [set(months[part]) for part in parts(split)]
    assert max(inside[0]) < min(inside[1])
    assert max(inside[1]) < min(inside[2])


def test_a_missing_time_is_refused_whatever_its_type():
    days = pd.Series(pd.date_range("2024-01-01", periods=100))
    days[3] = pd.NaT
    for written, shown in ((days, "NaT"), (days.astype(object).where(days.notna(), None), "None")):
        with pytest.raises(InputError) as caught:
            table([0, 1] * 50, columns={"when": written}, time="when")
        assert str(caught.value) == (
            f"--time: column 'when', row 4: {shown} is neither a number nor a date such as"
            " 2025-01-31. Correct it."
        )


def test_an_own_test_file_is_the_test_part():
    train = pd.DataFrame({"x": np.arange(80) % 7, "y": ["a", "b"] * 40})
    test = pd.DataFrame({"y": ["a", "b"] * 6, "x": np.arange(12) % 7})
    source = make_table(train, "y", test=test)
    split, other = split_rows(source, seed=1), split_rows(source, seed=2)
    np.testing.assert_array_equal(split.test, np.arange(80, 92))
    np.testing.assert_array_equal(other.test, np.arange(80, 92))
    assert len(split.train) == 60  # 0.6 to 0.2 of the other 80
    assert len(split.validation) == 20
    assert set(split.validation) != set(other.validation)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: table([0, 1] * 9),
            "the data has 18 rows, but at least 20 are expected. Give more.",
        ),
        (
            lambda: table(
                [0, 1] * 15, columns={"g": range(30), "t": range(30)}, group="g", time="t"
            ),
            "--group and --time cannot be combined yet. Choose one of them.",
        ),
        (
            lambda: table([0] * 25 + [1] * 5, columns={"t": range(30)}, time="t"),
            "target: class '1' has no row in the training part, so it cannot be learned. Give more"
            " of its rows, or leave it out.",
        ),
        (
            lambda: table([0, 1] * 15, columns={"t": [1] * 30}, time="t"),
            "30 rows cannot be split into parts of 80% and 20%. Give more rows, groups or points"
            " in time.",
        ),
        (
            lambda: table(np.arange(24) % 12, columns={"g": np.arange(24) // 2}, group="g"),
            "--group: no class has more than 2 rows, but at least 5 are needed to split whole"
            " groups. Give more rows.",
        ),
    ],
)
def test_data_that_cannot_be_split_are_refused(make, message):
    with pytest.raises(InputError) as caught:
        split_rows(make(), seed=0)
    assert str(caught.value) == message
