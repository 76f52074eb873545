"""Files for other runtimes: they answer as torch does, say what they need, and nothing else."""

import json
import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from safetensors.numpy import load_file, save_file

from fitwell.cli import main
from fitwell.runs.prediction import load_predictor
from fitwell.version import __version__
from serving.live import FITWELL
from vetting.forging import rehash

onnx = pytest.importorskip("onnx", reason="the extra export is not installed")
onnxruntime = pytest.importorskip("onnxruntime", reason="the extra export is not installed")
pytest.importorskip("onnxscript", reason="the extra export is not installed")

RUNS = ["run", "image_run", "array_run", "bag_run", "greedy_run", "own_run"]
FAST = {("run", "onnx"), ("run", "torch"), ("image_run", "onnx")}
EACH = [
    pytest.param(name, kind, marks=[] if (name, kind) in FAST else pytest.mark.slow)
    for name in RUNS
    for kind in ("onnx", "torch")
]


def export(run, out, *options):
    done = CliRunner().invoke(main, ["export", str(run), "--out", str(out), *options])
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(run, *options):
    done = CliRunner().invoke(main, ["export", str(run), *map(str, options)])
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    return done.stderr.removeprefix("fitwell: ").strip()


def by_onnx(path):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda x: session.run(["probabilities"], {"input": x})[0]


def by_torch(path):
    module = torch.export.load(path).module()
    return lambda x: module(torch.from_numpy(x)).detach().numpy()


def raw_rows(name, rows, pictures):
    if name == "array_run":
        return np.random.default_rng(5).normal(size=(40, 3)).astype(np.float32)
    return pictures[0][:, None] if name == "image_run" else rows


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(("name", "kind"), EACH)
def test_a_file_answers_as_the_run_does_for_any_number_of_rows(
    request, tmp_path, rows, pictures, name, kind
):
    run = request.getfixturevalue(name)
    own = ["--model", "exported_net:Net"] if name == "own_run" else []
    out = tmp_path / ("m.onnx" if kind == "onnx" else "m.pt2")
    text = export(run, out, "--format", kind, *own)
    predictor = load_predictor(run, own[1] if own else None)
    raw = raw_rows(name, rows, pictures)
    x = raw if predictor.encoder is None else predictor.encoder.transform(raw)
    answers = (by_onnx if kind == "onnx" else by_torch)(str(out))
    for size in (1, 2, 7, len(x)):
        found = answers(np.ascontiguousarray(x[:size]))
        np.testing.assert_allclose(found, predictor.predict_proba(raw)[:size], rtol=0, atol=1e-5)
        np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    assert text.startswith(f"{out}: {out.stat().st_size:,} bytes\noutput 'probabilities': softmax")
    assert f"float32 [batch, {', '.join(map(str, predictor.shape))}]. Preprocessing is not" in text


@pytest.fixture(scope="module")
def written(run, tmp_path_factory):
    out = tmp_path_factory.mktemp("written")
    for kind, name in (("onnx", "m.onnx"), ("torch", "m.pt2")):
        export(run, out / name, "--format", kind)
    return out


def about_onnx(path):
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


def test_the_onnx_file_names_its_ends_and_its_free_axis(written):
    model = onnx.load(written / "m.onnx")
    onnx.checker.check_model(model, full_check=True)
    ends = [
        (end.name, [axis.dim_param or axis.dim_value for axis in end.type.tensor_type.shape.dim])
        for end in (*model.graph.input, *model.graph.output)
    ]
    assert ends == [("input", ["batch", ends[0][1][1]]), ("probabilities", ["batch", 2])]


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_both_files_say_where_they_come_from(written, run):
    about = about_onnx(written / "m.onnx")
    assert about["fitwell"] == __version__
    assert json.loads(about["classes"]) == ["no", "yes"]
    assert json.loads(about["output"])["what"].startswith("softmax probabilities")
    asked = json.loads((run / "run.json").read_text())
    origin = json.loads(about["run"])
    assert origin["id"] == asked["id"]
    assert origin["data_fingerprint"] == asked["data"]["fingerprint"]
    assert origin["versions"] == asked["versions"]
    extra = {"fitwell.json": ""}
    torch.export.load(written / "m.pt2", extra_files=extra)
    assert json.loads(extra["fitwell.json"]) == about


