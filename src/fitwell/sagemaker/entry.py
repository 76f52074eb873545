"""Inside a SageMaker training job: the same run as on a laptop, by the container contract.

Works as a container's ``train`` command (``fitwell-sagemaker train``) and in script mode
under AWS's own toolkit, as a script of two lines::

    from fitwell.sagemaker.entry import main
    main()
"""

import math
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from fitwell.errors import FitwellError, InputError
from fitwell.report.files import MARKDOWN
from fitwell.report.markdown import CHARTS
from fitwell.results import Result, Trial
from fitwell.sagemaker.contract import JobFolders
from fitwell.sagemaker.metrics import BEST_TRIAL, OBJECTIVE, metric_line, metric_lines
from fitwell.vetting.layout import MANIFEST

STOPPED = 128 + signal.SIGTERM


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the job; on failure write the failure file and end with exit code 1 or 2.

    Script mode repeats the hyperparameters as arguments; they are read from the file.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given[:1] in (["-h"], ["--help"]):
        _say(
            "usage: fitwell-sagemaker train|serve\n\nRuns the training job of a SageMaker"
            " container, or serves its model."
        )
        return
    if given and given[0] != "train" and not given[0].startswith("--"):
        _say(f"fitwell-sagemaker: {given[0]!r} is unknown; 'train' or 'serve' is expected.")
        sys.exit(2)
    # A container's first process ignores SIGTERM unless it says what to do.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folders = JobFolders.from_environment()
    try:
        _report(train_job(folders))
    except FitwellError as error:
        line = _one_line(str(error))
        folders.fail(line)
        _say(f"fitwell: {line}")
        sys.exit(2 if isinstance(error, InputError) else 1)
    except KeyboardInterrupt:
        _say(f"fitwell: stopped; what was done is kept in {folders.checkpoints}")
        sys.exit(STOPPED)
    except Exception as error:
        folders.fail(_one_line(f"{type(error).__name__}: {error}"))
        raise


def train_job(folders: JobFolders) -> Result:
    """Do what the hyperparameters ask with the data of the channels.

    The run folder becomes the model folder, so that ``fitwell predict`` and ``serve`` read
    the unpacked archive as they read a local run. The search is kept among the
    checkpoints: a job that was interrupted goes on from there.
    """
    from fitwell.runs.launch import launch
    from fitwell.sagemaker.job import read_job

    job = read_job(folders)
    for remark in job.remarks:
        _say(f"fitwell: {remark}")
    result = launch(job.question, job.data, job.place, _Lines())
    assert job.place.out is not None
    _deliver(job.place.out, folders)
    return result


def _deliver(out: Path, folders: JobFolders) -> None:
    """Copy the run folder to the model folder; result, report and drawings to the output."""
    folders.model.mkdir(parents=True, exist_ok=True)
    folders.output_data.mkdir(parents=True, exist_ok=True)
    for name in ("run.json", "result.json", "report.html"):
        for target in (folders.model, folders.output_data):
            if (out / name).is_file():
                shutil.copy2(out / name, target / name)
    if (out / MARKDOWN).is_file():
        shutil.copy2(out / MARKDOWN, folders.output_data / MARKDOWN)
        shutil.copytree(out / CHARTS, folders.output_data / CHARTS, dirs_exist_ok=True)
    shutil.copy2(out / MANIFEST, folders.model / MANIFEST)
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
        chosen = result.regularization
        values[OBJECTIVE] = (chosen.estimated_log_loss or chosen.promised_log_loss).value
    for line in metric_lines(values):
        _say(line)


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _say(line: str) -> None:
    """Write one line in one piece: the toolkit splits lines that come in several writes."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


class _Lines:
    """Progress as lines of the job's log, at most one per tenth of the way."""

    stopping = False

    def __init__(self) -> None:
        self._total = 0
        self._done = 0.0
        self._shown = 0
        self._best = math.inf

    def plan(self, trainings: int) -> None:
        self._total = trainings

    def stage(self, text: str) -> None:
        _say(f"fitwell: {text}")

    def tell(self, text: str) -> None:
        _say(f"fitwell: {text}")

    def advance(self, trainings: float = 1.0) -> None:
        self._done += trainings
        tenth = int(10 * self._done / max(self._total, 1))
        if tenth > self._shown:
            self._shown = tenth
            _say(f"fitwell: {self._done:.0f} of {self._total} trainings done")

    def trial(self, trial: Trial) -> None:
        """Write the best so far as a metric: its graph falls while the search goes on."""
        loss = trial.validation_log_loss
        if trial.arm == "treatment" and not trial.dropped and loss is not None:
            self._best = min(self._best, loss)
            _say(metric_line(BEST_TRIAL, self._best))
