"""A private /opt/ml."""

import json
import os
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from serving.live import FITWELL
from toys import make_frame

collect_ignore = ["submit_v2.py", "submit_v3.py"]
"""They run where AWS's SDK is, which is not here."""

AROUND = ("SM_", "SAGEMAKER_", "TRAINING_JOB_")
"""Variables that a job around these tests would have set."""


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
        ours = {k: v for k, v in os.environ.items() if not k.startswith(AROUND)}
        return {**ours, "SAGEMAKER_BASE_DIR": str(self.base), **more}

    def run(self, *command, **environment):
        return subprocess.run(
            [FITWELL.with_name(command[0]), *command[1:]],
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
    job.channel("train", make_frame())
    return job


@pytest.fixture
def here(job, monkeypatch):
    """The same folders for a job in this process."""
    for name in list(os.environ):
        if name.startswith(AROUND):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(job.base))
    before = signal.getsignal(signal.SIGTERM)
    yield job
    signal.signal(signal.SIGTERM, before)
