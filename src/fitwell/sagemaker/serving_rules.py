"""Rules for models, endpoints and transform jobs that the service's model does not know."""

from collections.abc import Iterator, Mapping
from typing import Any

from fitwell.sagemaker.findings import Finding
from fitwell.sagemaker.requests import PAYLOAD_MB
from fitwell.sagemaker.training_rules import s3_address, tags, twice

Body = Mapping[str, Any]

SPOKEN = (
    "text/csv", "application/json", "application/jsonlines", "application/x-parquet",
    "application/x-npy", "image/png", "image/jpeg",
)  # fmt: skip
"""Types that `fitwell serve` reads, of one model or another."""

WRITTEN = ("application/json", "text/csv", "application/jsonlines", "application/x-npy")
"""Types that it answers in."""


def container(body: Body) -> Iterator[Finding]:
    """One image with one archive."""
    if ("PrimaryContainer" in body) == ("Containers" in body):
        yield Finding("PrimaryContainer", "or Containers is expected, one of the two.")
    if "ExecutionRoleArn" not in body:
        yield Finding("ExecutionRoleArn", "is missing: the model could not read its archive.")
    if "PrimaryContainer" not in body:
        return
    model = body["PrimaryContainer"]
    if not model.get("Image") and "ModelPackageName" not in model:
        yield Finding("PrimaryContainer.Image", "is missing: name fitwell's image.")
    if "ModelDataUrl" in model:
        uri = model["ModelDataUrl"]
        yield from s3_address("PrimaryContainer.ModelDataUrl", uri)
        if not uri.endswith(".tar.gz"):
            yield Finding(
                "PrimaryContainer.ModelDataUrl", f"is {uri!r}, but a file .tar.gz is expected."
            )
    elif "ModelDataSource" not in model:
        yield Finding("PrimaryContainer.ModelDataUrl", "is missing: there would be no model.")


def variants(body: Body) -> Iterator[Finding]:
    """Each variant has a name of its own, and machines or none at all."""
    given = body["ProductionVariants"]
    yield from twice("ProductionVariants", "variant", [one["VariantName"] for one in given])
    for place, one in enumerate(given):
        path = f"ProductionVariants[{place}]"
        if "ServerlessConfig" in one:
            if "InstanceType" in one or "InitialInstanceCount" in one:
                yield Finding(f"{path}.ServerlessConfig", "stands beside machines.")
        elif "InstancePools" not in one:
            for key in ("InstanceType", "InitialInstanceCount"):
                if key not in one:
                    yield Finding(f"{path}.{key}", "is missing.")
        if "ModelName" not in one:
            yield Finding(f"{path}.ModelName", "is missing: there would be no model.")
    if not sum(one.get("InitialVariantWeight", 1) for one in given):
        yield Finding("ProductionVariants", "have weights of 0 altogether: none gets a request.")


def transform(body: Body) -> Iterator[Finding]:
    """Files that the server reads, in pieces that it takes."""
    given, out = body["TransformInput"], body["TransformOutput"]
    yield from s3_address("TransformOutput.S3OutputPath", out["S3OutputPath"])
    uri = given["DataSource"]["S3DataSource"]["S3Uri"]
    yield from s3_address("TransformInput.DataSource.S3DataSource.S3Uri", uri)
    kind = given.get("ContentType", "").split(";")[0].strip()
    if kind not in SPOKEN:
        yield Finding(
            "TransformInput.ContentType", f"is {kind!r}, but one of {', '.join(SPOKEN)} is read."
        )
    accept = out.get("Accept", WRITTEN[0])
    if accept not in WRITTEN:
        yield Finding(
            "TransformOutput.Accept", f"is {accept!r}, but one of {', '.join(WRITTEN)} is written."
        )
    megabytes = body.get("MaxPayloadInMB", 6)
    if megabytes > PAYLOAD_MB:
        yield Finding("MaxPayloadInMB", f"is {megabytes}, but the server takes {PAYLOAD_MB}.")
    if megabytes * max(body.get("MaxConcurrentTransforms", 1), 1) > 100:
        yield Finding("MaxConcurrentTransforms", "times MaxPayloadInMB is over 100 MB.")
    split = given.get("SplitType", "None")
    if body.get("BatchStrategy") == "MultiRecord" and split == "None":
        yield Finding("BatchStrategy", "is 'MultiRecord', but SplitType is 'None'.")
    if kind == "application/x-npy" and split != "None":
        yield Finding("TransformInput.SplitType", f"is {split!r}, but an npy file is one piece.")


MODEL = (container, tags)
ENDPOINT_CONFIG = (variants, tags)
ENDPOINT = (tags,)
TRANSFORM = (transform, tags)
