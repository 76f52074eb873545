"""All loggers of a run: opened before it, and none may lose it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec

from fitwell.errors import InputError
from fitwell.loggers.logger import Begun, Logger
from fitwell.masking import masked
from fitwell.results import Result, Trial

KINDS = ("tensorboard", "mlflow")


class Loggers:
    """Tells several loggers; one that fails is left out from then on, and the run goes on.

    Attributes:
        failures: a logger's kind, and why it failed.
    """

    def __init__(self, loggers: Sequence[Logger] = ()) -> None:
        self._loggers = list(loggers)
        self.failures: list[tuple[str, str]] = []

    @contextmanager
    def running(self, run: Begun) -> Iterator[None]:
        """Begin a run, and let go of it in the end, whatever happened."""
        self._each(lambda logger: logger.begin(run))
        done = False
        try:
            yield
            done = True
        finally:
            self._each(lambda logger: logger.close(done=done))

    def trial(self, trial: Trial) -> None:
        """Tell of a trial that has ended."""
        self._each(lambda logger: logger.trial(trial))

    def end(self, result: Result) -> None:
        """Tell what was found, and of trials that an earlier, cut off run had ended."""
        for trial in result.trials:
            self.trial(trial)
        self._each(lambda logger: logger.end(result))

    def _each(self, act: Callable[[Logger], None]) -> None:
        for logger in tuple(self._loggers):
            try:
                act(logger)
            except Exception as error:
                self._loggers.remove(logger)
                reason = " ".join(str(error).split()).rstrip(".")
                self.failures.append((logger.kind, masked(f"{type(error).__name__}: {reason}")))


def open_loggers(wanted: Sequence[str]) -> Loggers:
    """Open loggers by name, such as ``tensorboard:FOLDER`` or ``mlflow:http://host:5000``.

    Raises:
        InputError: no such logger, its package is not installed, or its place does not answer.
    """
    return Loggers([_open(text) for text in wanted])


def _open(text: str) -> Logger:
    kind, _, place = text.partition(":")
    if kind not in KINDS or not place:
        raise InputError(
            f"--log is {masked(text)!r}, but tensorboard:FOLDER, mlflow:FOLDER or mlflow:ADDRESS is"
            " expected, for example tensorboard:logs."
        )
    if find_spec(kind) is None:
        raise InputError(
            f"--log {masked(text)} needs {kind}, which is not installed here. Install it with"
            f" pip install 'fitwell[{kind}]'."
        )
    if kind == "tensorboard":
        from fitwell.loggers.tensorboard import TensorBoard

        return TensorBoard(place)
    from fitwell.loggers.mlflow import MLflow

    return MLflow(place)
