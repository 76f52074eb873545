"""Jobs started from outside: boto3 over a real socket to moto's server, run in a private /opt/ml."""

import json
import re
from importlib.util import find_spec

import httpx
import pandas as pd
import pytest

if find_spec("moto") is None or find_spec("flask") is None:
    pytest.skip("moto's server is not installed: pip install 'fitwell[toolkit]'",
                allow_module_level=True)  # fmt: skip

from click.testing import CliRunner

from fitwell.cli import main
from fitwell.runs.prediction import load_predictor
from fitwell.sagemaker.metrics import BEST_TRIAL, METRICS, pattern
from sagemaker.bodies import ROLE
from sagemaker.twin import BUCKET, KEYS, OURS, client, execute, moto_server, pack, run_job, upload
from serving.live import served
from toys import make_frame

SETTINGS = ("--target", "bought", "--trials", 3, "--epochs", 3, "--seeds", 2, "--widths", "8",
            "--seed", 5, "--workers", 1)  # fmt: skip


@pytest.fixture(scope="module")
def address():
    with moto_server() as address:
        client("s3", address).create_bucket(Bucket=BUCKET)
        yield address


@pytest.fixture
def aws(address, monkeypatch, tmp_path):
    """An account on moto's server, and an empty folder to work in."""
    for name, value in {**KEYS, **OURS, "AWS_ENDPOINT_URL": address}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    monkeypatch.chdir(tmp_path)
    make_frame().to_csv("table.csv", index=False)
    return address


def fitwell(*words):
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


def done(*words):
    result = fitwell(*words)
    assert result.exit_code == 0, result.stderr
    return result.stdout.strip()


def keys(address, prefix="fitwell/"):
    pages = client("s3", address).list_objects_v2(Bucket=BUCKET, Prefix=prefix)
    return {entry["Key"]: entry["LastModified"] for entry in pages.get("Contents", ())}


def metrics_of(run):
    """What the log of a job must say that makes this run."""
    found = json.loads((run / "result.json").read_text())
    chosen, test = found["regularization"], found["after"]["test"]
    values = {
        "fitwell_gap": found["before"]["gap"],
        "fitwell_objective": chosen["estimated_log_loss"] or chosen["promised_log_loss"],
        "fitwell_test_accuracy": test["accuracy"],
        "fitwell_test_log_loss": test["log_loss"],
    }
    return {name: [f"{value['value']:.6g}"] for name, value in values.items()}


@pytest.mark.slow
def test_a_job_from_a_laptop_to_an_endpoint_makes_the_model_of_a_local_run(aws, tmp_path):
    new = make_frame(seed=9)
    new.to_csv("new.csv", index=False)
    job = done("sagemaker", "tune", "table.csv", *SETTINGS, "--spot", "--name", "from-a-laptop")
    assert job == "from-a-laptop"
    log = execute(job, aws, tmp_path / "ml")
    read = {name: re.findall(pattern(name), log) for name in METRICS if name != BEST_TRIAL}

    assert done("sagemaker", "fetch", job, "--out", "brought") == "brought"
    done("tune", "table.csv", *SETTINGS, "--out", "local", "--quiet")
    assert read == metrics_of(tmp_path / "local")
    one, other = (load_predictor(tmp_path / run).predict_proba(new) for run in ("local", "brought"))
    assert len(pd.DataFrame(one).drop_duplicates()) > len(new) / 2
    assert (one == other).all()
    assert done("predict", "brought", "new.csv") == done("predict", "local", "new.csv")
    assert "brought/report.html" in done("report", "brought")
    about = json.loads((tmp_path / "brought" / "sagemaker.json").read_text())
    assert about["HyperParameters"]["trials"] == "3"
    with served(tmp_path / "brought") as server:
        answer = server.post(new.to_csv(index=False), accept="text/csv")
        assert answer.text.strip() == done("predict", "local", "new.csv")

    assert done("sagemaker", "deploy", job, "--endpoint", "shop") == "shop"
    model = client("sagemaker", aws).describe_model(ModelName=job)
    assert model["PrimaryContainer"]["ModelDataUrl"] == (
        f"s3://{BUCKET}/fitwell/jobs/{job}/output/model.tar.gz"
    )
    config = client("sagemaker", aws).describe_endpoint(EndpointName="shop")["EndpointConfigName"]
    variants = client("sagemaker", aws).describe_endpoint_config(EndpointConfigName=config)
    assert variants["ProductionVariants"][0]["ModelName"] == job
    assert done("sagemaker", "status", "shop", "--kind", "endpoint", "--wait") == (
        "endpoint shop: InService"
    )


