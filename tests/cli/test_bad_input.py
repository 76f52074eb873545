"""Every bad input: exit code 2, one whole line, and nothing left behind."""

import gzip
import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from fitwell.runs.folder import FORMAT
from toys import QUICK, make_frame, with_a_damaged_note


def write(name, text):
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())


def changed(**columns):
    make_frame().assign(**columns).to_csv("table.csv", index=False)


ROWS = 90

CASES = {
    "a missing file": (
        lambda: write("visits.csv", "a,b\n1,2\n"),
        ["visit.csv", "--target", "b"],
        "DATA: there is no file visit.csv. Did you mean visits.csv?",
    ),
    "an empty file": (
        lambda: write("table.csv", ""),
        [],
        "DATA: table.csv is empty. Give a file with a header and rows.",
    ),
    "a header only": (
        lambda: write("table.csv", "age,bought\n"),
        [],
        "DATA: table.csv holds a header only. Give rows below it.",
    ),
    "a binary file named .csv": (
        lambda: write("table.csv", b"PK\x03\x04\x00\x00\xff"),
        [],
        "DATA: table.csv is not text: byte 4 is zero. Give a CSV file, or name it by its real type.",
    ),
    "text that is not UTF-8": (
        lambda: write("table.csv", b"age,bought\n1,caf\xe9\n"),
        [],
        "DATA: table.csv, line 2: byte 16 is not UTF-8 text. Save the file as UTF-8.",
    ),
    "a broken archive": (
        lambda: write("table.csv.gz", b"not gzip"),
        ["table.csv.gz", "--target", "bought"],
        "DATA: table.csv.gz cannot be unpacked: Not a gzipped file (b'no'). Pack it again.",
    ),
    "two columns of one name": (
        lambda: write("table.csv", "age,income,age\n1,2,3\n"),
        [],
        "DATA: table.csv has two columns named 'age', at positions 1 and 3. Rename one.",
    ),
    "a row that is too long": (
        lambda: write("table.csv", "age,bought\n1,2\n1,2,3\n"),
        [],
        "DATA: table.csv is not a regular table: Expected 2 fields in line 3, saw 3. Every row needs as many fields as the header.",
    ),
    "an unknown ending": (
        lambda: write("table.xlsx", "x"),
        ["table.xlsx", "--target", "bought"],
        "DATA: table.xlsx ends in '.xlsx', but .csv, .csv.gz, .tsv, .parquet, .npz or a folder of images is expected. Rename or convert it.",
    ),
    "no target": (
        changed,
        ["table.csv"],
        "--target is missing. Name the column to predict; table.csv has age, income, city, bought.",
    ),
    "no such target column": (
        changed,
        ["table.csv", "--target", "bougth"],
        "--target: there is no column 'bougth'. Did you mean 'bought'?",
    ),
    "no such column to ignore": (
        changed,
        ["table.csv", "--target", "bought", "--ignore", "zzz"],
        "--ignore: there is no column 'zzz'. There are age, income, city, bought.",
    ),
    "no such group column": (
        changed,
        ["table.csv", "--target", "bought", "--group", "citi"],
        "--group: there is no column 'citi'. Did you mean 'city'?",
    ),
    "too few groups": (
        changed,
        ["table.csv", "--target", "bought", "--group", "city"],
        "--group has 3 groups in 90 rows, but at least 5 are needed to split them. Use another column, or none.",
    ),
    "a time that is none": (
        changed,
        ["table.csv", "--target", "bought", "--time", "city"],
        f"--time: column 'city', row 1: '{make_frame().city[0]}' is neither a number nor a date such as 2025-01-31. Correct it.",
    ),
    "one class only": (
        lambda: changed(bought="no"),
        [],
        "--target bought holds one class only, 'no', in all 90 rows. At least two are expected; name another column.",
    ),
    "a class with one row": (
        lambda: changed(bought=["maybe"] + ["yes", "no"] * 44 + ["no"]),
        [],
        "--target bought: class 'maybe' has one row, but at least 2 are expected. Give more rows of it, merge it with another, or leave it out.",
    ),
    "a target all missing": (
        lambda: changed(bought=np.nan),
        [],
        "--target bought: every value is missing. Name another column.",
    ),
    "as many classes as rows": (
        lambda: changed(bought=range(ROWS)),
        [],
        "--target bought has 90 different values in 90 rows, so it is no class but a name or a measurement. Name another column, or put it into bins.",
    ),
    "a target of fractions": (
        lambda: changed(bought=np.linspace(0, 1, ROWS)),
        [],
        "--target bought holds fractions with 90 different values, but classes are expected. Put it into bins, or name another column.",
    ),
    "too few rows": (
        lambda: make_frame().head(12).to_csv("table.csv", index=False),
        [],
        "the data has 12 rows, but at least 20 are expected. Give more.",
    ),
    "Parquet columns that are no numbers": (
        lambda: pd.DataFrame({"age": [[1, 2], [3]], "bought": ["y", "n"]}).to_parquet("t.parquet"),
        ["t.parquet", "--target", "bought"],
        "DATA: t.parquet, column 'age' has type list<element: int64>, but numbers, text, Booleans or dates are expected. Convert it, or use --ignore age.",
    ),
    "Parquet that is none": (
        lambda: write("t.parquet", "no parquet at all"),
        ["t.parquet", "--target", "bought"],
        "DATA: t.parquet is not a Parquet file: Could not open Parquet input source '<Buffer>': Parquet magic bytes not found in footer. Either the file is corrupted or this is not a parquet file.. Write it again.",
    ),
    "Parquet with a damaged note": (
        lambda: with_a_damaged_note(make_frame(), "t.parquet"),
        ["t.parquet", "--target", "bought"],
        "DATA: t.parquet cannot be read: what pandas noted of its columns is damaged (KeyError: 'numpy_type'). Write it again.",
    ),
    "a test file that lacks a column": (
        lambda: (changed(), make_frame().drop(columns="age").to_csv("test.csv", index=False)),
        ["table.csv", "--target", "bought", "--test", "test.csv"],
        "--test: column 'age' is missing there, but the test rows need all 4 columns of the training rows. Add it.",
    ),
    "no feature left": (
        lambda: write("table.csv", "bought\n" + "yes\nno\n" * 30),
        [],
        "the data has no column left to predict from: all others are the target, constant, empty or names of rows. Give at least one feature.",
    ),
    "negative trials": (
        changed,
        ["table.csv", "--target", "bought", "--trials", "-1"],
        "--trials is -1, but at least 1 is expected.",
    ),
    "several bad options at once": (
        changed,
        ["table.csv", "--target", "bought", "--epochs", "0", "--learning-rate", "nan"],
        "--epochs is 0, but at least 1 is expected; --learning-rate is nan, but a number above 0 is expected.",
    ),
    "a budget that is no time": (
        changed,
        ["table.csv", "--target", "bought", "--budget", "soon"],
        "--budget is 'soon', but a time above zero is expected. Write for example 90s, 10m or 1.5h.",
    ),
    "widths that are no numbers": (
        changed,
        ["table.csv", "--target", "bought", "--widths", "a,b"],
        "--widths is 'a,b', but whole numbers with commas are expected, such as 256,256.",
    ),
    "an unknown activation": (
        changed,
        ["table.csv", "--target", "bought", "--activation", "step"],
        "activation is 'step', but one of relu, gelu, silu, selu, tanh is expected. Choose one of them.",
    ),
    "negative workers": (
        changed,
        ["table.csv", "--target", "bought", "--workers", "-2"],
        "--workers is -2, but at least 1 is expected, or 0 for one per core.",
    ),
    "workers beside a cluster": (
        changed,
        ["table.csv", "--target", "bought", "--ray", "auto", "--workers", "2"],
        "--workers is 2, but with --ray as much is trained at once as the cluster has cores. Leave one of the two out.",
    ),
    "another task": (
        changed,
        ["table.csv", "--target", "bought", "--task", "multiclass"],
        "--task is multiclass, but the target has 2 classes. Use --task auto.",
    ),
    "a device that is not there": (
        changed,
        ["table.csv", "--target", "bought", "--device", "mps"],
        "--device mps is not on this machine. Use --device auto or cpu.",
    ),
    "an unknown model": (
        changed,
        ["table.csv", "--target", "bought", "--model", "resnet"],
        "--model is 'resnet', but mlp, cnn or module:factory is expected, for example --model mynet:make.",
    ),
    "a model that cannot be imported": (
        changed,
        ["table.csv", "--target", "bought", "--model", "not_there:make"],
        "--model not_there:make cannot be imported: ModuleNotFoundError: No module named 'not_there'. Write module:factory, with the module on the Python path or in this folder.",
    ),
    "a module without that factory": (
        lambda: (changed(), write("mynet_a.py", "def build(i, o): ...\n")),
        ["table.csv", "--target", "bought", "--model", "mynet_a:make"],
        "--model mynet_a:make: module mynet_a has no callable 'make'. It has build.",
    ),
    "a model that does not fit the data's width": (
        lambda: (
            changed(),
            write("mynet_b.py", "from torch import nn\ndef make(i, o): return nn.Linear(7, o)\n"),
        ),
        ["table.csv", "--target", "bought", "--model", "mynet_b:make"],
        "--model mynet_b:make does not fit the data, where a row has shape (5,): mat1 and mat2 shapes cannot be multiplied (2x5 and 7x2). Build it from the factory's first argument, the number of inputs.",
    ),
    "a model with the wrong number of outputs": (
        lambda: (
            changed(),
            write("mynet_c.py", "from torch import nn\ndef make(i, o): return nn.Linear(i, 9)\n"),
        ),
        ["table.csv", "--target", "bought", "--model", "mynet_c:make"],
        "--model mynet_c:make gives (2, 9) for 2 rows, but (2, 2) is expected: one number per class. Build it from the factory's second argument, the number of outputs.",
    ),
    "a model that is no module": (
        lambda: (changed(), write("mynet_d.py", "def make(i, o): return 3\n")),
        ["table.csv", "--target", "bought", "--model", "mynet_d:make"],
        "--model mynet_d:make returned int, but a torch.nn.Module is expected. Let it return the network.",
    ),
    "images for a table": (
        changed,
        ["table.csv", "--target", "bought", "--model", "cnn"],
        "--model cnn needs images, but the data is a table. Use --model mlp.",
    ),
    "an .npz without images": (
        lambda: np.savez("data.npz", x=np.zeros(3)),
        ["data.npz"],
        "DATA: data.npz has no array train_images; it has x. Use the names train_images, train_labels, and val_ or test_ likewise.",
    ),
    "an .npz of Python objects": (
        lambda: np.savez("data.npz", train_images=np.array([{}], dtype=object)),
        ["data.npz"],
        "DATA: data.npz is not an .npz file of plain arrays: Object arrays cannot be loaded when allow_pickle=False. Write it with np.savez.",
    ),
    "a folder without images": (
        lambda: os.mkdir("pictures"),
        ["pictures"],
        "DATA: pictures holds no images in sub-folders. Make one sub-folder per class, below train/ and test/ if the data is split.",
    ),
    "an --out below a file": (
        lambda: (changed(), write("file", "x")),
        ["table.csv", "--target", "bought", "--out", "file/run"],
        "--out file/run cannot be made: {here}/file is a file. Choose another folder.",
    ),
    "an --out that is no run folder, with --force": (
        lambda: (changed(), os.mkdir("mine"), write("mine/thesis.txt", "x")),
        ["table.csv", "--target", "bought", "--out", "mine", "--force"],
        "--out mine exists and is not a run folder, so --force leaves it alone. Choose another folder.",
    ),
    "--resume without a run": (
        changed,
        ["table.csv", "--target", "bought", "--out", "new", "--resume"],
        "--resume: new holds no run yet. Leave --resume out.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_bad_input_gives_one_line_and_leaves_nothing(fitwell, case):
    prepare, arguments, message = CASES[case]
    prepare()
    before = sorted(p for p in Path().rglob("*") if "__pycache__" not in str(p))
    given = arguments or ["table.csv", "--target", "bought"]
    result = fitwell("tune", *QUICK, *given)
    assert result.exit_code == 2
    assert result.stderr == f"fitwell: {message.replace('{here}', str(Path().absolute()))}\n"
    assert result.stdout == ""
    assert sorted(p for p in Path().rglob("*") if "__pycache__" not in str(p)) == before


def test_an_out_that_exists_is_refused(fitwell, table, quick):
    arguments = ("tune", table, "--target", "bought", "--out", "run", *quick)
    assert fitwell(*arguments).exit_code == 0
    written = Path("run/result.json").read_bytes()
    again = fitwell(*arguments)
    assert again.exit_code == 2
    assert again.stderr == (
        "fitwell: --out run exists. Use --resume to go on with it, --force to replace it, or"
        " another folder.\n"
    )
    assert Path("run/result.json").read_bytes() == written
    assert fitwell(*arguments, "--force").exit_code == 0


def test_resuming_with_other_options_is_refused(fitwell, table, quick):
    assert fitwell("tune", table, "--target", "bought", "--out", "run", *quick).exit_code == 0
    other = fitwell(
        "tune", table, "--target", "bought", "--out", "run", *quick, "--resume", "--seed", 1
    )
    assert other.exit_code == 2
    assert other.stderr == (
        "fitwell: --resume: run was begun with seed = 0, not 1. Repeat the first command, or"
        " choose another --out.\n"
    )


@pytest.mark.parametrize("command", ["report run", "predict run table.csv", "serve run"])
def test_a_run_folder_of_another_version_is_refused(fitwell, table, quick, command):
    assert fitwell("tune", table, "--target", "bought", "--out", "run", *quick).exit_code == 0
    path = Path("run/run.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), "format": 99, "fitwell": "9.9"}))
    result = fitwell(*command.split())
    assert result.exit_code == 2
    assert result.stderr == (
        "fitwell: run was made by another version of fitwell (9.9, folder format 99; this one"
        f" reads {FORMAT}). Make the run anew with --force, or use that version.\n"
    )


@pytest.mark.parametrize("command", ["report nowhere", "predict nowhere table.csv"])
def test_a_folder_that_is_no_run_is_refused(fitwell, table, command):
    result = fitwell(*command.split())
    assert result.exit_code == 2
    assert result.stderr == (
        "fitwell: nowhere is not a run folder: it has no run.json. Name the folder that was given"
        " to --out.\n"
    )


def test_a_model_file_that_was_changed_is_refused(fitwell, table, quick):
    assert fitwell("tune", table, "--target", "bought", "--out", "run", *quick).exit_code == 0
    weights = Path("run/model/weights.safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    result = fitwell("predict", "run", table)
    assert result.exit_code == 2
    assert "weights.safetensors was changed since the run" in result.stderr


def test_new_rows_that_do_not_fit_are_refused(fitwell, table, quick):
    assert fitwell("tune", table, "--target", "bought", "--out", "run", *quick).exit_code == 0
    make_frame().rename(columns={"income": "incomes"}).to_csv("new.csv", index=False)
    result = fitwell("predict", "run", "new.csv")
    assert result.exit_code == 2
    assert result.stderr == (
        "fitwell: column 'income' is missing; the model needs the 3 columns that it was trained"
        " on. Did you mean 'incomes'?\n"
    )
    make_frame().assign(age="old").to_csv("new.csv", index=False)
    result = fitwell("predict", "run", "new.csv")
    assert result.stderr == (
        "fitwell: column 'age', row 1: 'old' is no number, but numbers are expected, as in"
        " training. Correct it or leave it empty.\n"
    )


def test_a_truncated_archive_is_refused(fitwell):
    packed = gzip.compress(make_frame().to_csv(index=False).encode())
    Path("table.csv.gz").write_bytes(packed[: len(packed) // 2])
    result = fitwell("diagnose", "table.csv.gz", "--target", "bought")
    assert result.exit_code == 2
    assert "cannot be unpacked" in result.stderr
