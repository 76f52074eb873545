"""Inside a SageMaker training job: the same run as on a laptop, by the container contract.

Works as a container's ``train`` command (``fitwell-sagemaker train``) and in script mode
under AWS's own toolkit, as a script of two lines::

    from fitwell.sagemaker.entry import main
    main()
"""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fitwell.errors import FitwellError, InputError
from fitwell.results import Result
from fitwell.sagemaker.contract import JobFolders, as_options

HYPERPARAMETERS: dict[str, type] = {
    "verb": str, "target": str, "group": str, "time": str, "ignore": str, "task": str,
    "model": str, "widths": str, "activation": str, "trials": int, "seeds": int, "seed": int,
    "epochs": int, "batch_size": int, "learning_rate": float, "schedule": str,
    "patience": int, "class_weights": str, "batch_norm": bool, "budget": str,
    "device": str, "workers": int, "lang": str,
}  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the job; on failure write the failure file and end with exit code 1 or 2.

    Script mode repeats the hyperparameters as arguments; they are read from the file.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] in (["-h"], ["--help"]):
        _say("usage: fitwell-sagemaker train\n\nRuns the training job of a SageMaker container.")
        return
    if given and given[0] != "train" and not given[0].startswith("--"):
        _say(f"fitwell-sagemaker: {given[0]!r} is unknown; 'train' is expected.")
        sys.exit(2)
    folders = JobFolders.from_environment()
    try:
        _report(train_job(folders))
    except FitwellError as error:
        line = " ".join(str(error).split())
        folders.fail(line)
        _say(f"fitwell: {line}")
        sys.exit(2 if isinstance(error, InputError) else 1)
    except Exception as error:
        folders.fail(f"{type(error).__name__}: {error}")
        raise


def train_job(folders: JobFolders) -> Result:
    """Do what the hyperparameters ask with the data of the channels.

    The run folder becomes the model folder, so that ``fitwell predict`` and ``serve`` read
    the unpacked archive as they read a local run. The search is kept among the
    checkpoints: a job that was interrupted goes on from there.
    """
    from fitwell.runs.launch import launch

    question, data, options = read_job(folders)
    out = _work_folder(folders)
    from fitwell.runs.launch import Place

    place = Place(
        out=out,
        resume=(out / "run.json").is_file(),
        workers=options.get("workers", 0),
        lang=options.get("lang", "en"),
        command=("fitwell-sagemaker", "train"),
    )
    result = launch(question, data, place, _Lines())
    _deliver(out, folders)
    return result


def read_job(folders: JobFolders) -> tuple[Any, Any, dict[str, Any]]:
    """Read question and data of a job.

    Raises:
        InputError: a hyperparameter is unknown or misshapen, or there is no channel train.
    """
    from fitwell.runs.launch import DataOptions
    from fitwell.runs.question import Question, parse_budget

    options = as_options(folders.hyperparameters(), HYPERPARAMETERS)
    train = folders.channel("train") or folders.channel("training")
    if train is None:
        raise InputError("the job has no channel 'train'. Add it, with one data file.")
    test = folders.channel("test")
    data = DataOptions(
        path=str(train),
        test=None if test is None else str(test),
        ignore=tuple(name for name in options.get("ignore", "").split(",") if name),
        **{key: options.get(key) for key in ("target", "group", "time")},
    )
    asked = {
        key: value
        for key, value in options.items()
        if key not in ("target", "group", "time", "ignore", "workers", "lang")
    }
    if "budget" in asked:
        asked["budget"] = parse_budget(asked["budget"])
    if "widths" in asked:
        asked["widths"] = tuple(int(part) for part in str(asked["widths"]).strip("[]").split(","))
    asked.setdefault("verb", "tune")
    if asked["verb"] not in ("diagnose", "tune", "compare"):
        raise InputError(f"hyperparameter verb is {asked['verb']!r}; diagnose, tune or compare.")
    return Question(**asked), data, options


def _work_folder(folders: JobFolders) -> Path:
    """Give a folder of this job's own among the checkpoints."""
    name = os.environ.get("TRAINING_JOB_NAME") or os.environ.get("SAGEMAKER_JOB_NAME") or "job"
    return folders.checkpoints / name


def _deliver(out: Path, folders: JobFolders) -> None:
    """Copy the run folder to the model folder, result and report to the output."""
    folders.model.mkdir(parents=True, exist_ok=True)
    folders.output_data.mkdir(parents=True, exist_ok=True)
    for name in ("run.json", "result.json", "report.html"):
        for target in (folders.model, folders.output_data):
            if (out / name).is_file():
                shutil.copy2(out / name, target / name)
    shutil.copytree(out / "model", folders.model / "model", dirs_exist_ok=True)


def _report(result: Result) -> None:
    """Write the metric lines that a job's MetricDefinitions can read."""
    best = result.after or result.before
    values = {
        "fitwell_gap": result.before.gap.value,
        "fitwell_test_accuracy": best.test.accuracy.value,
        "fitwell_test_log_loss": best.test.log_loss.value,
    }
    if result.regularization:
        values["fitwell_objective"] = result.regularization.promised_log_loss.value
    for name, value in values.items():
        _say(f"{name}={value:.6g};")


def _say(line: str) -> None:
    """Write one line in one piece: the toolkit splits lines that come in several writes."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class _Lines:
    """Progress as lines of the job's log, at most one per tenth of the way."""

    def __init__(self) -> None:
        self._total = 0
        self._done = 0.0
        self._shown = 0

    def plan(self, trainings: int) -> None:
        self._total = trainings

    def stage(self, text: str) -> None:
        _say(f"fitwell: {text}")

    def advance(self, trainings: float = 1.0) -> None:
        self._done += trainings
        tenth = int(10 * self._done / max(self._total, 1))
        if tenth > self._shown:
            self._shown = tenth
            _say(f"fitwell: {self._done:.0f} of {self._total} trainings done")
