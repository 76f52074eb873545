"""What stands for AWS here: moto's server in a process of its own, and a machine that runs jobs.

moto records requests and holds S3, but runs nothing: `execute` takes a recorded job, lays out a
private /opt/ml, runs the package's own entry point in it and uploads what it left.
"""

import json
import os
import shlex
import subprocess
import sys
import tarfile
import time
from contextlib import contextmanager
from pathlib import Path

import boto3
import httpx

from sagemaker.bodies import IMAGE, ROLE
from sagemaker.conftest import AROUND
from serving.live import FITWELL, free_port

BUCKET = "bucket"
KEYS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
OURS = {
    "FITWELL_SAGEMAKER_ROLE": ROLE,
    "FITWELL_SAGEMAKER_IMAGE": IMAGE,
    "FITWELL_SAGEMAKER_S3": f"s3://{BUCKET}/fitwell",
}


OWN = (FITWELL.with_name("fitwell-sagemaker"), "train")
"""What an own image is started with."""

TOOLKIT = (FITWELL.with_name("train"),)
"""What AWS's framework images are started with."""


def mounted(base, command):
    """Give a command that sees a folder as /opt/ml itself, which a driver has in its text."""
    script = f"mount -t tmpfs none /opt; mkdir /opt/ml; mount --bind {base} /opt/ml; exec "
    words = " ".join(map(shlex.quote, map(str, command)))
    return "unshare", "--mount", "--propagation", "private", "sh", "-ec", script + words


@contextmanager
def moto_server():
    """Start moto on a port of its own; gives its address."""
    port = free_port()
    command = [Path(sys.executable).with_name("moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(
        command, env={**os.environ, **KEYS}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    address = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 60
        while True:
            assert process.poll() is None, "moto ended before it answered"
            assert time.monotonic() < until, "moto did not answer"
            try:
                httpx.get(f"{address}/moto-api/", timeout=2)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        yield address
    finally:
        process.terminate()
        process.wait(30)


def client(service, address):
    return boto3.client(
        service,
        endpoint_url=address,
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )


def execute(name, address, base, command=OWN, **environment):
    """Run a recorded training job in a private /opt/ml, as SageMaker would; give its log."""
    found = client("sagemaker", address).describe_training_job(TrainingJobName=name)
    s3 = client("s3", address)
    log = run_job(name, found, found["HyperParameters"], s3, base, command, **environment)
    out = f"{found['OutputDataConfig']['S3OutputPath']}/{name}/output"
    assert found["ModelArtifacts"]["S3ModelArtifacts"] == f"{out}/model.tar.gz"
    for folder, archive in (("model", "model.tar.gz"), ("output/data", "output.tar.gz")):
        upload(s3, pack(base / folder, base / archive), f"{out}/{archive}")
    return log


def run_job(name, found, hyperparameters, s3, base, command=OWN, **environment):
    """Lay out a private /opt/ml by a description, and run the entry point in it; give its log."""
    _channels(found, s3, base)
    _configs(found, hyperparameters, base)
    ours = {key: value for key, value in os.environ.items() if not key.startswith(AROUND)}
    ended = subprocess.run(
        command,
        env={**ours, "SAGEMAKER_BASE_DIR": str(base), "TRAINING_JOB_NAME": name, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def _channels(found, s3, base):
    for channel in found["InputDataConfig"]:
        bucket, prefix = where(channel["DataSource"]["S3DataSource"]["S3Uri"])
        folder = base / "input" / "data" / channel["ChannelName"]
        for entry in s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
            path = folder / entry["Key"].removeprefix(prefix).lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, entry["Key"], str(path))


def _configs(found, hyperparameters, base):
    resources = {
        "current_host": "localhost",  # a name that resolves: the toolkit waits for its hosts
        "current_instance_type": found["ResourceConfig"]["InstanceType"],
        "hosts": ["localhost"],
        "network_interface_name": "lo",
    }
    channels = {
        channel["ChannelName"]: {
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
        }
        for channel in found["InputDataConfig"]
    }
    configs = {
        "hyperparameters": hyperparameters,
        "resourceconfig": resources,
        "inputdataconfig": channels,
    }
    for folder in ("input/config", "model", "output/data"):
        (base / folder).mkdir(parents=True, exist_ok=True)
    for name, content in configs.items():
        (base / "input" / "config" / f"{name}.json").write_text(json.dumps(content))


def pack(folder, archive):
    with tarfile.open(archive, "w:gz") as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name)
    return archive


def upload(s3, path, uri):
    bucket, key = where(uri)
    s3.upload_file(str(path), bucket, key)


def where(uri):
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
