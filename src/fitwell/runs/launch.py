"""One run from a file to a folder: what the command line and the SageMaker job call."""

import platform
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitwell.data.images import Images
from fitwell.data.load import load_source
from fitwell.data.source import Source
from fitwell.data.splits import split_rows
from fitwell.determinism import seeded
from fitwell.errors import InputError
from fitwell.model_files import save_model
from fitwell.models.blueprint import Blueprint
from fitwell.population.ray_tasks import connect
from fitwell.population.store import Store
from fitwell.report.page import Lang, missing_parts, write_report
from fitwell.results import Result
from fitwell.runs.folder import FORMAT, RunFolder, check_writable
from fitwell.runs.perform import Performed, perform
from fitwell.runs.question import Question, pick_device
from fitwell.runs.watch import Watch
from fitwell.task import Task
from fitwell.training.workers import Crew, default_workers
from fitwell.tuning.ledger import Ledger
from fitwell.version import __version__


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
    """Where a run is written and by what it is trained; no part of the question."""

    out: Path | None
    resume: bool = False
    force: bool = False
    workers: int = 0
    command: Sequence[str] = ()
    lang: Lang = "en"
    ray: str | None = None

    def crew(self, device: str) -> Crew:
        """Give the processes that train."""
        if self.workers < 0:
            raise InputError(
                f"--workers is {self.workers}, but at least 1 is expected, or 0 for one per core."
            )
        if self.ray is not None:
            return self._cluster(device)
        return Crew(workers=self.workers or default_workers(), device=device)

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


def launch(question: Question, data: DataOptions, place: Place, watch: Watch) -> Result:
    """Load, check everything, run, and write the folder.

    Raises:
        InputError: before anything was written.
        TrainingFailed: what was searched stays in the folder.
    """
    if place.out is not None:
        check_writable(place.out)
    watch.stage("reading the data")
    source = load_source(
        data.path,
        target=data.target,
        test=data.test,
        group=data.group,
        time=data.time,
        ignore=data.ignore,
    )
    return launch_source(question, source, place, watch, options=_stored(data))


def _stored(data: DataOptions) -> dict[str, Any]:
    return {**asdict(data), "ignore": list(data.ignore)}


def launch_source(
    question: Question,
    source: Source,
    place: Place,
    watch: Watch,
    *,
    options: dict[str, Any],
    reachable: NDArray[np.float64] | None = None,
) -> Result:
    """Run on data that is loaded; ``options`` say where it came from."""
    task = make_task(question, source)
    return run(question, task, place, watch, options=options, reachable=reachable).result


def run(
    question: Question,
    task: Task,
    place: Place,
    watch: Watch,
    *,
    options: dict[str, Any],
    reachable: NDArray[np.float64] | None = None,
) -> Performed:
    """Answer the question, and write the run folder if the place has one."""
    crew = place.crew(task.device)
    asked = describe(question, task, options, place.command)
    folder = None
    if place.out is not None:
        folder = RunFolder.begin(place.out, asked, resume=place.resume, force=place.force)
    performed = perform(
        question,
        task,
        crew=crew,
        ledger=Ledger(folder.path if folder else None),
        store=Store(folder.path / "population" if folder else None),
        watch=watch,
        reachable=reachable,
    )
    if folder is not None:
        watch.stage("writing the report")
        write_run(folder, task, performed, asked, place.lang)
    return performed


def make_task(question: Question, source: Source, blueprint: Blueprint | None = None) -> Task:
    """Split the rows and check that the network fits them.

    Args:
        question: the options.
        source: the data.
        blueprint: of a network given in Python; otherwise the question names one.

    Raises:
        InputError: too few rows, another number of classes than asked, a misfit network.
    """
    split = split_rows(source, seed=question.seed)
    classes = len(source.classes)
    if (question.task == "binary" and classes != 2) or (
        question.task == "multiclass" and classes == 2
    ):
        raise InputError(
            f"--task is {question.task}, but the target has {classes} classes. Use --task auto."
        )
    for part in (split.train, split.validation, split.test):
        if source.groups is not None and len(np.unique(source.groups[part])) < 2:
            raise InputError(
                "--group: a part would hold one group only, which allows no interval. Use a column"
                " with more groups, or none."
            )
    device = pick_device(question.device)
    recipe = question.recipe(len(split.train))
    blueprint = blueprint or question.blueprint(images=isinstance(source, Images))
    task = Task(source, split, blueprint, recipe, device)
    with seeded(question.seed, "cpu"):
        task.blueprint.build(task.material.shape, classes)
    return task


def describe(
    question: Question, task: Task, data: dict[str, Any], command: Sequence[str]
) -> dict[str, Any]:
    """Give what run.json holds before anything is found."""
    return {
        "format": FORMAT,
        "fitwell": __version__,
        "verb": question.verb,
        "options": question.stored(),
        "data": {
            **data,
            "name": task.source.name,
            "fingerprint": task.source.fingerprint,
            "classes": list(task.source.classes),
        },
        "split": {
            "seed": question.seed,
            "train": len(task.split.train),
            "validation": len(task.split.validation),
            "test": len(task.split.test),
        },
        "seeds": list(range(question.seed, question.seed + question.repeats)),
        "command": " ".join(command),
        "versions": _versions(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "test_openings": [],
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": sys.platform}
    for package in ("torch", "numpy", "pandas", "scikit-learn", "scipy", "optuna"):
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def write_run(
    folder: RunFolder, task: Task, performed: Performed, asked: dict[str, Any], lang: Lang
) -> None:
    """Write model and result, and the report where the parts for drawing are installed."""
    save_model(
        folder.model,
        network=performed.network,
        blueprint=task.blueprint,
        shape=task.material.shape,
        classes=task.source.classes,
        encoder=task.encoder,
    )
    asked = {
        **asked,
        "test_openings": list(performed.openings),
        "seal": performed.seal,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    folder.finish(performed.result, asked)
    if not missing_parts():
        write_report(folder.path, performed.result, run=asked, lang=lang)
