"""Requests to SageMaker as boto3 takes them: plain dictionaries, made of typed options.

Where an option is not given its key is left out, so that AWS's own default holds.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fitwell.errors import InputError
from fitwell.sagemaker.cloud import Cloud
from fitwell.sagemaker.contract import CHECKPOINTS, unquoted
from fitwell.sagemaker.hyperparameters import as_options
from fitwell.sagemaker.metrics import metric_definitions

Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Channel:
    """Data of a job: ``name`` is train or test, ``uri`` what lies there in S3."""

    name: str
    uri: str
    content_type: str = ""


def as_texts(options: Mapping[str, Any]) -> dict[str, str]:
    """Write options as hyperparameters, which are text, and read them again to be sure.

    Lists become JSON, since a comma may be part of a column's name.

    Raises:
        InputError: an unknown name, a value of another kind, or one that the job would
            read as another.

    >>> as_texts({"target": "outcome", "trials": 64, "bag": True, "ignore": ("id",)})
    {'target': 'outcome', 'trials': '64', 'bag': 'true', 'ignore': '["id"]'}
    """
    texts = {name: _text(value) for name, value in options.items()}
    read = as_options({name: unquoted(text) for name, text in texts.items()})
    for name, value in options.items():
        found, meant = read[name.replace("-", "_")], value
        if isinstance(found, tuple):  # names may be given as text with commas, too
            meant = found if isinstance(value, str) else tuple(map(str, value))
        if found != meant or unquoted(texts[name]) == "null":
            raise InputError(
                f"hyperparameter {name} is {value!r}, which a job would read as {found!r}. Choose"
                " another value."
            )
    return texts


def _text(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return json.dumps([str(part) for part in value])
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else repr(value)


def training_body(
    name: str, cloud: Cloud, channels: Sequence[Channel], hyperparameters: Mapping[str, str]
) -> Body:
    """Make the body of ``CreateTrainingJob``."""
    body = {"TrainingJobName": name, **_job(name, cloud, channels)}
    body["HyperParameters"] = dict(hyperparameters)
    if cloud.entrypoint:
        body["AlgorithmSpecification"]["ContainerEntrypoint"] = list(cloud.entrypoint)
        body["AlgorithmSpecification"]["ContainerArguments"] = ["train"]
    return {**body, **_tags(cloud)}


def _job(name: str, cloud: Cloud, channels: Sequence[Channel]) -> Body:
    """Give what a training job and the definition in a tuning job have in common."""
    stop = {"MaxRuntimeInSeconds": cloud.max_run}
    body: Body = {
        "AlgorithmSpecification": {
            "TrainingImage": cloud.image,
            "TrainingInputMode": "File",
            "MetricDefinitions": metric_definitions(),
        },
        "RoleArn": cloud.role,
        "InputDataConfig": [_channel(channel) for channel in channels],
        "OutputDataConfig": {"S3OutputPath": cloud.jobs, **_key("KmsKeyId", cloud.output_key)},
        "ResourceConfig": {
            "InstanceType": cloud.instance_type,
            "InstanceCount": cloud.instance_count,
            "VolumeSizeInGB": cloud.volume_gb,
            **_key("VolumeKmsKeyId", cloud.volume_key),
        },
        "StoppingCondition": stop,
        **_network(cloud),
        **_environment(cloud),
    }
    if cloud.spot:
        body["EnableManagedSpotTraining"] = True
        stop["MaxWaitTimeInSeconds"] = cloud.waits
    if kept := cloud.kept(name):
        body["CheckpointConfig"] = {"S3Uri": kept, "LocalPath": CHECKPOINTS}
    return body


def _channel(channel: Channel) -> Body:
    source = {
        "S3DataType": "S3Prefix",
        "S3Uri": channel.uri,
        "S3DataDistributionType": "FullyReplicated",
    }
    kind = _key("ContentType", channel.content_type)
    return {"ChannelName": channel.name, "DataSource": {"S3DataSource": source}, **kind}


def model_body(name: str, cloud: Cloud, model_data: str) -> Body:
    """Make the body of ``CreateModel``; ``model_data`` is the address of a model.tar.gz."""
    container = {"Image": cloud.image, "ModelDataUrl": model_data, **_environment(cloud)}
    return {
        "ModelName": name,
        "PrimaryContainer": container,
        "ExecutionRoleArn": cloud.role,
        **_network(cloud),
        **_tags(cloud),
    }


def endpoint_config_body(name: str, cloud: Cloud, model: str) -> Body:
    """Make the body of ``CreateEndpointConfig``: one variant that takes all requests."""
    variant = {
        "VariantName": "all",
        "ModelName": model,
        "InstanceType": cloud.instance_type,
        "InitialInstanceCount": cloud.instance_count,
        "InitialVariantWeight": 1.0,
    }
    key = _key("KmsKeyId", cloud.volume_key)
    return {
        "EndpointConfigName": name, "ProductionVariants": [variant], **key, **_tags(cloud)
    }  # fmt: skip


def endpoint_body(name: str, cloud: Cloud, config: str) -> Body:
    """Make the body of ``CreateEndpoint``."""
    return {"EndpointName": name, "EndpointConfigName": config, **_tags(cloud)}


PAYLOAD_MB = 20
"""Megabytes; `fitwell serve` takes no longer body."""


def transform_body(name: str, cloud: Cloud, model: str, data: Channel) -> Body:
    """Make the body of ``CreateTransformJob``.

    Every file is one request: a part of a CSV file would come without its header.
    """
    source = {"S3DataType": "S3Prefix", "S3Uri": data.uri}
    return {
        "TransformJobName": name,
        "ModelName": model,
        "MaxPayloadInMB": PAYLOAD_MB,
        "BatchStrategy": "SingleRecord",
        "TransformInput": {
            "DataSource": {"S3DataSource": source},
            "ContentType": data.content_type,
            "SplitType": "None",
        },
        "TransformOutput": {
            "S3OutputPath": f"{cloud.jobs}/{name}",
            "Accept": "text/csv",
            "AssembleWith": "None",
            **_key("KmsKeyId", cloud.output_key),
        },
        "TransformResources": {
            "InstanceType": cloud.instance_type,
            "InstanceCount": cloud.instance_count,
            **_key("VolumeKmsKeyId", cloud.volume_key),
        },
        **_tags(cloud),
    }


def _network(cloud: Cloud) -> Body:
    body: Body = {}
    if cloud.subnets:
        body["VpcConfig"] = {
            "SecurityGroupIds": list(cloud.security_groups),
            "Subnets": list(cloud.subnets),
        }
    if cloud.isolated:
        body["EnableNetworkIsolation"] = True
    return body


def _environment(cloud: Cloud) -> Body:
    return {"Environment": dict(cloud.environment)} if cloud.environment else {}


def _tags(cloud: Cloud) -> Body:
    tags = [{"Key": key, "Value": value} for key, value in cloud.tags]
    return {"Tags": tags} if tags else {}


def _key(name: str, value: str) -> Body:
    return {name: value} if value else {}
