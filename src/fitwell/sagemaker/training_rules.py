"""Rules for a training job that the service's model does not know; most are of this package."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from fitwell.errors import InputError
from fitwell.sagemaker.cloud import LONGEST, is_folder
from fitwell.sagemaker.contract import (
    CHECKPOINTS,
    CODE_CHANNELS,
    TRAIN_CHANNELS,
    UNUSED,
    freed,
)
from fitwell.sagemaker.findings import Finding
from fitwell.sagemaker.hyperparameters import as_options
from fitwell.sagemaker.metrics import METRICS, metric_line

Body = Mapping[str, Any]

KNOWN_CHANNELS = {*TRAIN_CHANNELS, "test", UNUSED, *CODE_CHANNELS}
EXAMPLES = (0.905109, -0.0125, 1e-05, 0.0, 123456.0)
"""Values of metrics, written as a job writes them; each form of a number is among them."""


def spot(body: Body) -> Iterator[Finding]:
    """Spare machines need a time to wait and a place for checkpoints."""
    stop = body.get("StoppingCondition", {})
    run, wait = stop.get("MaxRuntimeInSeconds"), stop.get("MaxWaitTimeInSeconds")
    key = "StoppingCondition.MaxWaitTimeInSeconds"
    if not body.get("EnableManagedSpotTraining"):
        if wait is not None:
            yield Finding(key, f"is {wait}, but EnableManagedSpotTraining is not true.")
        return
    if wait is None:
        yield Finding(key, "is missing, but EnableManagedSpotTraining is true.")
    elif run is not None and wait < run:
        yield Finding(key, f"is {wait}, but at least MaxRuntimeInSeconds = {run} is expected.")
    if "CheckpointConfig" not in body:
        yield Finding(
            "CheckpointConfig",
            "is missing: a job that AWS interrupts would begin anew. Name an S3Uri.",
        )


def stopping(body: Body) -> Iterator[Finding]:
    """AWS ends a job after 28 days."""
    run = body.get("StoppingCondition", {}).get("MaxRuntimeInSeconds", 0)
    if run > LONGEST:
        yield Finding(
            "StoppingCondition.MaxRuntimeInSeconds",
            f"is {run}, but at most 28 days = {LONGEST} are expected.",
        )


def checkpoints(body: Body) -> Iterator[Finding]:
    """The job keeps its search in one folder, and no other is mirrored to S3."""
    path = body.get("CheckpointConfig", {}).get("LocalPath", CHECKPOINTS)
    if path.rstrip("/") != CHECKPOINTS:
        yield Finding(
            "CheckpointConfig.LocalPath",
            f"is {path!r}, but fitwell keeps its search in {CHECKPOINTS}. Leave the key out.",
        )


def places(body: Body) -> Iterator[Finding]:
    """Every place in S3 is written as s3://bucket/prefix."""
    found = [("OutputDataConfig.S3OutputPath", body["OutputDataConfig"]["S3OutputPath"])]
    if "CheckpointConfig" in body:
        found.append(("CheckpointConfig.S3Uri", body["CheckpointConfig"]["S3Uri"]))
    for place, channel in enumerate(body.get("InputDataConfig", ())):
        if uri := channel["DataSource"].get("S3DataSource", {}).get("S3Uri"):
            found.append((f"InputDataConfig[{place}].DataSource.S3DataSource.S3Uri", uri))
    for path, uri in found:
        yield from s3_address(path, uri)


def s3_address(path: str, uri: str) -> Iterator[Finding]:
    """Say so where a text is no s3://bucket/prefix."""
    if not is_folder(uri):
        yield Finding(path, f"is {uri!r}, but s3://bucket/prefix is expected.")


def machines(body: Body) -> Iterator[Finding]:
    """A training runs on one machine with a disk."""
    resources = body.get("ResourceConfig", {})
    for key in ("InstanceType", "InstanceCount", "VolumeSizeInGB"):
        if key not in resources and "InstanceGroups" not in resources:
            yield Finding(f"ResourceConfig.{key}", "is missing.")
    count = resources.get("InstanceCount", 1)
    if count != 1:
        yield Finding(
            "ResourceConfig.InstanceCount",
            f"is {count}, but fitwell trains on 1. Take a larger instance for more workers.",
        )
    if resources.get("VolumeSizeInGB", 1) < 1:
        yield Finding("ResourceConfig.VolumeSizeInGB", "is 0, but at least 1 is expected.")


