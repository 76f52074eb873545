"""What a search has tried so far, in Optuna's storage, so that it can go on after a kill.

A trial counts as done when Optuna has its value; its losses per validation row, which
the choice needs, lie beside the storage and are written first.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.trial import TrialState

from fitwell.remedies.remedy import Parameter
from fitwell.results import Trial
from fitwell.tuning.candidates import Settings
from fitwell.tuning.studies import Studies, in_file

optuna.logging.set_verbosity(optuna.logging.WARNING)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One ended training of a search.

    ``judged`` is None where it diverged. One that was ``pruned`` was dropped by the search
    before its end.
    """

    number: int
    settings: Settings
    judged: NDArray[np.float32] | None
    best_epoch: int
    epochs: int
    seconds: float
    pruned: bool = False

    def trial(self, arm: str) -> Trial:
        """Give it as plain data."""
        judged = self.judged
        return Trial(
            arm=arm,
            number=self.number,
            settings=self.settings,
            validation_log_loss=None if judged is None else float(judged.mean(dtype=np.float64)),
            best_epoch=self.best_epoch,
            seconds=self.seconds,
            epochs=self.epochs,
            dropped=self.pruned,
        )


@dataclass(frozen=True, kw_only=True)
class Folded:
    """What finalists lost on the rows of one fold (None: it diverged), and what it took."""

    losses: Mapping[int, NDArray[np.float32] | None]
    seconds: float
    epochs: int


class Ledger:
    """One Optuna study per search, all in one storage.

    Args:
        folder: holds ``trials.db`` and ``trials/``; None keeps everything in memory.
        studies: where the studies are kept instead.
        on_trial: told of every trial as it ends.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        studies: Studies | None = None,
        on_trial: Callable[[Trial], None] = lambda _: None,
    ) -> None:
        self._folder = folder
        self._on_trial = on_trial
        if folder is not None:
            (folder / "trials").mkdir(exist_ok=True)
            studies = studies or in_file(folder / "trials.db")
        self._studies = studies or Studies()
        self._opened: dict[str, optuna.Study] = {}
        self._rows: dict[tuple[str, int], NDArray[np.float32]] = {}

    def study(self, name: str) -> optuna.Study:
        """Open the study of that name, or begin it."""
        if name not in self._opened:
            self._opened[name] = self._open(name)
        return self._opened[name]

    def _open(self, name: str) -> optuna.Study:
        return optuna.create_study(
            study_name=self._studies.prefix + name,
            storage=self._studies.storage,
            direction="minimize",
            load_if_exists=True,
            sampler=optuna.samplers.RandomSampler(seed=0),  # never asked: all is enqueued
        )

    def finished(self, name: str, candidates: Sequence[Settings]) -> dict[int, Entry]:
        """Give which of the candidates were finished earlier, by number."""
        done: dict[int, Entry] = {}
        for trial in self.study(name).get_trials(deepcopy=False):
            attributes = trial.user_attrs
            # A trial that was killed while it was told has its attributes but no value.
            if not trial.state.is_finished() or "seconds" not in attributes:
                continue
            if trial.state == TrialState.FAIL and "diverged" not in attributes:
                continue
            number = int(attributes["candidate"])
            if number >= len(candidates):
                continue
            done[number] = Entry(
                number=number,
                settings=candidates[number],
                judged=None if "diverged" in attributes else self.rows(name, number),
                best_epoch=int(attributes["best_epoch"]),
                epochs=int(attributes["epochs"]),
                seconds=float(attributes["seconds"]),
                pruned=trial.state == TrialState.PRUNED,
            )
        return done

    def ask(
        self, name: str, parameters: Sequence[Parameter], number: int, settings: Settings
    ) -> optuna.Trial:
        """Begin a trial of exactly these settings."""
        study = self.study(name)
        # What some layers have is, where it is not said, what all have.
        full = {p.key: settings.get(p.key, settings.get(p.name, _absent(p))) for p in parameters}
        study.enqueue_trial(full, user_attrs={"candidate": number})
        return study.ask({p.key: _distribution(p) for p in parameters})

    def tell(self, name: str, trial: optuna.Trial, entry: Entry) -> None:
        """End a trial; one that diverged ends as failed, with what it took."""
        self._tell(name, trial, entry)
        self._on_trial(entry.trial(name))

    def _tell(self, name: str, trial: optuna.Trial, entry: Entry) -> None:
        trial.set_user_attr("best_epoch", entry.best_epoch)
        trial.set_user_attr("epochs", entry.epochs)
        trial.set_user_attr("seconds", entry.seconds)
        if entry.judged is None:
            trial.set_user_attr("diverged", True)
            self.study(name).tell(trial, state=TrialState.FAIL)
            return
        self.keep(name, entry.number, entry.judged)
        if entry.pruned:
            self.study(name).tell(trial, state=TrialState.PRUNED)
            return
        self.study(name).tell(trial, float(entry.judged.mean(dtype=np.float64)))

    def drop_unfinished(self, name: str) -> None:
        """Mark trials that a killed run left behind as failed; they will be run again."""
        study = self.study(name)
        for trial in study.get_trials(deepcopy=False):
            if not trial.state.is_finished():
                if trial.state == TrialState.WAITING:
                    study.ask()
                study.tell(trial.number, state=TrialState.FAIL)

    def _file(self, name: str, number: int) -> Path:
        assert self._folder is not None
        return self._folder / "trials" / f"{name.replace(' ', '-').replace(',', '')}-{number}.npy"

    def keep(self, name: str, number: int, judged: NDArray[np.float32]) -> None:
        """Keep losses per row under a name and a number."""
        if self._folder is None:
            self._rows[name, number] = judged
            return
        file = self._file(name, number)
        with open(file.with_suffix(".tmp"), "wb") as stream:
            np.save(stream, judged, allow_pickle=False)
        os.replace(file.with_suffix(".tmp"), file)

    def rows(self, name: str, number: int) -> NDArray[np.float32] | None:
        """Give losses per row that were kept; None if there are none."""
        if self._folder is None:
            return self._rows.get((name, number))
        if not self._file(name, number).exists():
            return None
        loaded: NDArray[np.float32] = np.load(self._file(name, number), allow_pickle=False)
        return loaded


def _distribution(parameter: Parameter) -> BaseDistribution:
    if parameter.choices:
        return CategoricalDistribution([_absent(parameter), *parameter.choices])
    return FloatDistribution(min(parameter.low, parameter.off_value), parameter.high)


def _absent(parameter: Parameter) -> Any:
    """Give the value that stands for "as the recipe has it" in Optuna's table."""
    return "as is" if parameter.choices else parameter.off_value
