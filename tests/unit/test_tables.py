"""Files to tables: formats alike, odd files read or refused, and every change noted."""

import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fitwell.data.load import load_source
from fitwell.data.reading import read_table
from fitwell.data.tables import make_table
from fitwell.errors import InputError
from toys import make_frame


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def rich(rows=60):
    """The toy rows, with gaps, Booleans, dates and Korean."""
    frame = make_frame(rows)
    frame["income"] = frame.income.where(np.arange(rows) % 7 > 0)
    frame["단골"] = np.arange(rows) % 3 == 0
    frame["가입일"] = pd.date_range("2024-01-01", periods=rows, freq="37h").floor("s")
    frame["도시"] = frame.city.map({"Seoul": "서울", "Busan": "부산"})
    return frame


def text_of(frame):
    return frame.to_csv(index=False)


WRITERS = {
    "t.csv": lambda name: Path(name).write_text(text_of(rich()), encoding="utf-8"),
    "t.csv.gz": lambda name: Path(name).write_bytes(gzip.compress(text_of(rich()).encode())),
    "t.tsv": lambda name: rich().to_csv(name, sep="\t", index=False),
    "semicolons.csv": lambda name: rich().to_csv(name, sep=";", index=False),
    "crlf.csv": lambda name: Path(name).write_bytes(text_of(rich()).replace("\n", "\r\n").encode()),
    "old-mac.csv": lambda name: Path(name).write_bytes(
        text_of(rich()).replace("\n", "\r").encode()
    ),
    "bom.csv": lambda name: Path(name).write_text(text_of(rich()), encoding="utf-8-sig"),
    "utf16.csv": lambda name: Path(name).write_text(text_of(rich()), encoding="utf-16"),
    "blank-first.csv": lambda name: Path(name).write_text("\n" + text_of(rich())),
    "t.parquet": lambda name: rich().to_parquet(name),
    "t.pq": lambda name: rich().astype({"city": "category"}).to_parquet(name, index=False),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_gives_the_same_table(name):
    WRITERS[name](name)
    source, direct = load_source(name, target="bought"), make_table(rich(), "bought")
    assert source.columns == direct.columns
    assert source.classes == ("no", "yes")
    assert source.target.tolist() == (rich().bought == "yes").astype(int).tolist()
    rows = np.arange(40)
    np.testing.assert_array_equal(source.encode(rows)[1], direct.encode(rows)[1])
    assert source.name == name
    assert source.features == 6


def test_kinds_survive_the_file():
    rich().to_csv("t.csv", index=False)
    columns = load_source("t.csv", target="bought").columns
    assert {column.name: column.kind for column in columns} == {
        "age": "number",
        "income": "number",
        "city": "category",
        "단골": "number",
        "가입일": "date",
        "도시": "category",
    }


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([True, False], ("False", "True")),
        ([2, 10], ("2", "10")),
        (["양성", "음성"], ("양성", "음성")),
    ],
)
def test_targets_read_alike_with_and_without_gaps(labels, classes):
    frame = make_frame(60).assign(bought=pd.Series(labels * 30, dtype=object))
    for gap in (False, True):
        if gap:
            frame.loc[[0, 5], "bought"] = None
        frame.to_csv("t.csv", index=False)
        frame.assign(bought=frame.bought.convert_dtypes()).to_parquet("t.parquet")
        for name in ("t.csv", "t.parquet"):
            source = load_source(name, target="bought")
            assert source.classes == classes
            assert len(source.target) == 60 - 2 * gap
            assert source.notes == ("2 rows without a target were dropped.",) * gap
            expected = [classes.index(str(label)) for label in frame.bought if label is not None]
            assert source.target.tolist() == expected


