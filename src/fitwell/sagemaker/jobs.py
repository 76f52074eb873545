"""What is sent to SageMaker: planned and checked as a whole first, then sent in order."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fitwell.errors import InputError
from fitwell.sagemaker.aws import Aws, CloudError, call
from fitwell.sagemaker.check import must_pass
from fitwell.sagemaker.cloud import Cloud
from fitwell.sagemaker.requests import (
    PAYLOAD_MB,
    Body,
    Channel,
    as_texts,
    endpoint_body,
    endpoint_config_body,
    model_body,
    training_body,
    transform_body,
)
from fitwell.sagemaker.serving_rules import SPOKEN
from fitwell.sagemaker.sweep import Sweep, tuning_body
from fitwell.sagemaker.uploads import Upload, content_type, plan_upload, send


@dataclass(frozen=True)
class Request:
    """One call: ``operation`` such as ``CreateTrainingJob``, and its body."""

    operation: str
    body: Body


@dataclass(frozen=True)
class Plan:
    """What there is to send.

    Attributes:
        name: of the job or the endpoint.
        uploads: data, sent first.
        requests: sent in order.
        key_id: KMS key that the data are encrypted with.
    """

    name: str
    uploads: tuple[Upload, ...]
    requests: tuple[Request, ...]
    key_id: str = ""

    def check(self) -> "Plan":
        """Give the plan itself.

        Raises:
            InputError: a request is not in order; every finding is named.
        """
        for request in self.requests:
            must_pass(request.operation, request.body)
        return self


def plan_training(
    data: str,
    options: Mapping[str, Any],
    *,
    cloud: Cloud,
    test: str | None = None,
    name: str = "",
) -> Plan:
    """Plan a training job.

    Args:
        data: a file or a folder of images, or what lies in S3 already.
        options: hyperparameters, with values of their own types.
        cloud: where and by what.
        test: an own test set.
        name: of the job; one with the time in it unless given.

    Raises:
        InputError: data, options or the request itself are not in order.
    """
    given = {"train": data} if test is None else {"train": data, "test": test}
    channels, uploads = place(given, cloud)
    name = name or new_name(data)
    body = training_body(name, cloud, channels, as_texts(options))
    return Plan(name, uploads, (Request("CreateTrainingJob", body),), cloud.output_key).check()


def plan_tuning(
    data: str,
    options: Mapping[str, Any],
    *,
    cloud: Cloud,
    sweep: Sweep | None = None,
    test: str | None = None,
    name: str = "",
) -> Plan:
    """Plan a tuning job of SageMaker: a training job per setting; see `plan_training`.

    Raises:
        InputError: data, options or the request itself are not in order.
    """
    given = {"train": data} if test is None else {"train": data, "test": test}
    channels, uploads = place(given, cloud)
    name = name or new_name(data, 32)
    body = tuning_body(name, cloud, channels, as_texts(options), sweep or Sweep())
    request = Request("CreateHyperParameterTuningJob", body)
    return Plan(name, uploads, (request,), cloud.output_key).check()


def place(given: Mapping[str, str], cloud: Cloud) -> tuple[tuple[Channel, ...], tuple[Upload, ...]]:
    """Give channels for data, and what must be uploaded for them."""
    channels, uploads = [], []
    for name, where in given.items():
        uri = where
        if not where.startswith("s3://"):
            uploads.append(plan_upload(Path(where), cloud.s3))
            uri = uploads[-1].uri
        channels.append(Channel(name=name, uri=uri, content_type=content_type(where)))
    return tuple(channels), tuple(uploads)


def plan_deployment(job: str, *, cloud: Cloud, model_data: str, endpoint: str = "") -> Plan:
    """Plan a model named like its job, a configuration, and an endpoint.

    ``model_data`` is the address of the job's model.tar.gz.
    """
    endpoint = endpoint or job
    config = f"{endpoint[:47]}-{_stamp()}"
    requests = (
        Request("CreateModel", model_body(job, cloud, model_data)),
        Request("CreateEndpointConfig", endpoint_config_body(config, cloud, job)),
        Request("CreateEndpoint", endpoint_body(endpoint, cloud, config)),
    )
    return Plan(endpoint, (), requests).check()


def plan_transform(job: str, data: str, *, cloud: Cloud, model_data: str, name: str = "") -> Plan:
    """Plan predictions for the rows of a file, or of the files in a folder.

    Raises:
        InputError: a type that the server does not read, or a file that it would refuse.
    """
    channels, uploads = place({"data": data}, cloud)
    files = [(str(path), path.stat().st_size) for up in uploads for _, path in up.files]
    kinds = {content_type(file) for file, _ in files or [(data, 0)]}
    for file, size in files:
        if size > PAYLOAD_MB * 2**20 or file.endswith(".gz"):
            raise InputError(
                f"{file} is packed or over {PAYLOAD_MB} MiB, but each file is one request to the"
                " model. Unpack it, and split it into several files in a folder."
            )
    if len(kinds) != 1 or not kinds < set(SPOKEN):
        raise InputError(
            f"{data}: files of one type are expected: .csv, .json, .parquet or .npy. For images"
            " save their pixels as npy."
        )
    name = name or new_name(data)
    rows = replace(channels[0], content_type=kinds.pop())
    requests = (
        Request("CreateModel", model_body(job, cloud, model_data)),
        Request("CreateTransformJob", transform_body(name, cloud, job, rows)),
    )
    return Plan(name, uploads, requests, cloud.output_key).check()


def submit(plan: Plan, aws: Aws, tell: Callable[[str], None] = lambda _: None) -> str:
    """Send a plan, and give the name of what it started.

    Raises:
        InputError: boto3, credentials or the region are missing; the endpoint exists.
        CloudError: AWS refused something.
    """
    client = aws.client("sagemaker")
    requests = _needed(plan.requests, client)
    if plan.uploads:
        s3 = aws.client("s3")
        for upload in plan.uploads:
            send(upload, s3, key_id=plan.key_id, tell=tell)
    for request in requests:
        call(client, request.operation, request.body)
    return plan.name


def _needed(requests: Sequence[Request], client: Any) -> list[Request]:
    """Leave out a model that is there already; refuse an endpoint that is."""
    needed = []
    for request in requests:
        if request.operation == "CreateModel" and _has(client, "Model", request.body):
            continue
        if request.operation == "CreateEndpoint" and _has(client, "Endpoint", request.body):
            name = request.body["EndpointName"]
            raise InputError(
                f"endpoint {name} exists. Choose another --endpoint, or end it first: fitwell"
                f" sagemaker stop {name} --kind endpoint"
            )
        needed.append(request)
    return needed


def _has(client: Any, what: str, body: Body) -> bool:
    try:
        call(client, f"Describe{what}", {f"{what}Name": body[f"{what}Name"]})
    except CloudError as error:
        if re.search("could not find|not found", str(error), re.IGNORECASE):
            return False
        raise
    return True


def new_name(data: str, longest: int = 63) -> str:
    """Make a name of the data's and the time, as AWS takes it."""
    stem = Path(data.rstrip("/")).name.split(".")[0]
    slug = re.sub(r"[^a-zA-Z0-9]+", "-", stem).strip("-")[: longest - 24].strip("-")
    return "-".join(part for part in ("fitwell", slug, _stamp()) if part)


def _stamp() -> str:
    return f"{datetime.now(UTC):%Y%m%d-%H%M%S}"


def expected_model(job: str, cloud: Cloud) -> str:
    """Give the address at which a job that was started with this cloud leaves its model."""
    return f"{cloud.jobs}/{job}/output/model.tar.gz"
