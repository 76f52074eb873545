"""One model of each kind of data, trained once, and a server for the table's."""

import numpy as np
import pandas as pd
import pytest

import fitwell
from fitwell.runs.launch import launch
from fitwell.runs.place import DataOptions, Place
from fitwell.runs.question import Question
from fitwell.runs.watch import Silent
from serving.live import served
from toys import make_frame

SMALL = {"trials": 1, "epochs": 3, "seeds": 1}


def make_rows(rows=120):
    """Every kind of column, most of them with missing values."""
    rng = np.random.default_rng(1)
    frame = make_frame(rows)
    return frame.assign(
        income=frame.income.where(rng.random(rows) > 0.1),
        city=frame.city.where(rng.random(rows) > 0.1),
        code=rng.choice(["3", "07", "A"], rows),
        member=pd.Series(rng.choice([True, False], rows)).astype(object).where(rng.random(rows) > 0.1),
        since=pd.Series(pd.date_range("2024-01-01", periods=rows)).astype(str),
        seven=rng.normal(size=rows),
    ).rename(columns={"seven": "7"})[["age", "income", "city", "code", "member", "since", "7", "bought"]]  # fmt: skip


def train(folder, data, target=None, **options):
    launch(
        Question(verb="tune", **{**SMALL, **options}),
        DataOptions(path=str(data), target=target),
        Place(out=folder / "run", workers=1),
        Silent(),
    )
    return folder / "run"


@pytest.fixture(scope="session")
def rows():
    return make_rows().drop(columns="bought")


@pytest.fixture(scope="session")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table")
    make_rows().to_csv(folder / "table.csv", index=False)
    return train(folder, folder / "table.csv", target="bought", widths=(8,))


@pytest.fixture(scope="session")
def server(run):
    with served(run) as server:
        yield server


@pytest.fixture(scope="session")
def pictures():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = rng.integers(0, 128, (60, 8, 8)) + 100 * labels[:, None, None]
    return images.astype(np.uint8), labels


@pytest.fixture(scope="session")
def image_run(tmp_path_factory, pictures):
    folder = tmp_path_factory.mktemp("images")
    images, labels = pictures
    np.savez(folder / "images.npz", train_images=images, train_labels=labels)
    return train(folder, folder / "images.npz", widths=(4,))


@pytest.fixture(scope="session")
def array_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arrays")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 3)).astype(np.float32)
    fitwell.tune("mlp", (x, (x[:, 0] > 0).astype(int)), out=folder / "run", widths=(4,), **SMALL)
    return folder / "run"
