"""A private /opt/ml, and the same run made locally."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from fitwell.runs.prediction import load_predictor
from serving.live import FITWELL
from toys import make_frame

BIN = FITWELL.parent
SETTINGS = {"target": "bought", "trials": 3, "epochs": 3, "seeds": 2, "widths": "8", "seed": 5}
VERSION_2 = {name: json.dumps(value) for name, value in SETTINGS.items()}
VERSION_3 = {name: str(value) for name, value in SETTINGS.items()}


@dataclass
class Job:
    """A training job's folders."""

    base: Path

    def channel(self, name, frame, file="table.csv"):
        folder = self.base / "input" / "data" / name
        folder.mkdir(parents=True, exist_ok=True)
        frame.to_csv(folder / file, index=False)

    def config(self, name, content):
        folder = self.base / "input" / "config"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(content))

    def environment(self, **more):
        """This process's, without what a job around it may have set."""
        ours = {k: v for k, v in os.environ.items() if not k.startswith(("SM_", "SAGEMAKER_"))}
        return {**ours, "SAGEMAKER_BASE_DIR": str(self.base), **more}

    def run(self, *command, **environment):
        return subprocess.run(
            [BIN / command[0], *command[1:]],
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=300,
        )

    @property
    def model(self):
        return self.base / "model"

    @property
    def output(self):
        return self.base / "output" / "data"

    @property
    def failure(self):
        return self.base / "output" / "failure"


@pytest.fixture
def job(tmp_path):
    job = Job(tmp_path / "ml")
    job.config("hyperparameters", VERSION_2)
    job.channel("train", make_frame())
    return job


@pytest.fixture(scope="session")
def local(tmp_path_factory):
    """The run that every job here has to repeat: same rows, options and seed."""
    return run_locally(tmp_path_factory.mktemp("local"), make_frame(), SETTINGS)


def run_locally(folder, frame, settings, *more):
    frame.to_csv(folder / "table.csv", index=False)
    options = [part for name, value in settings.items() for part in (f"--{name}", str(value))]
    command = [FITWELL, "tune", "table.csv", *options, "--out", "run", "--quiet", *more]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=600)
    return folder / "run"


def same_predictions(one, other, frame):
    """Whether two run folders' models agree bit for bit, and say more than one thing."""
    first, second = (load_predictor(run).predict_proba(frame) for run in (one, other))
    assert len(pd.DataFrame(first).drop_duplicates()) > len(frame) / 2
    return (first == second).all()


def same_result(one, other):
    """Whether two result.json agree in everything but the time they took."""
    first, second = (json.loads((run / "result.json").read_text()) for run in (one, other))
    return without_times(first) == without_times(second)


def without_times(content):
    if isinstance(content, dict):
        times = ("seconds", "single_trainings")
        return {k: without_times(v) for k, v in content.items() if k not in times}
    return [without_times(part) for part in content] if isinstance(content, list) else content


def needs(module):
    """Give a mark that skips a test where AWS's toolkit is not installed."""
    from importlib.util import find_spec

    reason = f"{module} is not installed: pip install 'fitwell[toolkit]'"
    missing = find_spec(module) is None or not Path(sys.executable).with_name("train").exists()
    return pytest.mark.skipif(missing, reason=reason)
