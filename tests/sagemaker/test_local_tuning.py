"""The local twin of Automatic Model Tuning: a tuning request run by the real entry point here."""

import json
import signal
import subprocess
import time

import pytest
from click.testing import CliRunner

from fitwell.cli import main
from fitwell.errors import FitwellError, InputError
from fitwell.sagemaker.cloud import Cloud
from fitwell.sagemaker.command_options import NOWHERE
from fitwell.sagemaker.jobs import plan_tuning
from fitwell.sagemaker.local_job import latest
from fitwell.sagemaker.local_tuning import SUMMARY, _space, tune_here
from fitwell.sagemaker.strengths import strengths
from fitwell.sagemaker.sweep import Sweep
from serving.live import FITWELL
from toys import make_frame

ASKED = {"target": "bought", "epochs": 3, "widths": "8"}


@pytest.fixture
def table(tmp_path):
    make_frame().to_csv(tmp_path / "table.csv", index=False)
    return tmp_path / "table.csv"


def plan(data, asked=ASKED, name="twin", max_run=3600, **sweep):
    cloud = Cloud(**NOWHERE, max_run=max_run)
    how = Sweep(**{"jobs": 2, "at_once": 1, **sweep})
    return plan_tuning(str(data), asked, cloud=cloud, sweep=how, name=name)


def summary(out):
    return json.loads((out / SUMMARY).read_text())


@pytest.mark.slow
def test_every_job_gets_what_the_request_says_and_the_best_is_kept(table, tmp_path):
    out, told = tmp_path / "out", []
    request = plan(table, jobs=4, at_once=2, strategy="Random", seed=3)
    found = tune_here(request, out, told.append)
    jobs = summary(out)["jobs"]
    assert sorted(jobs) == ["1", "2", "3", "4"]
    for job in jobs.values():
        folder = out / "jobs" / job["name"]
        given = json.loads((folder / "input/config/hyperparameters.json").read_text())
        static = request.requests[0].body["TrainingJobDefinition"]["StaticHyperParameters"]
        assert given == {
            **static, **job["drawn"], "_tuning_objective_metric": "fitwell_objective"
        }  # fmt: skip
        for strength in strengths().values():
            assert strength.low <= float(job["drawn"][strength.name]) <= strength.high
        result = json.loads((folder / "model/result.json").read_text())
        promised = result["regularization"]["promised_log_loss"]["value"]
        assert job["objective"] == pytest.approx(promised, rel=1e-5)
    assert found.objective == min(job["objective"] for job in jobs.values())
    assert found.jobs == len(told) == 4
    assert found.interval[0] < found.objective < found.interval[1]
    rows = tmp_path / "rows.csv"
    make_frame(seed=2).drop(columns="bought").to_csv(rows, index=False)
    predicted = CliRunner().invoke(main, ["predict", str(found.model), str(rows)])
    assert predicted.exit_code == 0
    assert predicted.stdout.count("\n") == len(make_frame(seed=2)) + 1


