"""Every type a body and an answer may have, and what the server says of itself."""

import io
import json

import httpx
import numpy as np
import pandas as pd
import pytest

from fitwell.runs.prediction import load_predictor
from serving.live import served
from toys import make_frame, with_a_damaged_note


@pytest.fixture(scope="module")
def expected(run, rows):
    return load_predictor(run).predict_proba(rows)


@pytest.fixture(scope="module")
def image_server(image_run):
    with served(image_run) as server:
        yield server


def table(answer):
    assert answer.status_code == 200, answer.text
    return np.load(io.BytesIO(answer.content))


def test_json_lines_give_the_same_bit_for_bit(server, rows, expected):
    text = rows.to_json(orient="records", lines=True, double_precision=15)
    answer = server.post(text, "application/jsonlines", "application/x-npy")
    assert answer.headers["content-type"] == "application/x-npy"
    assert np.array_equal(table(answer), expected)


def test_parquet_gives_the_same_bit_for_bit(server, rows, expected):
    stream = io.BytesIO()
    rows.assign(another=1)[[*rows.columns[::-1], "another"]].to_parquet(stream)
    answer = server.post(stream.getvalue(), "application/x-parquet", "application/x-npy")
    assert np.array_equal(table(answer), expected)


def test_an_answer_in_json_lines_has_one_object_per_row(server, rows, run, expected):
    answer = server.post(rows.to_csv(index=False), accept="application/jsonlines")
    found = [json.loads(line) for line in answer.text.splitlines()]
    classes = load_predictor(run).classes
    assert [list(row["probabilities"].values()) for row in found] == expected.tolist()
    assert [row["class"] for row in found] == [classes[top] for top in expected.argmax(axis=1)]


@pytest.mark.parametrize(("kind", "ending"), [("image/png", "PNG"), ("image/jpeg", "JPEG")])
def test_one_picture_gives_what_its_pixels_give(image_server, image_run, pictures, kind, ending):
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pictures[0][0]).save(stream, ending)
    pixels = np.asarray(Image.open(stream))
    found = table(image_server.post(stream.getvalue(), kind, "application/x-npy"))
    assert np.array_equal(found, load_predictor(image_run).predict_proba(pixels[None, None]))


def test_a_picture_of_another_size_and_what_is_no_picture_are_refused(image_server):
    from PIL import Image

    stream = io.BytesIO()
    Image.new("L", (9, 8)).save(stream, "PNG")
    answer = image_server.post(stream.getvalue(), "image/png")
    assert (answer.status_code, answer.text) == (
        400,
        "the image has 9 x 8 pixels, but 8 x 8 are expected; scale it\n",
    )
    answer = image_server.post(stream.getvalue()[:40], "image/png")
    assert answer.status_code == 400
    assert answer.text.startswith("the body is not a PNG or JPEG: ")


def damaged():
    stream = io.BytesIO()
    with_a_damaged_note(make_frame(), stream)
    return stream.getvalue()


PARQUET = {
    "no Parquet": (b"PAR1", "the body is not a Parquet file that can be read: "),
    "no rows": (pd.DataFrame({"age": []}), "the Parquet file has no rows; send at least one"),
    "lists": (
        pd.DataFrame({"age": [[1]]}),
        "the Parquet file's column 'age' is there twice, or holds no numbers, text, Booleans or"
        " dates; convert it",
    ),
    "a damaged note": (
        damaged(),
        "the body is not a Parquet file that can be read: what pandas noted of its columns is damaged",
    ),
    "a column is missing": (pd.DataFrame({"age": [1.0]}), "column 'income' and 5 more is missing"),
}


@pytest.mark.parametrize("case", PARQUET)
def test_parquet_that_does_not_fit_gets_one_clear_line(server, case):
    body, line = PARQUET[case]
    if isinstance(body, pd.DataFrame):
        stream = io.BytesIO()
        body.to_parquet(stream)
        body = stream.getvalue()
    answer = server.post(body, "application/x-parquet")
    assert answer.status_code == 400
    assert answer.text.startswith(line)
    assert answer.text.count("\n") == 1


def test_a_line_that_is_no_json_is_named(server):
    answer = server.post(b'{"age": 1}\n{"age": \n', "application/jsonlines")
    assert (answer.status_code, answer.text[:33]) == (400, "line 2 of the body is not JSON: E")


def test_more_rows_than_a_request_may_have_are_refused(server):
    answer = server.post(b"age\n" + b"1\n" * 200_000)
    assert (answer.status_code, answer.text) == (
        413,
        "the body holds over 100,000 rows; send them in several requests\n",
    )


def test_a_batch_transform_is_told_what_it_may_send(server):
    assert httpx.get(f"{server.url}/execution-parameters").json() == {
        "MaxConcurrentTransforms": 8,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": 20,
    }


def counted(server):
    from prometheus_client.parser import text_string_to_metric_families

    found = {}
    text = httpx.get(f"{server.url}/metrics").text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found[sample.name, sample.labels.get("status", "")] = sample.value
    return found


def test_prometheus_reads_how_many_were_answered_and_how_long_it_took(run, rows):
    with served(run) as server:
        for body in (rows.to_csv(index=False), rows.to_csv(index=False), b""):
            server.post(body)
        found = counted(server)
        assert found["fitwell_requests_total", "200"] == 2
        assert found["fitwell_requests_total", "400"] == 1
        assert found["fitwell_request_seconds_count", ""] == 3
        assert 0 < found["fitwell_request_seconds_sum", ""] < 60


def test_the_description_names_the_columns_and_the_classes(server, rows, run):
    about = httpx.get(f"{server.url}/openapi.json").json()
    route = about["paths"]["/invocations"]["post"]
    assert set(route["requestBody"]["content"]) == {
        "text/csv", "application/json", "application/jsonlines", "application/x-parquet",
    }  # fmt: skip
    assert {"200", "400", "406", "413", "415", "503"} <= set(route["responses"])
    text = json.dumps(route)
    for name in (*rows.columns, *load_predictor(run).classes):
        assert json.dumps(name) in text
    assert httpx.get(f"{server.url}/docs").status_code == 200
