"""Jobs that AWS's own SDK submits to moto's server, run here, deployed and asked."""

import os
import subprocess
import tarfile
from importlib.util import find_spec
from shutil import which

import pytest

if find_spec("moto") is None or find_spec("flask") is None:
    pytest.skip("moto's server is not installed: pip install 'fitwell[toolkit]'",
                allow_module_level=True)  # fmt: skip

from click.testing import CliRunner

from fitwell.cli import main
from sagemaker.bodies import IMAGE, ROLE
from sagemaker.sdks import submit
from sagemaker.twin import BUCKET, KEYS, OWN, TOOLKIT, client, execute, moto_server, mounted, upload
from serving.live import free_port, running
from toys import make_frame

SETTINGS = {"target": "bought", "trials": 3, "epochs": 3, "seeds": 2, "widths": "8", "seed": 5,
            "workers": 1}  # fmt: skip
SCRIPT = "from fitwell.sagemaker.entry import main\n\nmain()\n"
DRIVER = {
    "SAGEMAKER_BASE_DIR": "/opt/ml",
    "PATH": f"{OWN[0].parent}{os.pathsep}{os.environ['PATH']}",
}
"""Version 3 brings a driver of its own, which finds python3 and fitwell in the image."""

MOUNTS = which("unshare") and not subprocess.run(["unshare", "--mount", "true"]).returncode
PRIVATE = pytest.mark.skipif(
    not MOUNTS, reason="AWS's driver needs a /opt/ml of its own, and this user may not mount one"
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def address():
    with moto_server() as address:
        client("s3", address).create_bucket(Bucket=BUCKET)
        yield address


@pytest.fixture(scope="module")
def predicted(tmp_path_factory):
    """What the run folder of a laptop predicts for new rows."""
    folder = tmp_path_factory.mktemp("local")
    make_frame().to_csv(folder / "table.csv", index=False)
    make_frame(seed=9).to_csv(folder / "new.csv", index=False)
    options = [part for name, value in SETTINGS.items() for part in (f"--{name}", str(value))]
    run = ["tune", folder / "table.csv", "--out", folder / "run", "--quiet", *options]
    CliRunner().invoke(main, list(map(str, run)), catch_exceptions=False)
    command = ["predict", str(folder / "run"), str(folder / "new.csv")]
    return CliRunner().invoke(main, command, catch_exceptions=False).stdout


@pytest.fixture
def asked(address, tmp_path):
    """What a user of an SDK has: rows in S3, a script, an image, a role."""
    make_frame().to_csv(tmp_path / "table.csv", index=False)
    upload(client("s3", address), tmp_path / "table.csv", f"s3://{BUCKET}/rows/table.csv")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "train.py").write_text(SCRIPT)
    return {
        "image": IMAGE,
        "role": ROLE,
        "bucket": BUCKET,
        "data": f"s3://{BUCKET}/rows/",
        "source": str(tmp_path / "source"),
        "output": f"s3://{BUCKET}/jobs",
        "hyperparameters": SETTINGS,
    }


@pytest.mark.parametrize(
    ("version", "what"),
    [(2, "train"), (2, "script"), (3, "train"), pytest.param(3, "script", marks=PRIVATE)],
)
def test_a_job_of_an_sdk_makes_the_model_of_a_local_run_and_is_deployed_and_served(
    version, what, address, asked, predicted, tmp_path
):
    name = f"{what}-v{version}"
    submit(version, address, tmp_path, {**asked, "what": what, "name": name})
    base = tmp_path / "ml"
    base.mkdir()
    [name] = jobs(address, name)
    found = client("sagemaker", address).describe_training_job(TrainingJobName=name)
    driver = [
        *found["AlgorithmSpecification"].get("ContainerEntrypoint", ()),
        *found["AlgorithmSpecification"].get("ContainerArguments", ()),
    ]
    assert bool(driver) == (version == 3 and what == "script")
    if driver:
        command, environment = mounted(base, driver), DRIVER
    else:
        command, environment = {"train": OWN, "script": TOOLKIT}[what], {}
    execute(name, address, base, command, **KEYS, AWS_ENDPOINT_URL=address, **environment)

    archive = f"s3://{BUCKET}/jobs/{name}/output/model.tar.gz"
    submit(
        version, address, tmp_path, {**asked, "what": "deploy", "name": name, "archive": archive}
    )
    sagemaker = client("sagemaker", address)
    config = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    [variant] = sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
    model = sagemaker.describe_model(ModelName=variant["ModelName"])
    assert served_from(model["PrimaryContainer"]["ModelDataUrl"], address, tmp_path) == predicted


def jobs(address, prefix):
    """Name the jobs that an SDK has made; version 3 puts the time behind a name."""
    listed = client("sagemaker", address).list_training_jobs()["TrainingJobSummaries"]
    return [job["TrainingJobName"] for job in listed if job["TrainingJobName"].startswith(prefix)]


def served_from(uri, address, tmp_path):
    """Start the image's server on an archive, as an endpoint does, and ask it for new rows."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    client("s3", address).download_file(bucket, key, str(tmp_path / "model.tar.gz"))
    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        tar.extractall(tmp_path / "endpoint" / "model", filter="data")
    port = free_port()
    environment = {
        **os.environ,
        "SAGEMAKER_BASE_DIR": str(tmp_path / "endpoint"),
        "SAGEMAKER_BIND_TO_PORT": str(port),
    }
    with running([OWN[0], "serve"], port, environment) as server:
        answer = server.post(make_frame(seed=9).to_csv(index=False), accept="text/csv")
        assert answer.status_code == 200
        return answer.text