def test_no_path_of_this_machine_is_in_a_file(written):
    for name in ("m.onnx", "m.pt2"):
        content = (written / name).read_bytes()
        for word in ("site-packages", "/fitwell/", os.path.expanduser("~") + "/", "forward("):
            assert word.encode() not in content, (name, word)


def encode(about, row):
    """Make a row's input from what the file says alone: another program would do this."""
    inputs = json.loads(about["preprocessing"])["inputs"]
    encoded = []
    for entry in inputs:
        value = row[entry["column"]]
        missing = value is None or value != value
        if "missing" in entry:
            encoded.append(float(missing))
        elif "values" in entry:
            known = [
                v for e in inputs if e["column"] == entry["column"] for v in e.get("values", ())
            ]
            text = "" if missing else str(value)
            hit = text in entry["values"] or (entry["others"] and text not in known)
            encoded.append(float(hit))
        else:
            number = None if missing else part_of(value, entry["part"])
            scaled = entry["fill"] if missing else (number - entry["center"]) / entry["scale"]
            encoded.append(scaled / (1 + (scaled / 3) ** 2) ** 0.5)
    return encoded


def part_of(value, part):
    if part == "number":
        return float(value)
    from datetime import date

    day = date.fromisoformat(value)
    return {
        "day": (day - date(1970, 1, 1)).days,
        "month": day.month,
        "weekday": day.weekday(),
        "hour": 0,
    }[part]


def test_what_the_file_says_is_enough_to_encode_a_row_without_fitwell(written, run, rows):
    about = about_onnx(written / "m.onnx")
    assert json.loads(about["preprocessing"])["inside"] is False
    odd = rows.astype(object)
    odd.loc[0, "city"], odd.loc[1, "code"], odd.loc[2, "age"] = "new", "new", None
    x = np.array([encode(about, row) for row in odd.to_dict("records")], dtype=np.float32)
    np.testing.assert_allclose(x, load_predictor(run).encoder.transform(odd), atol=1e-6)
    found = by_onnx(str(written / "m.onnx"))(x)
    np.testing.assert_allclose(found, load_predictor(run).predict_proba(odd), atol=1e-5)


@pytest.mark.slow
def test_pixels_are_described_too(image_run, pictures, tmp_path):
    export(image_run, tmp_path / "m.onnx", "--format", "onnx")
    about = json.loads(about_onnx(tmp_path / "m.onnx")["preprocessing"])
    pixels = pictures[0][:, None] / 255
    mean, deviation = (np.array(about[k]).reshape(1, -1, 1, 1) for k in ("mean", "deviation"))
    x = ((pixels - mean) / deviation).astype(np.float32)
    np.testing.assert_allclose(x, load_predictor(image_run).encoder.transform(pictures[0][:, None]), atol=1e-6)  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_the_terminal_stays_clean(run, tmp_path, kind):
    done = subprocess.run(
        [FITWELL, "export", run, "--format", kind], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("model.onnx: " if kind == "onnx" else "model.pt2: ")
    assert [line.split(":")[0] for line in lines[4:]] == [
        "  columns", "  number", "  date", "  missing", "  category",
        "  every constant is in the file's metadata, under 'preprocessing'",
    ]  # fmt: skip
    assert lines[4] == (
        "  columns: age (number), income (number), city (category), code (category), member"
        " (category), since (date), 7 (number)"
    )


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_a_file_that_answers_otherwise_is_not_written(own_run, tmp_path, kind):
    words = ("--format", kind, "--out", tmp_path / "m", "--model", "exported_net:Cheating")
    line = refused(own_run, *words)
    assert line.startswith(f"--format {kind}: no file was written, for its probabilities differ")
    assert "where 1e-05 is allowed" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["onnx", "torch"])