def test_rows_without_a_target_leave_every_part_of_the_table():
    frame = make_frame(60).assign(group=np.arange(60) // 2, day=range(60))
    frame.loc[[0, 7, 59], "bought"] = None
    rest = frame.drop(index=[0, 7, 59])
    source = make_table(frame, "bought", group="group", time="day")
    assert source.frame.age.tolist() == rest.age.tolist()
    assert source.times.tolist() == rest.day.tolist()
    np.testing.assert_array_equal(source.groups, pd.factorize(rest.group)[0])
    tested = make_table(frame, "bought", test=frame)
    assert tested.official.tolist() == [-1] * 57 + [2] * 57


def test_target_group_time_and_ignored_columns_are_no_features():
    frame = make_frame(60).assign(group=np.arange(60) // 2, day=range(60))
    source = make_table(frame, "bought", group="group", time="day", ignore=["income"])
    assert [column.name for column in source.columns] == ["age", "city"]


def test_what_is_left_out_or_changed_is_noted():
    frame = make_frame(60).assign(
        empty=np.nan, same="x", note=[f"visit {number}" for number in range(60)]
    )
    frame["income"] = frame.income.where(frame.index > 1, np.inf)
    frame.loc[3, ["age", "income", "city"]] = frame.loc[2, ["age", "income", "city"]]
    source = make_table(frame, "bought")
    assert source.notes == (
        "1 column without any value left out: empty.",
        "1 column with one value only left out: same.",
        "1 column of text that differs in every row left out: note.",
        "Infinite values are taken as missing in income.",
        "1 of 60 rows repeat an earlier row's features.",
    )
    gaps = make_table(frame.replace(np.inf, np.nan), "bought")
    rows = np.arange(40)
    np.testing.assert_array_equal(source.encode(rows)[1], gaps.encode(rows)[1])


def test_a_column_empty_or_constant_in_the_training_rows_alone_is_kept():
    frame = make_frame(60).assign(late=np.nan, flat=1.0)
    frame.loc[50:, "late"], frame.loc[50:, "flat"] = 7.0, 1e9
    encoded = make_table(frame, "bought").encode(np.arange(40))[1]
    assert np.isfinite(encoded).all()


def test_one_value_with_gaps_is_a_feature():
    frame = make_frame(60).assign(flat=[1.0, np.nan] * 30)
    assert [column.name for column in make_table(frame, "bought").columns][-1] == "flat"


def test_a_single_column_of_either_kind_is_enough():
    frame = make_frame(60)
    for column, shape in (("age", (60, 1)), ("city", (60, 3))):
        assert make_table(frame[[column]], frame.bought).encode(np.arange(40))[1].shape == shape


@pytest.mark.slow  # 5 seconds
def test_ten_thousand_columns_are_read_and_encoded():
    values = np.random.default_rng(0).normal(size=(30, 10_000))
    frame = pd.DataFrame(values).add_prefix("c").assign(y=["a", "b"] * 15)
    encoder, encoded = make_table(frame, "y").encode(np.arange(20))
    low, middle, high = np.percentile(values[:20], [25, 50, 75], axis=0)
    z = (values - middle) / (high - low)
    assert encoder.shape == (10_000,)
    np.testing.assert_allclose(encoded, z / np.sqrt(1 + (z / 3) ** 2), atol=1e-5)  # float32


def test_the_frame_given_is_left_alone():
    frame = make_frame(60).set_index(pd.Index(range(100, 160))).rename(columns={"age": 3})
    before = frame.copy()
    make_table(frame, "bought", test=frame).encode(np.arange(40))
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize("column", ["age", "income", "city", "bought"])
def test_one_changed_cell_changes_the_fingerprint(column):
    frame, other = make_frame(60), make_frame(60)
    other.loc[30, column] = other.loc[other[column] != other.loc[30, column], column].iloc[0]
    fingerprint = make_table(frame, "bought").fingerprint
    assert len(fingerprint) == 64
    assert make_table(frame.copy(), "bought").fingerprint == fingerprint
    assert make_table(other, "bought").fingerprint != fingerprint
    for name, written in (("one.csv", frame), ("two.csv", other)):
        written.to_csv(name, index=False)
    one, two = (load_source(name, target="bought").fingerprint for name in ("one.csv", "two.csv"))
    assert one != two


def test_labels_test_rows_and_names_are_in_the_fingerprint():
    frame = make_frame(60)
    features, labels = frame.drop(columns="bought"), frame.bought
    flipped = labels.where(labels.index > 0, "maybe").where(labels.index > 1, "maybe")
    prints = {
        make_table(features, labels).fingerprint,
        make_table(features, flipped).fingerprint,
        make_table(frame, "bought").fingerprint,
        make_table(frame[:40], "bought", test=frame[40:]).fingerprint,
        make_table(frame[:30], "bought", test=frame[30:]).fingerprint,
        make_table(frame.rename(columns={"age": "Age"}), "bought").fingerprint,
    }
    assert len(prints) == 6


def test_the_place_of_a_file_is_not_in_its_fingerprint():
    Path("elsewhere").mkdir()
    make_frame(60).to_csv("t.csv", index=False)
    make_frame(60).to_csv("elsewhere/other.csv", index=False)
    one, two = (load_source(n, target="bought") for n in ("t.csv", "elsewhere/other.csv"))
    assert one.fingerprint == two.fingerprint
    tested = load_source("t.csv", target="bought", test="elsewhere/other.csv")
    assert tested.fingerprint != one.fingerprint


def test_a_test_file_may_order_its_columns_differently_and_have_more():
    frame = make_frame(60)
    frame.to_csv("train.csv", index=False)
    make_frame(30, seed=1)[["bought", "city", "income", "age"]].assign(more=1).to_csv(
        "test.csv", index=False
    )
    source = load_source("train.csv", target="bought", test="test.csv")
    assert source.official.tolist() == [-1] * 60 + [2] * 30
    assert source.frame.age.tolist() == [*frame.age, *make_frame(30, seed=1).age]
    assert source.notes[0] == "1 columns that only the test file has were ignored."


def test_a_quoted_header_may_hold_the_other_separators():
    Path("t.csv").write_text('"a,b,c";d\n1;2\n')
    assert list(read_table("t.csv").columns) == ["a,b,c", "d"]


def test_a_column_that_cannot_be_read_can_be_ignored():
    frame = make_frame(60).assign(tags=[[1, 2]] * 60)
    for name in ("t.parquet", "t.pq"):
        frame.to_parquet(name)
        source = load_source(name, target="bought", ignore=["tags"])
        assert [column.name for column in source.columns] == ["age", "income", "city"]


def broken_gzip():
    packed = bytearray(gzip.compress(text_of(make_frame(60)).encode()))
    packed[10] = 0xFF  # the first block: a kind that does not exist
    Path("t.csv.gz").write_bytes(packed)
    load_source("t.csv.gz", target="bought")


def misspelt_ignore():
    make_frame(60).to_parquet("t.parquet")
    load_source("t.parquet", target="bought", ignore=["incme"])


def too_long_everywhere():
    Path("t.csv").write_text("a,b\n1,2,3\n4,5,6\n")
    read_table("t.csv")


REFUSED = {
    "a broken archive": (
        broken_gzip,
        "DATA: t.csv.gz cannot be unpacked: Error -3 while decompressing data: invalid block type."
        " Pack it again.",
    ),
    "a misspelt column to ignore": (
        misspelt_ignore,
        "--ignore: there is no column 'incme'. Did you mean 'income'?",
    ),
    "a frame with two columns of one name": (
        lambda: make_table(make_frame(60).set_axis(["a", "b", "a", "y"], axis=1), "y"),
        "DATA: two columns are named 'a'. Rename one.",
    ),
    "a test frame with two columns of one name": (
        lambda: make_table(
            make_frame(60), "bought", test=make_frame(60).set_axis(list("abaa"), axis=1)
        ),
        "--test: two columns are named 'a'. Rename one.",
    ),
    "a target of another length": (
        lambda: make_table(make_frame(60), [0, 1]),
        "target has 2 values for 60 rows. Give one per row.",
    ),
    "a test frame without named target": (
        lambda: make_table(make_frame(60), [0, 1] * 30, test=make_frame(60)),
        "test: with a test frame the target must be a column's name.",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused_in_one_line(case):
    attempt, message = REFUSED[case]
    with pytest.raises(InputError) as caught:
        attempt()
    assert str(caught.value) == message


@pytest.mark.filterwarnings("default")  # as users run it: pandas only warns, and cuts
def test_rows_that_are_all_too_long_are_refused_and_not_cut():
    with pytest.raises(InputError, match=r"^DATA: t\.csv is not a regular table: Length of header"):
        too_long_everywhere()
