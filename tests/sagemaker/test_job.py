"""`fitwell-sagemaker train` in a private /opt/ml makes the model that a laptop makes.

On its own, and under `train`, the entry point of AWS's own images.
"""

import json
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import psutil
import pytest
from click.testing import CliRunner

from fitwell.cli import main
from fitwell.runs.prediction import load_predictor
from fitwell.sagemaker.entry import main as job_main
from fitwell.sagemaker.metrics import BEST_TRIAL, pattern
from serving.live import FITWELL, served
from toys import make_frame, timeless

SETTINGS = {"target": "bought", "trials": 3, "epochs": 3, "seeds": 2, "widths": "8", "seed": 5,
            "workers": 1}  # fmt: skip
VERSION_2 = {name: json.dumps(value) for name, value in SETTINGS.items()}
"""As version 2 of AWS's SDK writes hyperparameters: text in quotes of its own."""

VERSION_3 = {name: str(value) for name, value in SETTINGS.items()}

SCRIPT = "from fitwell.sagemaker.entry import main\n\nmain()\n"
PYTORCH = {"SAGEMAKER_TRAINING_MODULE": "sagemaker_pytorch_container.training:main"}


@pytest.fixture(scope="session")
def local(tmp_path_factory):
    """The run that every job here has to repeat: same rows, options and seed."""
    return run_locally(tmp_path_factory.mktemp("local"), make_frame(), SETTINGS)


def run_locally(folder, frame, settings, *more):
    frame.to_csv(folder / "table.csv", index=False)
    options = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    command = ["tune", str(folder / "table.csv"), "--out", str(folder / "run"), "--quiet"]
    CliRunner().invoke(main, [*command, *options, *more], catch_exceptions=False)
    return folder / "run"


def same_predictions(one, other, frame):
    """Whether two run folders' models agree bit for bit, and say more than one thing."""
    first, second = (load_predictor(run).predict_proba(frame) for run in (one, other))
    assert len(pd.DataFrame(first).drop_duplicates()) > len(frame) / 2
    return (first == second).all()


def same_result(one, other):
    """Whether two result.json agree in everything but the time they took."""
    first, second = (json.loads((run / "result.json").read_text()) for run in (one, other))
    return timeless(first) == timeless(second)


def needs(module):
    """Give a mark that skips a test where AWS's toolkit is not installed."""
    reason = f"{module} is not installed: pip install 'fitwell[toolkit]'"
    missing = find_spec(module) is None or not Path(sys.executable).with_name("train").exists()
    return pytest.mark.skipif(missing, reason=reason)


def script_mode(job, hyperparameters=VERSION_2):
    """What AWS's SDK sends along when a job runs a script."""
    (job.base / "code").mkdir()
    (job.base / "code" / "train.py").write_text(SCRIPT)
    ours = {"sagemaker_program": "train.py", "sagemaker_job_name": "made-by-the-sdk",
            "sagemaker_submit_directory": str(job.base / "code"),
            "sagemaker_container_log_level": 20, "sagemaker_region": "us-east-1"}  # fmt: skip
    ours = {name: json.dumps(value) for name, value in ours.items()}
    job.config("hyperparameters", {**ours, "_tuning_objective_metric": "x", **hyperparameters})
    host = {"current_host": "localhost", "hosts": ["localhost"], "network_interface_name": "lo"}
    job.config("resourceconfig", host)
    file = {"ContentType": "text/csv", "TrainingInputMode": "File"}
    job.config("inputdataconfig", {"train": file})


def delivered(job, local):
    """What every finished job must have left behind."""
    assert not job.failure.exists()
    assert same_result(job.output, local)
    assert same_result(job.model, local)
    assert "<html" in (job.output / "report.html").read_text()
    drawn = re.findall(r"\]\((charts/.*?)\)", (job.output / "report.md").read_text())
    assert drawn
    assert all((job.output / path).is_file() for path in drawn)
    assert same_predictions(job.model, local, make_frame(seed=9))
    return True


def test_a_job_makes_the_model_of_a_local_run(job, local):
    job.config("hyperparameters", VERSION_3)
    (job.base / "input/data/train").rename(job.base / "input/data/training")
    ended = job.run("fitwell-sagemaker", "train")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert delivered(job, local)
    told = re.findall(r"^fitwell_best_trial=([-+0-9.eE]+);$", ended.stdout, re.MULTILINE)
    trials = json.loads((job.model / "result.json").read_text())["trials"]
    losses = [t["validation_log_loss"] for t in trials if not t["dropped"]]
    assert told == sorted(told, key=float, reverse=True)
    assert len(told) == len(losses)
    assert told[-1] == f"{min(losses):.6g}"


