"""A tuning job of SageMaker: one training job per setting of the strengths."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fitwell.errors import InputError
from fitwell.sagemaker.cloud import Cloud
from fitwell.sagemaker.metrics import OBJECTIVE
from fitwell.sagemaker.requests import Body, Channel, training_body
from fitwell.sagemaker.strengths import SWITCH, Strength, strengths

EACH = {"verb": "tune", "trials": "1", "seeds": "1", SWITCH: "true"}
"""What every job of a tuning job is asked, beside its strengths: one setting, trained once."""


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """How a tuning job searches.

    Attributes:
        jobs: how many training jobs there are.
        at_once: how many run at a time; the fewer, the more each learns from those before.
        strategy: ``Bayesian`` or ``Random``. Hyperband stops jobs by what they say on their
            way, and a job of fitwell says its objective once, at the end.
        seed: of the tuning job's own draws.
        early_stopping: ``Off`` by default. ``Auto`` stops a job that lags behind the median
            of the others at the same epoch, and a strongly regularized one begins slowly.
        parents: tuning jobs with the same data and options to learn from, five at most.
    """

    jobs: int = 20
    at_once: int = 2
    strategy: Literal["Bayesian", "Random"] = "Bayesian"
    seed: int = 0
    early_stopping: Literal["Off", "Auto"] = "Off"
    parents: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        wrong = [
            f"{name} is {value!r}, but {wanted} is expected"
            for name, value, holds, wanted in (
                ("--jobs", self.jobs, self.jobs >= 1, "at least 1"),
                ("--at-once", self.at_once, 1 <= self.at_once <= self.jobs, "1 to --jobs"),
                ("--seed", self.seed, 0 <= self.seed < 2**31, "a whole number from 0 up"),
                ("--warm-start", self.parents, len(self.parents) <= 5, "at most 5 tuning jobs"),
            )
            if not holds
        ]
        if wrong:
            raise InputError("; ".join(wrong) + ".")


def tuning_body(
    name: str,
    cloud: Cloud,
    channels: Sequence[Channel],
    hyperparameters: Mapping[str, str],
    sweep: Sweep,
) -> Body:
    """Make the body of ``CreateHyperParameterTuningJob``; strengths that are given stay fixed.

    Raises:
        InputError: every strength is given, or the container's command is.
    """
    tuned = [one for key, one in strengths().items() if key not in hyperparameters]
    if not tuned:
        raise InputError("--automatic: l1, decay-epochs and dropout are all given. Leave one out.")
    if cloud.entrypoint:
        raise InputError(
            "--entrypoint: a tuning job cannot name the container's command. Use an image that"
            " answers 'train' by itself."
        )
    job = training_body(name, cloud, channels, {**EACH, **hyperparameters})
    tags = {"Tags": job.pop("Tags")} if "Tags" in job else {}
    del job["TrainingJobName"]
    job["StaticHyperParameters"] = job.pop("HyperParameters")
    body = {
        "HyperParameterTuningJobName": name,
        "HyperParameterTuningJobConfig": _config(tuned, sweep),
        "TrainingJobDefinition": job,
    }
    return {**body, **_warm_start(sweep), **tags}


def _config(tuned: Sequence[Strength], sweep: Sweep) -> Body:
    return {
        "Strategy": sweep.strategy,
        "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": OBJECTIVE},
        "ResourceLimits": {
            "MaxNumberOfTrainingJobs": sweep.jobs,
            "MaxParallelTrainingJobs": sweep.at_once,
        },
        "ParameterRanges": {"ContinuousParameterRanges": [_range(one) for one in tuned]},
        "TrainingJobEarlyStoppingType": sweep.early_stopping,
        "RandomSeed": sweep.seed,
    }


def _range(strength: Strength) -> Body:
    return {
        "Name": strength.name,
        "MinValue": repr(strength.low),
        "MaxValue": repr(strength.high),
        "ScalingType": "Logarithmic" if strength.log else "Linear",
    }


def _warm_start(sweep: Sweep) -> Body:
    if not sweep.parents:
        return {}
    parents = [{"HyperParameterTuningJobName": name} for name in sweep.parents]
    return {
        "WarmStartConfig": {
            "ParentHyperParameterTuningJobs": parents,
            "WarmStartType": "IdenticalDataAndAlgorithm",
        }
    }