@pytest.mark.slow
def test_ctrl_c_keeps_the_jobs_that_ended_and_the_same_command_goes_on(table, tmp_path):
    out = tmp_path / "out"
    command = [
        FITWELL, "sagemaker", "tune", table, "--target", "bought", "--epochs", "3", "--automatic",
        "--local", "--jobs", "3", "--at-once", "1", "--out", out,
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while "job 1 of 3" not in process.stderr.readline():
        pass
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Traceback" not in told
    before = summary(out)["jobs"]
    assert list(before) == ["1"]
    again = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert again.returncode == 0, again.stderr
    assert "job 1 of 3" not in again.stderr
    after = summary(out)["jobs"]
    assert sorted(after) == ["1", "2", "3"]
    assert after["1"] == before["1"]
    assert len({json.dumps(job["drawn"]) for job in after.values()}) == 3
    best = min(after.values(), key=lambda job: job["objective"])
    assert f"{best['objective']:.4f} [" in again.stderr
    assert again.stdout.strip() == str(out / "jobs" / best["name"] / "model")


@pytest.mark.slow
def test_a_job_whose_time_is_over_is_stopped(table, tmp_path):
    with pytest.raises(FitwellError, match="no job ended well"):
        tune_here(plan(table, {**ASKED, "epochs": 100_000}, max_run=6, jobs=1), tmp_path / "out")
    assert [job["status"] for job in summary(tmp_path / "out")["jobs"].values()] == ["Stopped"]


@pytest.mark.slow
def test_jobs_that_fail_are_told_with_the_text_of_their_failure_file(table, tmp_path):
    told = []
    with pytest.raises(FitwellError, match=r"no job ended well; the first: .*'sold'"):
        tune_here(plan(table, {"target": "sold"}, jobs=1), tmp_path / "out", told.append)
    job = summary(tmp_path / "out")["jobs"]["1"]
    assert (job["status"], job["objective"]) == ("Failed", None)
    assert job["reason"] == (tmp_path / "out/jobs/twin-001/output/failure").read_text()
    assert told[0].startswith("job 1 of 1: Failed: ")


def test_the_latest_value_of_a_metric_counts(table):
    definition = plan(table).requests[0].body["TrainingJobDefinition"]
    log = "x fitwell_objective=0.5;\nfitwell_gap=nan;\nfitwell_objective=0.25; fitwell_other=1;"
    assert latest(definition, log) == {"fitwell_objective": 0.25}


def test_ranges_keep_their_kinds_and_scales():
    low = {"Name": "a", "MinValue": "1e-8", "MaxValue": "1e-3", "ScalingType": "Logarithmic"}
    space = _space(
        {
            "ContinuousParameterRanges": [low, {**low, "Name": "b", "ScalingType": "Linear"}],
            "IntegerParameterRanges": [{"Name": "c", "MinValue": "2", "MaxValue": "9"}],
            "CategoricalParameterRanges": [{"Name": "d", "Values": ["x", "y"]}],
        }
    )
    assert [space["a"].log, space["b"].log, space["c"].log] == [True, False, False]
    assert (space["a"].low, space["a"].high) == (1e-8, 1e-3)
    assert (space["c"].low, space["c"].high) == (2, 9)
    assert isinstance(space["c"].low, int)
    assert space["d"].choices == ("x", "y")
    with pytest.raises(InputError, match="ScalingType ReverseLogarithmic of a is not replayed"):
        _space({"ContinuousParameterRanges": [{**low, "ScalingType": "ReverseLogarithmic"}]})


def test_data_in_s3_parents_and_a_folder_of_something_else_are_refused(table, tmp_path):
    with pytest.raises(InputError, match=r"s3://bucket/x\.csv is not on this machine"):
        tune_here(plan("s3://bucket/x.csv"), tmp_path / "out")
    with pytest.raises(InputError, match="jobs of AWS cannot be learned from here"):
        tune_here(plan(table, parents=("former",)), tmp_path / "out")
    with pytest.raises(InputError, match="holds something else"):
        tune_here(plan(table), tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table.csv"]
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / SUMMARY).write_text(json.dumps({"request": {}, "jobs": {}}))
    with pytest.raises(InputError, match="holds the jobs of another request"):
        tune_here(plan(table), tmp_path / "out")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--local"], "--local is for --automatic."),
        (["--out", "x"], "--out is for --automatic."),
        (["--automatic"], "--role is missing. Give it, or set FITWELL_SAGEMAKER_ROLE."),
        (["--automatic", "--local", "--jobs", "0"], "--jobs is 0, but at least 1 is expected"),
    ],
)
def test_options_that_do_not_fit_get_one_line(table, words, line, monkeypatch):
    for name in NOWHERE:
        monkeypatch.delenv(f"FITWELL_SAGEMAKER_{name.upper()}", raising=False)
    asked = ["sagemaker", "tune", str(table), "--target", "bought", *words]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"fitwell: {line}")
    assert done.stderr.count("\n") == 1


def test_a_dry_run_prints_the_request_and_runs_nothing(table, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    asked = ["sagemaker", "tune", "table.csv", "--target", "bought", "--automatic", "--local"]
    done = CliRunner().invoke(main, [*asked, "--dry-run"], catch_exceptions=False)
    assert done.exit_code == 0, done.stderr
    body = json.loads(done.stdout)["requests"][0]["CreateHyperParameterTuningJob"]
    assert body["HyperParameterTuningJobName"] == "local"
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
