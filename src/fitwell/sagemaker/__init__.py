"""The same job on Amazon SageMaker; the only place that knows /opt/ml.

Inside a job: `fitwell.sagemaker.entry`. From outside, what ``fitwell sagemaker`` does::

    from fitwell import sagemaker

    cloud = sagemaker.Cloud(role=ROLE, image=IMAGE, s3="s3://bucket/fitwell")
    plan = sagemaker.plan_training("visits.csv", {"target": "outcome"}, cloud=cloud)
    job = sagemaker.submit(plan, sagemaker.Aws(region="eu-central-1"))
    sagemaker.wait(job)
    run = sagemaker.fetch(job, Path("run"))
"""

import importlib
from typing import Any

_HOMES = {
    "Aws": "aws", "Cloud": "cloud", "Sweep": "sweep", "fetch": "fetching",
    "metric_definitions": "metrics", "plan_deployment": "jobs", "plan_training": "jobs",
    "plan_transform": "jobs", "plan_tuning": "jobs", "status": "states", "stop": "states",
    "submit": "jobs", "tune_here": "local_tuning", "wait": "states",
}  # fmt: skip

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
