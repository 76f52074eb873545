"""The commands when all goes well, whole: what they print, write and return."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from results_made import ARM_NAMES
from toys import make_frame, timeless

FITWELL = Path(sys.executable).with_name("fitwell")


def read(path):
    return json.loads(Path(path).read_text(encoding="utf-8"))


def test_tune_prints_one_json_document_which_is_the_result_file(fitwell, table, quick):
    done = fitwell("tune", table, "--target", "bought", "--out", "run", *quick, "--json")
    assert done.exit_code == 0
    assert done.stderr == ""
    printed = json.loads(done.stdout)
    assert printed == read("run/result.json")
    assert {"before", "after", "regularization", "cost", "diagnosis"} <= set(printed)
    assert printed["classes"] == ["no", "yes"]
    assert printed["cost"]["trials"] == 3
    assert printed["test_openings"] == 1
    assert sorted(p.name for p in Path("run").iterdir()) == [
        "charts", "hashes.json", "model", "openings.json", "population", "report.html", "report.md", "result.json",
        "run.json", "trials", "trials.db",
    ]  # fmt: skip


@pytest.mark.parametrize("verb", ["diagnose", "tune", "compare"])
def test_every_verb_says_its_answer_and_where_the_report_is(fitwell, table, quick, verb):
    options = quick if verb != "diagnose" else quick[2:4] + quick[6:]
    options = (*options, "--resamples", 0) if verb == "compare" else options
    done = fitwell(verb, table, "--target", "bought", "--out", "run", *options)
    assert done.exit_code == 0, done.stderr
    assert done.stdout.startswith("Your network reads ")
    assert done.stdout.endswith("report: run/report.html\n")
    assert ("smaller network" in done.stdout) == (verb == "compare")
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_progress_goes_to_standard_error_and_quiet_silences_it(fitwell, table, quick):
    loud = [option for option in quick if option != "--quiet"]
    done = fitwell("tune", table, "--target", "bought", "--out", "run", *loud, "--json")
    assert json.loads(done.stdout)
    told = done.stderr.splitlines()
    assert told.pop(1).startswith(
        "smallest gain that can be shown, in points of accuracy: the 18 t"
    )
    assert told == [
        "reading the data", "tuning: treatment", "final trainings", "writing the report",
    ]  # fmt: skip


@pytest.mark.slow
def test_the_same_command_twice_gives_the_same_result_but_for_times(fitwell, table, quick):
    for out in ("first", "second"):
        assert fitwell("tune", table, "--target", "bought", "--out", out, *quick).exit_code == 0
    first, second = (timeless(read(f"{out}/result.json")) for out in ("first", "second"))
    assert first == second
    weights = [Path(out, "model/weights.safetensors").read_bytes() for out in ("first", "second")]
    assert weights[0] == weights[1]


@pytest.mark.slow
def test_another_seed_gives_another_result(fitwell, table, quick):
    for seed in (0, 1):
        options = ("--target", "bought", "--out", f"run{seed}", "--seed", seed, *quick)
        assert fitwell("tune", table, *options).exit_code == 0
    first, second = (timeless(read(f"run{seed}/result.json")) for seed in (0, 1))
    assert first != second


def test_the_number_of_workers_changes_nothing(fitwell, table, quick):
    for workers in (1, 2):
        options = ("--target", "bought", "--out", f"run{workers}", *quick, "--workers", workers)
        assert fitwell("tune", table, *options).exit_code == 0
    first, second = (timeless(read(f"run{workers}/result.json")) for workers in (1, 2))
    assert first == second


@pytest.mark.slow
def test_a_run_killed_half_way_is_resumed_to_the_same_result(table):
    """SIGKILL: no handler runs, only what is on the disk is left."""
    frame = make_frame(rows=1500)
    frame.to_csv("big.csv", index=False)
    options = ["tune", "big.csv", "--target", "bought", "--trials", "8", "--epochs", "12",
               "--seeds", "2", "--widths", "64", "--workers", "1", "--quiet", "--json"]  # fmt: skip
    whole = subprocess.run([FITWELL, *options, "--out", "whole"], capture_output=True, check=True)
    running = subprocess.Popen(
        [FITWELL, *options, "--out", "cut"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    kept = Path("cut/trials")
    end = time.monotonic() + 120
    while len(list(kept.glob("*.npy"))) < 3 and time.monotonic() < end:
        time.sleep(0.02)
    os.kill(running.pid, signal.SIGKILL)
    running.communicate()
    assert running.returncode == -signal.SIGKILL
    done = len(list(kept.glob("*.npy")))
    assert 3 <= done < 8
    assert not Path("cut/result.json").exists()
    untouched = {path.name: path.stat().st_mtime_ns for path in kept.glob("*.npy")}
    resumed = subprocess.run(
        [FITWELL, *options, "--out", "cut", "--resume"], capture_output=True, check=True
    )
    assert timeless(json.loads(resumed.stdout)) == timeless(json.loads(whole.stdout))
    # The last one may have been cut off between its file and its entry in the storage.
    again = [n for n, written in untouched.items() if (kept / n).stat().st_mtime_ns != written]
    assert len(again) <= 1


def begin_a_long_search(*more):
    make_frame(rows=1500).to_csv("big.csv", index=False)
    options = ["tune", "big.csv", "--target", "bought", "--trials", "30", "--epochs", "60",
               "--seeds", "1", "--quiet", "--out", "run", *more]  # fmt: skip
    running = subprocess.Popen([FITWELL, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    end = time.monotonic() + 120
    while not list(Path("run").glob("population/*")) and time.monotonic() < end:
        time.sleep(0.02)
    return running


def test_ctrl_c_twice_keeps_what_was_done_and_says_how_to_go_on(table):
    running = begin_a_long_search("--workers", "1")
    running.send_signal(signal.SIGINT)
    time.sleep(0.2)
    running.send_signal(signal.SIGINT)
    output, error = running.communicate(timeout=60)
    assert running.returncode == 1
    assert output == b""
    assert error.decode() == (
        "\nfitwell: stopped. What was done is kept: repeat with --out run --resume.\n"
    )
    assert not Path("run/result.json").exists()


LAYERED = """
from torch import nn

