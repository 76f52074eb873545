"""TensorBoard: a folder per run, with one folder per trial and one per arm below it."""

from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from fitwell.errors import InputError
from fitwell.loggers.logger import (
    Begun,
    arm_numbers,
    numbers,
    options,
    outcome,
    series,
    settings,
)
from fitwell.results import Result, Trial


class TensorBoard:
    """Writes ``FOLDER/RUN``, ``FOLDER/RUN/trials/ARM-NUMBER`` and ``FOLDER/RUN/arms/ARM``.

    A trial is an entry of the tab "HParams". The arms' curves have the same names, so that
    TensorBoard draws them into one chart.

    Raises:
        InputError: the folder cannot be made.
    """

    kind = "tensorboard"

    def __init__(self, place: str) -> None:
        self._folder = Path(place)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(
                f"--log tensorboard:{place} cannot be made: {error.strerror}. Name a folder that"
                " can be."
            ) from error

    def begin(self, run: Begun) -> None:
        """Make the run's folder and write what was asked."""
        self._run = self._folder / run.name
        self._writer = SummaryWriter(str(self._run))
        for name, value in options(run.asked).items():
            self._writer.add_text(f"asked/{name}", value)
        self._writer.flush()

    def trial(self, trial: Trial) -> None:
        """Write the settings and the outcome of a trial."""
        name = f"trials/{_slug(trial.arm)}-{trial.number}"
        if not (self._run / name).exists():
            self._writer.add_hparams(settings(trial), outcome(trial), run_name=name)

    def end(self, result: Result) -> None:
        """Write the final numbers, and each arm's curves by epoch."""
        for name, value in numbers(result).items():
            self._writer.add_scalar(name, value)
        self._writer.add_text("verdict", result.diagnosis.verdict)
        self._writer.flush()
        arms = {arm.name: arm for arm in result.comparison.arms} if result.comparison else {}
        for curve in result.curves:
            folder = self._run / "arms" / _slug(curve.arm)
            if folder.exists():
                continue
            with SummaryWriter(str(folder)) as writer:
                for name, values in series(curve).items():
                    for epoch, value in enumerate(values, start=1):
                        writer.add_scalar(name, value, epoch)
                for name, value in arm_numbers(arms[curve.arm]).items() if arms else ():
                    writer.add_scalar(name, value)

    def close(self, *, done: bool) -> None:  # noqa: ARG002 - a file does not tell
        """Close the files."""
        self._writer.close()


def _slug(name: str) -> str:
    """Give an arm's name as that of a folder.

    >>> _slug("treatment, refitted")
    'treatment-refitted'
    """
    return name.replace(",", "").replace(" ", "-")