@pytest.mark.slow
def test_a_job_makes_the_bag_of_a_local_run(job, tmp_path):
    local = run_locally(tmp_path, make_frame(), SETTINGS, "--bag")
    job.config("hyperparameters", {**VERSION_3, "bag": "true"})
    ended = job.run("fitwell-sagemaker", "train")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert delivered(job, local)
    assert len(load_predictor(job.model).network.members) == 4


def test_the_local_run_itself_depends_on_its_seed(local, tmp_path):
    other = run_locally(tmp_path, make_frame(), {**SETTINGS, "seed": 6})
    assert not same_predictions(other, local, make_frame(seed=9))


@needs("sagemaker_training")
def test_a_job_under_the_real_entry_point_makes_the_model_and_it_is_served(job, local):
    script_mode(job)
    ended = job.run("train")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (job.base / "output" / "success").exists()
    assert delivered(job, local)
    assert (job.base / "checkpoints" / "made-by-the-sdk" / "trials.db").exists()
    rows = job.base / "rows.csv"
    make_frame(seed=9).to_csv(rows, index=False)
    predicted = CliRunner().invoke(main, ["predict", str(local), str(rows)]).stdout
    assert ask(job.model, make_frame(seed=9)) == predicted


def ask(run, frame):
    with served(run) as server:
        answer = server.post(frame.to_csv(index=False), accept="text/csv")
        assert answer.status_code == 200
        return answer.text


@pytest.mark.slow
@needs("sagemaker_pytorch_container")
def test_a_job_in_the_pytorch_image_s_entry_point_makes_the_model_too(job, local):
    script_mode(job)
    ended = job.run("train", **PYTORCH)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert delivered(job, local)
    # The image passes output on in pieces: a line written in two pieces would be broken.
    metrics = re.findall(r"^fitwell_(\w+)=([-+0-9.eE]+);$", ended.stdout, re.MULTILINE)
    names = [name for name, _ in metrics if name != "best_trial"]
    assert names == ["gap", "test_accuracy", "test_log_loss", "objective"]


THOUSAND = """
import time

from fitwell.sagemaker.entry import _say
from fitwell.sagemaker.metrics import BEST_TRIAL, metric_line

for number in range(1000, 0, -1):
    _say("fitwell: a line in between")
    _say(metric_line(BEST_TRIAL, number / 7))
    time.sleep(0.003)  # the pipe is read at once: a line in two pieces would be seen as two
"""


@pytest.mark.slow
@needs("sagemaker_pytorch_container")
def test_a_thousand_metric_lines_come_whole_through_the_image_s_pipe(job):
    script_mode(job)
    (job.base / "code" / "train.py").write_text(THOUSAND)
    ended = job.run("train", **PYTORCH)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = re.findall(rf"^{pattern(BEST_TRIAL)}$", ended.stdout, re.MULTILINE)
    assert told == [f"{number / 7:.6g}" for number in range(1000, 0, -1)]


CAUSES = {
    "bad data": (
        {"target": "sold"},
        "--target: there is no column 'sold'. There are age, income, city, bought.",
    ),
    "bad hyperparameter": ({"epochs": "many"}, "hyperparameter epochs is 'many'"),
    "NaN": (
        {"learning-rate": 1e30},
        "treatment: the untreated network's loss became infinite or NaN. Lower --learning-rate",
    ),
}


@pytest.mark.slow
@needs("sagemaker_training")
@pytest.mark.parametrize("case", CAUSES)
def test_each_cause_has_its_line_in_the_failure_file(job, case):
    given, line = CAUSES[case]
    script_mode(job, {**VERSION_2, **{name: json.dumps(value) for name, value in given.items()}})
    ended = job.run("train")
    assert ended.returncode == 1
    assert job.failure.read_text().startswith(line)
    assert "\n" not in job.failure.read_text()
    assert not (job.base / "output" / "success").exists()
    assert not job.output.exists() or not any(job.output.iterdir())


