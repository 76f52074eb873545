"""Rules for a tuning job (Automatic Model Tuning) that the service's model does not know."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from fitwell.sagemaker.findings import Finding
from fitwell.sagemaker.training_rules import OF_DEFINITION, asked, tags, twice

Body = Mapping[str, Any]

MOST = 100
"""Hyperparameters of one job, those that are fixed and those that are tuned together."""

CONFIG = "HyperParameterTuningJobConfig"
NUMBERS = ("ContinuousParameterRanges", "IntegerParameterRanges")
WORDS = "CategoricalParameterRanges"


def definitions(body: Body) -> Iterator[tuple[str, Body, Body, Body]]:
    """Give each definition of a training job: its path, itself, its objective and its ranges.

    One definition takes objective and ranges from the tuning job, several have their own.
    """
    config = body[CONFIG]
    if "TrainingJobDefinition" in body:
        given = (config.get("HyperParameterTuningJobObjective", {}), config["ParameterRanges"])
        yield ("TrainingJobDefinition", body["TrainingJobDefinition"], *given)
    for place, one in enumerate(body.get("TrainingJobDefinitions", ())):
        own = (one.get("TuningObjective", {}), one.get("HyperParameterRanges", {}))
        yield (f"TrainingJobDefinitions[{place}]", one, *own)


def one_kind(body: Body) -> Iterator[Finding]:
    """One definition, or a list of them."""
    if ("TrainingJobDefinition" in body) == ("TrainingJobDefinitions" in body):
        yield Finding(
            "TrainingJobDefinition",
            "or TrainingJobDefinitions is expected, one of the two and not both.",
        )


def trainings(body: Body) -> Iterator[Finding]:
    """What holds for a training job holds for each definition."""
    for path, one, _, _ in definitions(body):
        for rule in OF_DEFINITION:
            for found in rule(one):
                yield Finding(f"{path}.{found.path}", found.message)


def entrypoint(body: Body) -> Iterator[Finding]:
    """A tuning job cannot name the container's command: the image must answer ``train``."""
    for path, one, _, _ in definitions(body):
        for key in ("ContainerEntrypoint", "ContainerArguments"):
            if key in one["AlgorithmSpecification"]:
                yield Finding(
                    f"{path}.AlgorithmSpecification.{key}",
                    "cannot be given in a tuning job: the image itself must answer 'train'.",
                )


def objective(body: Body) -> Iterator[Finding]:
    """The objective is one of the metrics that are read from the log."""
    for path, one, wanted, _ in definitions(body):
        known = [m["Name"] for m in one["AlgorithmSpecification"].get("MetricDefinitions", ())]
        name = wanted.get("MetricName")
        if name not in known:
            yield Finding(
                f"{path}.AlgorithmSpecification.MetricDefinitions",
                f"does not have the objective {name!r}, so that no job would have a value.",
            )


def ranges(body: Body) -> Iterator[Finding]:
    """Ranges are of numbers in order, and suit their scale."""
    for path, _, _, given in _ranges(body):
        for kind in NUMBERS:
            for place, one in enumerate(given.get(kind, ())):
                whole = kind == "IntegerParameterRanges"
                yield from _range(f"{path}.{kind}[{place}]", one, whole)
        for place, one in enumerate(given.get(WORDS, ())):
            yield from twice(f"{path}.{WORDS}[{place}].Values", "value", one["Values"])


def _ranges(body: Body) -> Iterator[tuple[str, Body, Body, Body]]:
    for path, one, wanted, given in definitions(body):
        alone = path == "TrainingJobDefinition"
        where = f"{CONFIG}.ParameterRanges" if alone else f"{path}.HyperParameterRanges"
        yield where, one, wanted, given


