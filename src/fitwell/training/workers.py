"""Many trainings at once, in worker processes of one torch thread each."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from fitwell.errors import TrainingFailed
from fitwell.recipe import Recipe
from fitwell.task import Material
from fitwell.training.loop import OnEpoch, Outcome, train


@dataclass(frozen=True)
class Job:
    """One training to be run; ``key`` tells the caller which it was."""

    key: int
    recipe: Recipe
    seed: int


@dataclass(frozen=True)
class Crew:
    """Where trainings run. What they give does not depend on how many workers there are."""

    workers: int = 1
    device: str = "cpu"

    def run(
        self,
        material: Material,
        jobs: Iterable[Job],
        on_epoch: OnEpoch | None = None,
    ) -> Iterator[tuple[Job, Outcome | None]]:
        """Train every job, yielding each when it is done, in any order.

        ``jobs`` is read as workers become free, so that it may stop early. A training
        that diverges yields None. ``on_epoch`` is called only without worker processes.
        """
        if self.workers == 1 or self.device != "cpu":
            for job in jobs:
                yield job, attempt(material, job, self.device, on_epoch)
            return
        from joblib import Parallel, delayed

        # Copy-on-write maps: torch complains about arrays that cannot be written.
        pool = Parallel(n_jobs=self.workers, return_as="generator_unordered", mmap_mode="c")
        tasks = (delayed(_attempt_named)(material, job) for job in jobs)
        yield from pool(tasks)


def attempt(
    material: Material, job: Job, device: str = "cpu", on_epoch: OnEpoch | None = None
) -> Outcome | None:
    """Run one training; None where it diverged."""
    try:
        return train(material, job.recipe, job.seed, device=device, on_epoch=on_epoch)
    except TrainingFailed:
        return None


def _attempt_named(material: Material, job: Job) -> tuple[Job, Outcome | None]:
    return job, attempt(material, job)


def default_workers() -> int:
    """Give the number of cores this process may use, at most 8."""
    available: Callable[[], int] = lambda: len(os.sched_getaffinity(0))  # noqa: E731
    cores = available() if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, cores)
