"""What a logger is told: a run as it begins, each trial as it ends, the result."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from fitwell.results import Arm, Curve, Interval, Result, State, Trial

Value = float | int | str | bool


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A run as it begins.

    Attributes:
        name: no other run has it; one that is resumed keeps it.
        asked: what run.json holds.
    """

    name: str
    asked: Mapping[str, Any]


class Logger(Protocol):
    """Writes a run where another tool looks for it.

    Any method may raise: `Loggers` then goes on without this logger.
    """

    kind: str

    def begin(self, run: Begun) -> None:
        """Begin the run, or take up one of that name."""

    def trial(self, trial: Trial) -> None:
        """Write a trial that has ended; one that is there already is left as it is."""

    def end(self, result: Result) -> None:
        """Write the final numbers and the curves of the arms."""

    def close(self, *, done: bool) -> None:
        """Let go of the run; it may have been cut off."""


def options(asked: Mapping[str, Any]) -> dict[str, str]:
    """Give what was asked as text, without what was left empty."""
    data = asked["data"]
    given = {
        **asked["options"],
        "data": data["name"],
        "fingerprint": data["fingerprint"],
        "fitwell": asked["fitwell"],
    }
    texts = {
        name: ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
        for name, value in given.items()
    }
    return {name: text for name, text in texts.items() if text}


def settings(trial: Trial) -> dict[str, Value]:
    """Give what a trial tried, with its arm and number."""
    return {"arm": trial.arm, "number": trial.number, "dropped": trial.dropped, **trial.settings}


def outcome(trial: Trial) -> dict[str, float]:
    """Give what a trial came to; one that diverged has no loss."""
    held = trial.validation_log_loss
    numbers = {
        "epochs": float(trial.epochs),
        "best_epoch": float(trial.best_epoch),
        "seconds": trial.seconds,
    }
    return numbers if held is None else {"validation_log_loss": held, **numbers}


def numbers(result: Result) -> dict[str, float]:
    """Give the final numbers of a run, each with the limits of its interval."""
    found: dict[str, float] = {}
    for name, state in (("before", result.before), ("after", result.after)):
        if state:
            found |= {f"{name}/{key}": value for key, value in _state(state).items()}
    chosen = result.regularization
    if chosen:
        for name in ("l1", "l2", "dropout", "decay_epochs", "weight_decay", "zeros"):
            found[f"chosen/{name}"] = float(getattr(chosen, name))
        found |= {f"chosen/{key}": value for key, value in chosen.by_layer.items()}
        found |= _limits("chosen/promised_log_loss", chosen.promised_log_loss)
        found |= _limits("chosen/estimated_log_loss", chosen.estimated_log_loss)
    cost = result.cost
    for name in ("seconds", "trials", "epochs", "single_trainings"):
        found[f"cost/{name}"] = float(getattr(cost, name))
    return found


def arm_numbers(arm: Arm) -> dict[str, float]:
    """Give what an arm reached on the test rows, as a mean over its seeds."""
    return {
        **_limits("test_accuracy", arm.test.accuracy),
        **_limits("test_log_loss", arm.test.log_loss),
        "seconds": arm.seconds,
        "trainings": float(arm.trainings),
    }


def series(curve: Curve) -> dict[str, tuple[float, ...]]:
    """Give the losses after each epoch by name; terms that are zero throughout are left out."""
    found = {
        name: getattr(curve, name)
        for name in ("train_log_loss", "validation_log_loss", "l1_term", "l2_term")
    }
    return {name: values for name, values in found.items() if any(values)}


def _state(state: State) -> dict[str, float]:
    found: dict[str, float] = {}
    for part in ("train", "test"):
        scores = getattr(state, part)
        found |= _limits(f"{part}_accuracy", scores.accuracy)
        found |= _limits(f"{part}_log_loss", scores.log_loss)
    return {
        **found,
        **_limits("gap", state.gap),
        **_limits("gap_log_loss", state.gap_log_loss),
    }


def _limits(name: str, interval: Interval | None) -> dict[str, float]:
    if interval is None:
        return {}
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