def channels(body: Body) -> Iterator[Finding]:
    """Each channel once, by a name that the job knows, as files."""
    given = body.get("InputDataConfig", ())
    names = [channel["ChannelName"] for channel in given]
    yield from twice("InputDataConfig", "channel", names)
    for place, channel in enumerate(given):
        name = channel["ChannelName"]
        if name not in KNOWN_CHANNELS:
            yield Finding(
                f"InputDataConfig[{place}].ChannelName",
                f"is {name!r}, but train, test or validation is expected.",
            )
        mode = channel.get("InputMode", "File")
        if mode == "Pipe":
            yield Finding(f"InputDataConfig[{place}].InputMode", "is 'Pipe', but files are read.")
    if len({*names} & {*TRAIN_CHANNELS}) != 1:
        yield Finding("InputDataConfig", "needs one channel train, or training.")


def algorithm(body: Body) -> Iterator[Finding]:
    """An image, not an algorithm of AWS; data as files."""
    algorithm = body["AlgorithmSpecification"]
    if not algorithm.get("TrainingImage"):
        yield Finding("AlgorithmSpecification.TrainingImage", "is missing: name fitwell's image.")
    if "AlgorithmName" in algorithm:
        yield Finding("AlgorithmSpecification.AlgorithmName", "stands beside TrainingImage.")
    if algorithm["TrainingInputMode"] == "Pipe":
        yield Finding("AlgorithmSpecification.TrainingInputMode", "is 'Pipe', but files are read.")


def metrics(body: Body) -> Iterator[Finding]:
    """Every regular expression captures a number from a line that a job writes."""
    given = body["AlgorithmSpecification"].get("MetricDefinitions", ())
    key = "AlgorithmSpecification.MetricDefinitions"
    yield from twice(key, "metric", [metric["Name"] for metric in given])
    for place, metric in enumerate(given):
        if wrong := _unread(metric["Name"], metric["Regex"]):
            yield Finding(f"{key}[{place}].Regex", wrong)


def _unread(name: str, regex: str) -> str:
    """Say what is wrong with a metric's regular expression; empty where nothing is."""
    try:
        pattern = re.compile(regex)
    except re.error as error:
        return f"is {regex!r}, which is no regular expression: {error}."
    if not pattern.groups:
        return f"is {regex!r}, which captures nothing. Put brackets around the number."
    names = (name,) if name in METRICS else METRICS
    read = [[_captured(pattern, one, value) for value in EXAMPLES] for one in names]
    if not any(all(found) for found in read):
        line = metric_line(names[0], EXAMPLES[2])
        return f"is {regex!r}, which does not capture the number of a line such as {line!r}."
    return ""


def _captured(pattern: re.Pattern[str], name: str, value: float) -> bool:
    found = pattern.search(metric_line(name, value))
    try:
        return found is not None and math.isclose(float(found[1]), value, rel_tol=1e-5)
    except (TypeError, ValueError):
        return False


def hyperparameters(body: Body) -> Iterator[Finding]:
    """What the job itself would refuse, after a machine has been paid for."""
    given = body.get("HyperParameters", {})
    yield from asked("HyperParameters", given)


def asked(path: str, given: Mapping[str, str]) -> Iterator[Finding]:
    """Read hyperparameters as the job reads them."""
    from fitwell.sagemaker.job import ask

    try:
        ask(as_options(freed(given)))
    except InputError as error:
        yield Finding(path, f"would be refused by the job: {error}")


def tags(body: Body) -> Iterator[Finding]:
    """Each key once, none that AWS keeps for itself."""
    keys = [tag["Key"] for tag in body.get("Tags", ())]
    yield from twice("Tags", "key", keys)
    for place, key in enumerate(keys):
        if key.lower().startswith("aws:"):
            yield Finding(f"Tags[{place}].Key", f"is {key!r}, but aws: is kept for AWS itself.")


def twice(path: str, what: str, names: Iterable[str]) -> Iterator[Finding]:
    """Say so where a name stands twice in a list."""
    for name, count in Counter(names).items():
        if count > 1:
            yield Finding(path, f"has the {what} {name!r} {count} times.")


OF_DEFINITION = (
    spot, stopping, checkpoints, places, machines, channels, algorithm, metrics,
)  # fmt: skip
"""Rules that hold for a training job and for the definition in a tuning job."""

RULES = (*OF_DEFINITION, hyperparameters, tags)