def make(inputs, outputs):
    return nn.Sequential(
        nn.Linear(inputs, 256), nn.LayerNorm(256), nn.Tanh(), nn.Linear(256, outputs)
    )
"""


@pytest.mark.parametrize("model", ["mlp", pytest.param("mynet:make", marks=pytest.mark.slow)])
def test_ctrl_c_once_ends_the_search_with_the_best_so_far(table, model):
    Path("mynet.py").write_text(LAYERED)
    running = begin_a_long_search("--workers", "2", "--model", model)
    running.send_signal(signal.SIGINT)
    output, error = running.communicate(timeout=200)
    assert (running.returncode, error) == (0, b"")
    result = json.loads(Path("run/result.json").read_text())
    [note] = [note for note in result["notes"] if "stopped" in note]
    assert note == (
        "The search was stopped, and the best so far is taken without further folds: treatment."
    )
    assert result["regularization"]["estimated_log_loss"] is None
    ended = [trial for trial in result["trials"] if not trial["dropped"]]
    assert max(trial["epochs"] for trial in ended) < 60
    assert output


def test_predict_writes_one_column_per_class_in_the_order_of_the_rows(fitwell, table, quick):
    assert fitwell("tune", table, "--target", "bought", "--out", "run", *quick).exit_code == 0
    done = fitwell("predict", "run", table)
    assert done.exit_code == 0
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert len(rows) == 90
    assert list(rows[0]) == ["no", "yes"]
    values = np.array([[float(row[c]) for c in ("no", "yes")] for row in rows])
    np.testing.assert_allclose(values.sum(axis=1), 1, atol=1e-6)
    # In order: each row alone gets what it got among the others.
    frame = pd.read_csv(table)
    for row in (0, 41, 89):
        frame.iloc[[row]].to_csv("one.csv", index=False)
        alone = pd.read_csv(io.StringIO(fitwell("predict", "run", "one.csv").stdout)).to_numpy()
        np.testing.assert_allclose(alone[0], values[row], atol=1e-6)


def test_predict_needs_no_target_and_no_order_of_columns(fitwell, table, quick):
    assert fitwell("tune", table, "--target", "bought", "--out", "run", *quick).exit_code == 0
    expected = fitwell("predict", "run", table).stdout
    frame = pd.read_csv(table)
    frame[["city", "income", "age"]].to_csv("new.csv", index=False)
    assert fitwell("predict", "run", "new.csv").stdout == expected


def test_predict_writes_a_file_whole(fitwell, table, quick):
    assert fitwell("tune", table, "--target", "bought", "--out", "run", *quick).exit_code == 0
    done = fitwell("predict", "run", table, "--out", "p.csv")
    assert done.stdout == "90 rows written to p.csv\n"
    assert Path("p.csv").read_text() == fitwell("predict", "run", table).stdout
    assert [p.name for p in Path().glob(".*tmp")] == []


def test_report_is_written_again_in_korean(fitwell, table, quick):
    assert fitwell("tune", table, "--target", "bought", "--out", "run", *quick).exit_code == 0
    page = Path("run/report.html")
    english = page.read_text(encoding="utf-8")
    done = fitwell("report", "run", "--lang", "ko")
    assert done.stdout == "run/report.html\nrun/report.md\nrun/charts\n"
    korean = page.read_text(encoding="utf-8")
    assert '<html lang="ko"' in korean
    assert "정규화" in korean
    fitwell("report", "run")
    assert page.read_text(encoding="utf-8") == english


@pytest.mark.slow
def test_without_the_report_extra_everything_else_is_done(table, quick):
    code = (
        "import importlib.util as u; find = u.find_spec;"
        "u.find_spec = lambda n, *a: None if n == 'altair' else find(n, *a);"
        "import sys; from fitwell.cli import main; sys.argv[0] = 'fitwell'; main()"
    )
    given = ["tune", str(table), "--target", "bought", "--out", "run", *map(str, quick)]
    done = subprocess.run([sys.executable, "-c", code, *given], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("then fitwell report run\n")
    assert not Path("run/report.html").exists()
    assert read("run/result.json")["after"]


def test_a_network_of_your_own_is_tuned_and_predicts_when_named_again(
    fitwell, table, quick, monkeypatch
):
    Path("own_net.py").write_text(
        "from torch import nn\n"
        "def make(inputs, outputs):\n"
        "    return nn.Sequential(nn.Linear(inputs, 12), nn.GELU(), nn.Linear(12, outputs))\n"
    )
    monkeypatch.syspath_prepend(str(Path().absolute()))
    given = [q for q in quick if q not in ("--widths", "8")]
    options = ("--target", "bought", "--model", "own_net:make", "--out", "run")
    done = fitwell("tune", table, *options, *given)
    assert done.exit_code == 0, done.stderr
    refused = fitwell("predict", "run", table)
    assert refused.exit_code == 2
    assert "--model module:factory" in refused.stderr
    assert fitwell("predict", "run", table, "--model", "own_net:make").exit_code == 0


def test_a_run_that_fails_exits_with_one_and_one_line(fitwell, table, quick):
    done = fitwell(
        "tune", table, "--target", "bought", "--out", "run", *quick, "--learning-rate", "1e30"
    )
    assert done.exit_code == 1
    assert done.stderr == (
        "fitwell: treatment: the untreated network's loss became infinite or NaN. Lower"
        " --learning-rate or check the columns for extreme values.\n"
    )
    assert not Path("run/result.json").exists()


@pytest.mark.slow
def test_the_demo_ends_with_its_tables_and_the_report(fitwell):
    done = fitwell("demo", "--quick", "--out", "demo", "--quiet")
    assert done.exit_code == 0
    assert "best reachable" in done.stdout
    result = read("demo/result.json")
    assert result["before"]["train"]["accuracy"]["value"] > 0.9
    assert result["diagnosis"]["severity"] == "severe"
    assert [arm["name"] for arm in result["comparison"]["arms"]] == ARM_NAMES


def test_verbose_says_how_each_search_was_run_and_why(fitwell, table, quick, monkeypatch):
    done = fitwell("tune", table, "--target", "bought", *quick, "--verbose", "--json")
    assert done.exit_code == 0
    path = "fused: a stack of linear layers, at most 32 settings a chunk"
    assert f"treatment: {path}\n" in done.stderr
    assert json.loads(done.stdout)["search_paths"] == {"treatment": path}
    Path("not_fused.py").write_text(LAYERED)
    monkeypatch.syspath_prepend(str(Path().absolute()))
    given = [q for q in quick if q not in ("--widths", "8")]
    apart = fitwell(
        "tune", table, "--target", "bought", *given, "--model", "not_fused:make", "--verbose",
        "--json", "--out", "other",
    )  # fmt: skip
    path = "a population of single networks: layer 1 is a LayerNorm"
    assert f"treatment: {path}\n" in apart.stderr
    assert json.loads(apart.stdout)["search_paths"] == {"treatment": path}


def test_a_second_look_at_the_test_part_is_counted_and_told(fitwell, table, quick):
    """The seal is broken: the folder, the report and the message say so."""
    options = ("--target", "bought", "--out", "runs/first", *quick)
    done = fitwell("tune", table, *options)
    assert done.stderr == ""
    assert read("runs/first/run.json")["opened_elsewhere"] == []
    again = fitwell("tune", table, *options, "--force")
    told = "fitwell: The test part was opened 2 times in this folder."
    assert again.exit_code == 0
    assert again.stderr.startswith(told)
    asked = read("runs/first/run.json")
    assert len(asked["test_openings"]) == 2
    assert all(opening.startswith("tune, ") for opening in asked["test_openings"])
    assert read("runs/first/result.json")["test_openings"] == 2
    assert "The test part was opened 2 times" in Path("runs/first/report.html").read_text("utf-8")
    # Another folder beside it, other options, the same test rows.
    other = ("--target", "bought", "--out", "runs/second", *quick, "--epochs", 4)
    beside = fitwell("diagnose", table, *other[:4], "--epochs", 2, "--quiet")
    assert "The runs beside this one opened the same test part: first." in beside.stderr
    assert read("runs/second/run.json")["opened_elsewhere"] == ["first"]
    assert read("runs/second/result.json")["test_openings"] == 1
    # Another split is another test part.
    new = fitwell("diagnose", table, *other[:3], "runs/third", "--seed", 1, "--quiet")
    assert new.stderr == ""


def test_the_users_own_arms_and_the_resamples_are_part_of_the_comparison(fitwell, table, quick):
    Path("arms.yaml").write_text(
        "arms:\n- name: strong dropout\n  settings: {dropout: 0.5}\n"
        "- name: L1 alone\n  remedies: [l1]\n"
    )
    given = ("--target", "bought", "--out", "run", "--resamples", 2, "--arms", "arms.yaml", *quick)
    assert fitwell("compare", table, *given).exit_code == 0
    comparison = read("run/result.json")["comparison"]
    arms = {arm["name"]: arm for arm in comparison["arms"]}
    assert arms["strong dropout"]["settings"] == {"early_stopping": True, "dropout": 0.5}
    assert set(arms["L1 alone"]["settings"]) <= {"early_stopping", "l1"}
    assert {"treatment with batch norm", "treatment, compacted", "smaller network"} <= set(arms)
    assert (comparison["resamples"], comparison["resample_train"]) == (2, 58)
    assert comparison["resample_test"] == 14
    for name, arm in arms.items():
        assert len(arm["by_resample"]) == 2
        assert arm["difference"] == pytest.approx(sum(arm["by_resample"]) / 2)
        base = name == "early stopping"
        assert (arm["mcnemar_p"] is None) == base
        assert {d["baseline"] for d in arm["resampled"]} >= {"untreated"} - {name}
        assert arm["nonzero"] <= arm["parameters"]
        asked = arm["inference_seconds"]
        assert 0 < asked["low"] <= asked["value"] <= asked["high"]
    assert arms["treatment, compacted"]["test"]["accuracy"] == arms["treatment"]["test"]["accuracy"]
    # The searches of all parts of the run lie in one storage, each under its own name.
    import optuna

    names = {s.study_name for s in optuna.get_all_study_summaries("sqlite:///run/trials.db")}
    assert {"L1 alone", "L1 alone, resample 1", "treatment, resample 2"} <= names
    assert "strong dropout" not in names
    # Nothing changes if the run is taken up after its end was lost.
    before = timeless(read("run/result.json"))
    Path("run/result.json").unlink()
    assert fitwell("compare", table, *given, "--resume").exit_code == 0
    assert timeless(read("run/result.json")) == before
    Path("arms.yaml").write_text("arms: [{name: other, settings: {dropout: 0.1}}]")
    changed = fitwell("compare", table, *given, "--resume")
    assert changed.exit_code == 2
    assert "was begun with arms_sha256 = " in changed.stderr
