"""Train many networks as populations, and give what `train` gives of each."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fitwell.population.course import Course
from fitwell.population.job import Member, Track
from fitwell.population.layout import layout
from fitwell.population.networks import initial, treat
from fitwell.population.pool import Pool
from fitwell.population.screening import Screening
from fitwell.population.stack import Weights
from fitwell.population.store import Store
from fitwell.recipe import Recipe
from fitwell.task import Material
from fitwell.training.outcome import Job, Outcome


def train_together(
    name: str,
    material: Material,
    jobs: Sequence[Job],
    pool: Pool,
    store: Store,
    on_training: Callable[[float], None] = lambda _: None,
    *,
    device: str = "cpu",
) -> Iterator[tuple[Job, Outcome | None]]:
    """Train every job; None where one diverged.

    Jobs that share rows, seed and shape are one batch. What comes out is what `train` gives,
    but for the dropout noise, which is drawn by counters here, and rounding.

    Args:
        name: of the files that keep them on their way.
        material: rows; a job that wants all of them gets them.
        jobs: what to train.
        pool: does the pieces.
        store: keeps them.
        on_training: told of trainings as they are done, and of parts of them.
        device: of torch.
    """
    follows: dict[str, Any] = {"read_every": 1, "keeps": True, "curves": True, "device": device}
    whole: dict[bool, Material] = {False: material}
    if any(job.recipe.all_rows for job in jobs):
        whole[True] = material.all_rows()
    groups: dict[tuple[bool, int], dict[int, Recipe]] = {}
    for place, job in enumerate(jobs):
        groups.setdefault((job.recipe.all_rows, job.seed), {})[place] = job.recipe
    batches = [
        batch
        for (all_rows, seed), recipes in groups.items()
        for batch in layout(whole[all_rows], recipes, seed, **follows)
    ]
    longest = max(batch.course.recipe.epochs for batch in batches)
    screening = Screening(
        pool=pool, store=store, on_epochs=lambda epochs: on_training(epochs / longest)
    )
    tracks = screening.train(name, batches)
    courses = {member.number: batch.course for batch in batches for member in batch.members}
    for place, job in enumerate(jobs):
        yield job, _outcome(courses[place], tracks[place], job.recipe)


def _outcome(course: Course, track: Track, recipe: Recipe) -> Outcome | None:
    """Cut a track off where `train` would have stopped."""
    if track.diverged or track.kept is None:
        return None
    patience = track.member.patience
    ran = min(track.epochs, track.member.epochs or recipe.epochs)
    if patience:
        ran = min(ran, track.improved + patience)
    curves = np.array(track.curves[:ran])
    weights, zeros, parameters = _bare(course, track.kept)
    return Outcome(
        weights=weights,
        best_epoch=track.best_epoch if patience and track.validation else ran,
        train_log_loss=tuple(curves[:, 0].tolist()),
        l1_term=tuple(curves[:, 1].tolist()),
        l2_term=tuple(curves[:, 2].tolist()),
        validation_log_loss=track.validation[:ran],
        judged=track.judged,
        zeros=zeros,
        parameters=parameters,
        seconds=track.seconds,
    )


def _bare(course: Course, kept: Weights) -> tuple[dict[str, NDArray[np.generic]], float, int]:
    """Give the ``state_dict`` without what treats it, the share of zeros, and the parameters."""
    network = initial(course.material, course.recipe, course.seed)
    treated = treat(network, Member(number=0), batch_norm=course.recipe.batch_norm)
    state = {name: torch.from_numpy(value) for name, value in course.shape.state(kept).items()}
    treated.module.load_state_dict(state)
    bare = treated.remove()
    weights = {name: value.detach().numpy() for name, value in bare.state_dict().items()}
    return weights, treated.zeros(), sum(p.numel() for p in bare.parameters())
