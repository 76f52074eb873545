"""Train many networks of one shape together, and give what `train` gives of each."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from fitwell.population.job import Track
from fitwell.population.layout import layout, why_not_fused
from fitwell.population.pool import Pool
from fitwell.population.screening import Screening
from fitwell.population.stack import Stack, Weights
from fitwell.recipe import Recipe
from fitwell.task import Material
from fitwell.training.outcome import Job, Outcome


def can_train(material: Material, recipe: Recipe, device: str) -> bool:
    """Whether a training can be part of a population."""
    return not why_not_fused(material, {0: recipe}, device)


def train_together(
    material: Material, jobs: Sequence[Job], pool: Pool, on_training: Callable[[float], None]
) -> Iterator[tuple[Job, Outcome | None]]:
    """Train every job; None where one diverged.

    Jobs that share rows, seed and shape are one batch. What comes out is what `train` gives,
    but for the dropout noise, which is drawn by counters here, and rounding.
    """
    whole: dict[bool, Material] = {False: material}
    if any(job.recipe.all_rows for job in jobs):
        whole[True] = material.all_rows()
    groups: dict[tuple[bool, int], dict[int, Recipe]] = {}
    for place, job in enumerate(jobs):
        groups.setdefault((job.recipe.all_rows, job.seed), {})[place] = job.recipe
    batches = [
        batch
        for (all_rows, seed), recipes in groups.items()
        for batch in layout(whole[all_rows], recipes, seed, read_every=1, keeps=True, curves=True)
    ]
    longest = max(batch.course.recipe.epochs for batch in batches)
    screening = Screening(pool=pool, on_epochs=lambda epochs: on_training(epochs / longest))
    tracks = screening.train("finals", batches)
    stacks = {
        member.number: batch.course.shape
        for batch in batches
        for member in batch.members
        if isinstance(batch.course.shape, Stack)
    }
    for place, job in enumerate(jobs):
        seconds = screening.seconds[place]
        yield job, _outcome(stacks[place], tracks[place], job.recipe, seconds)


def _outcome(stack: Stack, track: Track, recipe: Recipe, seconds: float) -> Outcome | None:
    """Cut a track off where `train` would have stopped."""
    if track.diverged or track.kept is None:
        return None
    patience = track.member.patience
    ran = min(track.epochs, track.member.epochs or recipe.epochs)
    if patience:
        ran = min(ran, track.improved + patience)
    curves = np.array(track.curves[:ran])
    return Outcome(
        weights=stack.state(track.kept),
        best_epoch=track.best_epoch if patience and track.validation else ran,
        train_log_loss=tuple(curves[:, 0].tolist()),
        l1_term=tuple(curves[:, 1].tolist()),
        l2_term=tuple(curves[:, 2].tolist()),
        validation_log_loss=track.validation[:ran],
        judged=track.judged,
        zeros=_zeros(stack, track.kept),
        parameters=stack.parameters,
        seconds=seconds,
    )


def _zeros(stack: Stack, vector: Weights) -> float:
    weights = np.concatenate([weight.ravel() for weight, _ in stack.split(vector[None])])
    return float((weights == 0).mean())
