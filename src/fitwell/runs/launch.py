"""One run from a file to a folder: what the command line and the SageMaker job call."""

import hashlib
import platform
import secrets
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fitwell.comparison.seal import not_kept
from fitwell.data.images import Images
from fitwell.data.load import load_source
from fitwell.data.source import Source
from fitwell.data.splits import split_rows
from fitwell.determinism import seeded
from fitwell.errors import InputError
from fitwell.loggers.logger import Begun
from fitwell.loggers.loggers import open_loggers
from fitwell.masking import masked
from fitwell.model_files import save_model
from fitwell.models.blueprint import Blueprint
from fitwell.own.given import Own
from fitwell.population.store import Store
from fitwell.report.files import write_files
from fitwell.report.page import Lang, missing_parts
from fitwell.results import Result, Trial
from fitwell.runs.ensembles import check_folds
from fitwell.runs.folder import FORMAT, RunFolder, check_writable
from fitwell.runs.given import read_given, take_given
from fitwell.runs.logs import run_name, with_failures
from fitwell.runs.openings import Openings, opened_elsewhere
from fitwell.runs.perform import Performed, perform
from fitwell.runs.place import DataOptions, Place
from fitwell.runs.question import Question, pick_device
from fitwell.runs.watch import Watch
from fitwell.task import Task
from fitwell.training.rehearsal import leaves_zeros, rehearse
from fitwell.tuning.ledger import Ledger
from fitwell.tuning.studies import Studies, open_storage
from fitwell.version import __version__
from fitwell.vetting.hashes import write_manifest


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
    asked["options"]["storage"] = masked(place.storage)
    loggers = open_loggers(place.log)
    storage = open_storage(place.storage) if place.storage else None
    folder = None
    if place.out is not None:
        folder = RunFolder.begin(place.out, asked, resume=place.resume, force=place.force)
        asked = {**asked, "id": folder.asked().get("id", "")}  # one that is resumed keeps its own
        crew = replace(crew, store=Store(folder.path / "population"))
    name = run_name(place.out, asked)
    studies = Studies(storage, f"{name}/") if storage else None

    def tried(trial: Trial) -> None:
        loggers.trial(trial)
        watch.trial(trial)

    with loggers.running(Begun(name=name, asked=asked)):
        opened = Openings(folder.path, asked["id"]).record if folder else not_kept
        performed = perform(
            question,
            task,
            crew=crew,
            ledger=Ledger(folder.path if folder else None, studies=studies, on_trial=tried),
            watch=watch,
            record=opened,
            reachable=reachable,
        )
        if folder is not None:
            watch.stage("writing the report")
            write_run(folder, task, performed, asked, place.lang)
        loggers.end(performed.result)
    if loggers.failures:
        performed = replace(performed, result=with_failures(performed.result, loggers.failures))
        if folder is not None:
            write_run(folder, task, performed, asked, place.lang)
    return performed


def make_task(
    question: Question,
    source: Source,
    blueprint: Blueprint | None = None,
    *,
    own: Own | None = None,
    weights: Mapping[str, Tensor] | None = None,
) -> Task:
    """Split the rows and check that the network fits them.

    Args:
        question: the options.
        source: the data.
        blueprint: of a network given in Python; otherwise the question names one.
        own: optimizer and loss given in Python; otherwise the question names them.
        weights: to start from, given in Python; otherwise the question may name a file.

    Raises:
        InputError: too few rows, another number of classes than asked, a misfit network, a
            bag of rows that allow no folds, weights that do not fit, an optimizer or a loss
            that cannot work.
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
    own = own or question.own()
    recipe = replace(question.recipe(len(split.train)), optimizer=own.optimizer)
    if question.path == "l1" and not leaves_zeros(recipe):
        raise InputError(
            f"--path l1 needs SGD, Adam, AdamW or RMSprop, but --optimizer is {own.optimizer}. Use"
            " one of them, or trace l2 or dropout."
        )
    blueprint = blueprint or question.blueprint(images=isinstance(source, Images))
    task = Task(source, split, blueprint, recipe, device, own.loss or "cross-entropy")
    if question.bag:
        check_folds(task, question.seed)
    with seeded(question.seed, "cpu"):
        network = task.blueprint.build(task.material.shape, classes)
    rehearse(task.material, recipe, device)
    if weights is not None:
        return replace(task, given=take_given(weights, network, blueprint))
    if question.from_weights:
        return replace(task, given=read_given(question.from_weights, network, blueprint))
    return task


def describe(
    question: Question, task: Task, data: dict[str, Any], command: Sequence[str]
) -> dict[str, Any]:
    """Give what run.json holds before anything is found."""
    return {
        "format": FORMAT,
        "fitwell": __version__,
        "id": secrets.token_hex(4),
        "verb": question.verb,
        "options": {
            **question.stored(),
            # The file may change under its name: --resume looks at what it held.
            "from_sha256": task.given.sha256 if task.given else "",
            "arms_sha256": _digest(question.arms),
        },
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
        "command": masked(" ".join(command)),
        "versions": _versions(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "test_openings": [],
        "opened_elsewhere": [],
    }


def _digest(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest() if path else ""


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
        manifest=True,
    )
    asked = {
        **asked,
        "test_openings": list(performed.openings),
        "opened_elsewhere": list(opened_elsewhere(folder.path, performed.seal)),
        "seal": performed.seal,
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    folder.finish(performed.result, asked)
    if not missing_parts():
        write_files(folder.path, performed.result, run=asked, lang=lang)
        write_manifest(folder.path)
