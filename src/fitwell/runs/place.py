"""Where the data lies, where a run is written, and by what it is trained."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fitwell.errors import InputError
from fitwell.population.ray_tasks import connect
from fitwell.report.page import Lang
from fitwell.training.workers import Crew, default_workers


@dataclass(frozen=True, kw_only=True)
class DataOptions:
    """Where the data is and how to read it."""

    path: str
    target: str | None = None
    test: str | None = None
    group: str | None = None
    time: str | None = None
    ignore: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a run is written and by what it is trained; no part of the question.

    ``log`` names loggers, see `open_loggers`; ``storage`` is where Optuna's studies are kept
    instead of the folder, see `open_storage`.
    """

    out: Path | None
    resume: bool = False
    force: bool = False
    workers: int = 0
    command: Sequence[str] = ()
    lang: Lang = "en"
    log: tuple[str, ...] = ()
    storage: str = ""
    ray: str | None = None

    def crew(self, device: str) -> Crew:
        """Give the processes that train."""
        if self.workers < 0:
            raise InputError(
                f"--workers is {self.workers}, but at least 1 is expected, or 0 for one per core."
            )
        if self.ray is not None:
            return self._cluster(device)
        return Crew(workers=self.workers or default_workers(device), device=device)

    def _cluster(self, device: str) -> Crew:
        assert self.ray is not None
        if self.workers:
            raise InputError(
                f"--workers is {self.workers}, but with --ray as much is trained at once as the"
                " cluster has cores. Leave one of the two out."
            )
        if device != "cpu":
            raise InputError(
                f"--ray trains on processors, but the device is {device}. Add --device cpu."
            )
        connect(self.ray)
        return Crew(ray=self.ray)
