"""Images, plain arrays, and models that cannot answer."""

import io
import json
import shutil
import subprocess

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from fitwell.runs.prediction import load_predictor
from serving.conftest import train
from serving.live import FITWELL, free_port, served
from toys import make_frame
from vetting.forging import rehash


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def table(answer):
    assert answer.status_code == 200, answer.text
    return np.array([line.split(",") for line in answer.text.splitlines()[1:]], dtype=float)


@pytest.fixture(scope="module")
def image_server(image_run):
    with served(image_run) as server:
        yield server


@pytest.fixture(scope="module")
def bag_run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bag")
    make_frame().to_csv(folder / "table.csv", index=False)
    return train(folder, folder / "table.csv", target="bought", widths=(4,), bag=True)


@pytest.fixture(scope="module")
def array_server(array_run):
    with served(array_run) as server:
        yield server


def test_images_give_what_fitwell_predict_gives(image_server, image_run, pictures):
    images, _ = pictures
    path = image_run.parent / "images.npz"
    command = [FITWELL, "predict", image_run, path]
    predicted = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    sent = image_server.post(npy(images), "application/x-npy", "text/csv")
    assert sent.text == predicted
    nested = json.dumps({"instances": images.tolist()})
    assert image_server.post(nested, "application/json", "text/csv").text == predicted
    last_axis = npy(images[..., None])
    assert image_server.post(last_axis, "application/x-npy", "text/csv").text == predicted


@pytest.mark.slow
def test_a_bag_is_served_as_it_predicts_from_its_folder(bag_run):
    rows = make_frame(seed=4).drop(columns="bought")
    predictor = load_predictor(bag_run)
    assert len(predictor.network.members) == 4
    with served(bag_run) as server:
        answer = server.post(rows.to_csv(index=False), "text/csv", "text/csv")
    np.testing.assert_allclose(table(answer), predictor.predict_proba(rows), atol=1e-6)


def test_plain_arrays_give_what_the_predictor_gives(array_server, array_run):
    x = np.random.default_rng(1).normal(size=(5, 3)).astype(np.float32)
    expected = load_predictor(array_run).predict_proba(x)
    lines = "".join(",".join(map(str, row)) + "\n" for row in x.tolist())
    for body, kind in (
        (npy(x), "application/x-npy"),
        (json.dumps(x.tolist()), "application/json"),
        (lines, "text/csv"),
    ):
        assert np.array_equal(table(array_server.post(body, kind, "text/csv")), expected), kind


REFUSED_IMAGES = {
    "images of another size": (
        npy(np.zeros((2, 9, 8), np.uint8)),
        "application/x-npy",
        "the images have shape (2, 9, 8, 1), but ('rows', 8, 8, 1) is expected; the last may be left out for grey images",
    ),
    "no images": (
        npy(np.zeros((0, 8, 8), np.uint8)),
        "application/x-npy",
        "the images have shape (0, 8, 8, 1), but ('rows', 8, 8, 1) is expected; the last may be left out for grey images",
    ),
    "values that are no pixels": (
        npy(np.full((1, 8, 8), 0.5)),
        "application/x-npy",
        "the images hold other values than whole numbers from 0 to 255",
    ),
    "pixels that are not a number": (
        npy(np.full((1, 8, 8), np.nan)),
        "application/x-npy",
        "the images hold other values than whole numbers from 0 to 255",
    ),
    "Python objects": (
        npy(np.array([{}], dtype=object)),
        "application/x-npy",
        "the body is not a .npy file of plain numbers: it holds Python objects",
    ),
    "text": (
        npy(np.array(["a"])),
        "application/x-npy",
        "the body must hold numbers only: a list, or an array, with one entry per row",
    ),
    "ragged lists": (
        b"[[1], [1, 2]]",
        "application/json",
        "the JSON lists differ in length; every row needs one shape",
    ),
    "objects": (
        b'[{"age": 3}]',
        "application/json",
        "the body must hold numbers only: a list, or an array, with one entry per row",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED_IMAGES)
def test_what_is_no_image_gets_one_clear_line(image_server, case):
    body, kind, line = REFUSED_IMAGES[case]
    answer = image_server.post(body, kind)
    assert (answer.status_code, answer.text) == (400, line + "\n")


REFUSED_ARRAYS = {
    "a header": (
        b"a,b,c\n1,2,3\n",
        "text/csv",
        "the CSV must hold numbers only, 3 in a row and no header: could not convert string to float: 'a'",
    ),
    "too few fields": (b"1,2\n", "text/csv", "a row has 2 fields, but 3 numbers are expected"),
    "another shape": (
        b"[[1, 2]]",
        "application/json",
        "the array has shape (1, 2), but ('rows', 3) is expected",
    ),
    "a missing number": (b"1,nan,3\n", "text/csv", "the array holds NaN or infinity; fill it in"),
}


@pytest.mark.parametrize("case", REFUSED_ARRAYS)
def test_what_is_no_row_of_numbers_gets_one_clear_line(array_server, case):
    body, kind, line = REFUSED_ARRAYS[case]
    answer = array_server.post(body, kind)
    assert (answer.status_code, answer.text) == (400, line + "\n")


def test_csv_is_no_content_type_for_images(image_server):
    answer = image_server.post(b"1,2\n", "text/csv")
    assert (answer.status_code, answer.text) == (
        415,
        "content type 'text/csv' is not read here; send application/json, application/x-npy, image/png"
        " or image/jpeg\n",
    )


def test_a_model_that_fails_its_warm_up_is_never_served(array_run, tmp_path):
    broken = shutil.copytree(array_run, tmp_path / "run")
    weights = broken / "model" / "weights.safetensors"
    save_file({k: np.full_like(v, 3e38) for k, v in load_file(weights).items()}, weights)
    rehash(broken)
    command = [FITWELL, "serve", broken, "--port", str(free_port())]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 2
    assert ended.stderr == (
        "fitwell: the model does not answer with one probability for each of its 2 classes, but"
        " with [[nan, nan]]. Make the run anew.\n"
    )