@pytest.mark.slow
@needs("sagemaker_training")
def test_a_script_that_is_killed_fails_the_job_and_a_second_start_goes_on(job, tmp_path):
    settings = {**SETTINGS, "trials": 24, "epochs": 60, "workers": 1}
    script_mode(job, {name: json.dumps(str(value)) for name, value in settings.items()})
    trials = job.base / "checkpoints" / "made-by-the-sdk" / "trials"
    (job.base / "output").mkdir()  # as on SageMaker; without it the toolkit ends with 0
    first = subprocess.Popen(
        [FITWELL.with_name("train")], env=job.environment(), stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    until = time.monotonic() + 100
    while len(list(trials.glob("*.npy"))) < 3:
        assert first.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    [script] = psutil.Process(first.pid).children()
    script.kill()
    assert first.wait(60) == 1
    assert "ExitCode -9" in job.failure.read_text()
    job.failure.unlink()
    second = job.run("train")
    assert second.returncode == 0, second.stdout + second.stderr
    assert same_predictions(
        job.model, run_locally(tmp_path, make_frame(), settings), make_frame(seed=9)
    )


@needs("sagemaker_training")
@pytest.mark.parametrize(
    "image",
    [
        pytest.param({}, id="generic"),
        pytest.param(PYTORCH, id="pytorch", marks=pytest.mark.slow),
    ],
)
def test_under_the_real_entry_point_a_failure_is_one_clear_line(job, image):
    script_mode(job, {**VERSION_2, "targt": "bought"})
    ended = job.run("train", **image)
    assert ended.returncode == 1
    assert job.failure.read_text() == "hyperparameter 'targt' is unknown. Did you mean target?"
    assert not (job.model / "run.json").exists()


@pytest.mark.slow
def test_a_test_channel_is_the_test_set_of_a_local_run(here, tmp_path, capsys):
    here.config("hyperparameters", VERSION_2)
    here.channel("test", make_frame(seed=1))
    here.channel("validation", make_frame(seed=2))
    job_main(["train"])
    assert capsys.readouterr().out.splitlines()[0] == (
        "fitwell: channel validation is not used: validation rows are set aside from the"
        " training rows"
    )
    make_frame(seed=1).to_csv(tmp_path / "test.csv", index=False)
    local = run_locally(tmp_path, make_frame(), SETTINGS, "--test", str(tmp_path / "test.csv"))
    assert delivered(here, local)
    assert json.loads((here.output / "result.json").read_text())["data"]["test"] == 90


@pytest.mark.slow
def test_a_job_that_was_stopped_goes_on_and_ends_with_the_same_model(job, tmp_path):
    """One epoch of many trials: killed when some are done, begun again as SageMaker does."""
    settings = {**SETTINGS, "trials": 24, "epochs": 40, "workers": 2}
    job.config("hyperparameters", {name: str(value) for name, value in settings.items()})
    command = [FITWELL.with_name("fitwell-sagemaker"), "train"]
    trials = job.base / "checkpoints" / "spot-1" / "trials"
    environment = job.environment(TRAINING_JOB_NAME="spot-1")
    first = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while len(list(trials.glob("*.npy"))) < 3:
        assert first.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    first.send_signal(signal.SIGTERM)
    said, _ = first.communicate(timeout=60)
    done = len(list(trials.glob("*.npy")))
    assert first.returncode == 143
    assert said.splitlines()[-1] == (
        f"fitwell: stopped; what was done is kept in {job.base / 'checkpoints'}"
    )
    assert done < 24
    assert not (job.output / "result.json").exists()
    second = job.run("fitwell-sagemaker", "train", TRAINING_JOB_NAME="spot-1")
    assert second.returncode == 0, second.stdout + second.stderr
    assert same_predictions(
        job.model, run_locally(tmp_path, make_frame(), settings), make_frame(seed=9)
    )


@pytest.mark.slow
@needs("sagemaker_training")
def test_a_job_on_public_data_makes_the_model_of_a_local_run_and_it_is_served(
    job, public_data, tmp_path
):
    shop = pd.read_csv(public_data / "online_shoppers.csv.gz")
    rows = shop.drop(columns="target").head(500)
    settings = {"target": "target", "trials": 4, "epochs": 5, "seeds": 2, "seed": 0}  # all cores
    job.channel("train", shop)
    script_mode(job, {name: json.dumps(value) for name, value in settings.items()})
    ended = job.run("train")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    local = run_locally(tmp_path, shop, settings)
    assert same_result(job.output, local)
    assert same_predictions(job.model, local, rows)
    assert ask(job.model, rows) == ask(local, rows)
