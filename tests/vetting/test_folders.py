"""A run folder that was tampered with is refused in one line, exit code 2."""

import json
import os
import pickle
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from safetensors.numpy import load_file, save_file

from fitwell.cli import main
from fitwell.errors import InputError
from fitwell.runs.prediction import load_predictor
from vetting.forging import rehash

EVIDENCE = ["run.json", "result.json", "report.html", "model/model.json"]


def change_json(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_run_that_nobody_touched_is_read(run, made):
    for path in (run, made):
        assert load_predictor(path).classes == ("no", "yes")


@pytest.mark.parametrize("name", EVIDENCE)
def test_a_change_of_the_evidence_is_noticed(run, refusal, name):
    path = run / name
    path.write_bytes(path.read_bytes() + b" ")
    way = "write it again with fitwell report" if name == "report.html" else "make the run anew"
    assert refusal(run) == (
        f"{path} was changed since the run: its sha256 is not the one in hashes.json. Copy the"
        f" run folder again, or {way}."
    )


@pytest.mark.parametrize("name", ["report.html", "hashes.json"])
def test_evidence_that_was_taken_away_is_missed(run, refusal, name):
    (run / name).unlink()
    assert refusal(run) == f"{run / name} is missing. Copy the whole run folder again."


def test_a_report_that_was_put_there_is_noticed(run, refusal):
    change_json(run / "hashes.json", lambda content: content["sha256"].pop("report.html"))
    assert "report.html was changed since the run" in refusal(run)


def test_a_run_of_a_former_version_has_no_manifest_and_is_read(run):
    (run / "hashes.json").unlink()
    change_json(run / "model/model.json", lambda about: about.pop("manifest"))
    assert load_predictor(run).classes == ("no", "yes")


def test_the_report_is_written_again_and_the_evidence_stays_whole(run, refusal):
    pytest.importorskip("altair")
    (run / "report.html").write_text("changed")
    refusal(run)
    done = CliRunner().invoke(main, ["report", str(run), "--lang", "ko"])
    assert done.exit_code == 0, done.output
    assert load_predictor(run).classes == ("no", "yes")


def test_no_report_is_written_of_a_result_that_was_changed(run):
    (run / "result.json").write_text((run / "result.json").read_text().replace("0.", "0.1", 1))
    done = CliRunner().invoke(main, ["report", str(run)])
    assert done.exit_code == 2
    assert "result.json was changed since the run" in done.stderr


class Payload:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.write_text, (Path(self.path), "ran"))


@pytest.mark.parametrize("name", ["model.pkl", "weights.pt", "__init__.py", "x.npy", ".pth"])
def test_another_file_in_the_model_folder_is_refused(run, refusal, tmp_path, name):
    (run / "model" / name).write_bytes(pickle.dumps(Payload(tmp_path / "ran")))
    assert refusal(run) == (
        f"{run / 'model'} holds {name!r}, which is no file of a model. Take it away if you put it"
        " there; otherwise copy the run folder again."
    )
    assert not (tmp_path / "ran").exists()


def test_what_a_killed_process_left_in_the_model_folder_is_passed_over(run):
    (run / "model" / ".weights.safetensors.123.tmp").write_bytes(b"half")
    assert load_predictor(run).classes == ("no", "yes")


@pytest.mark.parametrize("name", ["weights.safetensors", "encoder.json"])
def test_a_pickle_under_the_name_of_a_file_of_the_model_is_refused(run, refusal, tmp_path, name):
    (run / "model" / name).write_bytes(pickle.dumps(Payload(tmp_path / "ran")))
    rehash(run)
    assert str(run / "model" / name) in refusal(run)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("name", ["model/weights.safetensors", "model", "result.json", "run.json"])
def test_a_link_is_refused(run, refusal, tmp_path, name):
    elsewhere = tmp_path / "elsewhere"
    (run / name).rename(elsewhere)
    (run / name).symlink_to(elsewhere)
    assert refusal(run).startswith(f"{run / name} is a link, but")


def test_a_pipe_is_refused_and_never_opened(run, refusal):
    (run / "model" / "encoder.json").unlink()
    os.mkfifo(run / "model" / "encoder.json")
    assert "encoder.json is no plain file" in refusal(run)


def test_a_file_of_absurd_size_is_not_read(run, refusal):
    with open(run / "model" / "model.json", "ab") as stream:
        stream.truncate(2**33)  # sparse: it takes no room on the disk
    assert "has 8,589,934,592 bytes, but at most 4,194,304 are read" in refusal(run)


def forge(run, header, data=b""):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    (run / "model/weights.safetensors").write_bytes(struct.pack("<Q", len(raw)) + raw + data)
    rehash(run)


