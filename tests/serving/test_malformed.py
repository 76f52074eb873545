"""Bodies that no client should send: each is refused in one line, and the server lives on."""

import io
import json
import pickle
import random
import zlib
from pathlib import Path

import httpx
import numpy as np
import pandas as pd
import pytest

from serving.live import served

MOST = 600 * 2**20
"""Bytes that the server may grow by; a body may have 20 MiB."""


def npy(array):
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def header_of(shape):
    """A .npy file that promises an array and holds eight bytes of it."""
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        stream, {"descr": "<f8", "fortran_order": False, "shape": shape}
    )
    return stream.getvalue() + b"\0" * 8


def parquet(frame, **options):
    stream = io.BytesIO()
    frame.to_parquet(stream, **options)
    return stream.getvalue()


def png_of(width, height):
    """A PNG that promises so many pixels in a few bytes."""

    def chunk(name, data):
        return len(data).to_bytes(4) + name + data + zlib.crc32(name + data).to_bytes(4)

    head = width.to_bytes(4) + height.to_bytes(4) + bytes([8, 0, 0, 0, 0])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 99))


ZEROS = pd.DataFrame({"age": np.zeros(90_000_000, dtype=np.int8)})
BOMBS = {
    "npy of 8 TB": (header_of((10**12,)), "application/x-npy"),
    "npy of negative sides": (header_of((-1, 8, 8)), "application/x-npy"),
    "npy with a pickle": (npy(np.array([{}], dtype=object)), "application/x-npy"),
    "a pickle": (pickle.dumps([1]), "application/x-npy"),
    "deep lists": (b"[" * 1_000_000, "application/json"),
    "deep objects": (b'{"a":' * 1_000_000, "application/json"),
    "a long number": (b"[" + b"9" * 5_000_000 + b"]", "application/json"),
    "many small lists": (b"[" + b"[]," * 6_000_000 + b"[]]", "application/json"),
    "NaN": (b'[{"age": NaN}]', "application/json"),
    "lone surrogates": (b'["\\ud800"]', "application/json"),
    "a picture of 10 gigapixels": (png_of(100_000, 100_000), "image/png"),
    "a picture of no pixels": (png_of(0, 0), "image/png"),
}


def grown(server, before=0):
    """The most memory that the server ever had, in bytes."""
    lines = Path(f"/proc/{server.process.pid}/status").read_text().splitlines()
    [most] = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return 1024 * int(most) - before


@pytest.fixture(scope="module")
def image_server(image_run):
    with served(image_run) as server:
        yield server


@pytest.mark.parametrize("case", BOMBS)
def test_what_promises_more_than_it_holds_is_refused_in_bounded_memory(image_server, case):
    before = grown(image_server)
    answer = image_server.post(*BOMBS[case])
    assert answer.status_code in (400, 413)
    assert answer.text.count("\n") == 1
    assert grown(image_server, before) < MOST
    assert httpx.get(f"{image_server.url}/ping").status_code == 200


def test_a_small_parquet_file_of_millions_of_rows_is_refused_before_it_is_unpacked(server):
    bomb = parquet(ZEROS)
    assert len(bomb) < 2**20
    before = grown(server)
    answer = server.post(bomb, "application/x-parquet")
    assert (answer.status_code, answer.text) == (
        413,
        "the body holds over 100,000 rows; send them in several requests\n",
    )
    assert grown(server, before) < MOST / 10


def test_a_small_parquet_file_of_long_texts_is_refused_before_it_is_unpacked(server):
    bomb = parquet(pd.DataFrame({"city": ["x" * 10_000] * 40_000}), use_dictionary=False)
    assert len(bomb) < 20 * 2**20
    before = grown(server)
    answer = server.post(bomb, "application/x-parquet")
    assert answer.status_code == 413
    assert answer.text.startswith("the Parquet file unpacks to over ")
    assert grown(server, before) < MOST / 2


def spoiled(body, rng):
    """Cut, repeat, overwrite or flip a part of a body."""
    body = bytearray(body)
    for _ in range(rng.randint(1, 4)):
        at = rng.randrange(len(body) + 1)
        kind = rng.randrange(6)
        if kind == 0:
            del body[at:]
        elif kind == 1:
            del body[at : at + rng.randint(1, 30)]
        elif kind == 2:
            body[at:at] = body[at : at + 40] * rng.randint(1, 5)
        elif kind == 3:
            body[at : at + 4] = rng.randbytes(4)
        elif kind == 4 and body:
            body[at % len(body)] ^= 1 << rng.randrange(8)
        else:
            body[at:at] = rng.choice([b"NaN", b"1e999", b"null", b"\xff", b"\0", b"[[", b'"', b","])
    return bytes(body)


def hammer(server, good, count, seed):
    rng = random.Random(seed)
    kinds = list(good)
    before, told = grown(server), {}
    with httpx.Client(timeout=60) as client:
        for _ in range(count):
            kind = rng.choice(kinds)
            # Under another name too: what was meant as one type arrives as another.
            named = kind if rng.random() < 0.8 else rng.choice(kinds)
            answer = client.post(
                f"{server.url}/invocations",
                content=spoiled(good[kind], rng),
                headers={"content-type": named, "accept": "application/x-npy"},
            )
            assert answer.status_code in (200, 400, 413, 415), answer.text
            if answer.status_code == 200:
                assert np.isfinite(np.load(io.BytesIO(answer.content))).all()
            else:
                assert answer.text.count("\n") == 1
            told[answer.status_code] = told.get(answer.status_code, 0) + 1
    assert grown(server, before) < MOST
    return told


@pytest.mark.parametrize("count", [150, pytest.param(7000, marks=pytest.mark.slow)])
def test_spoiled_tables_crash_nothing(server, rows, count):
    few = rows.head(4)
    good = {
        "text/csv": few.to_csv(index=False).encode(),
        "application/json": few.to_json(orient="records").encode(),
        "application/jsonlines": few.to_json(orient="records", lines=True).encode(),
        "application/x-parquet": parquet(few),
    }
    told = hammer(server, good, count, seed=1)
    assert told[400] > count / 4
    assert told[200] > 0


@pytest.mark.parametrize("count", [100, pytest.param(3000, marks=pytest.mark.slow)])
def test_spoiled_pictures_crash_nothing(image_server, pictures, count):
    from PIL import Image

    files = {}
    for kind, ending in (("image/png", "PNG"), ("image/jpeg", "JPEG")):
        stream = io.BytesIO()
        Image.fromarray(pictures[0][0]).save(stream, ending)
        files[kind] = stream.getvalue()
    good = {
        **files,
        "application/x-npy": npy(pictures[0][:2]),
        "application/json": json.dumps(pictures[0][:2].tolist()).encode(),
    }
    told = hammer(image_server, good, count, seed=2)
    assert told[400] > count / 4
    assert told[200] > count / 100