def test_what_arrives_at_aws_is_what_the_options_say(aws):
    job = done(
        "sagemaker", "train", "table.csv", *SETTINGS, "--verb", "compare", "--spot",
        "--subnet", "subnet-1", "--subnet", "subnet-2", "--security-group", "sg-1",
        "--volume-key", "alias/disk", "--output-key", "alias/out", "--tag", "team=shop",
        "--max-run", "2h", "--max-wait", "5h", "--isolated", "--batch-norm",
        "--ignore", "city, or town", "--instance-type", "ml.c5.4xlarge", "--volume-gb", 50,
    )  # fmt: skip
    found = client("sagemaker", aws).describe_training_job(TrainingJobName=job)
    assert re.fullmatch(r"fitwell-table-\d{8}-\d{6}", job)
    assert found["HyperParameters"] == {
        "verb": "compare", "target": "bought", "trials": "3", "epochs": "3", "seeds": "2",
        "widths": "8", "seed": "5", "workers": "1", "batch_norm": "true",
        "ignore": '["city, or town"]',
    }  # fmt: skip
    assert found["RoleArn"] == ROLE
    assert found["VpcConfig"] == {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1", "subnet-2"]}
    assert found["ResourceConfig"] == {
        "InstanceType": "ml.c5.4xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50,
        "VolumeKmsKeyId": "alias/disk",
    }  # fmt: skip
    assert found["OutputDataConfig"] == {
        "S3OutputPath": f"s3://{BUCKET}/fitwell/jobs", "KmsKeyId": "alias/out"
    }  # fmt: skip
    assert found["StoppingCondition"] == {
        "MaxRuntimeInSeconds": 7200, "MaxWaitTimeInSeconds": 18000
    }  # fmt: skip
    assert found["CheckpointConfig"] == {
        "S3Uri": f"s3://{BUCKET}/fitwell/checkpoints/{job}", "LocalPath": "/opt/ml/checkpoints"
    }  # fmt: skip
    assert found["EnableNetworkIsolation"]
    tags = client("sagemaker", aws).list_tags(ResourceArn=found["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "shop"}]


@pytest.mark.slow
def test_a_recorded_tuning_job_gives_an_objective_for_every_corner_that_is_replayed(aws, tmp_path):
    """moto starts no training jobs: its record is read, and two of its settings are run."""
    tuning = ("--target", "bought", "--epochs", 3, "--widths", "8", "--seed", 5, "--workers", 1)
    name = done("sagemaker", "tune", "table.csv", *tuning, "--automatic", "--jobs", 9, "--at-once",
                3, "--warm-start", "before", "--name", "sweep")  # fmt: skip
    asked = {"HyperParameterTuningJobName": name}
    found = client("sagemaker", aws).describe_hyper_parameter_tuning_job(**asked)
    config, job = found["HyperParameterTuningJobConfig"], found["TrainingJobDefinition"]
    assert config["RandomSeed"] == 5
    assert config["ResourceLimits"]["MaxNumberOfTrainingJobs"] == 9
    assert found["WarmStartConfig"]["ParentHyperParameterTuningJobs"] == [
        {"HyperParameterTuningJobName": "before"}
    ]
    ranges = config["ParameterRanges"]["ContinuousParameterRanges"]
    objective = config["HyperParameterTuningJobObjective"]["MetricName"]
    metrics = job["AlgorithmSpecification"]["MetricDefinitions"]
    regex = next(m["Regex"] for m in metrics if m["Name"] == objective)
    values = set()
    for end in ("MinValue", "MaxValue"):
        given = {**job["StaticHyperParameters"], **{r["Name"]: r[end] for r in ranges}}
        log = run_job(f"sweep-{end}", job, given, client("s3", aws), tmp_path / end)
        (value,) = re.findall(regex, log)
        values.add(float(value))
        result = json.loads((tmp_path / end / "model" / "result.json").read_text())
        chosen = result["regularization"]
        assert float(value) == pytest.approx(chosen["promised_log_loss"]["value"], rel=1e-5)
        # l1 is weakest at its least, decay at its longest: there they are off.
        off = {"MinValue": "l1", "MaxValue": "decay_epochs"}[end]
        assert [key for key in ("l1", "decay_epochs") if not chosen[key]] == [off]
    assert len(values) == 2


def test_a_dry_run_prints_the_requests_and_sends_nothing(aws, tmp_path):
    before = keys(aws)
    make_frame(seed=3).to_csv("unsent.csv", index=False)
    shown = json.loads(done("sagemaker", "tune", "unsent.csv", *SETTINGS, "--dry-run",
                            "--endpoint-url", "http://127.0.0.1:9", "--name", "dry"))  # fmt: skip
    assert list(shown["requests"][0]) == ["CreateTrainingJob"]
    assert shown["uploads"][0]["from"] == "unsent.csv"
    shown = json.loads(done("sagemaker", "deploy", "dry", "--dry-run",
                            "--endpoint-url", "http://127.0.0.1:9"))  # fmt: skip
    assert [next(iter(request)) for request in shown["requests"]] == [
        "CreateModel", "CreateEndpointConfig", "CreateEndpoint"
    ]  # fmt: skip
    assert keys(aws) == before


def test_a_bad_request_is_refused_before_anything_is_uploaded(aws):
    before = keys(aws)
    make_frame(seed=4).to_csv("unsent.csv", index=False)
    refused = fitwell("sagemaker", "tune", "unsent.csv", "--instance-type", "ml.zzz")
    assert refused.exit_code == 2
    assert refused.stderr == (
        "fitwell: CreateTrainingJob: ResourceConfig.InstanceType is 'ml.zzz', but it is unknown.\n"
    )
    assert keys(aws) == before


def test_what_is_there_is_not_sent_again_and_an_upload_goes_on_at_the_next_file(aws, tmp_path):
    for place in ("images/cat", "images/dog"):
        (tmp_path / place).mkdir(parents=True)
        for number in range(3):
            (tmp_path / place / f"{number}.png").write_bytes(f"{place} {number}".encode())
    (tmp_path / "images" / ".DS_Store").write_bytes(b"left out")
    first = done("sagemaker", "train", "images", "--name", "first")
    sent = {key: when for key, when in keys(aws).items() if key.endswith(".png")}
    assert sorted(key.split("/", 3)[3] for key in sent) == [
        "cat/0.png", "cat/1.png", "cat/2.png", "dog/0.png", "dog/1.png", "dog/2.png"
    ]  # fmt: skip
    lost = next(key for key in sent if key.endswith("dog/1.png"))
    client("s3", aws).delete_object(Bucket=BUCKET, Key=lost)
    again = fitwell("sagemaker", "train", "images", "--name", "second")
    assert re.findall(r"uploading (\S+)", again.stderr) == ["images/dog/1.png"]
    uris = [
        client("sagemaker", aws).describe_training_job(TrainingJobName=name)["InputDataConfig"][0]
        ["DataSource"]["S3DataSource"]["S3Uri"]
        for name in (first, "second")
    ]  # fmt: skip
    assert uris[0] == uris[1]
    (tmp_path / "images" / "cat" / "0.png").write_bytes(b"another cat")
    other = fitwell("sagemaker", "train", "images", "--name", "third")
    assert other.stderr.count("uploading") == 6


def test_rows_are_predicted_without_an_endpoint(aws, tmp_path):
    done("sagemaker", "train", "table.csv", *SETTINGS, "--name", "rows")
    make_frame(seed=9).to_csv("new.csv", index=False)
    made = set()
    for _ in range(2):
        name = done("sagemaker", "transform", "rows", "new.csv", "--instance-count", 2, "--name",
                    f"transform-{_}")  # fmt: skip
        found = client("sagemaker", aws).describe_transform_job(TransformJobName=name)
        assert found["ModelName"] == "rows"
        assert found["TransformInput"]["ContentType"] == "text/csv"
        assert found["TransformResources"]["InstanceCount"] == 2
        made.add(client("sagemaker", aws).describe_model(ModelName="rows")["CreationTime"])
    assert len(made) == 1, "the model is made once"
    told = done("sagemaker", "status", name, "--kind", "transform")
    assert told.splitlines()[0] == "transform transform-1: Completed"
    packed = fitwell("sagemaker", "transform", "rows", "s3://bucket/new.xlsx")
    assert packed.exit_code == 2
    assert packed.stderr == (
        "fitwell: s3://bucket/new.xlsx: files of one type are expected: .csv, .json, .parquet or"
        " .npy. For images save their pixels as npy.\n"
    )


def test_an_endpoint_is_made_once_and_ends_when_it_is_stopped(aws):
    done("sagemaker", "train", "table.csv", *SETTINGS, "--name", "once")
    done("sagemaker", "deploy", "once", "--endpoint", "live")
    again = fitwell("sagemaker", "deploy", "once", "--endpoint", "live")
    assert again.exit_code == 2
    assert again.stderr == (
        "fitwell: endpoint live exists. Choose another --endpoint, or end it first: fitwell"
        " sagemaker stop live --kind endpoint\n"
    )
    assert done("sagemaker", "stop", "live", "--kind", "endpoint") == (
        "endpoint live is being deleted"
    )
    gone = fitwell("sagemaker", "status", "live", "--kind", "endpoint")
    assert gone.exit_code == 1
    assert gone.stderr.startswith("fitwell: AWS refused DescribeEndpoint (ValidationException): ")


def test_a_price_is_told_by_the_user_s_table_only(aws, tmp_path):
    (tmp_path / "prices.yaml").write_text("ml.m5.xlarge: 0.25\n")
    command = ("sagemaker", "tune", "table.csv", *SETTINGS, "--dry-run", "--max-run", "2h")
    assert "at most" not in fitwell(*command).stderr
    told = fitwell(*command, "--prices", "prices.yaml")
    assert told.stderr == "fitwell: at most 0.50 in 2 h\n"
    unknown = fitwell(*command, "--prices", "prices.yaml", "--instance-type", "ml.m5.large")
    assert unknown.exit_code == 2
    assert unknown.stderr == (
        "fitwell: --prices has no line for ml.m5.large. Add 'ml.m5.large: PRICE_PER_HOUR'.\n"
    )


def test_a_job_whose_archive_is_gone_or_no_run_is_refused_and_leaves_nothing(aws, tmp_path):
    done("sagemaker", "train", "table.csv", *SETTINGS, "--name", "bare")
    model = f"s3://{BUCKET}/fitwell/jobs/bare/output/model.tar.gz"
    missing = fitwell("sagemaker", "fetch", "bare", "--out", "bare")
    assert missing.exit_code == 1
    assert missing.stderr == (
        f"fitwell: {model} is not there, though job bare is done. Was it deleted?\n"
    )
    (tmp_path / "junk").mkdir()
    (tmp_path / "junk" / "weights.bin").write_bytes(b"x")
    upload(client("s3", aws), pack(tmp_path / "junk", tmp_path / "junk.tar.gz"), model)
    other = fitwell("sagemaker", "fetch", "bare", "--out", "bare")
    assert other.exit_code == 2
    assert "weights.bin', which is no file of a run's model" in other.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["junk", "junk.tar.gz", "table.csv"]


def test_credentials_or_a_region_that_are_missing_are_one_line(aws, monkeypatch):
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "none")
    monkeypatch.setenv("AWS_CONFIG_FILE", "none")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    lost = fitwell("sagemaker", "status", "x")
    assert (lost.exit_code, lost.stderr) == (
        2, "fitwell: no AWS region. Give --region, or set AWS_DEFAULT_REGION.\n"
    )  # fmt: skip
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    bare = fitwell("sagemaker", "status", "x", "--region", "us-east-1")
    assert (bare.exit_code, bare.stderr) == (
        2,
        "fitwell: AWS credentials are missing: Unable to locate credentials. Log in (aws sso login,"
        " aws configure), or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.\n",
    )


def test_a_server_that_does_not_answer_is_one_line(aws):
    silent = fitwell("sagemaker", "status", "x", "--endpoint-url", "http://127.0.0.1:9")
    assert silent.exit_code == 1
    assert silent.stderr == (
        "fitwell: AWS cannot be asked: Could not connect to the endpoint URL:"
        ' "http://127.0.0.1:9/"\n'
    )


def test_the_server_of_these_tests_is_moto_s(address):
    assert "sagemaker" in httpx.get(f"{address}/moto-api/data.json").json()