def _range(path: str, given: Mapping[str, str], whole: bool) -> Iterator[Finding]:
    ends = []
    for key in ("MinValue", "MaxValue"):
        try:
            ends.append(int(given[key]) if whole else float(given[key]))
        except ValueError:
            ends.append(math.nan)
        if not math.isfinite(ends[-1]):
            wanted = "a whole number" if whole else "a number"
            yield Finding(f"{path}.{key}", f"is {given[key]!r}, but {wanted} is expected.")
            return
    low, high = ends
    if low >= high:
        yield Finding(f"{path}.MinValue", f"is {low}, but less than MaxValue = {high} is expected.")
    scale = given.get("ScalingType", "Auto")
    if scale == "Logarithmic" and low <= 0:
        yield Finding(f"{path}.MinValue", f"is {low}, but a logarithmic scale begins above 0.")
    if scale == "ReverseLogarithmic" and (whole or not 0 <= low < high < 1):
        yield Finding(
            f"{path}.ScalingType",
            f"is ReverseLogarithmic, but the range is {low} to {high}: fractions from 0 to below 1"
            " are expected.",
        )


def names(body: Body) -> Iterator[Finding]:
    """Each hyperparameter once, fixed or tuned; not too many; all known to the job."""
    for path, one, _, given in _ranges(body):
        tuned = [r["Name"] for kind in (*NUMBERS, WORDS) for r in given.get(kind, ())]
        fixed = one.get("StaticHyperParameters", {})
        yield from twice(path, "hyperparameter", [*tuned, *fixed])
        if not tuned and not given.get("AutoParameters"):
            yield Finding(path, "names nothing to tune.")
        if len(tuned) + len(fixed) > MOST:
            total = len(tuned) + len(fixed)
            yield Finding(path, f"and what is fixed are {total}, but at most {MOST} are expected.")
        for ends in ("MinValue", "MaxValue"):
            texts = {r["Name"]: r[ends] for kind in NUMBERS for r in given.get(kind, ())}
            words = {r["Name"]: r["Values"][0] for r in given.get(WORDS, ())}
            found = list(asked(f"{path} at its {ends}", {**fixed, **texts, **words}))
            yield from found
            if found:
                break


def strategy(body: Body) -> Iterator[Finding]:
    """Hyperband stops jobs itself; a grid has no numbers; the limits fit together."""
    config = body[CONFIG]
    limits, kind = config["ResourceLimits"], config["Strategy"]
    most, at_once = limits.get("MaxNumberOfTrainingJobs"), limits["MaxParallelTrainingJobs"]
    if kind == "Hyperband" and config.get("TrainingJobEarlyStoppingType", "Off") != "Off":
        yield Finding(
            f"{CONFIG}.TrainingJobEarlyStoppingType",
            "is 'Auto', but Hyperband stops jobs by itself and needs 'Off'.",
        )
    bands = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig")
    if bands is not None:
        low, high = bands.get("MinResource", 1), bands.get("MaxResource", math.inf)
        key = f"{CONFIG}.StrategyConfig.HyperbandStrategyConfig"
        if kind != "Hyperband":
            yield Finding(key, f"is given, but the strategy is {kind}.")
        if low >= high:
            yield Finding(f"{key}.MinResource", f"is {low}, but less than {high} is expected.")
    if kind == "Grid":
        for path, _, _, given in _ranges(body):
            if any(given.get(numbers) for numbers in NUMBERS):
                yield Finding(path, "has numbers, but a grid takes categories only.")
    elif most is None:
        yield Finding(f"{CONFIG}.ResourceLimits.MaxNumberOfTrainingJobs", "is missing.")
    if most is not None and at_once > most:
        yield Finding(
            f"{CONFIG}.ResourceLimits.MaxParallelTrainingJobs",
            f"is {at_once}, but at most MaxNumberOfTrainingJobs = {most} is expected.",
        )


def warm_start(body: Body) -> Iterator[Finding]:
    """The parents are other tuning jobs, each named once."""
    key = "WarmStartConfig.ParentHyperParameterTuningJobs"
    given = body.get("WarmStartConfig", {}).get("ParentHyperParameterTuningJobs", ())
    parents = [parent.get("HyperParameterTuningJobName") for parent in given]
    yield from twice(key, "parent", parents)
    if body["HyperParameterTuningJobName"] in parents:
        yield Finding(key, "has the tuning job itself.")


RULES = (
    one_kind, trainings, entrypoint, objective, ranges, names, strategy, warm_start, tags,
)  # fmt: skip
