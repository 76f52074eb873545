"""Many trainings at once: together where they can be, else in worker processes of one thread."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from fitwell.errors import TrainingFailed
from fitwell.population.pool import Pool, Processes, Threads
from fitwell.population.ray_pool import RayPool
from fitwell.population.ray_tasks import connect, shared, tasks
from fitwell.recipe import Recipe
from fitwell.task import Material
from fitwell.training.loop import OnEpoch, train
from fitwell.training.outcome import Job, Outcome
from fitwell.training.together import can_train, train_together


@dataclass(frozen=True)
class Crew:
    """Where trainings run. What they give does not depend on how many workers there are.

    Attributes:
        workers: processes or threads on this machine.
        device: of torch.
        ray: address of a cluster that trains instead of them; empty for none.
    """

    workers: int = 1
    device: str = "cpu"
    ray: str = ""

    @property
    def pool(self) -> Pool:
        """Give what does the pieces of a fused population."""
        return RayPool(self.ray) if self.ray else Threads(self.workers)

    @property
    def processes(self) -> Pool:
        """Give what does the pieces of a population of single networks."""
        if self.ray:
            return RayPool(self.ray)
        return Threads() if self.workers == 1 else Processes(self.workers)

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
        if self.ray:
            yield from _on_cluster(self.ray, material, jobs)
            return
        if self.workers == 1 or self.device != "cpu":
            for job in jobs:
                yield job, attempt(material, job, self.device, on_epoch)
            return
        from joblib import Parallel, delayed

        # Copy-on-write maps: torch complains about arrays that cannot be written.
        pool = Parallel(n_jobs=self.workers, return_as="generator_unordered", mmap_mode="c")
        tasks = (delayed(_attempt_named)(material, job) for job in jobs)
        yield from pool(tasks)

    def finish(
        self,
        material: Material,
        jobs: Sequence[Job],
        on_training: Callable[[float], None] = lambda _: None,
    ) -> Iterator[tuple[Job, Outcome | None]]:
        """Train every job: as populations where their networks allow it, else as `run` does.

        ``on_training`` is told of trainings as they are done, and of parts of them.
        """
        fit = {recipe: can_train(material, recipe, self.device) for recipe in _recipes(jobs)}
        together = [job for job in jobs if fit[job.recipe]]
        if together:
            yield from train_together(material, together, self.pool, on_training)
        for job, outcome in self.run(material, (job for job in jobs if not fit[job.recipe])):
            yield job, outcome
            on_training(1)


def _recipes(jobs: Sequence[Job]) -> set[Recipe]:
    return {job.recipe for job in jobs}


def attempt(
    material: Material, job: Job, device: str = "cpu", on_epoch: OnEpoch | None = None
) -> Outcome | None:
    """Run one training; None where it diverged."""
    try:
        return train(material, job.recipe, job.seed, device=device, on_epoch=on_epoch)
    except TrainingFailed:
        return None


def _on_cluster(
    address: str, material: Material, jobs: Iterable[Job]
) -> Iterator[tuple[Job, Outcome | None]]:
    connect(address)
    calls = ((shared(material), job) for job in jobs)
    for _, done in tasks(_attempt_named, calls):
        yield done


def _attempt_named(material: Material, job: Job) -> tuple[Job, Outcome | None]:
    return job, attempt(material, job)


def default_workers() -> int:
    """Give the number of cores this process may use, at most 8."""
    available: Callable[[], int] = lambda: len(os.sched_getaffinity(0))  # noqa: E731
    cores = available() if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, cores)