HEADERS = {
    "oversized": (b"", "its header would have"),
    "longer than the file": (b"{}", "its header would have 100 bytes, of 10 in the file"),
    "no JSON": (b"{]", "its header is no JSON"),
    "deep JSON": (b"[" * 100_000, "its header is no JSON: maximum recursion depth"),
    "a list": ([], "its header is no JSON object"),
    "a name twice": (b'{"a": 1, "a": 2}', "a name comes twice"),
    "an unknown type": ({"a": {"dtype": "PY", "shape": [], "data_offsets": [0, 1]}}, "no known type"),
    "no offsets": ({"a": {"dtype": "F32", "shape": [1]}}, "no known type"),
    "negative": ({"a": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}, "no known type"),
    "a Boolean": ({"a": {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]}}, "no known type"),
    "too many numbers": (
        {"a": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]}},
        "are not where its shape has them",
    ),
    "a hole": ({"a": {"dtype": "F32", "shape": [1], "data_offsets": [4, 8]}}, "are not where"),
    "more than the file": ({"a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}, "describes"),
}  # fmt: skip


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_that_is_none_is_refused(run, refusal, case):
    header, words = HEADERS[case]
    forge(run, header)
    if "would have" in words:
        length = 2**63 if case == "oversized" else 100
        (run / "model/weights.safetensors").write_bytes(struct.pack("<Q", length) + header)
        rehash(run)
    line = refusal(run)
    assert "weights.safetensors is broken: " in line
    assert words in line


WEIGHTS = {
    "of another shape": (lambda w: {**w, "0.bias": w["0.bias"][:-1]}, "'0.bias' is there as F32 [7], but is expected as F32 [8]"),
    "of another type": (lambda w: {**w, "0.bias": w["0.bias"].astype(np.float64)}, "'0.bias' is there as F64 [8], but is expected as F32 [8]"),
    "missing": (lambda w: {k: v for k, v in w.items() if k != "0.bias"} | {"x": w["0.bias"]}, "'0.bias' is there not, but is expected as F32 [8]"),
    "one too many": (lambda w: {**w, "extra": w["0.bias"]}, "'extra' is there as F32 [8], but is expected not"),
    "NaN": (lambda w: {**w, "0.bias": w["0.bias"] * np.nan}, "'0.bias' holds NaN or infinite numbers"),
    "infinite": (lambda w: {**w, "2.weight": w["2.weight"] + np.inf}, "'2.weight' holds NaN or infinite numbers"),
}  # fmt: skip


@pytest.mark.parametrize("case", WEIGHTS)
def test_weights_that_do_not_fit_are_refused_by_name(run, refusal, case):
    change, words = WEIGHTS[case]
    path = run / "model" / "weights.safetensors"
    save_file(change(load_file(path)), path)
    rehash(run)
    assert words in refusal(run)


ABOUTS = {
    "a huge width": ({"network": {"widths": [2**31 - 1]}}, "does not fit the network"),
    "two huge widths": ({"network": {"widths": [2**31 - 1, 2**31 - 1], "removed": 0}}, "model"),
    "a width beyond any machine": ({"network": {"widths": [10**30]}}, "widths is [1000"),
    "a width of text": ({"network": {"widths": ["8"]}}, "widths is ['8'], but a list of whole"),
    "no widths": ({"network": {"widths": []}}, "widths is [], but a list of whole numbers"),
    "a Boolean width": ({"network": {"widths": [True]}}, "widths is [True]"),
    "a million layers": ({"network": {"widths": [1] * 1_000_000}}, "too few for the layers"),
    "a thousand members": ({"network": {"members": 1024}}, "too few for the layers"),
    "members of text": ({"network": {"members": "2"}}, "members is '2', but 1 to 1024"),
    "an infinite factor": ({"network": {"width": float("inf")}}, "width is inf"),
    "no number": ({"network": {"width": float("nan")}}, "width is nan"),
    "a negative removal": ({"network": {"removed": -1}}, "removed is -1"),
    "an unknown activation": ({"network": {"activation": "os.system"}}, "activation is 'os.system'"),
    "an activation that is no text": ({"network": {"activation": ["relu"]}}, "activation is ['relu']"),
    "another kind": ({"network": {"kind": "pickle"}}, "kind is 'pickle', but mlp, cnn or custom"),
    "a CNN for a table": ({"network": {"kind": "cnn"}}, "needs images"),
    "a huge row": ({"shape": [2**20, 2**20]}, "shape is [1048576, 1048576]"),
    "another row": ({"shape": [3]}, "has rows of shape (3,), but the encoder gives"),
    "an unknown encoder": ({"encoder": "Pickle"}, "encoder is 'Pickle'"),
    "no encoder": ({"encoder": None}, "names the files encoder.json, weights"),
    "classes of numbers": ({"classes": [0, 1]}, "classes is [0, 1], but a list of texts"),
    "one class too many": ({"classes": ["a", "b", "c"]}, "does not fit the network"),
    "a network that is a list": ({"network": []}, "network is [], but an object"),
    "a path for a name": ({"sha256": {"../run.json": "0" * 64}}, "names the files ../run.json"),
    "hashes of numbers": ({"sha256": {"weights.safetensors": 1}}, "sha256 is {'weights.saf"),
    "another format": ({"format": 3}, "has format 3, but this fitwell reads format 2"),
}  # fmt: skip


@pytest.mark.parametrize("case", ABOUTS)
def test_a_model_json_that_no_run_writes_is_refused_before_memory_is_taken(run, refusal, case):
    changes, words = ABOUTS[case]

    def change(about):
        for key, value in changes.items():
            nested = key == "network" and isinstance(value, dict)
            about[key] = {**about[key], **value} if nested else value

    change_json(run / "model/model.json", change)
    change_json(run / "hashes.json", lambda content: content["sha256"].pop("model/model.json"))
    from fitwell.vetting.hashes import write_manifest

    write_manifest(run)
    tracemalloc.start()
    line = refusal(run)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert words in line
    assert peak < 200 * 2**20


@pytest.mark.parametrize("content", ["", "{", "[1]", "1e999", "[" * 100_000, "9" * 10_000])
@pytest.mark.parametrize("name", ["run.json", "hashes.json", "model/model.json", "model/encoder.json"])  # fmt: skip
def test_what_is_no_json_object_is_refused(run, refusal, name, content):
    (run / name).write_text(content)
    if name == "model/encoder.json":
        rehash(run)
    assert str(run / name) in refusal(run)


FORGED = {
    "a scale of zero": (lambda a: set_in(a["numbers"][0], 2, 0.0), "has no finite center, scale and fill"),
    "an infinite center": (lambda a: set_in(a["numbers"][0], 1, float("inf")), "has no finite center, scale and fill"),
    "a whole number": (lambda a: set_in(a["numbers"][0], 2, 1), "has no finite center, scale and fill"),
    "a number as text": (lambda a: set_in(a["numbers"][0], 1, "1"), "has no finite center, scale and fill"),
    "a key that is a list": (lambda a: set_in(a["numbers"][0], 0, []), "has no finite center, scale and fill"),
    "a number too few": (lambda a: a["numbers"][0].pop(), "an entry of numbers has not 4 parts"),
    "no numbers": (lambda a: a.pop("numbers"), "numbers is no list"),
    "flags that are numbers": (lambda a: set_in(a["flags"], 0, 1), "flags are no texts"),
    "values that are no texts": (lambda a: set_in(a["categories"][0][1], 0, None), "values are no texts"),
    "others that are many": (lambda a: set_in(a["categories"][0], 2, 10**9), "does not say whether there are others"),
    "a category that is a text": (lambda a: set_in(a["categories"], 0, "abc"), "an entry of categories has not 3 parts"),
    "another column": (lambda a: set_in(a["numbers"][0], 0, "number other"), "has columns that its constants do not fit"),
    "a column too few": (lambda a: a["columns"].pop(), "has columns that its constants do not fit"),
    "a flag of no number": (lambda a: set_in(a["flags"], 0, "number other"), "has columns that its constants do not fit"),
    "another width": (lambda a: a.update(inputs=10**12), "has columns that its constants do not fit"),
    "columns of a new kind": (lambda a: set_in(a["columns"][0], 1, "code"), "does not describe columns"),
}  # fmt: skip


def set_in(entries, place, value):
    entries[place] = value


@pytest.mark.parametrize("case", FORGED)
def test_constants_that_no_training_gives_are_refused(run, refusal, case):
    change, words = FORGED[case]
    change_json(run / "model/encoder.json", change)
    rehash(run)
    told = refusal(run)
    assert words in told
    assert str(run / "model/encoder.json") in told


@pytest.mark.parametrize("name", ["model/weights.safetensors", "model/encoder.json"])
@pytest.mark.parametrize("share", [0, 0.3, 0.99])
def test_a_file_that_is_cut_off_is_refused(run, refusal, name, share):
    path = run / name
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    rehash(run)
    assert str(path) in refusal(run)


def test_an_image_encoder_is_looked_at_too(tmp_path):
    from fitwell.data.images import ImageEncoder

    ImageEncoder((1, 8, 8), (0.5,), (0.1,)).save(tmp_path)
    assert ImageEncoder.load(tmp_path).deviation == (0.1,)
    for key, value in {"shape": [1, 8], "mean": ["x"], "deviation": [0.0]}.items():
        ImageEncoder((1, 8, 8), (0.5,), (0.1,)).save(tmp_path)
        change_json(tmp_path / "encoder.json", lambda about, k=key, v=value: about.update({k: v}))
        with pytest.raises(InputError, match="does not hold a shape, and a mean and a deviation"):
            ImageEncoder.load(tmp_path)
