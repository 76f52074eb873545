"""What a run says of weights that it was given: as they are, and as a place to start from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from torch import nn

from fitwell.comparison.arms import AS_GIVEN, CONTINUED, SHRUNK, TREATMENT
from fitwell.comparison.judge import Contestant, Price
from fitwell.comparison.start import against_anew, rows_seen
from fitwell.data.source import Rows
from fitwell.population.networks import initial
from fitwell.population.start import NOISE, SHRINK
from fitwell.results import Interval, Seen, Start
from fitwell.runs.price import row_seconds, size_of
from fitwell.statistics import mean_interval, row_log_losses
from fitwell.task import Task
from fitwell.training.loop import probabilities

Test = tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64] | None]


def as_given(task: Task, x: NDArray[np.float32], seeds: tuple[int, ...]) -> Contestant:
    """Let the given weights speak about some rows: one network, the same for every seed."""
    network = _network(task)
    said = probabilities(network, x)
    parameters, nonzero = size_of(network)
    return Contestant(
        name=AS_GIVEN,
        probabilities=np.stack([said] * len(seeds)),
        seeds=seeds,
        price=Price(
            seconds=0.0,
            trainings=0,
            parameters=parameters,
            nonzero=nonzero,
            inference_seconds=row_seconds(network, x),
        ),
        settings={"start": "given"},
    )


def about_start(task: Task, contestants: Sequence[Contestant], test: Test) -> Start | None:
    """Measure what starting from the given weights brings; None where there are none."""
    if task.given is None:
        return None
    _, target, groups = test
    by_name = {contestant.name: contestant for contestant in contestants}
    train, validation, new = _losses(task, by_name[AS_GIVEN], test)
    source = task.source
    return Start(
        weights=task.given.name,
        sha256=task.given.sha256,
        baseline=TREATMENT,
        shrink=SHRINK,
        noise=NOISE,
        train_log_loss=train,
        validation_log_loss=validation,
        test_log_loss=new,
        seen=rows_seen(
            train, validation, new, random=source.times is None and source.official is None
        ),
        differences=against_anew(
            [by_name[CONTINUED], by_name[SHRUNK]], by_name[TREATMENT], target, groups
        ),
    )


def notes_on_start(start: Start | None) -> tuple[str, ...]:
    """Say how far the comparison can be trusted, given the rows that the weights have seen."""
    notes: list[str] = []
    if start is not None:
        notes.append(SEEN[start.seen])
    return tuple(notes)


SEEN: Mapping[Seen, str] = {
    "training rows": (
        "The given weights read training rows better than validation and test rows, which look"
        " alike: so they look as if trained on the training rows alone, as a fair comparison"
        " needs. That they saw a few other rows cannot be ruled out."
    ),
    "validation rows": (
        "The given weights read validation rows better than test rows, so they have probably"
        " seen validation rows: both starts then stop by rows that they know, and had more rows"
        " than training anew had."
    ),
    "test rows": (
        "The given weights read test rows better than validation rows, so they have probably"
        " seen test rows: what the arms that use them read on test rows is then too good, and"
        " should not be believed."
    ),
    "unknown": (
        "Nothing shows which rows the given weights were trained on. If validation or test rows"
        " are among them, what the arms that use them read on test rows is too good; trust it only"
        " if you know that they are not."
    ),
}


def _losses(task: Task, given: Contestant, test: Test) -> tuple[Interval, Interval, Interval]:
    """Log-loss of the given weights on training, validation and test rows."""
    network = _network(task)

    def read(rows: Rows) -> Interval:
        losses = row_log_losses(probabilities(network, task.inputs(rows)), task.targets(rows))
        return mean_interval(losses, task.groups(rows))

    _, target, groups = test
    new = mean_interval(row_log_losses(given.probabilities[0], target), groups)
    return read(task.split.train), read(task.split.validation), new


def _network(task: Task) -> nn.Module:
    return initial(task.material, replace(task.recipe, start="given"), 0).eval()
