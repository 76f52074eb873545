"""The outer resamples of a run: the whole procedure again, on rows that are split anew."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fitwell.comparison.arms import ArmPlan
from fitwell.comparison.resampled import FEWEST, Judged, Resamples
from fitwell.runs.ensembles import train_ensembles
from fitwell.runs.finals import Final, train_arms
from fitwell.runs.question import Question
from fitwell.runs.searches import search_arms
from fitwell.runs.watch import Watch
from fitwell.statistics import hits, row_log_losses
from fitwell.task import Task
from fitwell.training.loop import probabilities
from fitwell.training.workers import Crew
from fitwell.tuning.ledger import Ledger
from fitwell.tuning.search import Choice

Resampled = tuple[Resamples | None, list[dict[str, Final]], list[dict[str, Choice]]]


def resample(
    question: Question,
    task: Task,
    arms: Sequence[ArmPlan],
    crew: Crew,
    ledger: Ledger,
    watch: Watch,
) -> Resampled:
    """Tune and train every arm on each outer resample of the development rows, and judge it.

    No test row is among them. If the user stops the run, the resample that is going on is left
    out, and so are those after it.

    Returns:
        What the arms did, None with fewer than two resamples; the trainings and the choices.

    Raises:
        TrainingFailed: a training diverged.
    """
    judged, finals, choices = [], [], []
    parts = task.resampled(question.outer, question.seed) if question.outer else []
    for number, part in enumerate(parts, start=1):
        if watch.stopping:
            break
        name = f"resample {number}"
        here = replace(crew, store=crew.store.inner(f"resample-{number}"))
        choice = search_arms(question, part, arms, here, ledger, watch, part=name)
        if watch.stopping:
            break
        watch.stage(f"training: {name}")
        final = train_all(question, part, arms, choice, (question.seed + number,), here, watch)
        judged.append(_judged(part, final))
        finals.append(final)
        choices.append(choice)
    return (Resamples(judged) if len(judged) >= FEWEST else None), finals, choices


def train_all(
    question: Question,
    task: Task,
    arms: Sequence[ArmPlan],
    choices: dict[str, Choice],
    seeds: Sequence[int],
    crew: Crew,
    watch: Watch,
) -> dict[str, Final]:
    """Train the arms of one network, then what the ensembles lack beside them.

    Raises:
        TrainingFailed: a training diverged.
    """
    finals = train_arms(task, [a for a in arms if not a.ensemble], choices, seeds, crew, watch)
    ensembles = [arm for arm in arms if arm.ensemble]
    return finals | train_ensembles(
        task, ensembles, finals, choices, seeds, question.seed, crew, watch
    )


def _judged(task: Task, finals: dict[str, Final]) -> Judged:
    """Let every arm's network speak about the resample's own judging rows."""
    split = task.split
    x, target = task.inputs(split.test), task.targets(split.test)
    said = {name: probabilities(final.network(task), x) for name, final in finals.items()}
    groups = task.groups(split.test)
    return Judged(
        correct={name: hits(p, target).astype(np.float64) for name, p in said.items()},
        losses={name: row_log_losses(p, target) for name, p in said.items()},
        units=split.test if groups is None else groups,
        train_rows=len(split.train) + len(split.validation),
    )
