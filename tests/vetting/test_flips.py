"""Any byte of any file may be changed: never a traceback, never code run."""

import shutil
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fitwell.errors import InputError
from fitwell.runs.prediction import load_predictor
from fitwell.vetting.pack import pack
from serving.conftest import make_rows
from vetting.forging import rehash

FILES = [
    "run.json", "result.json", "report.html", "hashes.json", "model/model.json",
    "model/weights.safetensors", "model/encoder.json",
]  # fmt: skip
FORBIDDEN = ("pickle.find_class", "os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "socket.connect")  # fmt: skip
MANY = settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])

seen: list[str] = []
armed = False


def _watch(event, _arguments):
    if armed and event in FORBIDDEN:
        seen.append(event)


sys.addaudithook(_watch)


@pytest.fixture(scope="module")
def rows():
    return make_rows().drop(columns="bought")


@pytest.fixture(scope="module")
def expected(made, rows):
    return load_predictor(made).predict_proba(rows)


def read(path):
    """Load under watch; None where it is refused."""
    global armed
    armed = True
    try:
        return load_predictor(path)
    except InputError:
        return None
    finally:
        armed = False
        assert seen == []


def flip(path, place, bits):
    content = bytearray(path.read_bytes())
    content[int(place * len(content)) % len(content)] ^= bits
    path.write_bytes(content)


places = st.floats(0, 1, exclude_max=True)
bits = st.integers(1, 255)


def fresh(made, tmp_path):
    run = tmp_path / "run"
    shutil.rmtree(run, ignore_errors=True)
    run.mkdir()
    for name in FILES:
        (run / name).parent.mkdir(exist_ok=True)
        shutil.copy(made / name, run / name)
    return run


def test_the_watch_sees_a_pickle_that_is_loaded():
    global armed
    import pickle

    armed = True
    pickle.loads(b"cbuiltins\nlen\n.")
    armed = False
    assert seen == ["pickle.find_class"]
    seen.clear()


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_a_changed_byte_is_refused_or_changes_nothing(made, rows, expected, tmp_path, name):
    @MANY
    @given(places, bits)
    def one_byte(place, mask):
        run = fresh(made, tmp_path)
        flip(run / name, place, mask)
        predictor = read(run)
        # A blank that became another blank, in JSON that no hash is of, says nothing else.
        assert predictor is None or name in ("hashes.json", "model/model.json")
        if predictor is not None:
            assert np.array_equal(predictor.predict_proba(rows), expected)

    one_byte()


@pytest.mark.parametrize("name", [name for name in FILES if name != "hashes.json"])
def test_a_changed_byte_with_its_hash_made_right_is_refused_or_harmless(made, rows, tmp_path, name):
    @MANY
    @given(places, bits)
    def one_byte(place, mask):
        run = fresh(made, tmp_path)
        flip(run / name, place, mask)
        try:
            rehash(run)
        except (ValueError, KeyError, TypeError, FileNotFoundError, AttributeError, OSError):
            pass  # the hashes themselves were hit
        predictor = read(run)
        if predictor is not None:
            try:
                assert predictor.predict_proba(rows).shape == (len(rows), len(predictor.classes))
            except InputError:
                assert name == "model/encoder.json"

    one_byte()


def test_a_changed_byte_of_an_archive_is_refused_or_changes_nothing(made, rows, expected, tmp_path):
    pack(made, tmp_path / "whole.tar.gz")

    @MANY
    @given(places, bits)
    def one_byte(place, mask):
        path = tmp_path / "x.tar.gz"
        shutil.copy(tmp_path / "whole.tar.gz", path)
        flip(path, place, mask)
        predictor = read(path)
        if predictor is not None:
            assert np.array_equal(predictor.predict_proba(rows), expected)

    one_byte()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["model/weights.safetensors", "model/encoder.json", "model/model.json"])  # fmt: skip
def test_random_bytes_in_the_place_of_a_file_are_refused(made, tmp_path, name):
    @MANY
    @given(st.binary(max_size=300))
    def any_bytes(content):
        run = fresh(made, tmp_path)
        (run / name).write_bytes(content)
        if name != "model/model.json":
            rehash(run)
        assert read(run) is None

    any_bytes()
