"""The four verbs for Python: modules or factories in, results and a predictor out."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import nn

from fitwell.data.arrays import AsIs, make_arrays
from fitwell.data.load import load_source
from fitwell.data.source import Source
from fitwell.data.tables import make_table
from fitwell.diagnosis.gap import check_gap, check_gap_log_loss, state
from fitwell.diagnosis.verdict import decide
from fitwell.errors import InputError
from fitwell.model_files import Predictor
from fitwell.models.blueprint import Blueprint, from_module
from fitwell.own.arguments import written
from fitwell.own.given import own
from fitwell.results import Diagnosis, Regularization, Result, State
from fitwell.runs.folder import check_writable
from fitwell.runs.given import name_given
from fitwell.runs.launch import make_task, run
from fitwell.runs.place import Place
from fitwell.runs.question import Question
from fitwell.runs.watch import Silent

if TYPE_CHECKING:
    from fitwell.report.notebook import Plot

TRAINED_BY = ("optimizer", "optimizer_args", "loss")
"""Options that may be objects in Python."""

Model = str | nn.Module | Callable[..., nn.Module]


@dataclass(frozen=True)
class Answer:
    """What a verb returns.

    Attributes:
        result: everything that was found, as plain data.
        predictor: the trained model with its preprocessing.
    """

    result: Result
    predictor: Predictor

    @property
    def module(self) -> nn.Module:
        """The trained network, bare, in eval mode."""
        return self.predictor.network

    @property
    def diagnosis(self) -> Diagnosis:
        """Verdict, severity, evidence and advice on the untreated network."""
        return self.result.diagnosis

    @property
    def regularization(self) -> Regularization | None:
        """The chosen strengths; None after diagnose."""
        return self.result.regularization

    def __str__(self) -> str:
        from fitwell.report.text import answer

        return answer(self.result, "en")

    def _repr_html_(self) -> str:
        from fitwell.report.notebook import summary

        return summary(self.result)

    def plot(self, kind: str = "gap", *, lang: str = "en") -> "Plot":
        """Draw a chart of the report: ``gap``, ``forest``, ``calibration``, ``curves``, ...

        Raises:
            InputError: no such chart, or this answer has nothing to draw for it.
        """
        from fitwell.report.notebook import plot

        return plot(self.result, kind, lang=lang)


@dataclass(frozen=True)
class Reading:
    """What `diagnose` says of a network that is trained already.

    Attributes:
        state: training and test scores with intervals, and the gap.
        diagnosis: verdict, severity, evidence and advice.
    """

    state: State
    diagnosis: Diagnosis


def diagnose(model: Model, train: Any, test: Any = None, **options: Any) -> Answer | Reading:
    """Say whether the gap between training and test accuracy is real, and what causes it.

    Args:
        model: a trained module is judged as it is, on ``train`` and ``test``; a factory or
            the name of a built-in network is trained first.
        train: ``(x, y)`` or a Dataset of such pairs; for a network that is trained here,
            a DataFrame or a file name too.
        test: the same for the test rows; where None, a fifth of ``train`` is set aside,
            which a trained module does not allow.
        options: ``target`` for tables, ``out`` for a run folder, and those of the command
            line: ``seed``, ``epochs``, ``batch_size``, ...

    Raises:
        InputError: an argument that cannot be used.
    """
    if isinstance(model, nn.Module):
        if test is None:
            raise InputError(
                "test is missing: a trained network can only be judged on rows that it was not"
                " trained on. Give them, or give a function that builds the network."
            )
        return _read(model, train, test, options)
    return _answer("diagnose", model, train, test, options)


def tune(model: Model, train: Any, test: Any = None, **options: Any) -> Answer:
    """Find the L1, L2 and dropout that suit a network, and test the result once.

    Args:
        model: a function of the number of inputs and of outputs that builds the network, a
            module (copied; its weights are drawn anew), or ``"mlp"`` or ``"cnn"``.
        train: as for `diagnose`.
        test: as for `diagnose`.
        options: as for `diagnose`, and ``trials``, ``seeds``, ``budget`` in seconds,
            ``workers``, ``ray``; ``layers``, a pattern or several: layers of such names get
            strengths of their own; ``bag`` or ``greedy`` to ship several networks as one;
            ``from_weights``, a safetensors file or a ``state_dict`` of the network, from which
            the treatment is tried too; ``log`` (such as ``"tensorboard:logs"``, or several),
            ``storage`` for Optuna; ``optimizer`` (a class), ``optimizer_args`` (a dict) and
            ``loss`` (a function of outputs and class numbers, one number per row).

    Raises:
        InputError: an argument that cannot be used.
        TrainingFailed: the network cannot be trained at all.
    """
    return _answer("tune", model, train, test, options)


def compare(model: Model, train: Any, test: Any = None, **options: Any) -> Answer:
    """Hold the tuned treatment against more shuffling, more rows and a smaller network.

    Arguments and errors are those of `tune`; besides, ``resamples`` says how many outer splits
    decide (10; 0 for the test rows alone), and ``arms`` names a YAML file with arms of your own.
    """
    return _answer("compare", model, train, test, options)


def _answer(verb: str, model: Model, train: Any, test: Any, options: dict[str, Any]) -> Answer:
    place, source_options, asked = _sort(options)
    if place.out is not None:
        check_writable(place.out)
    trained = {key: asked.pop(key) for key in TRAINED_BY if key in asked}
    named = {key: _named(given) for key, given in {"model": model, **trained}.items()}
    asked["from_weights"], weights = name_given(asked.get("from_weights"))
    question = Question(verb=verb, **named, **asked)  # type: ignore[arg-type]
    source = _source(train, test, source_options)
    task = make_task(question, source, _blueprint(model), own=own(**trained), weights=weights)
    given = {"path": "given in Python", **source_options}
    performed = run(question, task, place, Silent(), options=given)
    encoder: Any = None if isinstance(task.encoder, AsIs) else task.encoder
    shape = task.material.shape
    predictor = Predictor(performed.network, encoder, task.source.classes, shape)
    return Answer(performed.result, predictor)


def _named(given: Any) -> str:
    """Give an option as it is stored: what came as an object by its name."""
    if isinstance(given, str):
        return given
    return written(given) if isinstance(given, dict) else f"{_name(given)} (given in Python)"


def _sort(options: dict[str, Any]) -> tuple[Place, dict[str, Any], dict[str, Any]]:
    """Sort options by whom they concern; an unknown one is refused."""
    about_place = {"out", "resume", "force", "workers", "ray", "lang", "log", "storage"}
    about_data = {"target", "group", "time", "ignore"}
    about_run = {f.name for f in fields(Question)} - {"verb", "model"}
    known = about_place | about_data | about_run
    for name in options:
        if name not in known:
            near = difflib.get_close_matches(name, sorted(known), n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known are {', '.join(sorted(known))}."
            raise InputError(f"{name} is no option. {hint}")
    if options.get("lang", "en") not in ("en", "ko"):
        raise InputError(f"lang is {options['lang']!r}, but en or ko is expected.")
    if isinstance(options.get("log"), str):
        options = {**options, "log": (options["log"],)}
    layers = options.get("layers")
    if layers is not None:
        several = isinstance(layers, list | tuple)
        options = {**options, "layers": tuple(layers) if several else (layers,)}
    else:
        options = {name: value for name, value in options.items() if name != "layers"}
    place = Place(**{"out": None, **{k: v for k, v in options.items() if k in about_place}})
    if place.out is not None:
        place = replace(place, out=Path(place.out))
    elif place.ray is None:
        place = replace(place, workers=place.workers or 1)
    data = {k: v for k, v in options.items() if k in about_data}
    return place, data, {k: v for k, v in options.items() if k in about_run}


def _source(train: Any, test: Any, options: dict[str, Any]) -> Source:
    if isinstance(train, str | Path):
        return load_source(train, test=test, **options)
    if isinstance(train, pd.DataFrame):
        if options.get("target") is None:
            raise InputError("target is missing: name the column of the DataFrame to predict.")
        return make_table(train, **options, test=test)
    if options:
        raise InputError(f"{next(iter(options))} is for tables, but train is not a DataFrame.")
    return make_arrays(train, test)


def _blueprint(model: Model) -> Blueprint | None:
    if isinstance(model, str):
        return None
    if isinstance(model, nn.Module):
        return Blueprint(kind="custom", factory=from_module(model), name=_name(model))
    if not callable(model):
        raise InputError(
            f"model is {type(model).__name__}, but a module, a function that builds one, 'mlp' or"
            " 'cnn' is expected."
        )
    return Blueprint(kind="custom", factory=model, name=_name(model))


def _name(model: Any) -> str:
    return str(getattr(model, "__name__", type(model).__name__))


def _read(module: nn.Module, train: Any, test: Any, options: dict[str, Any]) -> Reading:
    if options:
        raise InputError(f"{next(iter(options))} is no option for a network that is trained.")
    for name, part in (("train", train), ("test", test)):
        if isinstance(part, str | Path | pd.DataFrame):
            raise InputError(
                f"{name} is a {type(part).__name__}, but a trained network reads numbers: give"
                " (x, y) as it was trained on, or a Dataset."
            )
    source = make_arrays(train, test)
    assert source.official is not None
    parts = []
    for number in (-1, 2):
        rows = np.flatnonzero(source.official == number)
        parts.append((_probabilities(module, source.x[rows]), source.target[rows], None))
    found = state("as given", parts[0], parts[1])
    return Reading(found, decide([check_gap(found), check_gap_log_loss(found)]))


def _probabilities(module: nn.Module, x: NDArray[np.float32]) -> NDArray[np.float64]:
    """Judge a copy, on the processor, in eval mode."""
    import copy

    from fitwell.training.loop import probabilities

    with torch.no_grad():
        return probabilities(copy.deepcopy(module).cpu(), x)
