"""What a training job is asked: its hyperparameters and channels, checked."""

import difflib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fitwell.errors import InputError
from fitwell.runs.place import DataOptions, Place
from fitwell.runs.question import Question, parse_budget
from fitwell.sagemaker.contract import TRAIN_CHANNELS, UNUSED, JobFolders
from fitwell.sagemaker.hyperparameters import as_options, as_widths
from fitwell.sagemaker.strengths import switched

DATA = ("target", "group", "time", "ignore")
PLACE = ("workers", "lang")
"""Hyperparameters that are no part of the question."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A run, and what to say about it before it starts."""

    question: Question
    data: DataOptions
    place: Place
    remarks: tuple[str, ...]


def read_job(folders: JobFolders) -> Job:
    """Read a job's question, data and place.

    Raises:
        InputError: a hyperparameter or a channel is unknown, misshapen or missing, or the
            job has several machines.
    """
    if folders.hosts() > 1:
        raise InputError(
            f"the job has {folders.hosts()} instances, but fitwell trains on one. Set its"
            " instance count to 1, and take a larger instance for more workers."
        )
    options, off = switched(as_options(folders.hyperparameters()))
    data = _data(folders, options)
    place = _place(folders, options)
    question = ask(options)
    remarks = (
        (f"channel {UNUSED} is not used: validation rows are set aside from the training rows",)
        if UNUSED in folders.channels()
        else ()
    )
    return Job(question=question, data=data, place=place, remarks=(*off, *remarks))


def ask(options: Mapping[str, Any]) -> Question:
    """Give the question that options ask; those of data and place are left out.

    Raises:
        InputError: a value that no run takes.
    """
    asked = {k: v for k, v in switched(options)[0].items() if k not in (*DATA, *PLACE)}
    if "budget" in asked:
        asked["budget"] = parse_budget(asked["budget"])
    if "widths" in asked:
        asked["widths"] = as_widths(asked["widths"])
    return Question(**{"verb": "tune", **asked})


def _data(folders: JobFolders, options: dict[str, Any]) -> DataOptions:
    """Find the data."""
    channels = folders.channels()
    for name in channels:
        if name not in (*TRAIN_CHANNELS, "test", UNUSED):
            near = difflib.get_close_matches(name, (*TRAIN_CHANNELS, "test"), n=1)
            hint = f"Did you mean {near[0]}?" if near else "Name it train or test."
            raise InputError(f"channel {name!r} is unknown. {hint}")
    train = [name for name in channels if name in TRAIN_CHANNELS]
    if len(train) != 1:
        found = "both 'train' and 'training'" if train else "no channel 'train'"
        raise InputError(f"the job has {found}. Give one of them, with one data file.")
    return DataOptions(
        path=str(folders.channel(train[0])),
        test=str(folders.channel("test")) if "test" in channels else None,
        **{key: options[key] for key in DATA if key in options},
    )


def _place(folders: JobFolders, options: dict[str, Any]) -> Place:
    """Give a folder of this job's own among the checkpoints; goes on with what lies there."""
    name = os.environ.get("TRAINING_JOB_NAME") or os.environ.get("SAGEMAKER_JOB_NAME") or "job"
    out = folders.checkpoints / name
    return Place(
        out=out,
        resume=(out / "run.json").is_file(),
        **{key: options[key] for key in PLACE if key in options},
        command=("fitwell-sagemaker", "train"),
    )
