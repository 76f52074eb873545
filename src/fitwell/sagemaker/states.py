"""How a job or an endpoint is doing, and its end."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fitwell.errors import InputError
from fitwell.sagemaker.aws import Aws, call


@dataclass(frozen=True)
class Kind:
    """What SageMaker calls a kind of thing: ``noun`` in its operations, how it is stopped."""

    noun: str
    stop: str
    status: str
    running: tuple[str, ...]


KINDS = {
    "training": Kind("TrainingJob", "StopTrainingJob", "TrainingJobStatus",
                     ("InProgress", "Stopping")),
    "tuning": Kind("HyperParameterTuningJob", "StopHyperParameterTuningJob",
                   "HyperParameterTuningJobStatus", ("InProgress", "Stopping")),
    "transform": Kind("TransformJob", "StopTransformJob", "TransformJobStatus",
                      ("InProgress", "Stopping")),
    "endpoint": Kind("Endpoint", "DeleteEndpoint", "EndpointStatus",
                     ("Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting")),
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class State:
    """What AWS says about something now.

    Attributes:
        name: its name.
        kind: a key of `KINDS`.
        state: AWS's word, such as ``InProgress``.
        running: whether it may still change by itself.
        reason: why it failed, in the job's own words.
        metrics: the last value of each that was read from the log.
        seconds: that AWS bills so far, where it says so.
        instance: type of the machines; ``count`` is how many.
        place: where its output lies in S3.
        best: of a tuning job, the best training job so far.
    """

    name: str
    kind: str
    state: str
    running: bool
    reason: str = ""
    metrics: tuple[tuple[str, float], ...] = ()
    seconds: int | None = None
    instance: str = ""
    count: int = 1
    place: str = ""
    best: str = ""

    def lines(self) -> list[str]:
        """Say it in lines of text; what is not known is left out."""
        found = [f"{self.kind} {self.name}: {self.state}"]
        found += [f"  reason: {self.reason}"] if self.reason else []
        found += [f"  {name}: {value:g}" for name, value in self.metrics]
        found += [f"  best job: {self.best}"] if self.best else []
        if self.seconds is not None:
            found.append(f"  billed: {self.seconds} s of {self.count} x {self.instance}")
        found += [f"  output: {self.place}"] if self.place else []
        return found


def status(name: str, *, kind: str = "training", aws: Aws | None = None) -> State:
    """Ask AWS how something is doing.

    Raises:
        InputError: an unknown kind; boto3, credentials or the region are missing.
        CloudError: AWS does not know it.
    """
    return read_state(name, kind, describe(name, kind, aws or Aws()))


def describe(name: str, kind: str, aws: Aws) -> dict[str, Any]:
    """Give AWS's own description."""
    noun = _kind(kind).noun
    return call(aws.client("sagemaker"), f"Describe{noun}", {f"{noun}Name": name})


def _kind(kind: str) -> Kind:
    if kind not in KINDS:
        raise InputError(f"--kind is {kind!r}, but one of {', '.join(KINDS)} is expected.")
    return KINDS[kind]


def read_state(name: str, kind: str, found: dict[str, Any]) -> State:
    """Read AWS's description."""
    known = KINDS[kind]
    resources = found.get("ResourceConfig") or found.get("TransformResources") or {}
    metrics = found.get("FinalMetricDataList", ())
    best = found.get("BestTrainingJob") or {}
    output = found.get("TransformOutput", {}).get("S3OutputPath", "")
    return State(
        name=name,
        kind=kind,
        state=found[known.status],
        running=found[known.status] in known.running,
        reason=" ".join(found.get("FailureReason", "").split()),
        metrics=tuple((m["MetricName"], float(m["Value"])) for m in metrics),
        seconds=found.get("BillableTimeInSeconds"),
        instance=resources.get("InstanceType", ""),
        count=resources.get("InstanceCount", 1),
        place=found.get("ModelArtifacts", {}).get("S3ModelArtifacts", output),
        best=best.get("TrainingJobName", ""),
    )


def wait(
    name: str,
    *,
    kind: str = "training",
    aws: Aws | None = None,
    every: float = 30.0,
    tell: Callable[[State], None] = lambda _: None,
) -> State:
    """Ask every so many seconds until something no longer changes by itself."""
    before = None
    while True:
        state = status(name, kind=kind, aws=aws)
        if state != before:
            tell(state)
        if not state.running:
            return state
        before = state
        time.sleep(every)


def stop(name: str, *, kind: str = "training", aws: Aws | None = None) -> None:
    """Stop a job, or delete an endpoint; a job's search stays among its checkpoints.

    Raises:
        InputError: an unknown kind; boto3, credentials or the region are missing.
        CloudError: AWS refused it.
    """
    known = _kind(kind)
    call((aws or Aws()).client("sagemaker"), known.stop, {f"{known.noun}Name": name})
