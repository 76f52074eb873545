"""A training job of SageMaker on this machine: the same entry point in a private ``/opt/ml``."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from fitwell.sagemaker.requests import Body

PATIENCE = 120
"""Seconds between SIGTERM and SIGKILL, as AWS gives them."""

AROUND = ("SM_", "SAGEMAKER_", "TRAINING_JOB_")
"""Variables of a job around this process; they say where that one's folders are."""


@dataclass(frozen=True)
class Ended:
    """How a job ended.

    Attributes:
        status: ``Completed``, ``Failed`` or ``Stopped``, as AWS calls it.
        reason: the failure file's text, or the last line of the log.
        metrics: the latest value of each, read by the request's own expressions.
        seconds: that it ran.
    """

    status: str
    reason: str
    metrics: dict[str, float]
    seconds: float


@dataclass
class LocalJob:
    """A job that runs.

    Attributes:
        name: of the job.
        definition: body of ``CreateTrainingJob``, or the definition in a tuning job.
        folder: its ``/opt/ml``; ``log.txt`` beside it holds what the job writes.
        process: the entry point.
        started: by the monotonic clock.
    """

    name: str
    definition: Body
    folder: Path
    process: "subprocess.Popen[bytes]"
    started: float = field(default_factory=time.monotonic)

    @classmethod
    def start(
        cls,
        name: str,
        definition: Body,
        hyperparameters: Mapping[str, str],
        data: Mapping[str, Path],
        folder: Path,
    ) -> "LocalJob":
        """Lay out the folders as SageMaker does and start the entry point.

        Args:
            name: of the job.
            definition: see the attribute.
            hyperparameters: all of them, as texts.
            data: a file or a folder for each channel.
            folder: to make; what is there goes.
        """
        shutil.rmtree(folder, ignore_errors=True)
        _lay_out(folder, definition, hyperparameters, data)
        around = {k: v for k, v in os.environ.items() if not k.startswith(AROUND)}
        environment = {
            **around,
            **definition.get("Environment", {}),
            "SAGEMAKER_BASE_DIR": str(folder.resolve()),
            "TRAINING_JOB_NAME": name,
        }
        with (folder / "log.txt").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "fitwell.container", "train"],
                env=environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        return cls(name, definition, folder, process)

    def ended(self) -> Ended | None:
        """Say how it ended, if it has; end it where its time is over."""
        code = self.process.poll()
        seconds = time.monotonic() - self.started
        if code is None:
            if seconds < self.definition["StoppingCondition"]["MaxRuntimeInSeconds"]:
                return None
            self.stop()
            code = -signal.SIGTERM
        log = (self.folder / "log.txt").read_text(encoding="utf-8", errors="replace")
        stopped = code in (-signal.SIGTERM, 128 + signal.SIGTERM)
        status = "Completed" if code == 0 else "Stopped" if stopped else "Failed"
        reason = "" if code == 0 else self._reason(log, code)
        return Ended(status, reason, latest(self.definition, log), seconds)

    def stop(self) -> None:
        """Ask it to end, as StopTrainingJob does, and wait until it has."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _reason(self, log: str, code: int) -> str:
        failure = self.folder / "output" / "failure"
        if failure.is_file():
            return failure.read_text(encoding="utf-8", errors="replace")
        lines = log.strip().splitlines()
        return lines[-1] if lines else f"it ended with exit code {code} and wrote nothing"


def latest(definition: Body, log: str) -> dict[str, float]:
    """Find the latest value of each metric in a log, as the service takes it."""
    found = {}
    for metric in definition["AlgorithmSpecification"]["MetricDefinitions"]:
        values = re.findall(metric["Regex"], log)
        if values:
            found[metric["Name"]] = float(values[-1])
    return found


def _lay_out(
    folder: Path, definition: Body, hyperparameters: Mapping[str, str], data: Mapping[str, Path]
) -> None:
    """Make ``input/config`` and ``input/data``; files are linked, not copied."""
    config = folder / "input" / "config"
    config.mkdir(parents=True)
    kinds = {c["ChannelName"]: c.get("ContentType", "") for c in definition["InputDataConfig"]}
    channels = {
        name: {"ContentType": kinds[name], "TrainingInputMode": "File", "RecordWrapperType": "None"}
        for name in data
    }
    hosts = {"current_host": "algo-1", "hosts": ["algo-1"], "network_interface_name": "lo"}
    for name, content in (
        ("hyperparameters", hyperparameters),
        ("inputdataconfig", channels),
        ("resourceconfig", hosts),
    ):
        (config / f"{name}.json").write_text(json.dumps(content), encoding="utf-8")
    for name, source in data.items():
        place = folder / "input" / "data" / name
        place.parent.mkdir(exist_ok=True)
        if source.is_dir():
            place.symlink_to(source.resolve(), target_is_directory=True)
        else:
            place.mkdir()
            (place / source.name).symlink_to(source.resolve())
