"""Many trainings at once: together where they can be, else in worker processes of one thread."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import count

from fitwell.errors import TrainingFailed
from fitwell.population.layout import Way, way_of
from fitwell.population.pool import Pool, Processes, Threads, processes
from fitwell.population.ray_pool import RayPool
from fitwell.population.ray_tasks import connect, shared, tasks
from fitwell.population.store import Store
from fitwell.task import Material
from fitwell.training.loop import OnEpoch, train
from fitwell.training.outcome import Job, Outcome
from fitwell.training.together import train_together


@dataclass(frozen=True)
class Crew:
    """Where trainings run. What they give does not depend on how many workers there are.

    Attributes:
        workers: processes or threads on this machine.
        device: of torch.
        ray: address of a cluster that trains instead of them; empty for none.
        store: keeps populations on their way.
        number: of the run; worker processes do not outlive it.
    """

    workers: int = 1
    device: str = "cpu"
    ray: str = ""
    store: Store = field(default_factory=Store)
    number: int = field(default_factory=count().__next__)

    @property
    def pools(self) -> dict[Way, Pool]:
        """Give what does the pieces of a population, fused or of single networks."""
        if self.ray:
            cluster = RayPool(self.ray)
            return {"fused": cluster, "single": cluster}
        single: Pool = Threads() if self.workers == 1 else Processes(self.workers, self.number)
        # A chunk on a graphics card holds all members, and one is enough for it.
        return {"fused": Threads(self.workers if self.device == "cpu" else 1), "single": single}

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
        if self.workers == 1:
            for job in jobs:
                yield job, attempt(material, job, self.device, on_epoch)
            return
        from joblib import delayed

        pool = processes(self.workers, self.number, "generator_unordered")
        tasks = (delayed(_attempt_named)(material, job, self.device) for job in jobs)
        yield from pool(tasks)

    def finish(
        self,
        name: str,
        material: Material,
        jobs: Sequence[Job],
        on_training: Callable[[float], None] = lambda _: None,
    ) -> Iterator[tuple[Job, Outcome | None]]:
        """Train every job: as populations where their networks allow it, else as `run` does.

        Args:
            name: of the files that keep the populations on their way; no other call's.
            material: rows.
            jobs: what to train.
            on_training: told of trainings as they are done, and of parts of them.
        """
        ways: dict[Way, list[Job]] = {"fused": [], "single": [], "apart": []}
        recipes = dict.fromkeys(job.recipe for job in jobs)
        way = {recipe: way_of(material, {0: recipe}, self.device)[0] for recipe in recipes}
        for job in jobs:
            ways[way[job.recipe]].append(job)
        for kind, pool in self.pools.items():
            if ways[kind]:
                yield from train_together(
                    f"{name}-{kind}",
                    material,
                    ways[kind],
                    pool,
                    self.store,
                    on_training,
                    device=self.device,
                )
        for job, outcome in self.run(material, ways["apart"]):
            yield job, outcome
            on_training(1)


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


def _attempt_named(material: Material, job: Job, device: str = "cpu") -> tuple[Job, Outcome | None]:
    return job, attempt(material, job, device)


def default_workers(device: str) -> int:
    """Give the number of cores this process may use, at most 8; 1 for a graphics card.

    Its memory may have room for one network only, which nobody can tell before.
    """
    if device != "cpu":
        return 1
    available: Callable[[], int] = lambda: len(os.sched_getaffinity(0))  # noqa: E731
    cores = available() if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(8, cores)