def test_a_network_that_cannot_be_exported_is_refused_in_one_line(own_run, tmp_path, kind):
    words = ("--format", kind, "--out", tmp_path / "m", "--model", "exported_net:Stubborn")
    line = refused(own_run, *words)
    assert line.startswith(f"--format {kind}: this network cannot be exported: ")
    assert "\x1b" not in line
    assert list(tmp_path.iterdir()) == []


def test_a_network_of_ones_own_must_be_named_again(own_run, tmp_path):
    line = refused(own_run, "--format", "onnx", "--out", tmp_path / "m")
    assert "Name it again with --model module:factory" in line


@pytest.mark.slow
@pytest.mark.parametrize("name", ["run", "bag_run"])
def test_dead_units_are_left_out_on_request(request, tmp_path, rows, name):
    """Units that are switched off by hand: the file is smaller, the answers are those of the run."""
    run = shutil.copytree(request.getfixturevalue(name), tmp_path / "run")
    path = run / "model" / "weights.safetensors"
    weights = load_file(path)
    for key in weights:
        if key.endswith("2.weight"):
            weights[key][:, :2] = 0
    save_file(weights, path)
    rehash(run)
    export(run, tmp_path / "all.onnx", "--format", "onnx")
    export(run, tmp_path / "few.onnx", "--format", "onnx", "--compact")
    sizes = [
        sum(int(np.prod(t.dims)) for t in onnx.load(tmp_path / f"{which}.onnx").graph.initializer)
        for which in ("all", "few")
    ]
    assert sizes[1] < sizes[0]
    x = load_predictor(run).encoder.transform(rows)
    expected = load_predictor(run).predict_proba(rows)
    np.testing.assert_allclose(by_onnx(str(tmp_path / "few.onnx"))(x), expected, atol=1e-5)


def test_an_archive_is_exported_as_its_folder_is(run, written, tmp_path):
    archive = tmp_path / "m.tar.gz"
    assert CliRunner().invoke(main, ["export", str(run), "--archive", str(archive)]).exit_code == 0
    export(archive, tmp_path / "m.onnx", "--format", "onnx")
    assert about_onnx(tmp_path / "m.onnx") == about_onnx(written / "m.onnx")


def test_a_file_that_is_there_is_replaced_only_by_force(run, tmp_path):
    out = tmp_path / "m.onnx"
    out.write_text("mine")
    line = refused(run, "--format", "onnx", "--out", out)
    assert line == f"--out {out} exists. Use --force to replace it."
    assert out.read_text() == "mine"
    export(run, out, "--format", "onnx", "--force")
    assert out.read_bytes() != b"mine"


def test_a_place_that_cannot_be_written_is_refused_before_any_work(run, tmp_path):
    assert refused(run, "--format", "onnx", "--out", tmp_path) == (
        f"--out {tmp_path} exists. Choose a file name."
    )
    assert refused(run, "--archive", tmp_path / "no" / "m.tar.gz") == (
        f"--archive {tmp_path / 'no' / 'm.tar.gz'} cannot be written: {tmp_path / 'no'} is no"
        " folder. Make it."
    )


@pytest.mark.parametrize(
    "options",
    [[], ["--format", "onnx", "--archive", "a"], ["--archive", "a", "--out", "b"], ["--archive", "a", "--compact"]],
)  # fmt: skip
def test_one_kind_of_file_at_a_time(run, options):
    assert refused(run, *options).startswith("export takes --format onnx, --format torch or")


@pytest.mark.parametrize("package", ["onnx", "onnxruntime", "onnxscript"])
def test_what_is_not_installed_is_named_with_the_way_to_install_it(
    run, tmp_path, monkeypatch, package
):
    monkeypatch.setitem(sys.modules, package, None)  # Python's own way to say: not to be imported
    assert refused(run, "--format", "onnx", "--out", tmp_path / "m") == (
        f"export --format onnx needs {package}. Install it: pip install 'fitwell[export]'"
    )


def test_a_run_that_was_changed_is_not_exported(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "result.json").write_text("{}")
    line = refused(copy, "--format", "torch", "--out", tmp_path / "m")
    assert "result.json was changed since the run" in line
